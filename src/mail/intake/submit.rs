//! A whole message of a user, handed in at once: what the API calls where SMTP has a dialogue.
//!
//! RFC 6409 §6.1, §8 (the rules of submission), RFC 5322 §3.6.3 (to whom a message goes that names its recipients itself).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::head::author;
use super::{Accepted, Fate, Incoming, Intake, Origin, head};
use crate::mail::directory::Route;
use crate::mail::mailbox::{Mailbox, Placed};
use crate::model::account::User;
use crate::model::address::EmailAddress;
use crate::model::envelope::{BodyType, Recipient, ReversePath, Sender};
use crate::model::ids::{MailId, Uid};
use crate::model::mailbox::Flags;
use crate::model::refusal::Refusal;
use crate::wire::message::header::Fields;
use crate::wire::message::structure::addresses;

/// The protocol, for the Received line.
const PROTOCOL: &str = "HTTP";

/// A message that a user wants to send.
pub struct Submission {
    /// Who.
    pub user: Arc<User>,
    /// From where.
    pub peer: Option<IpAddr>,
    /// Where bounces go; none: to the first address in From.
    pub sender: Option<EmailAddress>,
    /// To whom; none: to those in To, Cc and Bcc.
    pub recipients: Vec<EmailAddress>,
    /// To how many at most.
    pub max_recipients: usize,
    /// Whether there are octets in it that are no ASCII.
    pub eight_bit: bool,
    /// Where a copy is kept.
    pub copy_to: Option<Arc<Mailbox>>,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Its id, in the queue too.
    pub id: MailId,
    /// Its Message-ID, with angle brackets.
    pub message_id: Option<String>,
    /// Where bounces go.
    pub sender: EmailAddress,
    /// Each recipient, and whether it waits in the queue for that one.
    pub recipients: Vec<(EmailAddress, bool)>,
    /// The UID of the copy.
    pub copy: Option<Uid>,
}

/// Why it was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSent {
    /// The place of the recipient at fault.
    pub recipient: Option<usize>,
    /// Why.
    pub refusal: Refusal,
}

impl From<Refusal> for NotSent {
    fn from(refusal: Refusal) -> Self {
        Self { recipient: None, refusal }
    }
}

impl Intake {
    /// Sends a message by the rules of submission, all recipients or none. The copy is on stable storage before the message is, and goes
    /// again if the message does not go out.
    pub async fn submit(&self, submission: Submission, mut message: Incoming) -> Result<Submitted, NotSent> {
        let now = self.inner.clock.now();
        message.draft.finish().await?;
        let header = message.head.whole()?.to_vec();
        let sender = self.sender(&submission, &message).await?;
        let recipients = match submission.recipients.is_empty() {
            true => named(&header),
            false => unique(submission.recipients),
        };
        let most = submission.max_recipients;
        if recipients.is_empty() || recipients.len() > most {
            let detail = format!("the message has {} recipients; right would be 1 to {most}", recipients.len());
            return Err(Refusal::BadMessage(detail).into());
        }
        let missing = message.head.missing(&self.inner.hostname, message.id, now);
        if !missing.is_empty() {
            message.draft.replace_begin(0, missing.clone().into_bytes()).await?;
            message.head.replace([missing.as_bytes(), &header].concat());
        }
        let accepted = self.accept_all(&submission.user, &recipients, message.size()).await?;
        let copy = match &submission.copy_to {
            Some(mailbox) => Some(mailbox.place_copy(&message.draft, Flags::SEEN, now).await?),
            None => None,
        };
        let (id, message_id) = (message.id, message.head.message_id());
        let waits = |accepted: &Accepted| match &accepted.route {
            Route::Outside => true,
            Route::Here { forwards, .. } => !forwards.is_empty(),
        };
        let fates = accepted
            .iter()
            .map(|accepted| (accepted.recipient.address.clone(), waits(accepted)));
        let fates = fates.collect();
        let origin = Origin {
            protocol: PROTOCOL,
            peer: submission.peer,
            helo: None,
            tls: None,
            user: Some(submission.user),
            ..Origin::ours()
        };
        let envelope = Sender {
            body: if submission.eight_bit {
                BodyType::EightBitMime
            } else {
                BodyType::SevenBit
            },
            smtputf8: !header.is_ascii(),
            ..Sender::plain(ReversePath::Address(sender.clone()))
        };
        self.receive(&origin, envelope, accepted, message, Fate::Shared).await?;
        Ok(Submitted {
            id,
            message_id,
            sender,
            recipients: fates,
            copy: keep(copy).await,
        })
    }

    /// The sender, who must be the user.
    async fn sender(&self, submission: &Submission, message: &Incoming) -> Result<EmailAddress, Refusal> {
        let sender = submission.sender.clone().or_else(|| message.head.authors().into_iter().next());
        let sender = sender.ok_or_else(|| Refusal::BadMessage("the message has no From field with an address (RFC 5322 §3.6.2)".into()))?;
        if !self.inner.directory.may_send_as(&submission.user, &sender).await? {
            return Err(Refusal::NotYourAddress {
                login: submission.user.login.clone(),
                sender: sender.to_string(),
            });
        }
        Ok(sender)
    }

    async fn accept_all(&self, user: &User, recipients: &[EmailAddress], size: u64) -> Result<Vec<Accepted>, NotSent> {
        let mut accepted = Vec::with_capacity(recipients.len());
        for (place, address) in recipients.iter().enumerate() {
            let route = self.accept(Some(user), address, Some(size)).await.map_err(|refusal| NotSent {
                recipient: Some(place),
                refusal,
            })?;
            let recipient = Recipient::plain(address.clone());
            accepted.push(Accepted { recipient, route });
        }
        Ok(accepted)
    }

    /// The Message-ID that a message gets that has none.
    pub fn message_id(&self, id: MailId) -> String {
        head::made_message_id(id, &self.inner.hostname)
    }
}

/// Gives the copy its UID. The message is sent: a copy that cannot get one now gets one when its folder is looked at.
async fn keep(copy: Option<Placed>) -> Option<Uid> {
    let mut copy = copy?;
    match copy.index().await {
        Ok(uid) => Some(uid),
        Err(refusal) => {
            tracing::warn!(%refusal, "the copy of a sent message has no UID yet");
            copy.leave();
            None
        }
    }
}

/// The addresses in To, Cc and Bcc.
fn named(header: &[u8]) -> Vec<EmailAddress> {
    let fields = Fields::new(header).filter(|field| ["To", "Cc", "Bcc"].iter().any(|name| field.is(name)));
    unique(fields.flat_map(|field| addresses(field.value)).filter_map(author).collect())
}

/// Each once, in their order.
fn unique(addresses: Vec<EmailAddress>) -> Vec<EmailAddress> {
    let mut known = HashSet::new();
    addresses.into_iter().filter(|address| known.insert(address.clone())).collect()
}
