//! `valid_notify_method` (RFC 5435 §4).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::notify_method::Method;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("notification URIs")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(ValidNotifyMethod(arguments.texts(0))))
}

#[derive(Debug)]
struct ValidNotifyMethod(Vec<Text>);

impl Test for ValidNotifyMethod {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        Ok(self.0.iter().all(|uri| Method::parse(&uri.expand_text(run)).is_ok()))
    }
}
