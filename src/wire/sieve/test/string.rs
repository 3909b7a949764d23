//! `string` (RFC 5229 §5).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::{Text, expand_all};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("source"), texts("key list")]).tagged(&[MATCHING]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let source = arguments.texts(0);
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(StringTest { source, matcher }))
}

#[derive(Debug)]
struct StringTest {
    source: Vec<Text>,
    matcher: Matcher,
}

impl Test for StringTest {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let mut values = expand_all(&self.source, run);
        // RFC 5229 §5: the relational extension counts those that are not empty.
        if self.matcher.counts() {
            values.retain(|value| !value.is_empty());
        }
        self.matcher.any(run, &values)
    }
}
