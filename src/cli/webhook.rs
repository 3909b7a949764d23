//! `posthouse webhook`.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::Failure;
use super::house::{House, operator};
use super::output::{Output, Show};
use crate::mail::webhooks::NewWebhook;
use crate::model::address::Domain;
use crate::model::event::EventKind;
use crate::model::ids::WebhookId;
use crate::model::revision::Expectation;
use crate::model::webhook;

/// The commands of `posthouse webhook`.
#[derive(Debug, Subcommand)]
pub(super) enum Webhook {
    /// Tell a program elsewhere of events; the secret of its signatures is printed this once
    Add {
        /// Where events are posted, such as https://panel.example.org/hook
        #[arg(value_name = "URL")]
        target: String,
        /// A kind of events, such as message.stored; give it once for each. Without any: all
        #[arg(long)]
        kind: Vec<EventKind>,
        /// A domain whose events it is told of; give it once for each. Without any: all
        #[arg(long)]
        domain: Vec<Domain>,
        /// A note for yourself
        #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
        description: String,
    },
    /// List all webhooks, without their secrets
    List,
    /// Show a webhook
    Show {
        /// Its id, as `posthouse webhook list` shows it
        id: WebhookId,
    },
    /// Post a test event now, and say what came of it
    Test {
        /// Its id
        id: WebhookId,
    },
    /// Remove a webhook: it is told of nothing any more
    Remove {
        /// Its id
        id: WebhookId,
    },
}

impl Webhook {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add {
                target,
                kind,
                domain,
                description,
            } => {
                let new = NewWebhook {
                    url: target,
                    kinds: kind,
                    domains: domain,
                    enabled: true,
                    description,
                };
                let view = add(house, new).await?;
                out.done(view.secret.as_deref().unwrap_or_default(), &view)
            }
            Self::List => out.rows(&list(house).await?),
            Self::Show { id } => out.card(&show(house, id).await?),
            Self::Test { id } => test(house, id, out).await,
            Self::Remove { id } => {
                remove(house, id).await?;
                out.done(&format!("Removed webhook {id}."), &json!({ "removed": id.to_string() }))
            }
        }
    }
}

async fn add(house: &House, new: NewWebhook) -> Result<View, Failure> {
    match house {
        House::Here(services) => {
            let (webhook, secret) = services.webhooks.create(new, &operator()).await?;
            Ok(View {
                secret: Some(secret.expose().to_owned()),
                ..View::from(webhook)
            })
        }
        House::There(remote) => {
            let kinds: Vec<String> = new.kinds.iter().map(EventKind::to_string).collect();
            let domains: Vec<String> = new.domains.iter().map(Domain::to_string).collect();
            let body = json!({ "url": new.url, "kinds": kinds, "domains": domains, "description": new.description });
            remote.post(&["webhooks"], &[], body).await
        }
    }
}

async fn list(house: &House) -> Result<Vec<View>, Failure> {
    match house {
        House::Here(services) => Ok(services.webhooks.list().await?.into_iter().map(View::from).collect()),
        House::There(remote) => {
            let mut all = Vec::new();
            let take = |views: Vec<View>| {
                all.extend(views);
                Ok(())
            };
            remote.each(&["webhooks"], &[], take).await?;
            Ok(all)
        }
    }
}

async fn show(house: &House, id: WebhookId) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.webhooks.show(id).await?.into()),
        House::There(remote) => remote.get(&["webhooks", &id.to_string()]).await,
    }
}

async fn test(house: &House, id: WebhookId, out: &mut Output) -> Result<(), Failure> {
    let told: Told = match house {
        House::Here(services) => services.webhooks.test(id).await?.into(),
        House::There(remote) => remote.post(&["webhooks", &id.to_string(), "test"], &[], Value::Null).await?,
    };
    match &told.error {
        Some(error) => Err(Failure::Incomplete(format!("the test event was not taken: {error}"))),
        None => out.done("The test event was taken.", &told),
    }
}

async fn remove(house: &House, id: WebhookId) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.webhooks.remove(id, &Expectation::default(), &operator()).await?),
        House::There(remote) => remote.delete(&["webhooks", &id.to_string()], &[]).await,
    }
}

/// What came of a test, as it is printed.
#[derive(Serialize, Deserialize)]
struct Told {
    id: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<webhook::Delivery> for Told {
    fn from(delivery: webhook::Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            state: delivery.state.to_string(),
            status: delivery.status,
            error: delivery.error,
        }
    }
}

/// A webhook, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    id: String,
    url: String,
    kinds: Vec<String>,
    domains: Vec<String>,
    enabled: bool,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    created_at: String,
    updated_at: String,
    /// Only when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<webhook::Webhook> for View {
    fn from(webhook: webhook::Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            kinds: webhook.kinds.iter().map(EventKind::to_string).collect(),
            domains: webhook.domains.iter().map(Domain::to_string).collect(),
            enabled: webhook.enabled,
            description: webhook.description,
            failing_since: webhook.failing_since.map(|at| at.to_string()),
            created_at: webhook.created_at.to_string(),
            updated_at: webhook.updated_at.to_string(),
            secret: None,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Id", "Url", "State", "Kinds", "Domains", "Failing since", "Description"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.url.clone(),
            if self.enabled { "enabled" } else { "disabled" }.into(),
            self.kinds.join(" "),
            self.domains.join(" "),
            self.failing_since.clone().unwrap_or_default(),
            self.description.clone(),
        ]
    }
}
