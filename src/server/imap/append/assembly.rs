//! Messages that are put together from literals and from pieces of other messages (RFC 3502 §6.3.11, RFC 4469 §3).

use std::sync::Arc;

use jiff::Timestamp;

use crate::mail::mailbox::{Draft, LineEnds, Mailbox, Placed};
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::server::imap::fetch::copy_section;
use crate::server::imap::outcome::Fault;
use crate::server::imap::{Imap, access, flags};
use crate::wire::imap::append::{Announced, Form, Piece};
use crate::wire::imap::flag::Flag;
use crate::wire::imap::response::{Code, Word};
use crate::wire::imap::url::{self, MessageUrl};

use super::Target;

/// What the next literal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Octets of the message.
    Octets,
    /// The URL of octets.
    Url,
    /// There is none, or nobody wants it.
    Nothing,
}

/// The messages of a command.
pub(super) struct Assembly {
    imap: Arc<Imap>,
    target: Target,
    placed: Vec<Placed>,
    /// Octets of those.
    bytes: u64,
    open: Option<Open>,
}

/// The message under way.
struct Open {
    draft: Draft,
    flags: Vec<Flag>,
    date: Option<Timestamp>,
    /// Whether some of it came as octets of any kind.
    binary: bool,
}

impl Assembly {
    pub(super) fn new(imap: Arc<Imap>, target: Target) -> Self {
        Self {
            imap,
            target,
            placed: Vec::new(),
            bytes: 0,
            open: None,
        }
    }

    /// Takes pieces in; says what the literal is that comes next.
    pub(super) async fn take(&mut self, pieces: Vec<Piece>) -> Result<Wanted, Fault> {
        let mut wanted = Wanted::Nothing;
        for piece in pieces {
            match piece {
                Piece::Begin { flags, date } => self.begin(flags, date)?,
                Piece::Octets(literal, form) => {
                    self.expect(literal, form).await?;
                    wanted = Wanted::Octets;
                }
                Piece::UrlOctets(_) => wanted = Wanted::Url,
                Piece::Url(url) => self.copy(&url).await?,
                Piece::End => self.end().await?,
            }
        }
        Ok(wanted)
    }

    /// Where the octets of the message go.
    pub(super) fn draft(&mut self) -> Option<&mut Draft> {
        self.open.as_mut().map(|open| &mut open.draft)
    }

    /// The messages, each in its folder.
    pub(super) fn finish(self) -> (Target, Vec<Placed>) {
        (self.target, self.placed)
    }

    fn begin(&mut self, flags: Vec<Flag>, date: Option<Timestamp>) -> Result<(), Fault> {
        // RFC 8508 §4.7: REPLACE takes one.
        if self.target.replaces.is_some() && !self.placed.is_empty() {
            return Err(Fault::bad("one message replaces one"));
        }
        if self.placed.len() >= self.imap.settings.max_append_messages {
            return Err(Fault::no(Word::Limit, "too many messages at a time"));
        }
        self.open = Some(Open {
            draft: self.imap.mailboxes.draft(LineEnds::Mended),
            flags,
            date,
            binary: false,
        });
        Ok(())
    }

    /// Octets of the message are to come: whether they may.
    async fn expect(&mut self, literal: Announced, form: Form) -> Result<(), Fault> {
        let Some(open) = &mut self.open else {
            return Err(Refusal::LATER.into());
        };
        if matches!(form, Form::WholeUtf8 | Form::PartUtf8) && !self.target.takes_utf8 {
            return Err(Fault::no(Word::Cannot, "ENABLE UTF8=ACCEPT comes first"));
        }
        // RFC 3502 §6.3.11: nothing is no message.
        if literal.size == 0 && matches!(form, Form::Whole | Form::WholeUtf8) {
            return Err(Fault::no(Word::Cannot, "the message is empty"));
        }
        let size = open.draft.size().saturating_add(literal.size);
        if size > self.imap.max_message {
            return Err(Refusal::TooLarge(self.imap.max_message).into());
        }
        // RFC 6855 §4: with UTF8 the octets are text, whatever literal they come in.
        let binary = literal.binary && matches!(form, Form::Whole | Form::Part);
        open.draft
            .set_line_ends(if binary { LineEnds::AsTheyAre } else { LineEnds::Mended });
        open.binary |= binary;
        // RFC 9208 §4.3.2: a client that waits need not send what does not fit.
        self.check_room(size).await
    }

    /// Octets of another message become octets of this one.
    async fn copy(&mut self, url: &str) -> Result<(), Fault> {
        let bad = || Fault::No(Code::BadUrl(url.to_owned()), "there are no such octets".into());
        let wanted = url::parse(url).ok_or_else(bad)?;
        let mailbox = self.mailbox(&wanted).await?.ok_or_else(bad)?;
        let Some(open) = &mut self.open else {
            return Err(Refusal::LATER.into());
        };
        open.draft.set_line_ends(LineEnds::Mended);
        if copy_section(&wanted.section, (&mailbox, Uid(wanted.uid)), &mut open.draft).await? {
            Ok(())
        } else {
            Err(bad())
        }
    }

    /// The mailbox of a URL.
    async fn mailbox(&self, wanted: &MessageUrl) -> Result<Option<Arc<Mailbox>>, Fault> {
        let mailbox = match &wanted.mailbox {
            None => self.target.selected.clone(),
            Some(name) => match access::open(&self.imap, &self.target.user, name, Rights::READ).await {
                Ok(opened) => Some(opened.mailbox),
                Err(Refusal::NotFound { .. } | Refusal::NotPermitted(_) | Refusal::Invalid { .. }) => None,
                Err(refusal) => return Err(refusal.into()),
            },
        };
        let is_right = |mailbox: &Arc<Mailbox>| wanted.uidvalidity.is_none_or(|it| it == mailbox.info().uidvalidity);
        Ok(mailbox.filter(is_right))
    }

    /// The message is whole: into its folder.
    async fn end(&mut self) -> Result<(), Fault> {
        let Some(mut open) = self.open.take() else {
            return Err(Refusal::LATER.into());
        };
        if open.draft.size() == 0 {
            return Err(Fault::no(Word::Cannot, "the message is empty"));
        }
        if open.binary {
            open.draft = self.imap.mailboxes.without_binary(open.draft).await.map_err(of_binary)?;
        }
        let size = open.draft.size();
        self.check_room(size).await?;
        // RFC 4314 §4: flags that the user may not set there are left out.
        let bits = match self.target.rights.contains(Rights::WRITE) {
            true => flags::to_set(&self.target.mailbox, &open.flags).await?,
            false => flags::known(&self.target.mailbox, &open.flags),
        };
        let bits = bits.only(self.target.rights.flags());
        let date = open.date.unwrap_or_else(Timestamp::now);
        let placed = self.target.mailbox.place(open.draft, bits, date).await;
        self.placed.push(placed.map_err(Fault::of_target)?);
        self.bytes = self.bytes.saturating_add(size);
        Ok(())
    }

    /// Whether so many octets more fit, with what goes when they come.
    async fn check_room(&self, size: u64) -> Result<(), Fault> {
        let goes = self.target.replaces.zip(self.target.selected.as_deref());
        let (bytes, count) = (self.bytes.saturating_add(size), self.placed.len() as u64 + 1);
        Ok(self.target.mailbox.check_room(bytes, count, goes).await?)
    }
}

/// RFC 3516 §4.4: what cannot be stored as it came, nor encoded.
fn of_binary(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::BadMessage(problem) => Fault::No(Code::Word(Word::UnknownCte), problem.into()),
        refusal => Fault::Refused(refusal),
    }
}
