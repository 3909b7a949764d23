//! `debug_log` (vnd.dovecot.debug): a line for the log.

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("message")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(DebugLog(arguments.text(0))))
}

#[derive(Debug)]
struct DebugLog(Text);

impl Command for DebugLog {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let message = self.0.expand_text(run);
        run.world.log(&message);
        Ok(Flow::Next)
    }
}
