//! Showing filters a message, and hearing what they want changed.

use std::time::Duration;

use super::Dialogue;
use super::talk::{About, Came, Error, Link, Talk};
use crate::mail::mailbox::Draft;
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::wire::milter::answer::{Answer, Change, Field};
use crate::wire::milter::command::{self, Stage};
use crate::wire::milter::headers::Headers;
use crate::wire::milter::{PIECE, step};

/// The most octets of a field's value that a filter is shown: a packet has its end.
const VALUE: usize = 60_000;
/// The most changes that a filter may want of a message.
const MOST: usize = 100_000;

/// A message as it is shown.
pub struct Content<'m> {
    /// Its id.
    pub id: MailId,
    /// Its header, without the empty line behind it.
    pub header: &'m [u8],
    /// All of it, the header too.
    pub draft: &'m Draft,
    /// Makes room for another body.
    pub empty: &'m (dyn Fn() -> Draft + Send + Sync),
}

/// What filters want changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// Another header, without the empty line behind it.
    pub header: Option<Vec<u8>>,
    /// Another body.
    pub body: Option<Draft>,
    /// Another sender; empty for the null sender.
    pub sender: Option<String>,
    /// Recipients that are added.
    pub added: Vec<String>,
    /// Recipients that are taken out.
    pub removed: Vec<String>,
    /// It is to be put aside: why.
    pub quarantine: Option<String>,
    /// It is to be thrown away.
    pub is_discarded: bool,
    /// What each of them did, for the message's story.
    pub told: Vec<Told>,
}

/// What a filter did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its address.
    pub milter: String,
    /// In words.
    pub did: Vec<String>,
}

impl Dialogue {
    /// Shows all of them the message, in their order. Errors: ByFilter, and what goes wrong with the message.
    pub(in crate::mail) async fn content(&mut self, content: Content<'_>) -> Result<Changed, Refusal> {
        if !self.is_empty() && !self.has_data {
            self.data().await?;
        }
        let mut work = Work {
            headers: Headers::parse(content.header),
            content,
            changed: Changed::default(),
            fresh: None,
            did: Vec::new(),
        };
        for talk in &mut self.each {
            if self.is_discarded {
                break;
            }
            match work.show(talk).await {
                Came::On => {}
                Came::Discarded => {
                    work.did.push("thrown away".into());
                    self.is_discarded = true;
                }
                // The others have not come to its end, and hear that it is not gone on with.
                Came::Refused(refusal) => {
                    tracing::info!(milter = talk.name, %refusal, "a milter refuses");
                    return Err(refusal);
                }
            }
            work.note(talk).await?;
        }
        self.is_open = false;
        work.changed.is_discarded = self.is_discarded;
        work.changed.header = work.headers.changed();
        Ok(work.changed)
    }
}

/// The message, as the filters before have left it.
struct Work<'m> {
    content: Content<'m>,
    headers: Headers,
    changed: Changed,
    /// The body that this filter puts in the place of the one that it was shown.
    fresh: Option<Draft>,
    /// What this filter did.
    did: Vec<String>,
}

