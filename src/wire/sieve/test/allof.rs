//! `allof` (RFC 5228 §5.2).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, Subtests};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING.testing(Subtests::List);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(AllOf(std::mem::take(&mut arguments.tests))))
}

#[derive(Debug)]
struct AllOf(Vec<Box<dyn Test>>);

impl Test for AllOf {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        for test in &self.0 {
            run.step(1)?;
            if !test.holds(run)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_missing(&self) -> bool {
        self.0.iter().any(|test| test.is_missing())
    }
}
