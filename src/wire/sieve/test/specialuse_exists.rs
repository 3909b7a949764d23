//! `specialuse_exists` (RFC 8579 §3).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, text, texts};
use crate::wire::sieve::text::{Text, expand_all};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("mailbox").optional(), texts("special-use flags")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let mailbox = arguments.is_given(0).then(|| arguments.text(0));
    let flags = arguments.texts(1);
    if let Some(flag) = flags.iter().find(|flag| flag.literal().is_some_and(|flag| !is_special_use(flag))) {
        return arguments.problem_at(flag.at, "this is no special-use flag: right would be such as \"\\\\Sent\"");
    }
    Some(Box::new(SpecialUseExists { mailbox, flags }))
}

/// RFC 6154 §2: a backslash and an atom.
pub(in crate::wire::sieve) fn is_special_use(flag: &[u8]) -> bool {
    let name = flag.strip_prefix(b"\\").unwrap_or_default();
    !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic() && !b"(){%*\"\\]".contains(octet))
}

#[derive(Debug)]
struct SpecialUseExists {
    mailbox: Option<Text>,
    flags: Vec<Text>,
}

impl Test for SpecialUseExists {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let mailbox = match self.mailbox.as_ref().map(|mailbox| String::from_utf8(mailbox.expand(run))) {
            Some(Err(_)) => return Ok(false),
            Some(Ok(mailbox)) => Some(mailbox),
            None => None,
        };
        let flags = expand_all(&self.flags, run);
        let has = |flag: Vec<u8>| String::from_utf8(flag).is_ok_and(|flag| run.world.special_use_exists(mailbox.as_deref(), &flag));
        Ok(flags.into_iter().all(has))
    }
}
