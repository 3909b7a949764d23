//! `true` and `false` (RFC 5228 §5.6, §5.10).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::Signature;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING;

pub(in crate::wire::sieve) fn compile_true(_: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(Constant(true)))
}

pub(in crate::wire::sieve) fn compile_false(_: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(Constant(false)))
}

#[derive(Debug)]
struct Constant(bool);

impl Test for Constant {
    fn holds(&self, _: &mut Run<'_>) -> Result<bool, Fault> {
        Ok(self.0)
    }
}
