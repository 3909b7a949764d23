//! What the directory holds: domains, users, aliases, API keys, and who somebody is after a login.

use jiff::Timestamp;

use super::address::{Domain, EmailAddress};
use super::ids::{AliasId, ApiKeyId, DomainId, FilterId, UserId};
use super::labels::Labels;
use super::revision::Revision;
use super::scope::Scope;

/// A domain that we receive mail for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRecord {
    /// Its id.
    pub id: DomainId,
    /// Its name.
    pub domain: Domain,
    /// The domain that this one is another name of: `x@this` goes where `x@that` goes.
    pub alias_of: Option<Domain>,
    /// Whether it takes and sends mail.
    pub enabled: bool,
    /// Free text of the operator.
    pub description: String,
    /// What others note on it.
    pub labels: Labels,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl DomainRecord {
    /// The state it is in.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id.0, self.updated_at)
    }
}

/// What a user may do over the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Reads and changes only what is theirs.
    User,
    /// Administers the domain of their address.
    DomainAdmin,
    /// Administers everything.
    ServerAdmin,
}

impl Role {
    /// Its name for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::DomainAdmin => "domain_admin",
            Self::ServerAdmin => "server_admin",
        }
    }
}

/// After how many days a message is removed from mailboxes for mail that nobody wants. 0: never; none: as the server has it for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// From Junk.
    pub junk_days: Option<u64>,
    /// From Trash.
    pub trash_days: Option<u64>,
}

/// A person or program with a mailbox, or an administrator without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What they log in with: a mail address, or a bare name (`admin`) for an administrator without a mailbox.
    pub login: String,
    /// The mail address, absent for an administrator without a mailbox.
    pub address: Option<EmailAddress>,
    /// The name for people.
    pub display_name: String,
    /// What they may do over the API.
    pub role: Role,
    /// A disabled user cannot log in, and mail for them is refused.
    pub enabled: bool,
    /// The most octets their mailboxes may hold together; none is no limit.
    pub quota_bytes: Option<u64>,
    /// The most messages their mailboxes may hold together; none is no limit.
    pub quota_messages: Option<u64>,
    /// How long mail is kept that nobody wants.
    pub retention: Retention,
    /// The state of the scripts that filter their mail; none: they have none.
    pub filter: Option<FilterId>,
    /// What others note on them.
    pub labels: Labels,
    /// When they were deleted, if they can be restored: then they are nowhere else.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The state they are in; what their mailboxes hold is no part of it.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id.0, self.updated_at)
    }
}

/// What an alias answers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AliasAddress {
    /// One address.
    Address(EmailAddress),
    /// `@domain`: every address of the domain that nothing else answers to.
    CatchAll(Domain),
}

impl std::fmt::Display for AliasAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::CatchAll(domain) => write!(f, "@{domain}"),
        }
    }
}

impl std::str::FromStr for AliasAddress {
    type Err = super::address::BadAddress;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('@') {
            Some(domain) => Domain::parse(domain).map(Self::CatchAll),
            None => EmailAddress::parse(text).map(Self::Address),
        }
    }
}

/// An address that leads to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Its id.
    pub id: AliasId,
    /// What it answers to.
    pub address: AliasAddress,
    /// Where its mail goes: users, other aliases, or addresses outside.
    pub destinations: Vec<EmailAddress>,
    /// A disabled alias answers as if it were not there.
    pub enabled: bool,
    /// Free text of the operator.
    pub description: String,
    /// When it ends: from then on it answers as if it were not there.
    pub expires_at: Option<Timestamp>,
    /// What others note on it.
    pub labels: Labels,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Alias {
    /// The state it is in.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id.0, self.updated_at)
    }
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The operator's name for it.
    pub name: String,
    /// As whom: a server administrator, or an administrator of its domains.
    pub role: Role,
    /// What of that it may be used for.
    pub scopes: Vec<Scope>,
    /// The only domains it may touch; for a server administrator's key none, which is all.
    pub domains: Vec<Domain>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it may be used for what takes this scope.
    pub fn covers(&self, wanted: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.covers(wanted))
    }

    /// The state it is in; when it was last used is no part of it.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id.0, self.updated_at)
    }
}
