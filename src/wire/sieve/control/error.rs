//! `error`: ends the script with an error of its own (RFC 5463 §5).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("message")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let message = arguments.text(0);
    Some(Box::new(Error { message }))
}

#[derive(Debug)]
struct Error {
    message: Text,
}

impl Command for Error {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        Err(Fault(self.message.expand_text(run)))
    }
}
