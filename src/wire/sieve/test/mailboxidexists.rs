//! `mailboxidexists` (RFC 9042 §4.2).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::{Text, expand_all};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("mailbox ids")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(MailboxIdExists(arguments.texts(0))))
}

#[derive(Debug)]
struct MailboxIdExists(Vec<Text>);

impl Test for MailboxIdExists {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let ids = expand_all(&self.0, run);
        Ok(ids
            .into_iter()
            .all(|id| String::from_utf8(id).is_ok_and(|id| run.world.mailbox_id_exists(&id))))
    }
}
