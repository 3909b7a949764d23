//! `posthouse blocklist` and `posthouse allowlist`.

use clap::Subcommand;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use crate::mail::defence::NewEntry;
use crate::model::access::{AccessEntry, AccessList, Subject};

/// The commands of both.
#[derive(Debug, Subcommand)]
pub(super) enum Access {
    /// Add an entry, which holds on all nodes
    Add {
        /// A network such as 192.0.2.0/24, a sender such as ada@example.org, or a domain, which stands for those below it too
        subject: Subject,
        /// A note on it
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
        /// When it ends, such as 2030-01-01T00:00:00Z; without, when it is removed
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// List the entries
    List,
    /// Remove an entry
    Remove {
        /// The network, the sender or the domain
        subject: Subject,
    },
}

impl Access {
    pub(super) async fn run(self, list: AccessList, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add { subject, note, expires_at } => {
                let ends_at = expires_at;
                let view = add(house, list, NewEntry { subject, note, ends_at }).await?;
                out.done(&format!("Added {} to the {}.", view.subject, list.as_str()), &view)
            }
            Self::List => each(house, list, out).await,
            Self::Remove { subject } => {
                match house {
                    House::Here(services) => services.defence.remove_entry(list, &subject).await?,
                    House::There(remote) => remote.delete(&[list.as_str(), &subject.to_string()], &[]).await?,
                }
                let text = format!("Removed {subject} from the {}.", list.as_str());
                out.done(&text, &json!({ "removed": subject.to_string() }))
            }
        }
    }
}

async fn add(house: &House, list: AccessList, new: NewEntry) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.defence.add_entry(list, new).await?.into()),
        House::There(remote) => {
            let expires_at = new.ends_at.map(|time| time.to_string());
            let body = json!({ "subject": new.subject.to_string(), "note": new.note, "expires_at": expires_at });
            remote.post(&[list.as_str()], &[], body).await
        }
    }
}

async fn each(house: &House, list: AccessList, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let fetch = async |after: Option<&str>| services.defence.entries(list, after, pages::PAGE).await;
            pages::each(fetch, |entries: Vec<AccessEntry>| {
                out.rows(&entries.into_iter().map(View::from).collect::<Vec<_>>())
            })
            .await
        }
        House::There(remote) => {
            remote
                .each(&[list.as_str()], &[pages::limit()], |views: Vec<View>| out.rows(&views))
                .await
        }
    }
}

/// An entry, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    subject: String,
    note: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl From<AccessEntry> for View {
    fn from(entry: AccessEntry) -> Self {
        Self {
            subject: entry.subject.to_string(),
            note: entry.note,
            created_at: entry.created_at.to_string(),
            expires_at: entry.ends_at.map(|time| time.to_string()),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Subject", "Since", "Until", "Note"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.subject.clone(),
            self.created_at.clone(),
            self.expires_at.clone().unwrap_or_default(),
            self.note.clone(),
        ]
    }
}
