//! A message made of what somebody has to say: addresses, a subject, a text, HTML, attachments.
//!
//! RFC 5322 §3.6 (fields), RFC 2047 §5 (texts that are not ASCII), RFC 2231 §4 (names of files), RFC 2046 §5.1 (alternatives, what is shown
//! with the HTML, and attachments), RFC 2392 (pictures in the HTML).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use mail_builder::encoders::base64::base64_encode_mime;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::compose::{date, header};
use super::crlf::Crlf;
use crate::model::address::{EmailAddress, is_atext};

/// Octets of a text that go into one encoded word: it may have 75 characters (RFC 2047 §2).
const WORD: usize = 45;
/// The longest word of a header that is left as it is.
const LONG: usize = 200;
/// The longest line of an embedded message, with its CR (RFC 5322 §2.1.1).
const LINE: usize = 999;
/// RFC 2231 §7 attribute-char: what of it is no letter or digit.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');

/// What is to be said.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Message-ID, with its angle brackets.
    pub message_id: String,
    /// When it is written.
    pub date: Timestamp,
    /// Who writes.
    pub from: Person,
    /// Who gets it.
    pub to: Vec<Person>,
    /// Who gets a copy.
    pub cc: Vec<Person>,
    /// Who gets a copy that the others do not know of.
    pub bcc: Vec<Person>,
    /// Who gets the answers.
    pub reply_to: Vec<Person>,
    /// The subject.
    pub subject: Option<String>,
    /// What it answers: ids without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The conversation so far: ids without angle brackets.
    pub references: Vec<String>,
    /// Further fields: names and texts.
    pub fields: Vec<(String, String)>,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// What goes with it.
    pub enclosures: Vec<Enclosure>,
}

/// Somebody with an address.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name for people.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// A file that goes with a message.
#[derive(Debug, Clone)]
pub struct Enclosure {
    /// Its name.
    pub name: Option<String>,
    /// Such as `application/pdf`: see [`is_media_type`].
    pub media_type: String,
    /// What the HTML calls it by `cid:`, without angle brackets.
    pub content_id: Option<String>,
    /// Whether it is shown with the HTML.
    pub inline: bool,
    /// Its octets.
    pub content: Vec<u8>,
}

/// An embedded message cannot be sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is a message with a NUL octet, a bare CR or a line of more than 998 octets; give it another type, such as application/octet-stream"
)]
pub struct BadMessage;

/// Whether this is the name of a media type of one part: two tokens (RFC 2045 §5.1), and not a multipart.
pub fn is_media_type(text: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty()
            && token.len() <= 100
            && token
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&octet))
    };
    let parts = text.split_once('/');
    parts.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype) && !kind.eq_ignore_ascii_case("multipart"))
}

impl Enclosure {
    fn is_message(&self) -> bool {
        self.media_type.eq_ignore_ascii_case("message/rfc822") || self.media_type.eq_ignore_ascii_case("message/global")
    }

    /// Whether it can be sent.
    pub fn check(&self) -> Result<(), BadMessage> {
        let is_fine = |line: &[u8]| line.len() <= LINE && !line.contains(&0) && !line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r');
        match !self.is_message() || self.content.split(|&octet| octet == b'\n').all(is_fine) {
            true => Ok(()),
            false => Err(BadMessage),
        }
    }

    fn part(self) -> MimePart<'static> {
        let is_message = self.is_message();
        let disposition = if self.inline { "inline" } else { "attachment" };
        let disposition = match self.name.as_deref() {
            Some(name) => format!("{disposition}; {}", file_name(name)),
            None => disposition.to_owned(),
        };
        let (encoding, content) = match is_message {
            // RFC 2046 §5.2.1: a message is not encoded, for its parts are.
            true if self.content.is_ascii() => ("7bit", crlf(&self.content)),
            true => ("8bit", crlf(&self.content)),
            false => ("base64", base64(&self.content)),
        };
        let mut part = MimePart::new(
            mail_builder::headers::content_type::ContentType::new(self.media_type),
            BodyPart::Binary(content.into()),
        )
        .header("Content-Disposition", Raw::new(disposition));
        if let Some(id) = self.content_id {
            part = part.header("Content-ID", Raw::new(format!("<{id}>")));
        }
        part.transfer_encoding(encoding)
    }
}

