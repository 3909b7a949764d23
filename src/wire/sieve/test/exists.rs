//! `exists` (RFC 5228 §5.5).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::message::raw_values;
use crate::wire::sieve::mime::{Scope, TAGS as MIME};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("header names")]).tagged(&[MIME]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let scope = Scope::compile(arguments)?;
    let headers = arguments.texts(0);
    Some(Box::new(Exists { headers, scope }))
}

#[derive(Debug)]
struct Exists {
    headers: Vec<Text>,
    scope: Scope,
}

impl Test for Exists {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        self.scope.count_work(run, self.headers.len())?;
        let headers = self.scope.headers(run);
        let exists = |name: &Text| {
            let name = name.expand_text(run);
            headers.iter().any(|header| !raw_values(header, &name).is_empty())
        };
        Ok(self.headers.iter().all(exists))
    }
}
