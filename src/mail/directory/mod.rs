//! Domains, users, aliases, passwords: who there is, and where mail for an address goes.
//!
//! Everything that needs to know asks [`Directory`]: the doors, `intake`, `delivery`, the command line. One function,
//! [`Directory::route`], answers where mail goes, in this order: an alias or a user of exactly this address (the alias wins, and
//! may name its own address to keep a copy), the same without `+detail`, the same in the domain that this one is another name
//! of, the catch-all.
//!
//! Lookups are kept in memory, bounded by `directory.cache_entries`. A change made here drops them before the call returns; a
//! change made by another node or by the command line is seen within `directory.watch_milliseconds` and the time of one small
//! query, because each change counts up a row that all nodes watch. All changes of the directory stand in line at that row, so
//! checks within a change (does the domain exist, is this the last administrator) cannot be overtaken.
//!
//! Spells RFC 5321 §4.5.1 (postmaster), RFC 5321 §2.4 (case of local parts), RFC 5233 §1 (detail), RFC 7519 §4.1 (access tokens),
//! RFC 6238 §4 (codes by time).

mod admin;
mod aliases;
mod app_passwords;
mod authenticate;
mod batch;
mod cache;
mod change;
mod deleted;
mod domains;
mod failures;
mod fields;
mod hashing;
mod keys;
mod login;
mod login_log;
mod password;
mod route;
mod scram;
mod token_keys;
mod tokens;
mod totp;
mod users;

pub use app_passwords::NewAppPassword;
pub(in crate::mail) use change::Change;
pub use login_log::LoginFilter;
pub use route::{Explanation, ResolveStep};
pub use scram::ScramLogin;
pub use token_keys::SigningKey;
pub use tokens::ApiSession;
pub use totp::{Enrolment, SecondFactor};
pub use users::knows_hash;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::sync::broadcast;

use super::defence::Defence;
use super::events::Events;
use crate::config;
use crate::model::account::{AliasAddress, ApiKey, Retention, Role, User};
use crate::model::address::{Domain, EmailAddress};
use crate::model::audit::Actor;
use crate::model::clock::{self, Clock};
use crate::model::ids::UserId;
use crate::model::labels::{Labels, LabelsChange};
use crate::model::login::Protocol;
use crate::model::refusal::Refusal;
use crate::model::revision::{Expectation, Revision};
use crate::model::scope::Scope;
use crate::model::secret::Secret;
use crate::store::{self, db::Database};

/// The most items on a page.
pub(in crate::mail) const MOST_OF_PAGE: usize = 1_000;

/// How many departures a listener may be behind before it is only told that there were some.
const DEPARTURES: usize = 1_024;

/// Where mail for an address goes: the answer to the one question that everybody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The domain is none of ours.
    Outside,
    /// The domain is ours: deliver to each of `users`, and forward to each of `forwards` (outside addresses that aliases lead to).
    /// Never both empty; each user and address once.
    Here {
        /// Users with a mailbox here.
        users: Vec<LocalRecipient>,
        /// Addresses outside.
        forwards: Vec<EmailAddress>,
    },
}

/// A user that mail goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRecipient {
    /// Who.
    pub user: Arc<User>,
    /// What stood after the `+` in the address.
    pub detail: Option<String>,
}

/// What to make a domain of.
#[derive(Debug, Clone)]
pub struct NewDomain {
    /// Its name.
    pub domain: Domain,
    /// The domain that it is another name of.
    pub alias_of: Option<Domain>,
    /// Whether it takes and sends mail.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// What others note on it.
    pub labels: Labels,
}

impl From<Domain> for NewDomain {
    /// An enabled domain of its own.
    fn from(domain: Domain) -> Self {
        Self {
            domain,
            alias_of: None,
            enabled: true,
            description: String::new(),
            labels: Labels::default(),
        }
    }
}

/// A change of a domain: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct DomainChange {
    /// The domain that it is another name of; `Some(None)`: it is one of its own.
    pub alias_of: Option<Option<Domain>>,
    /// Whether it takes and sends mail.
    pub enabled: Option<bool>,
    /// Free text.
    pub description: Option<String>,
    /// What others note on it.
    pub labels: LabelsChange,
}

