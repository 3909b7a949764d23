//! `deleteheader` (RFC 5293 §5).

use super::addheader::wrong_name;
use crate::wire::message::header::{Fields, decode_text};
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::index::Index;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("field name"), texts("value patterns").optional()])
    .tagged(&[MATCHING, &[tag("index").with(Kind::Number), tag("last")]]);

/// Fields that tell where a message has been and what made it (RFC 5293 §6).
const PROTECTED: [&str; 2] = ["received", "auto-submitted"];

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let index = Index::compile(arguments)?;
    let name = arguments.text(0);
    if let Some(message) = name.literal().and_then(wrong_name) {
        return arguments.problem_at(name.at, message);
    }
    let has_values = arguments.is_given(1);
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(DeleteHeader {
        name,
        index,
        matcher: has_values.then_some(matcher),
    }))
}

#[derive(Debug)]
struct DeleteHeader {
    name: Text,
    index: Index,
    /// None takes every value.
    matcher: Option<Matcher>,
}

impl Command for DeleteHeader {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let name = self.name.expand(run);
        if let Some(message) = wrong_name(&name) {
            return Err(Fault(message));
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        let lower = name.to_ascii_lowercase();
        if PROTECTED.contains(&lower.as_str()) || run.state.settings.editheader.forbid_delete.contains(&lower) {
            return Ok(Flow::Next);
        }
        let header = run.state.message.header().to_vec();
        run.look(header.len())?;
        let fields: Vec<_> = Fields::new(&header).filter(|field| field.is(&name)).collect();
        let mut gone = Vec::new();
        for field in self.index.pick(fields) {
            let value = decode_text(field.value).trim().to_owned().into_bytes();
            let matches = match &self.matcher {
                Some(matcher) => matcher.any(run, &[value])?,
                None => true,
            };
            if matches {
                gone.push(field.start..field.end);
            }
        }
        if gone.is_empty() {
            return Ok(Flow::Next);
        }
        let mut kept = Vec::with_capacity(header.len());
        let mut at = 0;
        for range in gone {
            kept.extend_from_slice(header.get(at..range.start).unwrap_or_default());
            at = range.end;
        }
        kept.extend_from_slice(header.get(at..).unwrap_or_default());
        run.state.message.set_header(kept);
        Ok(Flow::Next)
    }
}
