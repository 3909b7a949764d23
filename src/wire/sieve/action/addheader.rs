//! `addheader` (RFC 5293 §4).

use crate::wire::message::compose::encoded_words;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::field_name::is_field_name;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, tag, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("field name"), text("value")]).tagged(&[&[tag("last")]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let name = arguments.text(0);
    if let Some(message) = name.literal().and_then(wrong_name) {
        return arguments.problem_at(name.at, message);
    }
    let value = arguments.text(1);
    let most = arguments.compiler.settings.editheader.most_size;
    if let Some(message) = value.literal().and_then(|value| wrong_value(value, most)) {
        return arguments.problem_at(value.at, message);
    }
    let last = arguments.flag("last");
    Some(Box::new(AddHeader { name, value, last }))
}

/// What is wrong with the name of a field.
pub(in crate::wire::sieve) fn wrong_name(name: &[u8]) -> Option<String> {
    let message = || {
        format!(
            "specified field name '{}' is invalid: right are printable characters without ':'",
            String::from_utf8_lossy(name)
        )
    };
    (!is_field_name(name)).then(message)
}

/// RFC 5293 §4, RFC 5322 §4.1: what old messages may have is let through, but for the zero octet, which many programs end a text at; line
/// ends are folded.
fn wrong_value(value: &[u8], most: usize) -> Option<String> {
    let shown = || String::from_utf8_lossy(value.get(..40).unwrap_or(value)).escape_debug().to_string();
    if value.contains(&0) {
        return Some(format!("specified value '{}' is invalid: it has a zero octet", shown()));
    }
    (value.len() > most).then(|| {
        format!(
            "specified value '{}' is too long: it has {} octets of at most {most}",
            shown(),
            value.len()
        )
    })
}

#[derive(Debug)]
struct AddHeader {
    name: Text,
    value: Text,
    last: bool,
}

impl Command for AddHeader {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let (name, value) = (self.name.expand(run), self.value.expand(run));
        let wrong = wrong_name(&name).or_else(|| wrong_value(&value, run.state.settings.editheader.most_size));
        if let Some(message) = wrong {
            return Err(Fault(message));
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        // RFC 5293 §6: a change that is not allowed is passed over.
        if run.state.settings.editheader.forbid_add.contains(&name.to_ascii_lowercase()) {
            return Ok(Flow::Next);
        }
        let header = run.state.message.header();
        run.look(header.len())?;
        let field = spelled(&name, &String::from_utf8_lossy(&value));
        let header = run.state.message.header();
        let at = if self.last { end_of_fields(header) } else { 0 };
        let (before, after) = header.split_at_checked(at).unwrap_or((header, b""));
        let line_end: &[u8] = if before.is_empty() || before.ends_with(b"\n") {
            b""
        } else {
            b"\r\n"
        };
        let blank: &[u8] = if after.is_empty() { b"\r\n" } else { b"" };
        let header = [before, line_end, field.as_bytes(), after, blank].concat();
        run.state.message.set_header(header);
        Ok(Flow::Next)
    }
}

/// The field on lines of moderate length; blanks around its value are left out.
fn spelled(name: &str, value: &str) -> String {
    const PREFERRED: usize = 78;
    let value = encoded_words(value.trim());
    let mut out = format!("{name}:");
    let mut column = out.len();
    for (number, line) in value.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        if number > 0 {
            out.push_str("\r\n");
            column = 0;
        }
        for (at, word) in line.split(' ').enumerate() {
            // Only before a blank with text on both sides a line can be folded.
            if at > 0 && !word.is_empty() && column.saturating_add(word.len()) >= PREFERRED && !out.ends_with(' ') {
                out.push_str("\r\n");
                column = 0;
            }
            out.push(' ');
            out.push_str(word);
            column = column.saturating_add(word.len()).saturating_add(1);
        }
    }
    out.push_str("\r\n");
    out
}

/// Where the blank line begins.
fn end_of_fields(header: &[u8]) -> usize {
    crate::wire::message::header::Fields::new(header)
        .last()
        .map_or(0, |field| field.end)
}
