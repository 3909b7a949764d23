//! The people and programs with a mailbox, and the administrators.

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod password;
pub(super) mod put;
pub(super) mod remove;
pub(super) mod restore;
pub(super) mod show;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::field;
use super::problem::Problem;
use super::time::Time;
use crate::mail::directory::NewPassword;
use crate::mail::mailbox::Usage;
use crate::model::account;
use crate::model::secret::Secret;

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "address": "alice@example.test", "display_name": "Alice", "role": "user", "enabled": true, "quota_bytes": 1_073_741_824_u64,
    "used_bytes": 20_480, "used_messages": 3, "metadata": {"panel.id": "17"}, "tags": ["pilot"],
    "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"
}))]
pub(super) struct User {
    /// The mail address, which is also the login name; a bare name for an administrator without a mailbox.
    address: String,
    /// The same with its domain for people, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unicode: Option<String>,
    /// The name for people.
    display_name: String,
    role: Role,
    /// A disabled user cannot log in, and mail for them is refused.
    enabled: bool,
    /// The most octets their mailboxes may hold together; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_bytes: Option<u64>,
    /// The most messages their mailboxes may hold together; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_messages: Option<u64>,
    /// After how many days a message is removed from their Junk mailbox; 0: never; absent: as `retention.junk_days` of the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    junk_days: Option<u64>,
    /// After how many days a message is removed from their Trash; 0: never; absent: as `retention.trash_days` of the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    trash_days: Option<u64>,
    /// How many octets their mailboxes hold together; absent without a mailbox, and where it was not asked for, as in the answer to a
    /// change.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_bytes: Option<u64>,
    /// How many messages their mailboxes hold together.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_messages: Option<u64>,
    /// Texts of the callers' own by name.
    metadata: BTreeMap<String, String>,
    /// Marks of the callers' own.
    tags: Vec<String>,
    /// When they were deleted: they can still be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl From<&account::User> for User {
    fn from(user: &account::User) -> Self {
        Self {
            address: user.login.clone(),
            unicode: field::unicode(&user.login),
            display_name: user.display_name.clone(),
            role: user.role.into(),
            enabled: user.enabled,
            quota_bytes: user.quota_bytes,
            quota_messages: user.quota_messages,
            junk_days: user.retention.junk_days,
            trash_days: user.retention.trash_days,
            used_bytes: None,
            used_messages: None,
            metadata: user.labels.metadata.clone(),
            tags: user.labels.tags.iter().cloned().collect(),
            deleted_at: user.deleted_at.map(Time),
            created_at: Time(user.created_at),
            updated_at: Time(user.updated_at),
        }
    }
}

impl User {
    /// The user, with how full their mailboxes are.
    fn with_usage(user: &account::User, usage: Usage) -> Self {
        Self {
            used_bytes: user.address.as_ref().map(|_| usage.bytes),
            used_messages: user.address.as_ref().map(|_| usage.messages),
            ..Self::from(user)
        }
    }
}

/// What a user may do over the API: read their own mail, administer the domain of their address, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    User,
    DomainAdmin,
    ServerAdmin,
}

impl From<account::Role> for Role {
    fn from(role: account::Role) -> Self {
        match role {
            account::Role::User => Self::User,
            account::Role::DomainAdmin => Self::DomainAdmin,
            account::Role::ServerAdmin => Self::ServerAdmin,
        }
    }
}

impl From<Role> for account::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::DomainAdmin => Self::DomainAdmin,
            Role::ServerAdmin => Self::ServerAdmin,
        }
    }
}

/// The password of a body: in clear, or as a hash, or none.
fn new_password(clear: Option<Secret>, hash: Option<Secret>) -> Result<Option<NewPassword>, Problem> {
    match (clear, hash) {
        (Some(_), Some(_)) => Err(field::invalid(
            "password_hash",
            "only one of password and password_hash can be given",
        )),
        (Some(clear), None) => Ok(Some(NewPassword::Clear(clear))),
        (None, Some(hash)) => Ok(Some(NewPassword::Hash(hash))),
        (None, None) => Ok(None),
    }
}
