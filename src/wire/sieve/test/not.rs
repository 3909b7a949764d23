//! `not` (RFC 5228 §5.8).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, Subtests};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING.testing(Subtests::One);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let test = arguments.tests.pop()?;
    Some(Box::new(Not(test)))
}

#[derive(Debug)]
struct Not(Box<dyn Test>);

impl Test for Not {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        Ok(!self.0.holds(run)?)
    }
}
