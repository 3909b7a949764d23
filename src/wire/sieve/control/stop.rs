//! `stop` (RFC 5228 §3.3).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::Signature;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING;

pub(in crate::wire::sieve) fn compile(_: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(Stop))
}

#[derive(Debug)]
struct Stop;

impl Command for Stop {
    fn run(&self, _: &mut Run<'_>) -> Result<Flow, Fault> {
        Ok(Flow::Stop)
    }
}
