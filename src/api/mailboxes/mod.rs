//! The folders of a user, who else may use them, and what changes in them.

pub(super) mod change;
pub(super) mod changes;
pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod rights;
pub(super) mod show;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::field::Login;
use super::house::House;
use super::reply::Tagged;
use crate::model::account::User;
use crate::model::audit::{Actor, Deed, Resource};
use crate::model::ids::MailboxId;
use crate::model::mailbox::{self, MailboxInfo, MailboxStatus};
use crate::model::refusal::Refusal;
use crate::model::revision::Revision;

/// A mailbox (folder) of a user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "name": "INBOX", "subscribed": true, "uidvalidity": 1, "messages": 17, "unseen": 3, "size": 482_133,
    "modseq": 42
}))]
pub(super) struct Mailbox {
    /// Stays when the mailbox is renamed.
    pub id: String,
    /// Its name; `/` separates the levels.
    name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    special_use: Option<SpecialUse>,
    /// Whether the user subscribed to it.
    subscribed: bool,
    /// Changes if the ids of its messages are no longer those of before.
    #[schema(value_type = u64)]
    uidvalidity: u32,
    /// How many messages.
    #[schema(value_type = u64)]
    messages: u32,
    /// How many of them are not seen.
    #[schema(value_type = u64)]
    unseen: u32,
    /// Octets of all messages.
    size: u64,
    /// Rises with each change of its messages: see `changes`.
    modseq: u64,
}

/// The state of a mailbox, but for its messages.
fn revision(info: &MailboxInfo) -> Revision {
    let special_use = info.special_use.map(mailbox::SpecialUse::as_str);
    Revision::of_all(info.id.0, (info.name.as_str(), info.subscribed, special_use))
}

/// What a mailbox is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SpecialUse {
    Archive,
    Drafts,
    Junk,
    Sent,
    Trash,
}

impl From<mailbox::SpecialUse> for SpecialUse {
    fn from(special_use: mailbox::SpecialUse) -> Self {
        match special_use {
            mailbox::SpecialUse::Archive => Self::Archive,
            mailbox::SpecialUse::Drafts => Self::Drafts,
            mailbox::SpecialUse::Junk => Self::Junk,
            mailbox::SpecialUse::Sent => Self::Sent,
            mailbox::SpecialUse::Trash => Self::Trash,
        }
    }
}

impl From<SpecialUse> for mailbox::SpecialUse {
    fn from(special_use: SpecialUse) -> Self {
        match special_use {
            SpecialUse::Archive => Self::Archive,
            SpecialUse::Drafts => Self::Drafts,
            SpecialUse::Junk => Self::Junk,
            SpecialUse::Sent => Self::Sent,
            SpecialUse::Trash => Self::Trash,
        }
    }
}

impl From<(MailboxInfo, MailboxStatus)> for Mailbox {
    fn from((info, status): (MailboxInfo, MailboxStatus)) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name.to_string(),
            special_use: info.special_use.map(Into::into),
            subscribed: info.subscribed,
            uidvalidity: info.uidvalidity,
            messages: status.messages,
            unseen: status.unseen,
            size: status.size,
            modseq: status.highest_modseq.0,
        }
    }
}

/// Finds the mailbox of this user.
async fn located(house: &House, login: &Login, id: MailboxId) -> Result<(Arc<User>, MailboxInfo), Refusal> {
    let user = owner(house, login).await?;
    let info = house.mailboxes.list(&user).await?.into_iter().find(|info| info.id == id);
    let info = info.ok_or_else(|| Refusal::NotFound {
        what: "mailbox",
        name: id.to_string(),
    })?;
    Ok((user, info))
}

/// The mailbox as it is now.
async fn shown(house: &House, user: &User, info: MailboxInfo) -> Result<Tagged<Mailbox>, Refusal> {
    let status = house.mailboxes.status(user, &info.name).await?;
    Ok(Tagged(revision(&info), Mailbox::from((info, status))))
}

/// Has it in the audit log what was done with a mailbox.
async fn note(house: &House, actor: &Actor, deed: Deed, user: &User, states: [Option<&MailboxInfo>; 2]) {
    let shown = |info: &MailboxInfo| {
        let special_use = info.special_use.map(mailbox::SpecialUse::as_str);
        match special_use {
            Some(special_use) => json!({"name": info.name.as_str(), "subscribed": info.subscribed, "special_use": special_use}),
            None => json!({"name": info.name.as_str(), "subscribed": info.subscribed}),
        }
    };
    let [before, after] = states;
    let Some(info) = after.or(before) else { return };
    let resource = Resource::user(&user.login).part("mailboxes", info.id);
    house.audit.note(actor, deed, resource, (before.map(shown), after.map(shown))).await;
}

/// The user whose mail is asked for. An administrator without an address has none.
pub(super) async fn owner(house: &House, login: &Login) -> Result<Arc<User>, Refusal> {
    let user = house.directory.user(&login.key()).await?;
    if user.address.is_none() {
        return Err(Refusal::NotFound {
            what: "mail of",
            name: login.to_string(),
        });
    }
    Ok(user)
}
