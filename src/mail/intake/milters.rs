//! What milters make of a message, when it was checked: the changes that they want, in it and in its envelope.

use super::{Accepted, Incoming, Inner, Intake, Origin};
use crate::mail::mailbox::LineEnds;
use crate::mail::milter::{Changed, Content, Dialogue};
use crate::model::address::EmailAddress;
use crate::model::envelope::{Recipient, ReversePath, Sender};
use crate::model::refusal::Refusal;
use crate::model::trace::Step;
use crate::model::verdict::Verdict;

/// How many octets are copied at a time.
const PIECE: usize = 65_536;
/// The longest reason that stands in a field.
const REASON: usize = 200;
/// How many of the changes of a filter its story names.
const NAMED: usize = 50;

impl Inner {
    /// Shows them the message, and changes its header and its body as they want it. Errors: ByFilter; BadMessage for one whose header is
    /// too long to be shown.
    pub(super) async fn show(&self, milters: &mut Dialogue, message: &mut Incoming) -> Result<Changed, Refusal> {
        let header = message.head.whole()?.to_vec();
        let content = Content {
            id: message.id,
            header: &header,
            draft: &message.draft,
            empty: &|| self.mailboxes.draft(LineEnds::AsTheyAre),
        };
        let mut changed = milters.content(content).await?;
        for told in &changed.told {
            let (milter, did) = (told.milter.clone(), told.did.iter().take(NAMED).cloned().collect());
            self.traces.tell(message.id, Step::Milter { milter, did });
        }
        if let Some(body) = changed.body.take() {
            let mut draft = self.mailboxes.draft(LineEnds::AsTheyAre);
            draft.write(&header).await?;
            draft.write(b"\r\n").await?;
            let mut pieces = body.pieces(0).await?;
            loop {
                let piece = pieces.next(PIECE).await?;
                if piece.is_empty() {
                    break;
                }
                draft.write(piece).await?;
            }
            draft.finish().await?;
            message.draft = draft;
        }
        if let Some(new) = changed.header.take() {
            message.draft.replace_begin(header.len(), new.clone()).await?;
            message.head.replace(new);
        }
        Ok(changed)
    }

    /// What is to be put aside goes with the junk; what a user sends is refused. Errors: ByFilter.
    pub(super) fn put_aside(&self, changed: &Changed, origin: &Origin, verdict: &mut Verdict) -> Result<(), Refusal> {
        let Some(reason) = &changed.quarantine else { return Ok(()) };
        let reason: String = reason.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(REASON).collect();
        if origin.user.is_some() {
            return Err(Refusal::ByFilter {
                code: 550,
                status: (5, 7, 1),
                text: reason,
            });
        }
        verdict.is_junk = true;
        verdict.lines.push_str(&format!("X-Quarantine: {reason}\r\n"));
        Ok(())
    }
}

impl Intake {
    /// The envelope as milters want it. What cannot be is left as it was: they are the operator's, so that relaying is not asked about.
    pub(super) async fn readdressed(&self, changed: &Changed, mut sender: Sender, recipients: &[Accepted]) -> (Sender, Vec<Accepted>) {
        let is_kept = |it: &&Accepted| {
            let address = it.recipient.address.to_string();
            !changed.removed.iter().any(|removed| removed.eq_ignore_ascii_case(&address))
        };
        let mut all: Vec<Accepted> = recipients.iter().filter(is_kept).cloned().collect();
        for text in &changed.added {
            match self.added(text).await {
                Ok(accepted) => all.push(accepted),
                Err(refusal) => tracing::warn!(recipient = text, %refusal, "a recipient that a milter adds is not taken"),
            }
        }
        match changed.sender.as_deref() {
            None => {}
            Some("") => sender.path = ReversePath::Null,
            Some(text) => match EmailAddress::parse(text) {
                Ok(address) => sender.path = ReversePath::Address(address),
                Err(bad) => tracing::warn!(sender = text, %bad, "a sender that a milter wants is none"),
            },
        }
        (sender, all)
    }

    async fn added(&self, text: &str) -> Result<Accepted, Refusal> {
        let address = EmailAddress::parse(text).map_err(|bad| Refusal::Invalid {
            field: "recipient",
            problem: bad.to_string(),
        })?;
        let route = self.route(&address).await?;
        Ok(Accepted {
            recipient: Recipient::plain(address),
            route,
        })
    }
}