impl Letter {
    /// The octets of the message, with CRLF line ends.
    pub fn spell(self) -> Vec<u8> {
        let mut out = Vec::new();
        header(&mut out, "Date", &date(self.date));
        header(&mut out, "Message-ID", &self.message_id);
        people(&mut out, "From", std::slice::from_ref(&self.from));
        for (name, list) in [("Reply-To", &self.reply_to), ("To", &self.to), ("Cc", &self.cc), ("Bcc", &self.bcc)] {
            people(&mut out, name, list);
        }
        if let Some(subject) = &self.subject {
            header(&mut out, "Subject", &text(subject));
        }
        for (name, ids) in [("In-Reply-To", &self.in_reply_to), ("References", &self.references)] {
            if !ids.is_empty() {
                let ids: Vec<String> = ids.iter().map(|id| format!("<{id}>")).collect();
                header(&mut out, name, &ids.join(" "));
            }
        }
        for (name, value) in &self.fields {
            header(&mut out, name, &text(value));
        }
        header(&mut out, "MIME-Version", "1.0");
        // Writing to memory does not fail.
        drop(self.body().write_part(&mut out));
        out
    }

    /// RFC 2046 §5.1.3, §5.1.4, RFC 2387: the text or the HTML, which has its pictures with it; then what is attached.
    fn body(self) -> MimePart<'static> {
        let is_shown = |enclosure: &Enclosure| enclosure.inline && enclosure.content_id.is_some();
        let has_html = self.html.is_some();
        let (pictures, attached): (Vec<_>, Vec<_>) = self.enclosures.into_iter().partition(|it| has_html && is_shown(it));
        let html = self.html.map(|html| {
            let html = MimePart::new("text/html", lines(&html));
            gathered(
                "multipart/related",
                std::iter::once(html).chain(pictures.into_iter().map(Enclosure::part)).collect(),
            )
        });
        let text = match self.text {
            None if html.is_none() => Some(String::new()),
            text => text,
        };
        let text = text.map(|text| MimePart::new("text/plain", lines(&text)));
        let shown = gathered("multipart/alternative", text.into_iter().chain(html).collect());
        gathered(
            "multipart/mixed",
            std::iter::once(shown).chain(attached.into_iter().map(Enclosure::part)).collect(),
        )
    }
}

/// The parts in a multipart, if they are several.
fn gathered(media_type: &'static str, mut parts: Vec<MimePart<'static>>) -> MimePart<'static> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            MimePart::new(media_type, parts)
        }
    }
}

fn people(out: &mut Vec<u8>, name: &str, list: &[Person]) {
    let person = |person: &Person| match person.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{} <{}>", phrase(name), person.address),
        None => person.address.to_string(),
    };
    if !list.is_empty() {
        header(out, name, &list.iter().map(person).collect::<Vec<_>>().join(", "));
    }
}