/// What to make an alias of.
#[derive(Debug, Clone)]
pub struct NewAlias {
    /// What it answers to.
    pub address: AliasAddress,
    /// Where its mail goes.
    pub destinations: Vec<EmailAddress>,
    /// A disabled alias answers as if it were not there.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
    /// What others note on it.
    pub labels: Labels,
}

impl NewAlias {
    /// An enabled alias.
    pub fn new(address: AliasAddress, destinations: Vec<EmailAddress>) -> Self {
        Self {
            address,
            destinations,
            enabled: true,
            description: String::new(),
            expires_at: None,
            labels: Labels::default(),
        }
    }
}

/// A change of an alias: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct AliasChange {
    /// Where its mail goes.
    pub destinations: Option<Vec<EmailAddress>>,
    /// Whether it answers.
    pub enabled: Option<bool>,
    /// Free text.
    pub description: Option<String>,
    /// When it ends; `Some(None)`: never.
    pub expires_at: Option<Option<Timestamp>>,
    /// What others note on it.
    pub labels: LabelsChange,
}

/// Which of a list: what is `None` picks all.
#[derive(Debug, Clone, Default)]
pub struct Picked {
    /// Those of these domains.
    pub domains: Option<Vec<Domain>>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those with this text under this name of metadata.
    pub metadata: Option<(String, String)>,
    /// Those with this text in their address, name or description, in any case of letters.
    pub search: Option<String>,
    /// Of users: those who are deleted and can be restored, instead of those who are there.
    pub deleted: bool,
}

/// What became of a request to create or replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The thing as it is now.
    pub now: T,
    /// Whether it was made, not replaced.
    pub is_new: bool,
}

/// What to make a user of.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A mail address of one of our domains; or a bare name for a server administrator without mailbox.
    pub login: String,
    /// None: nobody can log in before one is set.
    pub password: Option<NewPassword>,
    /// The name for people.
    pub display_name: String,
    /// What they may do over the API.
    pub role: Role,
    /// A disabled user cannot log in, and mail for them is refused.
    pub enabled: bool,
    /// The most octets; none is no limit.
    pub quota_bytes: Option<u64>,
    /// The most messages; none is no limit.
    pub quota_messages: Option<u64>,
    /// How long mail is kept that nobody wants.
    pub retention: Retention,
    /// What others note on them.
    pub labels: Labels,
}

/// A password as it is given: in clear, or as a hash in a scheme that we know (`{ARGON2ID}…`, `{BLF-CRYPT}…`, `$2y$…`).
#[derive(Debug, Clone)]
pub enum NewPassword {
    /// In clear: it is hashed here.
    Clear(Secret),
    /// Hashed elsewhere: it is hashed anew at the next login.
    Hash(Secret),
}

/// A change of a user: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// The name for people.
    pub display_name: Option<String>,
    /// What they may do over the API.
    pub role: Option<Role>,
    /// Whether they can log in and get mail. Disabling ends their tokens.
    pub enabled: Option<bool>,
    /// The most octets; `Some(None)` lifts the limit.
    pub quota_bytes: Option<Option<u64>>,
    /// The most messages; `Some(None)` lifts the limit.
    pub quota_messages: Option<Option<u64>>,
    /// How long mail stays in Junk; `Some(None)`: as the server has it.
    pub junk_days: Option<Option<u64>>,
    /// How long mail stays in Trash; `Some(None)`: as the server has it.
    pub trash_days: Option<Option<u64>>,
    /// What others note on them.
    pub labels: LabelsChange,
}

/// What to make an API key of.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is for, in the operator's words.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The only domains it may touch; none is all.
    pub domains: Vec<Domain>,
    /// When it stops working; none: never.
    pub expires_at: Option<Timestamp>,
}

/// A change of an API key: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// What it is for, in the operator's words.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Option<Vec<Scope>>,
    /// The only domains it may touch; none is all.
    pub domains: Option<Vec<Domain>>,
    /// When it stops working; `Some(None)`: never.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Who asks over the API: a user or a key, with what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A user with an access token.
    User(Arc<User>),
    /// A program with an API key.
    Key(Arc<ApiKey>),
}

/// By which way somebody comes to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// The protocol.
    pub protocol: Protocol,
    /// The client's address; none over a Unix socket.
    pub from: Option<IpAddr>,
}

