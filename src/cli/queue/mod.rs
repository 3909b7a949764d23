//! `posthouse queue`.

mod selection;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use self::selection::{Filters, Selection};
use super::failure::Failure;
use super::output::{Output, Show};
use super::pages::PAGE;
use crate::app::Services;
use crate::mail::queue::{QueuedMail, QueuedRecipient};
use crate::model::ids::MailId;
use crate::model::queue::{QueueFilter, Steering};

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
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::List(filters) => list(services, filters, out).await,
            Self::Show { id } => show(services, id, out).await,
            Self::Retry(selection) => steer(services, selection, Steering::Retry, out).await,
            Self::Hold(selection) => steer(services, selection, Steering::Hold, out).await,
            Self::Release(selection) => steer(services, selection, Steering::Release, out).await,
            Self::Expire(selection) => steer(services, selection, Steering::Expire, out).await,
            Self::Remove(selection) => steer(services, selection, Steering::Remove, out).await,
            Self::Flush => {
                let count = services.queue.steer(&QueueFilter::default(), Steering::Retry).await?;
                services.traces.flush().await;
                done(Steering::Retry, count, out)
            }
        }
    }
}

async fn steer(services: &Services, selection: Selection, steering: Steering, out: &mut Output) -> Result<(), Failure> {
    let mut count = 0_u64;
    for filter in selection.read(services.queue.now())? {
        if let Some(id) = filter.id {
            // An id that is not there is an error; a filter that picks nothing is not.
            services.queue.show(id).await?;
        }
        count = count.saturating_add(services.queue.steer(&filter, steering).await?);
    }
    services.traces.flush().await;
    done(steering, count, out)
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

async fn list(services: &Services, filters: Filters, out: &mut Output) -> Result<(), Failure> {
    let filter = filters.filter(services.queue.now());
    let mut after = None;
    loop {
        let mails = services.queue.list(&filter, after, PAGE).await?;
        let Some(last) = mails.last() else { return Ok(()) };
        after = Some(last.id);
        out.rows(&mails.iter().map(Mail::from).collect::<Vec<_>>())?;
    }
}

async fn show(services: &Services, id: MailId, out: &mut Output) -> Result<(), Failure> {
    let mail = Mail::from(&services.queue.show(id).await?);
    out.card(&mail)?;
    if out.is_for_people() {
        out.text("\n")?;
        out.rows(&mail.recipients)?;
    }
    Ok(())
}

/// A message of the queue, as it is printed.
#[derive(Serialize)]
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
#[derive(Serialize)]
struct Recipient {
    address: String,
    state: &'static str,
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
            state: recipient.state.name(),
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
            self.state.into(),
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

    fn recipient(address: &str, state: &'static str) -> Recipient {
        Recipient {
            address: address.into(),
            state,
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
