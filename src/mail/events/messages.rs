//! The steps of a message as events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;
use serde_json::{Value, json};

use crate::model::address::{Domain, EmailAddress};
use crate::model::event::{EventKind, NewEvent};
use crate::model::ids::MailId;
use crate::model::trace::{Attempt, AttemptOutcome, Received, Step};

/// How many messages may be under way at a time, and for how long: what follows their arrival comes soon.
const MOST: u64 = 20_000;
const SOON: Duration = Duration::from_mins(5);

/// How messages that are under way came in, so that later steps need not tell it again.
pub(super) struct UnderWay {
    messages: Cache<MailId, Arc<Origin>>,
}

impl Default for UnderWay {
    fn default() -> Self {
        Self {
            messages: Cache::builder().max_capacity(MOST).time_to_live(SOON).build(),
        }
    }
}

/// How a message came in.
struct Origin {
    sender: String,
    message_id: Option<String>,
    /// Whose affair it is: the domains of its recipients; or, of a message that a user sends, that of the user.
    domains: Vec<Option<Domain>>,
}

impl UnderWay {
    /// What there is to tell of a step; for each domain that it concerns an event of its own.
    pub(super) fn events(&self, id: MailId, at: Timestamp, step: &Step) -> Vec<NewEvent> {
        let told = |kind, domain, data| NewEvent { at, kind, domain, data };
        match step {
            Step::Received(received) => self.received(id, at, received),
            Step::Refused { reason } => {
                let origin = self.messages.get(&id);
                let data = with(&origin, json!({ "id": id.to_string(), "reason": reason }));
                let domains = origin.map_or_else(|| vec![None], |origin| origin.domains.clone());
                domains
                    .into_iter()
                    .map(|domain| told(EventKind::MessageRejected, domain, data.clone()))
                    .collect()
            }
            Step::Stored { user } => {
                let data = with(&self.messages.get(&id), json!({ "id": id.to_string(), "user": user }));
                vec![told(EventKind::MessageStored, domain_of(user), data)]
            }
            Step::Queued { recipients, sender, .. } => {
                let origin = self.messages.get(&id);
                let mut data = with(&origin, json!({ "id": id.to_string(), "recipients": recipients }));
                if let (Some(sender), Some(fields)) = (sender, data.as_object_mut()) {
                    fields.insert("sender".to_owned(), json!(sender));
                }
                let domains = origin.map_or_else(|| vec![None], |origin| origin.domains.clone());
                domains
                    .into_iter()
                    .map(|domain| told(EventKind::MessageQueued, domain, data.clone()))
                    .collect()
            }
            Step::Attempt(attempt) => {
                let (kind, domain, data) = attempted(id, attempt);
                vec![told(kind, domain, data)]
            }
            Step::Checked { .. }
            | Step::Judged { .. }
            | Step::NotJudged { .. }
            | Step::Scanned { .. }
            | Step::Milter { .. }
            | Step::Filtered { .. }
            | Step::Expanded { .. }
            | Step::NotStored { .. }
            | Step::Reported { .. }
            | Step::NotReported { .. }
            | Step::Steered { .. } => Vec::new(),
        }
    }

    /// That a message was taken for spam.
    pub(super) fn junked(&self, id: MailId, at: Timestamp, score: Option<f64>) -> Vec<NewEvent> {
        let origin = self.messages.get(&id);
        let mut data = with(&origin, json!({ "id": id.to_string() }));
        if let (Some(score), Some(fields)) = (score, data.as_object_mut()) {
            fields.insert("score".to_owned(), json!(score));
        }
        let told = |domain| NewEvent {
            at,
            kind: EventKind::MessageJunked,
            domain,
            data: data.clone(),
        };
        let domains = origin.map_or_else(|| vec![None], |origin| origin.domains.clone());
        domains.into_iter().map(told).collect()
    }

    /// An administrator of a domain hears of the recipients in it, and of no others.
    fn received(&self, id: MailId, at: Timestamp, received: &Received) -> Vec<NewEvent> {
        let mut shares: BTreeMap<Option<String>, (Option<Domain>, Vec<&str>)> = BTreeMap::new();
        for recipient in &received.recipients {
            let domain = received.user.as_deref().map_or_else(|| domain_of(recipient), domain_of);
            let key = domain.as_ref().map(ToString::to_string);
            shares.entry(key).or_insert_with(|| (domain, Vec::new())).1.push(recipient);
        }
        let origin = Arc::new(Origin {
            sender: received.sender.clone(),
            message_id: received.message_id.clone(),
            domains: shares.values().map(|(domain, _)| domain.clone()).collect(),
        });
        self.messages.insert(id, Arc::clone(&origin));
        let event = |(domain, recipients): (Option<Domain>, Vec<&str>)| {
            let mut data = json!({
                "id": id.to_string(), "recipients": recipients, "size": received.size, "protocol": received.protocol,
                "address": received.peer.map(|ip| ip.to_string()), "user": received.user,
            });
            if let Some(fields) = data.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
            NewEvent {
                at,
                kind: EventKind::MessageReceived,
                domain,
                data: with(&Some(Arc::clone(&origin)), data),
            }
        };
        shares.into_values().map(event).collect()
    }
}

