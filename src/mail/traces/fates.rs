//! What became of each recipient of a message, as its story tells.

use std::collections::{HashMap, HashSet};

use crate::model::trace::{Attempt, AttemptOutcome, Event, Received, Step, Story};

/// What became of a recipient so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FateState {
    /// It lies in the mailbox, or the other server has taken it.
    Delivered,
    /// It waits in the queue.
    Queued,
    /// It was tried in vain, and will be tried again.
    Deferred,
    /// It will not be delivered.
    Failed,
}

/// A recipient, and what became of the message for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The recipient, as the sender gave it.
    pub recipient: String,
    /// What became of it.
    pub state: FateState,
    /// The last reply of the other server, or why it failed.
    pub detail: Option<String>,
}

/// What became of something, and why.
type Part = (FateState, Option<String>);

/// What the steps of a story say.
#[derive(Default)]
struct Told<'a> {
    received: Option<&'a Received>,
    /// Where recipients lead: users, and addresses outside.
    expanded: HashMap<String, (&'a [String], &'a [String])>,
    stored: HashSet<String>,
    not_stored: HashMap<String, &'a str>,
    outside: HashMap<String, Part>,
    refused: Option<&'a str>,
}

/// What became of the recipients that the story names; a long list of recipients is named in part.
pub fn fates(story: &Story) -> Vec<Fate> {
    let mut told = Told::default();
    for Event { step, .. } in &story.events {
        told.take(step);
    }
    let named = told.received.map(|received| received.recipients.as_slice()).unwrap_or_default();
    let fate = |recipient: &String| {
        let (state, detail) = told.fate(recipient);
        Fate {
            recipient: recipient.clone(),
            state,
            detail,
        }
    };
    named.iter().map(fate).collect()
}

impl<'a> Told<'a> {
    fn take(&mut self, step: &'a Step) {
        match step {
            Step::Received(received) => self.received = Some(received),
            Step::Refused { reason } => self.refused = Some(reason),
            Step::Expanded {
                recipient,
                users,
                forwards,
            } => drop(self.expanded.insert(recipient.to_lowercase(), (users, forwards))),
            Step::Stored { user } => drop(self.stored.insert(user.to_lowercase())),
            Step::NotStored { user, reason } => drop(self.not_stored.insert(user.to_lowercase(), reason)),
            Step::Attempt(attempt) => self.attempt(attempt),
            Step::Steered { action, recipients } if action == "remove" => {
                for recipient in recipients {
                    let part = (FateState::Failed, Some("it was taken out of the queue".to_owned()));
                    self.outside.insert(recipient.to_lowercase(), part);
                }
            }
            Step::Checked { .. }
            | Step::Judged { .. }
            | Step::NotJudged { .. }
            | Step::Scanned { .. }
            | Step::Milter { .. }
            | Step::Filtered { .. }
            | Step::Queued { .. }
            | Step::Reported { .. }
            | Step::NotReported { .. }
            | Step::Steered { .. } => {}
        }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let state = match attempt.outcome {
            AttemptOutcome::Delivered => FateState::Delivered,
            AttemptOutcome::Deferred => FateState::Deferred,
            AttemptOutcome::Failed => FateState::Failed,
        };
        for recipient in &attempt.recipients {
            self.outside.insert(recipient.to_lowercase(), (state, Some(attempt.reply.clone())));
        }
    }

    /// The worst of what became of all that a recipient leads to.
    fn fate(&self, recipient: &str) -> Part {
        if let Some(reason) = self.refused {
            return (FateState::Failed, Some(reason.to_owned()));
        }
        let recipient = recipient.to_lowercase();
        match self.expanded.get(&recipient) {
            Some((users, forwards)) => {
                let users = users
                    .iter()
                    .map(|user| self.user(&user.to_lowercase()).unwrap_or((FateState::Queued, None)));
                let parts = users.chain(forwards.iter().map(|address| self.address(&address.to_lowercase())));
                parts.max_by_key(|(state, _)| *state).unwrap_or((FateState::Queued, None))
            }
            None => self.user(&recipient).unwrap_or_else(|| self.address(&recipient)),
        }
    }

    fn user(&self, login: &str) -> Option<Part> {
        if self.stored.contains(login) {
            return Some((FateState::Delivered, None));
        }
        let reason = self.not_stored.get(login)?;
        Some((FateState::Failed, Some((*reason).to_owned())))
    }

    fn address(&self, address: &str) -> Part {
        self.outside.get(address).cloned().unwrap_or((FateState::Queued, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::MailId;

    fn attempt(outcome: AttemptOutcome, recipient: &str, reply: &str) -> Step {
        Step::Attempt(Attempt {
            outcome,
            sender: None,
            recipients: vec![recipient.into()],
            host: None,
            via: None,
            status: "2.0.0".into(),
            reply: reply.into(),
            next_at: None,
        })
    }

    #[test]
    fn the_worst_of_what_a_recipient_leads_to_counts() {
        let recipients = ["Bob@h.test", "list@h.test", "x@far.test", "y@far.test"]
            .map(str::to_owned)
            .to_vec();
        let received = Received {
            protocol: "HTTP".into(),
            peer: None,
            helo: None,
            tls: None,
            user: Some("ada@h.test".into()),
            sender: "ada@h.test".into(),
            recipients,
            more: 0,
            size: 1,
            message_id: None,
        };
        let steps = [
            Step::Received(received),
            Step::Expanded {
                recipient: "list@h.test".into(),
                users: vec!["bob@h.test".into()],
                forwards: vec!["Z@far.test".into()],
            },
            Step::Stored { user: "bob@h.test".into() },
            attempt(AttemptOutcome::Deferred, "x@far.test", "451 later"),
            attempt(AttemptOutcome::Delivered, "x@far.test", "250 ok"),
            attempt(AttemptOutcome::Failed, "z@far.test", "550 no"),
        ];
        let events = steps.into_iter().map(|step| Event { at_ms: 1, step }).collect();
        let mut story = Story { id: MailId(1), events };
        let shown =
            |story: &Story| -> Vec<(FateState, Option<String>)> { fates(story).into_iter().map(|it| (it.state, it.detail)).collect() };
        assert_eq!(
            shown(&story),
            [
                (FateState::Delivered, None),
                (FateState::Failed, Some("550 no".into())),
                (FateState::Delivered, Some("250 ok".into())),
                (FateState::Queued, None),
            ]
        );
        let refused = Step::Refused { reason: "no".into() };
        story.events.push(Event { at_ms: 2, step: refused });
        assert!(shown(&story).iter().all(|(state, _)| *state == FateState::Failed));
    }
}
