//! `posthouse ban`.

use clap::Subcommand;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use crate::mail::defence::NewBan;
use crate::model::access::{self, network_of};
use crate::model::network::Network;

/// The commands of `posthouse ban`.
#[derive(Debug, Subcommand)]
pub(super) enum Ban {
    /// Take nothing from a network any more, on all nodes
    Add {
        /// An address or a network, such as 192.0.2.0/24; of an IPv6 address its /64 is banned
        #[arg(value_parser = network_of)]
        network: Network,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// When it ends, such as 2030-01-01T00:00:00Z; without, when it is removed
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// List the bans that hold, those by the server itself too
    List,
    /// Lift a ban, and forget that there was one
    Remove {
        /// The network, as `posthouse ban list` shows it, or the address
        #[arg(value_parser = network_of)]
        network: Network,
    },
}

impl Ban {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add {
                network,
                reason,
                expires_at,
            } => {
                let ends_at = expires_at;
                let view = add(house, NewBan { network, reason, ends_at }).await?;
                out.done(&format!("Banned {}.", view.network), &view)
            }
            Self::List => list(house, out).await,
            Self::Remove { network } => {
                match house {
                    House::Here(services) => services.defence.remove_ban(network).await?,
                    House::There(remote) => remote.delete(&["bans", &network.to_string()], &[]).await?,
                }
                out.done(&format!("Lifted the ban of {network}."), &json!({ "removed": network.to_string() }))
            }
        }
    }
}

async fn add(house: &House, new: NewBan) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.defence.add_ban(new).await?.into()),
        House::There(remote) => {
            let expires_at = new.ends_at.map(|time| time.to_string());
            let body = json!({ "network": new.network.to_string(), "reason": new.reason, "expires_at": expires_at });
            remote.post(&["bans"], &[], body).await
        }
    }
}

async fn list(house: &House, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let fetch = async |after: Option<&str>| services.defence.bans(after, pages::PAGE).await;
            pages::each(fetch, |bans: Vec<access::Ban>| {
                out.rows(&bans.into_iter().map(View::from).collect::<Vec<_>>())
            })
            .await
        }
        House::There(remote) => remote.each(&["bans"], &[pages::limit()], |views: Vec<View>| out.rows(&views)).await,
    }
}

/// A ban, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    network: String,
    reason: String,
    automatic: bool,
    times: u32,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl From<access::Ban> for View {
    fn from(ban: access::Ban) -> Self {
        Self {
            network: ban.network.to_string(),
            reason: ban.reason,
            automatic: ban.is_automatic,
            times: ban.times,
            created_at: ban.created_at.to_string(),
            expires_at: ban.ends_at.map(|time| time.to_string()),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Network", "Since", "Until", "Times", "Reason"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.network.clone(),
            self.created_at.clone(),
            self.expires_at.clone().unwrap_or_default(),
            self.times.to_string(),
            self.reason.clone(),
        ]
    }
}
