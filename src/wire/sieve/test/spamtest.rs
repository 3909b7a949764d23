//! `spamtest` (RFC 5235 §2.2).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, tag, texts};

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[texts("value")]).tagged(&[MATCHING, &[tag("percent").of(Extension::Spamtestplus)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let percent = arguments.flag("percent");
    let matcher = Matcher::compile(arguments, 0)?;
    Some(Box::new(Spamtest { percent, matcher }))
}

#[derive(Debug)]
struct Spamtest {
    percent: bool,
    matcher: Matcher,
}

impl Test for Spamtest {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let score = run.world.spam(&run.state.message);
        let value = match (score, self.percent) {
            (None, _) => 0,
            (Some(score), true) => step(score, 100.0),
            // RFC 5235 §2.2: 1 is surely none, 10 surely spam; 0 was not tested.
            (Some(score), false) => step(score, 9.0).saturating_add(1),
        };
        self.matcher.any(run, &[value.to_string().into_bytes()])
    }
}

/// The part of so many whole steps that the score has reached.
pub(in crate::wire::sieve) fn step(score: f64, steps: f64) -> u8 {
    // A score such as 0.29 is not quite 29 hundredths.
    (score.clamp(0.0, 1.0) * steps + 1e-6).floor() as u8
}
