//! `posthouse queue`.

mod selection;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::selection::{Filters, Pick, Selection};
use super::failure::Failure;
use super::house::{House, operator};
use super::output::{Output, Show};
use super::pages::{self, PAGE};
use super::remote::Remote;
use crate::mail::queue::{QueuedMail, QueuedRecipient};
use crate::model::ids::MailId;
use crate::model::queue::Steering;

/// The commands of `posthouse queue`.
#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    /// List the messages that wait, the oldest first: those with a recipient that all filters pick
    List(Filters),
    /// Show a message: each recipient, the tries so far, and what the other server said
    Show {
        /// Its id
        id: MailId,
    },
    /// Try now what waits
    Retry(Selection),
    /// Hold what waits: it is not tried, and does not expire, before it is released
    Hold(Selection),
    /// Release what is held: it is tried at once
    Release(Selection),
    /// Give up what waits or is held: it fails now, and its sender is told
    Expire(Selection),
    /// Drop from the queue without telling the sender
    Remove(Selection),
    /// Try now all that waits
    Flush,
}

impl Queue {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::List(filters) => list(house, &filters, out).await,
            Self::Show { id } => {
                let mail = show(house, id).await?;
                out.card(&mail)?;
                if out.is_for_people() {
                    out.text("\n")?;
                    out.rows(&mail.recipients)?;
                }
                Ok(())
            }
            Self::Retry(selection) => steer(house, &selection.read()?, Steering::Retry, out).await,
            Self::Hold(selection) => steer(house, &selection.read()?, Steering::Hold, out).await,
            Self::Release(selection) => steer(house, &selection.read()?, Steering::Release, out).await,
            Self::Expire(selection) => steer(house, &selection.read()?, Steering::Expire, out).await,
            Self::Remove(selection) => steer(house, &selection.read()?, Steering::Remove, out).await,
            Self::Flush => {
                let filters = &Filters::default();
                steer(house, &[Pick { id: None, filters }], Steering::Retry, out).await
            }
        }
    }
}

