//! `enclose`: the message as an attachment of a new one (RFC 5703 §6).

use crate::wire::message::compose::{encoded_words, header};
use crate::wire::message::header::Fields;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text};
use crate::wire::sieve::text::{Text, expand_all};

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("text")]).tagged(&[&[tag("subject").with(Kind::Text), tag("headers").with(Kind::Texts)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(Enclose {
        subject: arguments.tag_text("subject"),
        headers: arguments.tag_texts("headers"),
        text: arguments.text(0),
    }))
}

#[derive(Debug)]
struct Enclose {
    subject: Option<Text>,
    headers: Vec<Text>,
    text: Text,
}

impl Command for Enclose {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let message = &run.state.message;
        let subject = self.subject.as_ref().map(|text| text.expand_text(run));
        let headers = expand_all(&self.headers, run);
        let text = self.text.expand(run);
        let inner = message.octets();
        let mut out = Vec::new();
        // RFC 5703 §6: the new message has the fields that are named, and those that say where it has been.
        for field in Fields::new(message.header()) {
            let named = headers.iter().any(|name| name.eq_ignore_ascii_case(field.name));
            let of_course = ["From", "To", "Cc", "Date", "Message-ID", "Received", "Return-Path"]
                .iter()
                .any(|name| field.is(name));
            let subject_stays = field.is("Subject") && subject.is_none();
            if (named || of_course || subject_stays) && !(field.is("Subject") && subject.is_some()) {
                out.extend_from_slice(message.header().get(field.start..field.end).unwrap_or_default());
            }
        }
        if let Some(subject) = &subject {
            header(&mut out, "Subject", &encoded_words(subject));
        }
        let boundary = boundary(&inner);
        header(&mut out, "MIME-Version", "1.0");
        header(&mut out, "Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\""));
        out.extend_from_slice(
            format!("\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").as_bytes(),
        );
        out.extend_from_slice(&text);
        out.extend_from_slice(format!("\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n").as_bytes());
        out.extend_from_slice(&inner);
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        run.replace_message(out)?;
        Ok(Flow::Next)
    }
}

/// A boundary that is not in the message (RFC 2046 §5.1.1).
fn boundary(message: &[u8]) -> String {
    let candidates = (0_u32..).map(|number| format!("enclosed-{number}"));
    let is_free = |boundary: &String| memchr::memmem::find(message, boundary.as_bytes()).is_none();
    candidates.take(1000).find(is_free).unwrap_or_else(|| "enclosed".into())
}
