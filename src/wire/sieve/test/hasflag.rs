//! `hasflag` (RFC 5232 §4).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::flags;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Variable;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("variables").optional(), texts("flags")]).tagged(&[MATCHING]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let variables = flags::variables(arguments)?;
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(HasFlag { variables, matcher }))
}

#[derive(Debug)]
struct HasFlag {
    /// Empty is the internal variable.
    variables: Vec<Variable>,
    matcher: Matcher,
}

impl Test for HasFlag {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let mut values = Vec::new();
        if self.variables.is_empty() {
            values.extend(run.state.outcome.flags.iter().map(|flag| flag.clone().into_bytes()));
        }
        for variable in &self.variables {
            let flags = flags::split(run.variable(variable));
            values.extend(flags.into_iter().map(String::into_bytes));
        }
        let keys = self.matcher.keys(run);
        // RFC 5232 §2: one string may name several flags; with `:matches` and `:contains` (§4) it holds parts of them.
        let keys = if self.matcher.counts() {
            keys
        } else {
            keys.iter().flat_map(|key| words(key)).collect()
        };
        self.matcher.any_of(run, &values, &keys)
    }
}

fn words(key: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let words = key.split(u8::is_ascii_whitespace);
    words.filter(|word| !word.is_empty()).map(<[u8]>::to_vec)
}
