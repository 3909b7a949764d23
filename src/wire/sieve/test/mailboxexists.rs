//! `mailboxexists` (RFC 5490 §3.1).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::{Text, expand_all};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("mailbox names")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(MailboxExists(arguments.texts(0))))
}

#[derive(Debug)]
struct MailboxExists(Vec<Text>);

impl Test for MailboxExists {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let names = expand_all(&self.0, run);
        Ok(names
            .into_iter()
            .all(|name| String::from_utf8(name).is_ok_and(|name| run.world.mailbox_exists(&name))))
    }
}
