//! `header` (RFC 5228 §5.7).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::index::{Index, TAGS as INDEX};
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::mime::{Aspect, OPTIONS, Scope, TAGS as MIME};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[texts("header names"), texts("key list")]).tagged(&[MATCHING, INDEX, MIME, OPTIONS]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let scope = Scope::compile(arguments)?;
    let index = Index::compile(arguments)?;
    let aspect = Aspect::compile(arguments);
    let headers = arguments.texts(0);
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(Header {
        headers,
        matcher,
        index,
        scope,
        aspect,
    }))
}

#[derive(Debug)]
struct Header {
    headers: Vec<Text>,
    matcher: Matcher,
    index: Index,
    scope: Scope,
    aspect: Aspect,
}

impl Test for Header {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        self.scope.count_work(run, self.headers.len())?;
        let mut values = Vec::new();
        for header in self.scope.headers(run) {
            for name in &self.headers {
                let found = self.aspect.values(run, header, &name.expand_text(run));
                values.extend(self.index.pick(found).into_iter().map(String::into_bytes));
            }
        }
        self.matcher.any(run, &values)
    }
}