/// A name as it stands before an address (RFC 5322 §3.2.5): atoms, a quoted string, or encoded words.
fn phrase(name: &str) -> String {
    let is_plain = |c: char| c == ' ' || (c.is_ascii() && is_atext(c));
    match text(name) {
        encoded if encoded != name => encoded,
        plain if plain.chars().all(is_plain) => plain,
        plain => format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// A text as it stands in a header: as it is, or in encoded words.
fn text(text: &str) -> String {
    let is_fine = |word: &str| word.is_ascii() && word.len() <= LONG && !word.contains("=?");
    if text.split(' ').all(is_fine) {
        return text.to_owned();
    }
    let (mut words, mut rest) = (Vec::new(), text);
    while let Some((word, after)) = rest
        .split_at_checked(rest.floor_char_boundary(WORD))
        .filter(|(word, _)| !word.is_empty())
    {
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words.join(" ")
}

/// The name of a file as a parameter.
fn file_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-_()+,".contains(c);
    match name.chars().all(is_plain) {
        true => format!("filename=\"{name}\""),
        false => format!("filename*=utf-8''{}", utf8_percent_encode(name, ATTRIBUTE)),
    }
}

/// The text with line feeds alone, which become CRLF when the part is written.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The octets with CRLF line ends.
fn crlf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    Crlf::default().mend(octets, &mut out);
    out
}

/// In lines of 76 characters (RFC 2045 §6.8).
fn base64(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len().saturating_mul(3) / 2);
    // Writing to memory does not fail.
    drop(base64_encode_mime(octets, &mut out, false));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::structure::Structure;
    use crate::wire::message::view::View;

    fn person(name: &str, address: &str) -> Person {
        Person {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            address: address.parse().unwrap(),
        }
    }

    fn letter() -> Letter {
        Letter {
            message_id: "<1@h.test>".into(),
            date: Timestamp::UNIX_EPOCH,
            from: person("Zoë Q. \"Z\"", "zoe@h.test"),
            to: vec![person("Smith, Bob", "bob@x.test"), person("", "a@x.test")],
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            subject: Some("Grüße aus dem schönen Süden, wo die Orangen blühen und es niemals regnet".into()),
            in_reply_to: vec!["0@x.test".into()],
            references: vec!["9@x.test".into(), "0@x.test".into()],
            fields: vec![("X-Trick".into(), "a\r\nBcc: b".into()), ("X-Word".into(), "=?utf-8?q?x?=".into())],
            text: Some("One\nTwo\r\nthree".into()),
            html: None,
            enclosures: Vec::new(),
        }
    }

    fn file(name: &str, media_type: &str, content: &[u8]) -> Enclosure {
        Enclosure {
            name: Some(name.to_owned()),
            media_type: media_type.to_owned(),
            content_id: None,
            inline: false,
            content: content.to_vec(),
        }
    }

    fn read(letter: Letter) -> (View, Vec<u8>) {
        let octets = letter.spell();
        let text = String::from_utf8_lossy(&octets);
        assert!(octets.is_ascii() && text.lines().all(|line| line.len() <= 998), "{text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
        (View::new(&octets, &Structure::parse(&octets)), octets)
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        let (view, octets) = read(letter());
        let people = |list: &[crate::wire::message::view::Mailbox]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert_eq!(people(&view.from), "Zoë Q. \"Z\" <zoe@h.test>");
        assert_eq!(people(&view.to), "Smith, Bob <bob@x.test>; a@x.test");
        assert_eq!(view.subject, letter().subject);
        assert_eq!(
            (view.message_id.as_deref(), view.in_reply_to.as_slice()),
            (Some("1@h.test"), &["0@x.test".to_owned()][..])
        );
        assert_eq!(view.references, ["9@x.test", "0@x.test"]);
        assert_eq!(view.text.as_deref(), Some("One\r\nTwo\r\nthree"));
        assert!(view.bcc.is_empty() && view.headers.contains(&("X-Trick".into(), "a Bcc: b".into())));
        assert!(view.headers.contains(&("X-Word".into(), "=?utf-8?q?x?=".into())));
        assert!(!String::from_utf8(octets).unwrap().contains("multipart"));
    }

    #[test]
    fn pictures_are_with_the_html_and_files_behind_it() {
        let picture = Enclosure {
            content_id: Some("logo".into()),
            inline: true,
            ..file("logo.png", "image/png", &[0, 255, 13, 10])
        };
        let mail = b"Subject: inner\n\nbody\n";
        let (view, octets) = read(Letter {
            html: Some("<p>One</p><img src=\"cid:logo\">".into()),
            enclosures: vec![
                picture,
                file("Größe.txt", "text/plain", b"a\nb\r"),
                file("mail.eml", "message/rfc822", mail),
            ],
            ..letter()
        });
        assert!(view.html.unwrap().starts_with("<p>One</p>") && view.text.unwrap().starts_with("One"));
        let files: Vec<_> = view
            .attachments
            .iter()
            .map(|it| (it.filename.as_deref().unwrap(), it.inline, it.octets(&octets).into_owned()))
            .collect();
        let expected: [(&str, bool, &[u8]); 3] = [
            ("logo.png", true, &[0, 255, 13, 10]),
            ("Größe.txt", false, b"a\nb\r"),
            ("mail.eml", false, b"Subject: inner\r\n\r\nbody\r\n"),
        ];
        assert_eq!(files, expected.map(|(name, inline, octets)| (name, inline, octets.to_vec())));
        let kinds: Vec<String> = Structure::parse(&octets).parts().map(|part| part.subtype.clone()).collect();
        assert_eq!(
            kinds,
            [
                "mixed",
                "alternative",
                "plain",
                "related",
                "html",
                "png",
                "plain",
                "rfc822",
                "plain"
            ]
        );
    }

    #[test]
    fn messages_that_cannot_go_as_they_are_are_refused() {
        assert_eq!(file("a", "message/rfc822", &[b'x'; 1_000]).check(), Err(BadMessage));
        assert_eq!(file("a", "message/rfc822", b"a\0").check(), Err(BadMessage));
        assert_eq!(file("a", "application/zip", b"a\0").check(), Ok(()));
        for (text, is) in [
            ("text/plain", true),
            ("application/vnd.x+json", true),
            ("multipart/mixed", false),
            ("text", false),
            ("text/", false),
            ("text/plain; charset=x", false),
            ("a/b/c", false),
            ("a/b\r\nX: y", false),
        ] {
            assert_eq!(is_media_type(text), is, "{text}");
        }
    }

    #[test]
    fn nothing_to_say_is_a_message_too() {
        let (view, _) = read(Letter { text: None, ..letter() });
        assert_eq!(view.text.as_deref().map(str::trim), Some(""));
    }
}