async fn steer(house: &House, picks: &[Pick<'_>], steering: Steering, out: &mut Output) -> Result<(), Failure> {
    let mut count = 0_u64;
    for pick in picks {
        if let Some(id) = pick.id {
            // An id that is not there is an error; a filter that picks nothing is not.
            show(house, id).await?;
        }
        let changed = match house {
            House::Here(services) => {
                let filter = pick.filter(services.queue.now());
                let count = services.queue.steer(&filter, steering).await?;
                services.audit.note_steering(&operator(), &filter, steering, count).await;
                count
            }
            House::There(remote) => steer_there(remote, *pick, steering).await?,
        };
        count = count.saturating_add(changed);
    }
    if let House::Here(services) = house {
        services.traces.flush().await;
    }
    done(steering, count, out)
}

async fn steer_there(remote: &Remote, pick: Pick<'_>, steering: Steering) -> Result<u64, Failure> {
    let mut query = pick.query();
    if query.is_empty() {
        query.push(("all", true.to_string()));
    }
    let held = |held: bool| json!({ "held": held });
    let changed: Changed = match steering {
        Steering::Hold => remote.patch(&["queue"], &query, held(true)).await?,
        Steering::Release => remote.patch(&["queue"], &query, held(false)).await?,
        Steering::Retry => remote.post(&["queue", "retry"], &query, Value::Null).await?,
        Steering::Expire => remote.post(&["queue", "expire"], &query, Value::Null).await?,
        Steering::Remove => remote.delete_picked(&["queue"], &query).await?,
    };
    Ok(changed.recipients)
}

/// What the API says of a change of many.
#[derive(Deserialize)]
struct Changed {
    recipients: u64,
}

/// Says how many recipients it were.
fn done(steering: Steering, count: u64, out: &mut Output) -> Result<(), Failure> {
    let (name, what) = match steering {
        Steering::Hold => ("held", "held"),
        Steering::Release => ("released", "released"),
        Steering::Retry => ("retried", "tried now"),
        Steering::Expire => ("expired", "given up"),
        Steering::Remove => ("removed", "removed"),
    };
    let recipients = if count == 1 { "recipient is" } else { "recipients are" };
    out.done(&format!("{count} {recipients} {what}."), &json!({ name: count }))
}

async fn list(house: &House, filters: &Filters, out: &mut Output) -> Result<(), Failure> {
    let pick = Pick { id: None, filters };
    match house {
        House::Here(services) => {
            let filter = pick.filter(services.queue.now());
            let mut after = None;
            loop {
                let mails = services.queue.list(&filter, after, PAGE).await?;
                let Some(last) = mails.last() else { return Ok(()) };
                after = Some(last.id);
                out.rows(&mails.iter().map(Mail::from).collect::<Vec<_>>())?;
            }
        }
        House::There(remote) => {
            let query: Vec<_> = pick.query().into_iter().chain([pages::limit()]).collect();
            remote.each(&["queue"], &query, |mails: Vec<Mail>| out.rows(&mails)).await
        }
    }
}

async fn show(house: &House, id: MailId) -> Result<Mail, Failure> {
    match house {
        House::Here(services) => Ok(Mail::from(&services.queue.show(id).await?)),
        House::There(remote) => remote.get(&["queue", &id.to_string()]).await,
    }
}

/// A message of the queue, as it is printed.
#[derive(Serialize, Deserialize)]
struct Mail {
    id: String,
    /// Empty for `<>`.
    sender: String,
    size: u64,
    created_at: String,
    expires_at: String,
    recipients: Vec<Recipient>,
}

/// One of its recipients.
#[derive(Serialize, Deserialize)]
struct Recipient {
    address: String,
    state: String,
    attempts: u32,
    next_attempt_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl From<&QueuedMail> for Mail {
    fn from(mail: &QueuedMail) -> Self {
        Self {
            id: mail.id.to_string(),
            sender: mail.sender.path.to_string(),
            size: mail.size,
            created_at: mail.created_at.to_string(),
            expires_at: mail.expires_at.to_string(),
            recipients: mail.recipients.iter().map(Recipient::from).collect(),
        }
    }
}

impl From<&QueuedRecipient> for Recipient {
    fn from(recipient: &QueuedRecipient) -> Self {
        Self {
            address: recipient.recipient.address.to_string(),
            state: recipient.state.name().to_owned(),
            attempts: recipient.attempts,
            next_attempt_at: recipient.next_attempt_at.to_string(),
            last_error: recipient.last_error.clone(),
        }
    }
}

impl Show for Mail {
    const HEADINGS: &'static [&'static str] = &["Id", "Created", "Expires", "Size", "Sender", "Recipients"];
    fn cells(&self) -> Vec<String> {
        let recipients: Vec<&str> = self.recipients.iter().map(|recipient| recipient.address.as_str()).collect();
        vec![
            self.id.clone(),
            self.created_at.clone(),
            self.expires_at.clone(),
            self.size.to_string(),
            format!("<{}>", self.sender),
            match recipients.split_at_checked(3) {
                Some((first, more)) if !more.is_empty() => format!("{} and {} more", first.join(", "), more.len()),
                _ => recipients.join(", "),
            },
        ]
    }
}

impl Show for Recipient {
    const HEADINGS: &'static [&'static str] = &["Recipient", "State", "Tries", "Next try", "Last error"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.address.clone(),
            self.state.clone(),
            self.attempts.to_string(),
            if self.state == "waiting" {
                self.next_attempt_at.clone()
            } else {
                String::new()
            },
            self.last_error.clone().unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(address: &str, state: &str) -> Recipient {
        Recipient {
            address: address.into(),
            state: state.into(),
            attempts: 2,
            next_attempt_at: "2026-01-01T00:00:00Z".into(),
            last_error: None,
        }
    }

    #[test]
    fn many_recipients_are_counted() {
        let mail = |addresses: &[&str]| Mail {
            id: "0000000000001".into(),
            sender: String::new(),
            size: 7,
            created_at: String::new(),
            expires_at: String::new(),
            recipients: addresses.iter().map(|address| recipient(address, "waiting")).collect(),
        };
        assert_eq!(
            mail(&["a@x.test", "b@x.test", "c@x.test"]).cells()[4..],
            ["<>", "a@x.test, b@x.test, c@x.test"]
        );
        assert_eq!(mail(&["a", "b", "c", "d", "e"]).cells()[5], "a, b, c and 2 more");
    }

    #[test]
    fn only_one_that_waits_has_a_next_try() {
        assert_eq!(recipient("a@x.test", "waiting").cells()[3], "2026-01-01T00:00:00Z");
        assert_eq!(recipient("a@x.test", "failed").cells()[3], "");
    }
}
