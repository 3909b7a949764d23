//! What the queue has to tell of a message, for its story.

use jiff::Timestamp;

use super::Finding;
use crate::model::ids::MailId;
use crate::model::queue::Steering;
use crate::model::trace::{Attempt, AttemptOutcome, Step};

/// The most characters of a reply that a story keeps, as many as the ledger.
const MOST_REPLY: usize = 1_000;

/// The connection over which an attempt was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The host, as findings name it.
    pub host: String,
    /// Its address, and TLS if there was any.
    pub text: String,
}

/// How an attempt ended for one recipient.
pub(super) struct Ending<'a> {
    pub(super) recipient: String,
    pub(super) outcome: AttemptOutcome,
    pub(super) finding: &'a Finding,
    /// Milliseconds since 1970.
    pub(super) next_at: Option<i64>,
}

/// A step for all recipients of a message that fared alike: of those that are put off, the earliest next attempt counts.
pub(super) fn attempts(
    (id, sender): (MailId, &str),
    at: Timestamp,
    endings: Vec<Ending<'_>>,
    via: Option<&Via>,
) -> Vec<(MailId, Timestamp, Step)> {
    let mut alike: Vec<(&Finding, Attempt)> = Vec::new();
    for Ending {
        recipient,
        outcome,
        finding,
        next_at,
    } in endings
    {
        let same = alike
            .iter_mut()
            .find(|(other, attempt)| *other == finding && attempt.outcome == outcome);
        if let Some((_, attempt)) = same {
            attempt.recipients.push(recipient);
            attempt.next_at = attempt.next_at.min(next_at);
            continue;
        }
        let over = via.filter(|via| finding.host.as_ref() == Some(&via.host));
        let attempt = Attempt {
            outcome,
            sender: Some(sender).filter(|sender| !sender.is_empty()).map(str::to_owned),
            recipients: vec![recipient],
            host: finding.host.clone(),
            via: over.map(|via| via.text.clone()),
            status: finding.status.clone(),
            reply: finding.text.chars().take(MOST_REPLY).collect(),
            next_at,
        };
        alike.push((finding, attempt));
    }
    alike.into_iter().map(|(_, attempt)| (id, at, Step::Attempt(attempt))).collect()
}

/// What the operator did with recipients, each with its message; those of a message stand together.
pub(super) fn steered<'a>(
    steering: Steering,
    at: Timestamp,
    recipients: impl Iterator<Item = (MailId, &'a str)>,
) -> Vec<(MailId, Timestamp, Step)> {
    let action = match steering {
        Steering::Hold => "hold",
        Steering::Release => "release",
        Steering::Retry => "retry",
        Steering::Expire => "expire",
        Steering::Remove => "remove",
    };
    let mut steps: Vec<(MailId, Vec<String>)> = Vec::new();
    for (id, recipient) in recipients {
        match steps.last_mut() {
            Some((last, recipients)) if *last == id => recipients.push(recipient.to_owned()),
            _ => steps.push((id, vec![recipient.to_owned()])),
        }
    }
    let step = |(id, recipients)| {
        let action = action.to_owned();
        (id, at, Step::Steered { action, recipients })
    };
    steps.into_iter().map(step).collect()
}
