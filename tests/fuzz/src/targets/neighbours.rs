//! What programs beside the server say: clamd, and milters.

use posthouse::wire::clamd;
use posthouse::wire::milter::answer::{self, Answer};
use posthouse::wire::milter::headers::Headers;

/// The name of a virus stands in a reply and in a header.
pub fn clamd(data: &[u8]) {
    if let Ok(clamd::Answer::Found(name)) = clamd::parse(data) {
        assert!(!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()));
    }
}

/// The first half is a header, the rest are packets, each after a length of one octet. Whatever is changed, the header has no empty line,
/// which would begin the body, and no line that is longer for it.
pub fn milter(data: &[u8]) {
    let (header, mut packets) = data.split_at(data.len() / 2);
    let mut headers = Headers::parse(header);
    while let Some((&length, rest)) = packets.split_first() {
        let (packet, rest) = rest.split_at(usize::from(length).min(rest.len()));
        packets = rest;
        match answer::parse(packet) {
            Ok(Answer::Reply(said)) => assert!((400..600).contains(&said.code) && !said.text.contains('\r')),
            Ok(Answer::Change(change)) => headers.change(change, length % 2 == 0),
            _ => {}
        }
    }
    let before = Headers::parse(header).shown().count();
    if let Some(changed) = headers.changed() {
        let read = Headers::parse(&changed);
        assert_eq!(read.shown().count(), headers.shown().count(), "{before}");
    }
}
