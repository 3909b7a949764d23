//! `metadata` and `servermetadata` (RFC 5490 §3.3, §3.5).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, text, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("mailbox"), text("annotation name"), texts("key list")]).tagged(&[MATCHING]);
pub(in crate::wire::sieve) const SERVER_SIGNATURE: Signature =
    Signature::of(&[text("annotation name"), texts("key list")]).tagged(&[MATCHING]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(Metadata {
        mailbox: Some(arguments.text(0)),
        entry: arguments.text(1),
        matcher: Matcher::compile(arguments, 2)?,
    }))
}

pub(in crate::wire::sieve) fn compile_server(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(Metadata {
        mailbox: None,
        entry: arguments.text(0),
        matcher: Matcher::compile(arguments, 1)?,
    }))
}

#[derive(Debug)]
struct Metadata {
    /// None is the server.
    mailbox: Option<Text>,
    entry: Text,
    matcher: Matcher,
}

impl Test for Metadata {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let mailbox = self.mailbox.as_ref().map(|mailbox| mailbox.expand_text(run));
        let entry = self.entry.expand_text(run);
        match run.world.metadata(mailbox.as_deref(), &entry) {
            Some(value) => self.matcher.any(run, &[value]),
            None => Ok(false),
        }
    }
}
