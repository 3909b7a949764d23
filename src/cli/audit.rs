//! `posthouse audit`.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use crate::mail::audit::AuditFilter;
use crate::mail::directory::Page;
use crate::model::address::Domain;
use crate::model::audit::{AuditEntry, Deed};

/// The commands of `posthouse audit`.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List changes, the newest first
    List(List),
}

/// Which changes.
#[derive(Debug, Args)]
pub(super) struct List {
    /// By this user, key or account of the machine: a login, the name of a key, or the id of either
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Of this thing, such as users/alice@example.test, or of a part of it
    #[arg(long, value_name = "PATH")]
    resource: Option<String>,
    /// Of this kind, such as user.created
    #[arg(long)]
    kind: Option<Deed>,
    /// Of things of this domain
    #[arg(long)]
    domain: Option<Domain>,
    /// From this moment on, such as 2026-11-26T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
}

impl Audit {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        let Self::List(list) = self;
        let (mut left, mut after) = (usize::try_from(list.limit).unwrap_or(usize::MAX), None);
        while left > 0 {
            let page = list.page(house, after.as_deref(), left.min(pages::PAGE)).await?;
            out.rows(&page.items)?;
            left = left.saturating_sub(page.items.len().max(1));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }
}

impl List {
    async fn page(&self, house: &House, after: Option<&str>, limit: usize) -> Result<Page<View>, Failure> {
        match house {
            House::Here(services) => {
                let filter = AuditFilter {
                    actor: self.actor.clone(),
                    resource: self.resource.clone(),
                    deed: self.kind,
                    domains: self.domain.clone().map(|domain| vec![domain]),
                    since: self.since,
                    until: self.until,
                };
                let before = after.and_then(|id| id.parse().ok());
                let found = services.audit.list(&filter, before, limit).await?;
                Ok(Page {
                    items: found.items.into_iter().map(View::from).collect(),
                    next: found.next,
                })
            }
            House::There(remote) => {
                let fields = [
                    ("actor", self.actor.clone()),
                    ("resource", self.resource.clone()),
                    ("kind", self.kind.map(|kind| kind.to_string())),
                    ("domain", self.domain.as_ref().map(ToString::to_string)),
                    ("since", self.since.map(|time| time.to_string())),
                    ("until", self.until.map(|time| time.to_string())),
                    ("limit", Some(limit.to_string())),
                ];
                let query: Vec<(&str, String)> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                remote.page(&["audit-log"], &query, after).await
            }
        }
    }
}

/// A change, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    id: String,
    at: String,
    actor: ActorView,
    kind: String,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct ActorView {
    kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl From<AuditEntry> for View {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.id.at().to_string(),
            kind: entry.deed.to_string(),
            resource: entry.resource.to_string(),
            domain: entry.resource.domain.map(|domain| domain.to_string()),
            request_id: entry.actor.request_id,
            actor: ActorView {
                kind: entry.actor.kind.to_string(),
                name: entry.actor.name,
                id: entry.actor.id,
                address: entry.actor.from.map(|ip| ip.to_string()),
            },
            before: entry.before,
            after: entry.after,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["At", "Who", "From", "Did", "With", "Changed"];
    fn cells(&self) -> Vec<String> {
        let actor = &self.actor;
        vec![
            self.at.clone(),
            match actor.name.as_str() {
                "" => actor.kind.clone(),
                name => format!("{} {name}", actor.kind),
            },
            actor.address.clone().unwrap_or_default(),
            self.kind.clone(),
            self.resource.clone(),
            changed(self.before.as_ref(), self.after.as_ref()),
        ]
    }
}

/// The fields that differ, with their values since.
fn changed(before: Option<&Value>, after: Option<&Value>) -> String {
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (before, after) else {
        return String::new();
    };
    let gone = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .map(|name| format!("{name}: none"));
    let new = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| format!("{name}: {value}"));
    new.chain(gone).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told() {
        let told = |before: Value, after: Value| changed(Some(&before), Some(&after));
        assert_eq!(
            told(json!({"a": 1, "b": 2, "c": 3}), json!({"a": 1, "b": 4, "d": "x"})),
            "b: 4, d: \"x\", c: none"
        );
        assert_eq!(changed(None, Some(&json!({"a": 1}))), "");
    }
}
