//! `virustest` (RFC 5235 §2.3).

use super::spamtest::step;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("value")]).tagged(&[MATCHING]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let matcher = Matcher::compile(arguments, 0)?;
    Some(Box::new(Virustest { matcher }))
}

#[derive(Debug)]
struct Virustest {
    matcher: Matcher,
}

impl Test for Virustest {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        // RFC 5235 §2.3: 1 is surely none, 5 surely a virus; 0 was not tested.
        let value = run
            .world
            .virus(&run.state.message)
            .map_or(0, |score| step(score, 4.0).saturating_add(1));
        self.matcher.any(run, &[value.to_string().into_bytes()])
    }
}
