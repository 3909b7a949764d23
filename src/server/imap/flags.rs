//! The flags that a client names, as the bits of a mailbox.

use crate::mail::mailbox::Mailbox;
use crate::model::mailbox::Flags;
use crate::wire::imap::flag::{FORWARDED, Flag, SYSTEM};
use crate::wire::imap::response::Word;

use super::outcome::Fault;

/// The bits of flags that are to be set: a keyword that is new is made.
pub(super) async fn to_set(mailbox: &Mailbox, flags: &[Flag]) -> Result<Flags, Fault> {
    let mut bits = Flags::NONE;
    for flag in flags {
        let bit = match flag {
            Flag::Fixed(bit) => *bit,
            Flag::Keyword(name) => mailbox
                .keyword(name)
                .await?
                .ok_or(Fault::no(Word::Limit, "the mailbox has no room for another keyword"))?,
        };
        bits = bits.with(bit);
    }
    Ok(bits)
}

/// The bits of flags that are to be taken away or looked for: a keyword that no message has is passed over.
pub(super) fn known(mailbox: &Mailbox, flags: &[Flag]) -> Flags {
    flags.iter().fold(Flags::NONE, |bits, flag| match flag {
        Flag::Fixed(bit) => bits.with(*bit),
        Flag::Keyword(name) => bits.with(mailbox.known_keyword(name).unwrap_or(Flags::NONE)),
    })
}

/// The flags as they are written.
pub(super) fn written(flags: &[Flag]) -> Vec<String> {
    let names = flags.iter().map(|flag| match flag {
        Flag::Fixed(bit) => SYSTEM
            .iter()
            .find(|(known, _)| known == bit)
            .map_or(FORWARDED, |(_, name)| *name)
            .to_owned(),
        Flag::Keyword(name) => name.clone(),
    });
    names.collect()
}
