//! `posthouse user`.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use super::password::PasswordFrom;
use super::role::{self, RoleName};
use crate::mail::accounts;
use crate::mail::directory::{NewPassword, NewUser, Page, Picked, UserChange};
use crate::mail::mailbox::Usage;
use crate::model::account::{self, Retention};
use crate::model::address::Domain;
use crate::model::labels::Labels;
use crate::model::refusal::Refusal;

/// The commands of `posthouse user`.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Make a user with a mailbox, or an administrator without one; asks for the password
    Add(Add),
    /// List all users
    List {
        /// Only those of this domain
        #[arg(long)]
        domain: Option<Domain>,
    },
    /// Show a user
    Show {
        /// Their address or bare name
        address: String,
    },
    /// Set a user's password; asks for it
    SetPassword {
        /// Their address or bare name
        address: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Let a disabled user log in and receive mail again
    Enable {
        /// Their address or bare name
        address: String,
    },
    /// Stop a user from logging in, and refuse mail for them; nothing is deleted
    Disable {
        /// Their address or bare name
        address: String,
    },
    /// Remove a user; `restore` takes it back, until directory.keep_deleted_hours are over and their mail is removed
    Remove {
        /// Their address or bare name
        address: String,
        /// Remove them, deleted before or not, with all of their mail at once: this cannot be taken back
        #[arg(long)]
        purge: bool,
    },
    /// Take the removal of a user back
    Restore {
        /// Their address or bare name
        address: String,
    },
}

/// Arguments of `posthouse user add`.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// The mail address, such as alice@example.org; a bare name for an administrator without a mailbox
    address: String,
    #[command(flatten)]
    password: PasswordFrom,
    /// Set no password: nobody can log in until one is set
    #[arg(long, conflicts_with = "password")]
    no_password: bool,
    /// The name for people
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    display_name: String,
    /// What they may do over the API
    #[arg(long, value_name = "ROLE", default_value = "user")]
    role: RoleName,
    /// The most octets their mailboxes may hold together
    #[arg(long, value_name = "N")]
    quota_bytes: Option<u64>,
    /// The most messages their mailboxes may hold together
    #[arg(long, value_name = "N")]
    quota_messages: Option<u64>,
    /// After how many days a message is removed from their Junk mailbox; 0: never. The server's rule if not given
    #[arg(long, value_name = "N")]
    junk_days: Option<u64>,
    /// After how many days a message is removed from their Trash; 0: never. The server's rule if not given
    #[arg(long, value_name = "N")]
    trash_days: Option<u64>,
    /// Begin as disabled
    #[arg(long)]
    disabled: bool,
}

impl User {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add(new) => {
                let user = new.run(house).await?;
                out.done(&format!("Added user {}.", user.address), &user)
            }
            Self::List { domain } => list(house, domain, out).await,
            Self::Show { address } => out.card(&show(house, &address).await?),
            Self::SetPassword { address, password } => {
                set_password(house, &address, password).await?;
                out.done(&format!("Set the password of {address}."), &json!({ "changed": address }))
            }
            Self::Enable { address } => switch(house, &address, true, out).await,
            Self::Disable { address } => switch(house, &address, false, out).await,
            Self::Restore { address } => {
                let user = restore(house, &address).await?;
                out.done(&format!("Restored user {}.", user.address), &user)
            }
            Self::Remove { address, purge } => {
                let login = remove(house, &address, purge).await?;
                out.done(&format!("Removed user {login}."), &json!({ "removed": login }))
            }
        }
    }
}

impl Add {
    async fn run(self, house: &House) -> Result<View, Failure> {
        let password = if self.no_password { None } else { Some(self.password.read()?) };
        let new = NewUser {
            login: self.address,
            password,
            display_name: self.display_name,
            role: self.role.into(),
            enabled: !self.disabled,
            quota_bytes: self.quota_bytes,
            quota_messages: self.quota_messages,
            retention: Retention {
                junk_days: self.junk_days,
                trash_days: self.trash_days,
            },
            labels: Labels::default(),
        };
        match house {
            House::Here(services) => Ok(View::from(&*services.directory.create_user(new).await?)),
            House::There(remote) => {
                let mut body = json!({
                    "address": new.login, "display_name": new.display_name, "role": role::name(new.role), "enabled": new.enabled,
                    "quota_bytes": new.quota_bytes, "quota_messages": new.quota_messages,
                    "junk_days": new.retention.junk_days, "trash_days": new.retention.trash_days,
                });
                if let (Some(password), Some(fields)) = (&new.password, body.as_object_mut()) {
                    let (name, value) = field(password);
                    fields.insert(name.into(), value);
                }
                remote.post(&["users"], &[], body).await
            }
        }
    }
}

