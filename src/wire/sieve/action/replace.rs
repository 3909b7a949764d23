//! `replace`: another content for a part or the message (RFC 5703 §5).

use crate::wire::message::compose::{encoded_words, header};
use crate::wire::message::header::Fields;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("replacement")]).tagged(&[&[tag("mime"), tag("subject").with(Kind::Text), tag("from").with(Kind::Text)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(Replace {
        mime: arguments.flag("mime"),
        subject: arguments.tag_text("subject"),
        from: arguments.tag_text("from"),
        replacement: arguments.text(0),
    }))
}

#[derive(Debug)]
struct Replace {
    mime: bool,
    subject: Option<Text>,
    from: Option<Text>,
    replacement: Text,
}

impl Command for Replace {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let part = run.part();
        let replacement = self.replacement.expand(run);
        // The replacement is a MIME entity, or the text of one.
        let entity = match self.mime {
            true => replacement,
            false => [
                b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
                replacement.as_slice(),
            ]
            .concat(),
        };
        let octets = run.state.message.octets();
        let replaced = match part {
            0 => {
                let subject = self.subject.as_ref().map(|text| text.expand_text(run));
                let from = self.from.as_ref().map(|text| text.expand_text(run));
                let mut out = kept_fields(run.state.message.header(), subject.as_deref(), from.as_deref());
                out.extend_from_slice(&entity);
                out
            }
            part => {
                let Some(range) = run.state.message.part_range(part) else {
                    return Ok(Flow::Next);
                };
                let before = octets.get(..range.start).unwrap_or_default();
                [before, &entity, octets.get(range.end..).unwrap_or_default()].concat()
            }
        };
        run.replace_message(replaced)?;
        Ok(Flow::Next)
    }
}

/// The fields of a message that say nothing of its content, and those that are new.
pub(in crate::wire::sieve) fn kept_fields(block: &[u8], subject: Option<&str>, from: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    for field in Fields::new(block) {
        let is_content = field.name.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"Content-")) || field.is("MIME-Version");
        let is_new = (subject.is_some() && field.is("Subject")) || (from.is_some() && field.is("From"));
        if !is_content && !is_new {
            out.extend_from_slice(block.get(field.start..field.end).unwrap_or_default());
        }
    }
    for (name, value) in [("Subject", subject), ("From", from)] {
        if let Some(value) = value {
            header(&mut out, name, &encoded_words(value));
        }
    }
    header(&mut out, "MIME-Version", "1.0");
    out
}
