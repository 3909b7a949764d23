//! `extracttext`: the text of a part into a variable (RFC 5703 §7).

use super::set::{modified, variable};
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::modifier::{Modifier, TAGS};
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text};
use crate::wire::sieve::text::Variable;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("variable")]).tagged(&[TAGS, &[tag("first").with(Kind::Number)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    if arguments.compiler.loops().is_empty() {
        return arguments.problem("the extracttext command stands inside of a foreverypart command only");
    }
    Some(Box::new(ExtractText {
        modifiers: Modifier::compile(arguments),
        first: arguments.tag_number("first").and_then(|number| usize::try_from(number).ok()),
        variable: variable(arguments, 0)?,
    }))
}

#[derive(Debug)]
struct ExtractText {
    modifiers: Vec<Modifier>,
    /// Characters at most.
    first: Option<usize>,
    variable: Variable,
}

impl Command for ExtractText {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let index = run.part();
        let message = &run.state.message;
        let text = match message.parts().get(index) {
            Some(part) if part.is("text", "html") => mail_parser::decoders::html::html_to_text(&message.part_text(index)),
            Some(part) if part.is_text() => message.part_text(index),
            _ => String::new(),
        };
        run.look(text.len())?;
        let text: String = text.chars().take(self.first.unwrap_or(usize::MAX)).collect();
        let value = modified(run, &self.modifiers, text.into_bytes());
        run.set(&self.variable, value);
        Ok(Flow::Next)
    }
}