impl Work<'_> {
    async fn show(&mut self, talk: &mut Talk) -> Came {
        let patience = talk.patience_at_end();
        let Some(link) = talk.link() else {
            return talk.without(About::Message);
        };
        let answer = self.show_all(link, patience).await;
        talk.settle(About::Message, answer)
    }

    /// The last answer, or the first one that ends it.
    async fn show_all(&mut self, link: &mut Link, patience: Duration) -> Result<Answer, Error> {
        for shown in [self.show_header(link).await?, self.show_body(link).await?] {
            if shown != Answer::Continue {
                return Ok(shown);
            }
        }
        let id = self.content.id.to_string();
        command::macros(&mut link.out, Stage::End, &[("i", &id)]);
        command::end_of_body(&mut link.out);
        link.say().await?;
        for _ in 0..MOST {
            match link.hear(patience).await? {
                Answer::Change(change) if link.may(&change) => self.change(change, link.agreed.has(step::LEADING_BLANKS)).await?,
                answer => return Ok(answer),
            }
        }
        Err(Error::TooMuch)
    }

    async fn show_header(&self, link: &mut Link) -> Result<Answer, Error> {
        let agreed = link.agreed;
        let is_silent = agreed.has(step::SILENT_HEADERS);
        let fields = self.headers.shown().filter(|_| !agreed.has(step::NO_HEADERS));
        for field in fields {
            let value = match field.value.strip_prefix(b" ") {
                Some(rest) if !agreed.has(step::LEADING_BLANKS) => rest,
                _ => &field.value,
            };
            command::header(&mut link.out, &field.name, value.get(..VALUE).unwrap_or(value));
            if is_silent && link.out.len() < PIECE {
                continue;
            }
            let answer = link.exchange(step::SILENT_HEADERS).await?;
            if answer != Answer::Continue {
                return Ok(answer);
            }
        }
        if agreed.has(step::NO_END_OF_HEADERS) {
            return Ok(Answer::Continue);
        }
        command::end_of_headers(&mut link.out);
        link.exchange(step::SILENT_END_OF_HEADERS).await
    }

    async fn show_body(&self, link: &mut Link) -> Result<Answer, Error> {
        if link.agreed.has(step::NO_BODY) {
            return Ok(Answer::Continue);
        }
        let mut pieces = match &self.changed.body {
            Some(body) => body.pieces(0).await,
            // The empty line between has two octets.
            None => self.content.draft.pieces(self.content.header.len().saturating_add(2) as u64).await,
        }
        .map_err(Error::Message)?;
        loop {
            let piece = pieces.next(PIECE).await.map_err(Error::Message)?;
            if piece.is_empty() {
                return Ok(Answer::Continue);
            }
            command::body(&mut link.out, piece);
            match link.exchange(step::SILENT_BODY).await? {
                Answer::Continue => {}
                // It has seen enough.
                Answer::Skip => return Ok(Answer::Continue),
                answer => return Ok(answer),
            }
        }
    }

    async fn change(&mut self, change: Change, has_blanks: bool) -> Result<(), Error> {
        let told = told(&change);
        match change {
            Change::Sender(sender) => self.changed.sender = Some(sender),
            Change::AddRecipient(address) => {
                self.changed.removed.retain(|it| *it != address);
                self.changed.added.push(address);
            }
            Change::DeleteRecipient(address) => {
                self.changed.added.retain(|it| *it != address);
                self.changed.removed.push(address);
            }
            Change::Quarantine(reason) => self.changed.quarantine = Some(reason),
            Change::Body(piece) => {
                let is_first = self.fresh.is_none();
                let body = self.fresh.get_or_insert_with(self.content.empty);
                body.write(&piece).await.map_err(Error::Message)?;
                if !is_first {
                    return Ok(());
                }
            }
            of_the_header => self.headers.change(of_the_header, has_blanks),
        }
        self.did.push(told);
        Ok(())
    }

    /// Takes over what a filter did, when it is done.
    async fn note(&mut self, talk: &Talk) -> Result<(), Refusal> {
        if let Some(mut body) = self.fresh.take() {
            body.finish().await?;
            self.changed.body = Some(body);
        }
        let did = std::mem::take(&mut self.did);
        if !did.is_empty() {
            self.changed.told.push(Told {
                milter: talk.name.clone(),
                did,
            });
        }
        Ok(())
    }
}

fn told(change: &Change) -> String {
    let name = |field: &Field| String::from_utf8_lossy(&field.name).into_owned();
    match change {
        Change::AddField(field) | Change::InsertField(_, field) => format!("added {}", name(field)),
        Change::ChangeField(_, field) if field.value.is_empty() => format!("took out {}", name(field)),
        Change::ChangeField(_, field) => format!("changed {}", name(field)),
        Change::AddRecipient(address) => format!("added the recipient {address}"),
        Change::DeleteRecipient(address) => format!("took out the recipient {address}"),
        Change::Sender(address) => format!("changed the sender to <{address}>"),
        Change::Body(_) => "changed the body".to_owned(),
        Change::Quarantine(reason) => format!("put aside: {reason}"),
    }
}
