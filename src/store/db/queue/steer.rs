//! Recipients picked by a filter, and what the operator does with them.

use super::{MESSAGE, Message, State, destination, marks, message};
use crate::model::address::Host;
use crate::model::ids::MailId;
use crate::model::queue::{QueueFilter, RecipientState, Steering};
use crate::store::Error;
use crate::store::db::{Tx, Value};

/// A recipient that was picked.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: MailId,
    /// Its place among the recipients of the message.
    pub position: i64,
    pub address: String,
    pub destination: Host,
    /// The last reply or error.
    pub last_error: Option<String>,
}

/// Conditions and the values of their `?`s, on `m` (the message) and `r` (the recipient).
#[derive(Default)]
struct Conditions {
    of_message: Vec<String>,
    of_recipient: Vec<String>,
    message_values: Vec<Value>,
    recipient_values: Vec<Value>,
}

impl Conditions {
    fn of(filter: &QueueFilter) -> Self {
        let mut conditions = Self::default();
        let text = |text: String| Value::from(text.to_ascii_lowercase());
        if let Some(id) = filter.id {
            conditions.message("m.id = ?", id.0.into());
        }
        if let Some(sender) = &filter.sender {
            conditions.message("LOWER(m.sender) = ?", text(sender.to_string()));
        }
        if let Some(domain) = &filter.sender_domain {
            conditions.message(
                "LOWER(m.sender) LIKE ? ESCAPE '!'",
                format!("%@{}", escaped(domain.as_str())).into(),
            );
        }
        if let Some(before) = filter.before {
            conditions.message("m.created_at < ?", before.as_millisecond().into());
        }
        if let Some(recipient) = &filter.recipient {
            conditions.recipient("LOWER(r.address) = ?", text(recipient.to_string()));
        }
        if let Some(domain) = &filter.recipient_domain {
            conditions.recipient("r.destination = ?", domain.as_str().into());
        }
        if let Some(error) = &filter.error {
            let pattern = format!("%{}%", escaped(&error.to_ascii_lowercase()));
            conditions.recipient("LOWER(r.last_error) LIKE ? ESCAPE '!'", pattern.into());
        }
        if let Some(state) = filter.state {
            conditions.states(codes(state));
        }
        conditions
    }

    fn message(&mut self, condition: &str, value: Value) {
        self.of_message.push(condition.into());
        self.message_values.push(value);
    }

    fn recipient(&mut self, condition: &str, value: Value) {
        self.of_recipient.push(condition.into());
        self.recipient_values.push(value);
    }

    fn states(&mut self, states: &[State]) {
        self.of_recipient.push(format!("r.state IN ({})", marks(states.len())));
        self.recipient_values.extend(states.iter().map(|state| Value::from(state.code())));
    }
}

/// The states of the rows that are shown as this one.
const fn codes(state: RecipientState) -> &'static [State] {
    match state {
        RecipientState::Waiting => &[State::Waiting],
        RecipientState::Held => &[State::Held],
        RecipientState::Delivered => &[State::Done, State::RelayedUnreported],
        RecipientState::Failed => &[State::FailedUnreported, State::Failed],
    }
}

/// The states that a step takes recipients from.
const fn taken_from(steering: Steering) -> &'static [State] {
    match steering {
        Steering::Hold | Steering::Retry => &[State::Waiting],
        Steering::Release => &[State::Held],
        Steering::Expire => &[State::Waiting, State::Held],
        Steering::Remove => &[State::Waiting, State::Held, State::FailedUnreported, State::RelayedUnreported],
    }
}

/// A text as it stands in a LIKE pattern with `ESCAPE '!'`.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// The messages after the one named that have a recipient picked by the filter, oldest first.
pub async fn page(tx: &mut Tx, filter: &QueueFilter, after: Option<MailId>, limit: usize) -> Result<Vec<Message>, Error> {
    let conditions = Conditions::of(filter);
    let mut wheres = conditions.of_message;
    wheres.insert(0, "m.id > ?".into());
    if !conditions.of_recipient.is_empty() {
        let of_recipient = conditions.of_recipient.join(" AND ");
        wheres.push(format!(
            "EXISTS (SELECT 1 FROM queue_recipients r WHERE r.message_id = m.id AND {of_recipient})"
        ));
    }
    let wheres = wheres.join(" AND ");
    tx.query_built(format!(
        "SELECT {MESSAGE} FROM queue_messages m WHERE {wheres} ORDER BY m.id LIMIT ?"
    ))
    .bind(after.map_or(i64::MIN, |after| after.0))
    .bind_all(conditions.message_values)
    .bind_all(conditions.recipient_values)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(message)
    .await
}