async fn list(house: &House, domain: Option<Domain>, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let picked = Picked {
                domains: domain.map(|domain| vec![domain]),
                ..Picked::default()
            };
            let fetch = async |after: Option<&str>| {
                let found = services.directory.users(&picked, after, pages::PAGE).await?;
                let ids: Vec<_> = found.items.iter().map(|user| user.id).collect();
                let usage = services.mailboxes.usage_of(&ids).await?;
                let used = |user: &account::User| usage.get(&user.id).copied().unwrap_or_default();
                Ok::<_, Refusal>(Page {
                    items: found
                        .items
                        .iter()
                        .map(|user| View::with_usage(user, used(user)))
                        .collect::<Vec<_>>(),
                    next: found.next,
                })
            };
            pages::each(fetch, |views| out.rows(&views)).await
        }
        House::There(remote) => {
            let domain = domain.map(|domain| ("domain", domain.to_string()));
            let query: Vec<_> = domain.into_iter().chain([pages::limit()]).collect();
            remote.each(&["users"], &query, |views: Vec<View>| out.rows(&views)).await
        }
    }
}

async fn show(house: &House, address: &str) -> Result<View, Failure> {
    match house {
        House::Here(services) => {
            let user = services.directory.user(address).await?;
            Ok(View::with_usage(&user, services.mailboxes.usage(&user).await?))
        }
        House::There(remote) => remote.get(&["users", address]).await,
    }
}

/// Asks for the password only if there is such a user.
async fn set_password(house: &House, address: &str, password: PasswordFrom) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            services.directory.user(address).await?;
            Ok(services.directory.set_password(address, password.read()?).await?)
        }
        House::There(remote) => {
            remote.get::<View>(&["users", address]).await?;
            let (name, value) = field(&password.read()?);
            remote.put(&["users", address, "password"], json!({ name: value })).await
        }
    }
}

async fn switch(house: &House, login: &str, enabled: bool, out: &mut Output) -> Result<(), Failure> {
    let user = match house {
        House::Here(services) => {
            let change = UserChange {
                enabled: Some(enabled),
                ..UserChange::default()
            };
            View::from(&*services.directory.change_user(login, change).await?)
        }
        House::There(remote) => remote.patch(&["users", login], &[], json!({ "enabled": enabled })).await?,
    };
    let done = if enabled { "Enabled" } else { "Disabled" };
    out.done(&format!("{done} user {}.", user.address), &user)
}

async fn restore(house: &House, address: &str) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(View::from(&*services.directory.restore_user(address).await?)),
        House::There(remote) => remote.post(&["users", address, "restore"], &[], Value::Null).await,
    }
}

/// The name of the user that is gone, as it was written in the directory.
async fn remove(house: &House, address: &str, purge: bool) -> Result<String, Failure> {
    match house {
        House::Here(services) => {
            let (directory, mailboxes) = (&services.directory, &services.mailboxes);
            let user = match purge {
                true => accounts::purge(directory, mailboxes, address).await?,
                false => accounts::remove(directory, mailboxes, address).await?,
            };
            Ok(user.login.clone())
        }
        House::There(remote) => {
            let user = remote.get::<View>(&["users", address]).await;
            // Who was deleted before is not shown, but can be purged.
            let login = match user {
                Ok(user) => user.address,
                Err(_) if purge => address.to_owned(),
                Err(failure) => return Err(failure),
            };
            let query = purge.then(|| ("purge", "true".to_owned()));
            remote.delete(&["users", address], query.as_slice()).await?;
            Ok(login)
        }
    }
}

/// The field of the API that the password goes into.
fn field(password: &NewPassword) -> (&'static str, Value) {
    match password {
        NewPassword::Clear(secret) => ("password", secret.expose().into()),
        NewPassword::Hash(secret) => ("password_hash", secret.expose().into()),
    }
}

/// A user, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    /// The address, or the bare name of an administrator.
    address: String,
    display_name: String,
    role: String,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_messages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    junk_days: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trash_days: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_messages: Option<u64>,
    created_at: String,
    updated_at: String,
}

impl View {
    /// Who has no address has no mailbox.
    fn with_usage(user: &account::User, usage: Usage) -> Self {
        let usage = user.address.as_ref().map(|_| usage);
        Self {
            used_bytes: usage.map(|it| it.bytes),
            used_messages: usage.map(|it| it.messages),
            ..Self::from(user)
        }
    }
}

impl From<&account::User> for View {
    fn from(user: &account::User) -> Self {
        Self {
            address: user.login.clone(),
            display_name: user.display_name.clone(),
            role: role::name(user.role).to_owned(),
            enabled: user.enabled,
            quota_bytes: user.quota_bytes,
            quota_messages: user.quota_messages,
            junk_days: user.retention.junk_days,
            trash_days: user.retention.trash_days,
            used_bytes: None,
            used_messages: None,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Address", "State", "Role", "Quota", "Used", "Created", "Name"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.address.clone(),
            if self.enabled { "enabled" } else { "disabled" }.into(),
            self.role.clone(),
            amount(self.quota_bytes, self.quota_messages),
            amount(self.used_bytes, self.used_messages),
            self.created_at.clone(),
            self.display_name.clone(),
        ]
    }
}

/// Octets and messages, as far as they are known.
fn amount(bytes: Option<u64>, messages: Option<u64>) -> String {
    let bytes = bytes.map(|bytes| format!("{bytes} octets"));
    let messages = messages.map(|messages| format!("{messages} messages"));
    bytes.into_iter().chain(messages).collect::<Vec<_>>().join(", ")
}