/// Somebody who has logged in, as the directory knew them at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub user: Arc<User>,
    /// Their token epoch: logins of another one are over.
    epoch: i64,
}

/// Logins are over: an account was disabled or removed, or its password changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// Those of this user.
    Of(UserId),
    /// The directory was changed elsewhere: anybody's may be.
    Unknown,
}

/// A page of a list, in the order of the key.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Ask again with this to go on; none at the end.
    pub next: Option<String>,
}

/// A pair of tokens from a login.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// A JWT for `Authorization: Bearer`.
    pub access_token: String,
    /// Good for one [`Directory::refresh`].
    pub refresh_token: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
}

/// The directory. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
    /// In which state a thing must be to be changed through this handle.
    expected: Expectation,
    /// Who changes things through this handle.
    actor: Arc<Actor>,
}

struct Inner {
    database: Database,
    settings: config::Directory,
    auth: config::Auth,
    clock: Clock,
    caches: cache::Caches,
    hashing: hashing::Hashing,
    remembered: authenticate::Remembered,
    wrong: authenticate::Remembered,
    failures: failures::Failures,
    defence: OnceLock<Defence>,
    departures: broadcast::Sender<Departure>,
    noted: login_log::Noted,
    events: Events,
    scram_seed: Vec<u8>,
}

impl Directory {
    /// Opens the directory and starts watching for changes by other nodes; the watching ends with the last clone.
    pub async fn open(
        database: Database,
        settings: config::Directory,
        auth: config::Auth,
        clock: Clock,
        events: Events,
    ) -> Result<Self, store::Error> {
        let mut tx = database.write().await?;
        let scram_seed = scram::seed(&mut tx).await?;
        tx.commit().await?;
        token_keys::ensure(&database, clock.now_ms()).await?;
        let version = store::db::settings::directory_version(&mut database.read().await?).await?;
        let inner = Arc::new(Inner {
            caches: cache::Caches::new(version, settings.cache_entries),
            hashing: hashing::Hashing::new(&auth),
            remembered: authenticate::Remembered::new(settings.cache_entries, auth.cache_seconds),
            wrong: authenticate::Remembered::new(auth.failure_entries, auth.wrong_cache_seconds),
            failures: failures::Failures::new(auth.clone()),
            defence: OnceLock::new(),
            scram_seed,
            departures: broadcast::Sender::new(DEPARTURES),
            noted: login_log::Noted::default(),
            events,
            database,
            settings,
            auth,
            clock,
        });
        tokio::spawn(cache::watch(Arc::downgrade(&inner)));
        tokio::spawn(login_log::keep(Arc::downgrade(&inner)));
        Ok(Self {
            inner,
            expected: Expectation::default(),
            actor: Arc::new(Actor::server()),
        })
    }

    /// From now on the defence hears of failed logins, and whom it keeps out does not log in.
    pub fn defended_by(&self, defence: Defence) {
        // There is one defence of a house.
        _ = self.inner.defence.set(defence);
    }

    /// The same directory for one change, of a thing that is expected to be in some state: the change looks at it within its
    /// transaction, and is refused with [`Refusal::Changed`] otherwise.
    #[must_use]
    pub fn expecting(&self, expected: Expectation) -> Self {
        Self { expected, ..self.clone() }
    }

    /// The same directory for changes by somebody: what they do is in the audit log under their name. Otherwise it is the server's doing.
    #[must_use]
    pub fn acting(&self, actor: &Arc<Actor>) -> Self {
        Self {
            actor: Arc::clone(actor),
            ..self.clone()
        }
    }

    /// Whether the thing that is about to be changed is as expected.
    fn check(&self, found: Option<Revision>) -> Result<(), Refusal> {
        self.expected.check(found)
    }
}

impl Inner {
    /// Now, in the milliseconds that the database keeps: what is given back equals what is read later.
    fn now(&self) -> Timestamp {
        clock::timestamp(self.clock.now_ms())
    }

    /// Now, but later than the last change: no two states of a thing have the same time.
    fn after(&self, last_change: Timestamp) -> Timestamp {
        let last = last_change.as_millisecond();
        clock::timestamp(self.clock.now_ms().max(last.saturating_add(1)))
    }
}
