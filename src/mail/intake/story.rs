//! What the intake has to tell of a message, for its story.

use super::deliver::Plan;
use super::{Accepted, Incoming, Inner, Origin, head};
use crate::mail::directory::Route;
use crate::mail::sign::Signer;
use crate::model::address::EmailAddress;
use crate::model::envelope::{ReversePath, Sender};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::{Received, Step};

/// How many recipients a story names at its begin. It is found by all of them, and each has its steps.
const NAMED: usize = 20;

impl Inner {
    /// How a message came in, where its recipients lead, and the words by which it is found.
    pub(super) fn tell_received(&self, origin: &Origin, sender: &Sender, recipients: &[Accepted], plan: &Plan, message: &Incoming) {
        let made = || origin.user.as_ref().map(|_| head::made_message_id(message.id, &self.hostname));
        let message_id = message.head.message_id().or_else(made);
        let addresses = recipients.iter().map(|accepted| &accepted.recipient.address);
        let outside = plan.outside.iter().map(|recipient| &recipient.address);
        let words = sender.path.address().into_iter().chain(addresses).chain(outside);
        let words = words.map(EmailAddress::canonical);
        let users = plan.users.iter().map(|user| user.login.to_lowercase());
        self.traces.name(message.id, words.chain(users).chain(message_id.clone()));
        let received = Received {
            protocol: origin.protocol.to_owned(),
            peer: origin.peer,
            helo: origin.helo.clone().filter(|helo| !helo.is_empty()),
            tls: origin.tls.clone(),
            user: origin.user.as_ref().map(|user| user.login.clone()),
            sender: sender.path.to_string(),
            recipients: recipients
                .iter()
                .take(NAMED)
                .map(|accepted| accepted.recipient.address.to_string())
                .collect(),
            more: recipients.len().saturating_sub(NAMED),
            size: message.size(),
            message_id,
        };
        let now = self.clock.now();
        let mut steps = vec![(message.id, now, Step::Received(received))];
        steps.extend(recipients.iter().filter_map(expanded).map(|step| (message.id, now, step)));
        self.traces.tell_all(steps);
    }

    /// Whom users write to is no stranger, and who answers them neither.
    pub(super) fn note_sent(&self, origin: &Origin, plan: &Plan, message: &Incoming) {
        if let Some(user) = &origin.user {
            let made = || head::made_message_id(message.id, &self.hostname);
            let message_id = message.head.message_id().unwrap_or_else(made);
            self.spam.was_sent(user.id, plan.recipients().cloned(), &message_id);
        }
    }

    pub(super) fn tell_refused(&self, id: MailId, refusal: &Refusal) {
        let reason = refusal.to_string();
        self.traces.tell(id, Step::Refused { reason });
    }

    /// What became of each user that the message is for.
    pub(super) fn tell_stored(&self, id: MailId, plan: &Plan, results: &[Result<(), Refusal>]) {
        let now = self.clock.now();
        let step = |(user, result): (&std::sync::Arc<crate::model::account::User>, &Result<(), Refusal>)| {
            let user = user.login.clone();
            let step = match result {
                Ok(()) => Step::Stored { user },
                Err(refusal) => Step::NotStored {
                    user,
                    reason: refusal.to_string(),
                },
            };
            (id, now, step)
        };
        self.traces.tell_all(plan.users.iter().zip(results).map(step).collect());
    }
}

/// That the message is in the queue; `was` is the sender before others were told another one.
pub(super) fn queued(plan: &Plan, was: &ReversePath, sender: &ReversePath, signer: Option<&Signer>) -> Step {
    Step::Queued {
        recipients: plan.outside.len(),
        sender: (was != sender).then(|| sender.to_string()),
        signed: signer.map(|signer| signer.names().to_vec()).unwrap_or_default(),
    }
}

/// Where a recipient leads, unless that is plain to see.
fn expanded(accepted: &Accepted) -> Option<Step> {
    let Route::Here { users, forwards } = &accepted.route else {
        return None;
    };
    let recipient = accepted.recipient.address.to_string();
    let users: Vec<String> = users.iter().map(|local| local.user.login.clone()).collect();
    let forwards: Vec<String> = forwards.iter().map(ToString::to_string).collect();
    let is_plain = forwards.is_empty() && matches!(users.as_slice(), [only] if only.eq_ignore_ascii_case(&recipient));
    (!is_plain).then_some(Step::Expanded {
        recipient,
        users,
        forwards,
    })
}
