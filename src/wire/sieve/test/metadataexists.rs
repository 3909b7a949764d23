//! `metadataexists` and `servermetadataexists` (RFC 5490 §3.4, §3.6).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, text, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("mailbox"), texts("annotation names")]);
pub(in crate::wire::sieve) const SERVER_SIGNATURE: Signature = Signature::of(&[texts("annotation names")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(MetadataExists {
        mailbox: Some(arguments.text(0)),
        entries: arguments.texts(1),
    }))
}

pub(in crate::wire::sieve) fn compile_server(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(MetadataExists {
        mailbox: None,
        entries: arguments.texts(0),
    }))
}

#[derive(Debug)]
struct MetadataExists {
    /// None is the server.
    mailbox: Option<Text>,
    entries: Vec<Text>,
}

impl Test for MetadataExists {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let mailbox = self.mailbox.as_ref().map(|mailbox| mailbox.expand_text(run));
        let entries: Vec<String> = self.entries.iter().map(|entry| entry.expand_text(run)).collect();
        Ok(entries.iter().all(|entry| run.world.metadata(mailbox.as_deref(), entry).is_some()))
    }
}
