//! `reject` and `ereject` (RFC 5429 §2).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::outcome::Action;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("reason")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let reason = arguments.text(0);
    let in_protocol = false;
    Some(Box::new(Reject { reason, in_protocol }))
}

pub(in crate::wire::sieve) fn compile_ereject(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let reason = arguments.text(0);
    let in_protocol = true;
    Some(Box::new(Reject { reason, in_protocol }))
}

#[derive(Debug)]
struct Reject {
    reason: Text,
    in_protocol: bool,
}

impl Command for Reject {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let reason = self.reason.expand_text(run);
        let in_protocol = self.in_protocol;
        run.act(Action::Reject { reason, in_protocol })?;
        run.state.outcome.keep_is_cancelled = true;
        Ok(Flow::Next)
    }
}