/// Those picked by the filter that a step can be done with, after the one named by message and position.
pub async fn targets(tx: &mut Tx, filter: &QueueFilter, steering: Steering, after: (i64, i64), limit: usize) -> Result<Vec<Target>, Error> {
    let mut conditions = Conditions::of(filter);
    conditions.states(taken_from(steering));
    let wheres = [conditions.of_message, conditions.of_recipient].concat().join(" AND ");
    tx.query_built(format!(
        "SELECT r.message_id, r.position, r.address, r.destination, r.last_error FROM queue_recipients r \
         JOIN queue_messages m ON m.id = r.message_id \
         WHERE (r.message_id > ? OR (r.message_id = ? AND r.position > ?)) AND {wheres} \
         ORDER BY r.message_id, r.position LIMIT ?"
    ))
    .bind(after.0)
    .bind(after.0)
    .bind(after.1)
    .bind_all(conditions.message_values)
    .bind_all(conditions.recipient_values)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(|row| {
        Ok(Target {
            id: MailId(row.integer(0)?),
            position: row.integer(1)?,
            address: row.text(2)?,
            destination: destination(&row.text(3)?)?,
            last_error: row.text_or_null(4)?,
        })
    })
    .await
}

/// Does the step with one recipient; false if its state changed meanwhile. What is under way at this moment can be held (that counts
/// if this attempt fails) and removed, but does not expire: it may be delivered.
pub async fn steer(tx: &mut Tx, target: &Target, steering: Steering, now: i64, text: &str) -> Result<bool, Error> {
    let query = match steering {
        Steering::Hold => tx.query("UPDATE queue_recipients SET state = 5 WHERE state = 0 AND message_id = ? AND position = ?"),
        Steering::Release => tx
            .query("UPDATE queue_recipients SET state = 0, next_attempt_at = ? WHERE state = 5 AND message_id = ? AND position = ?")
            .bind(now),
        Steering::Retry => tx
            .query("UPDATE queue_recipients SET next_attempt_at = ? WHERE state = 0 AND message_id = ? AND position = ?")
            .bind(now),
        Steering::Expire => tx
            .query(
                "UPDATE queue_recipients SET state = 2, next_attempt_at = ?, last_attempt_at = ?, last_status = '5.4.7', \
                 last_host = NULL, last_error = ? WHERE state IN (0, 5) AND lease_until <= ? AND message_id = ? AND position = ?",
            )
            .bind(now)
            .bind(now)
            .bind(super::cut(text, 1000))
            .bind(now),
        Steering::Remove => tx.query("DELETE FROM queue_recipients WHERE state IN (0, 2, 3, 5) AND message_id = ? AND position = ?"),
    };
    let done = query.bind(target.id.0).bind(target.position).execute().await?;
    Ok(done > 0)
}

/// Holds all that waits, and takes it from whoever had claimed it, for those are of another time; how many recipients.
pub async fn hold_all(tx: &mut Tx) -> Result<u64, Error> {
    tx.query("UPDATE queue_recipients SET lease = 0, lease_until = 0 WHERE lease <> 0")
        .execute()
        .await?;
    tx.query("UPDATE queue_recipients SET state = 5, notice_at = NULL WHERE state = 0")
        .execute()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_taken_literally() {
        assert_eq!(escaped("50% of a_b!"), "50!% of a!_b!!");
    }

    #[test]
    fn every_condition_has_its_values() {
        let filter = QueueFilter {
            id: Some(MailId(1)),
            sender: Some(ReversePath::Null),
            sender_domain: Some("a.test".parse().unwrap()),
            recipient: Some("b@c.test".parse().unwrap()),
            recipient_domain: Some("c.test".parse().unwrap()),
            state: Some(RecipientState::Failed),
            before: Some(jiff::Timestamp::UNIX_EPOCH),
            error: Some("x".into()),
        };
        let conditions = Conditions::of(&filter);
        let marks = |conditions: &[String]| conditions.concat().matches('?').count();
        assert_eq!(marks(&conditions.of_message), conditions.message_values.len());
        assert_eq!(marks(&conditions.of_recipient), conditions.recipient_values.len());
        assert!(Conditions::of(&QueueFilter::default()).of_message.is_empty());
    }

    use crate::model::envelope::ReversePath;
}