/// With what is known of how it came in.
fn with(origin: &Option<Arc<Origin>>, mut data: Value) -> Value {
    if let (Some(origin), Some(fields)) = (origin, data.as_object_mut()) {
        fields.insert("sender".to_owned(), json!(origin.sender));
        if let Some(message_id) = &origin.message_id {
            fields.insert("message_id".to_owned(), json!(message_id));
        }
    }
    data
}

fn attempted(id: MailId, attempt: &Attempt) -> (EventKind, Option<Domain>, Value) {
    let kind = match attempt.outcome {
        AttemptOutcome::Delivered => EventKind::MessageDelivered,
        AttemptOutcome::Deferred => EventKind::MessageDeferred,
        AttemptOutcome::Failed => EventKind::MessageBounced,
    };
    let next_at = attempt.next_at.map(|ms| crate::model::clock::timestamp(ms).to_string());
    let mut data = json!({
        "id": id.to_string(), "sender": attempt.sender, "recipients": attempt.recipients, "host": attempt.host, "status": attempt.status,
        "reply": attempt.reply, "next_attempt_at": next_at,
    });
    if let Some(fields) = data.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    (kind, attempt.sender.as_deref().and_then(domain_of), data)
}

fn domain_of(address: &str) -> Option<Domain> {
    address.parse::<EmailAddress>().ok()?.domain().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(user: Option<&str>) -> Step {
        Step::Received(Received {
            protocol: "ESMTP".into(),
            peer: None,
            helo: None,
            tls: None,
            user: user.map(str::to_owned),
            sender: "ada@client.test".into(),
            recipients: vec!["bob@b.test".into(), "eve@a.test".into(), "zoe@b.test".into()],
            more: 0,
            size: 7,
            message_id: Some("<1@client.test>".into()),
        })
    }

    fn told(under_way: &UnderWay, step: &Step) -> Vec<(String, String, Value)> {
        let events = under_way.events(MailId(1), Timestamp::UNIX_EPOCH, step);
        let shown = |event: NewEvent| {
            (
                event.kind.to_string(),
                event.domain.map(|it| it.to_string()).unwrap_or_default(),
                event.data,
            )
        };
        events.into_iter().map(shown).collect()
    }

    #[test]
    fn each_domain_hears_of_its_own_recipients() {
        let under_way = UnderWay::default();
        let events = told(&under_way, &received(None));
        let recipients = |at: usize| events[at].2["recipients"].clone();
        assert_eq!((events[0].1.as_str(), recipients(0)), ("a.test", json!(["eve@a.test"])));
        assert_eq!(
            (events[1].1.as_str(), recipients(1)),
            ("b.test", json!(["bob@b.test", "zoe@b.test"]))
        );
        assert_eq!(events[0].2["message_id"], "<1@client.test>");
        let refused = told(&under_way, &Step::Refused { reason: "no".into() });
        assert_eq!(refused.len(), 2);
        assert_eq!(
            (&refused[0].2["sender"], &refused[0].2["reason"]),
            (&json!("ada@client.test"), &json!("no"))
        );
        let stored = told(&under_way, &Step::Stored { user: "bob@b.test".into() });
        assert_eq!((stored[0].0.as_str(), stored[0].1.as_str()), ("message.stored", "b.test"));
    }

    #[test]
    fn what_a_user_sends_is_the_affair_of_their_domain() {
        let under_way = UnderWay::default();
        let events = told(&under_way, &received(Some("carol@house.test")));
        assert_eq!((events.len(), events[0].1.as_str()), (1, "house.test"));
        let queued = Step::Queued {
            recipients: 3,
            sender: None,
            signed: vec![],
        };
        assert_eq!(told(&under_way, &queued)[0].1, "house.test");
        let attempt = Step::Attempt(Attempt {
            outcome: AttemptOutcome::Deferred,
            sender: Some("carol@house.test".into()),
            recipients: vec!["bob@b.test".into()],
            host: None,
            via: None,
            status: "4.0.0".into(),
            reply: "later".into(),
            next_at: Some(0),
        });
        let deferred = &told(&under_way, &attempt)[0];
        assert_eq!((deferred.0.as_str(), deferred.1.as_str()), ("message.deferred", "house.test"));
        assert_eq!(deferred.2["next_attempt_at"], "1970-01-01T00:00:00Z");
        assert!(deferred.2.get("host").is_none());
    }
}
