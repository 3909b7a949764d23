//! `notify_method_capability` (RFC 5435 §5).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::notify_method::Method;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, text, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("notification URI"), text("capability"), texts("key list")]).tagged(&[MATCHING]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(NotifyMethodCapability {
        uri: arguments.text(0),
        capability: arguments.text(1),
        matcher: Matcher::compile(arguments, 2)?,
    }))
}

#[derive(Debug)]
struct NotifyMethodCapability {
    uri: Text,
    capability: Text,
    matcher: Matcher,
}

impl Test for NotifyMethodCapability {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let is_known = Method::parse(&self.uri.expand_text(run)).is_ok();
        match self.capability.expand_text(run).to_ascii_lowercase().as_str() {
            // RFC 5436 §2.2: nobody knows whether the recipient of a mail is there.
            "online" if is_known => self.matcher.any(run, &[b"maybe".to_vec()]),
            _ => Ok(false),
        }
    }
}
