//! `discard` (RFC 5228 §4.4).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::outcome::Action;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::Signature;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING;

pub(in crate::wire::sieve) fn compile(_: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(Discard))
}

#[derive(Debug)]
struct Discard;

impl Command for Discard {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        run.act(Action::Discard)?;
        run.state.outcome.keep_is_cancelled = true;
        Ok(Flow::Next)
    }
}
