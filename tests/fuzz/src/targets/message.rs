//! Messages as they are: structure, header, texts, searches, conversion.

use std::ops::Range;

use posthouse::wire::imap::structure as spelled;
use posthouse::wire::message::downgrade::{to_seven_bits, without_binary};
use posthouse::wire::message::header::{Fields, decode_text, find, header_fields, is_whole, listed_fields, sent_at, unfold};
use posthouse::wire::message::html::{Page, limits};
use posthouse::wire::message::received::Hop;
use posthouse::wire::message::search::{Needle, header_contains, text_contains};
use posthouse::wire::message::structure::{SectionText, Structure, addresses};
use posthouse::wire::message::transfer::{Decoder, Encoding, decode_all};
use posthouse::wire::message::view::{View, attachments, mailboxes, preview, thread_root};

/// Every part lies in the message, and the cache gives back what it got.
pub fn structure(data: &[u8]) {
    let structure = Structure::parse(data);
    assert_eq!(structure.size, data.len() as u64);
    let is_inside = |range: &Range<u64>| range.start <= range.end && range.end <= structure.size;
    for part in structure.parts() {
        assert!(is_inside(&part.header) && is_inside(&part.body), "{part:?}");
    }
    for path in [&[][..], &[1], &[2], &[1, 1], &[1, 2], &[2, 1, 1]] {
        for text in [SectionText::Body, SectionText::Header, SectionText::Text, SectionText::Mime] {
            assert!(structure.section_range(path, text).is_none_or(|range| is_inside(&range)));
        }
    }
    let kept = structure.encode();
    assert_eq!(Structure::decode(&kept).as_ref(), Some(&structure));
    let mut out = Vec::new();
    spelled::envelope(&mut out, &structure.envelope);
    spelled::body(&mut out, &structure.root, true);
    spelled::body(&mut out, &structure.root, false);
    let _ = Structure::decode(data);
}

/// Fields stand in the block in order, and those that are listed are found again.
pub fn header(data: &[u8]) {
    let mut at = 0;
    for field in Fields::new(data) {
        assert!(field.start == at && field.end > field.start && field.end <= data.len());
        at = field.end;
        let _ = unfold(field.value);
        let _ = sent_at(field.value);
        let hop = Hop::read(field.value);
        assert!(hop.names.iter().all(|name| name.len() <= field.value.len().saturating_mul(3)));
    }
    let _ = is_whole(data);
    let listed = listed_fields(data);
    assert_eq!(listed_fields(&listed), listed);
    assert_eq!(find(&listed, "Subject"), find(data, "Subject"));
    let names = ["subject", "x-name"];
    let some = header_fields(data, &names, false).len();
    let others = header_fields(data, &names, true).len();
    // The last line may lack its end; then come it and a blank line.
    assert!(some <= data.len() + 4 && others <= data.len() + 4);
}

/// Encoded words (RFC 2047 §2).
pub fn words(data: &[u8]) {
    let text = decode_text(data);
    // A charset can make four octets of one, and base64 three of four.
    assert!(
        text.len() <= data.len().saturating_mul(8) + 16,
        "{} octets of {}",
        text.len(),
        data.len()
    );
}

/// Lists of addresses.
pub fn address(data: &[u8]) {
    let list = addresses(data);
    assert!(list.len() <= data.len() + 1);
    for mailbox in mailboxes(&list) {
        let _ = mailbox.to_string();
    }
}

/// A body decodes to the same in whatever pieces it comes, and to no more than it is.
pub fn transfer(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    for encoding in [Encoding::Identity, Encoding::Base64, Encoding::QuotedPrintable] {
        let mut decoder = Decoder::new(encoding);
        let mut out = Vec::new();
        octets.chunks(size).for_each(|piece| decoder.push(piece, &mut out));
        decoder.finish(&mut out);
        assert_eq!(out, decode_all(octets, encoding));
        assert!(out.len() <= octets.len() + 2);
    }
}

/// What a person sees.
pub fn view(data: &[u8]) {
    let structure = Structure::parse(data);
    let view = View::new(data, &structure);
    assert_eq!(view.attachments, attachments(data, &structure));
    for attachment in &view.attachments {
        let octets = attachment.octets(data);
        assert_eq!(octets.len() as u64, attachment.size, "{attachment:?}");
    }
    assert!(preview(data, &structure, 200).chars().count() <= 200);
    let _ = thread_root(data);
}

/// A page has no more text than it has octets, and lists have their bounds.
pub fn html(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    let page = Page::read(&html);
    // An entity may be shorter than the characters that it stands for.
    assert!(page.text.len() <= html.len() * 2);
    assert!(page.links.len() <= limits::LIST && page.pictures.len() <= limits::LIST && page.forms.len() <= limits::LIST);
}

/// A word of the message is looked for; the empty one is everywhere.
pub fn search(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    let structure = Structure::parse(octets);
    let word = String::from_utf8_lossy(octets.get(size * 3..size * 4).unwrap_or(b"x"));
    let needle = Needle::new(&word);
    let _ = header_contains(octets, None, &needle);
    let _ = header_contains(octets, Some("Subject"), &needle);
    let in_body = text_contains(octets, &structure, &needle, false);
    assert!(!in_body || text_contains(octets, &structure, &needle, true));
    assert!(Needle::new("").is_in(&word) && needle.is_in(&word));
}

/// What was converted needs no conversion.
pub fn downgrade(data: &[u8]) {
    if let Ok(converted) = to_seven_bits(data) {
        assert!(converted.is_ascii());
        assert_eq!(to_seven_bits(&converted), Ok(converted));
    }
    if let Ok(converted) = without_binary(data) {
        assert_eq!(without_binary(&converted), Ok(converted));
    }
}
