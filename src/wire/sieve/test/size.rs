//! `size` (RFC 5228 §5.9).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, number, tag};

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[number("limit")]).tagged(&[&[tag("over").among("relation"), tag("under").among("relation")]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let over = arguments.flag("over");
    if !over && !arguments.flag("under") {
        return arguments.problem("the size test requires the :over or the :under tag");
    }
    let limit = arguments.number(0);
    Some(Box::new(Size { over, limit }))
}

#[derive(Debug)]
struct Size {
    over: bool,
    /// Octets.
    limit: u64,
}

impl Test for Size {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let size = run.state.message.size();
        Ok(if self.over { size > self.limit } else { size < self.limit })
    }
}
