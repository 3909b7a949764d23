//! Who changed what.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde_json::Value;

use super::account::{AliasAddress, ApiKey, User};
use super::address::{Domain, EmailAddress};
use super::ids::{ApiKeyId, AuditId};
use super::named::named;

/// As whom somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A user who has logged in.
    User,
    /// A program with an API key.
    ApiKey,
    /// Somebody at the command line of the machine.
    CommandLine,
    /// The server itself, such as one that removes for good who was deleted long ago.
    Server,
}

impl ActorKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::User, Self::ApiKey, Self::CommandLine, Self::Server];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::CommandLine => "command_line",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ActorKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| "right would be user, api_key, command_line or server".to_owned())
    }
}

/// Who makes a change, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// As whom.
    pub kind: ActorKind,
    /// The login of the user, the name of the key, or that of the account on the machine; empty for the server.
    pub name: String,
    /// The id of the user or the key.
    pub id: Option<String>,
    /// The client's address, as far as it is known.
    pub from: Option<IpAddr>,
    /// The id of the request over the API.
    pub request_id: Option<String>,
}

impl Actor {
    /// The server itself.
    pub const fn server() -> Self {
        Self {
            kind: ActorKind::Server,
            name: String::new(),
            id: None,
            from: None,
            request_id: None,
        }
    }

    /// Somebody at the command line, by the name of their account on the machine.
    pub fn command_line(account: String) -> Self {
        Self {
            kind: ActorKind::CommandLine,
            name: account,
            ..Self::server()
        }
    }

    /// A user who has logged in.
    pub fn user(user: &User, from: Option<IpAddr>) -> Self {
        Self {
            kind: ActorKind::User,
            name: user.login.clone(),
            id: Some(user.id.to_string()),
            from,
            request_id: None,
        }
    }

    /// A program with a key.
    pub fn key(key: &ApiKey, from: Option<IpAddr>) -> Self {
        Self {
            kind: ActorKind::ApiKey,
            name: key.name.clone(),
            id: Some(key.id.to_string()),
            from,
            request_id: None,
        }
    }
}

/// What was changed, as its path below `/api/v1`, with nothing escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The thing, such as `users/alice@example.test`.
    pub name: String,
    /// The part of it that was changed, such as `app-passwords/01jzc8m3f9xkq`.
    pub part: Option<String>,
    /// The domain that it is in, whose administrators may see what is done with it.
    pub domain: Option<Domain>,
}

impl Resource {
    /// A thing of no domain.
    pub fn of_server(collection: &str, name: impl fmt::Display) -> Self {
        Self {
            name: format!("{collection}/{name}"),
            part: None,
            domain: None,
        }
    }

    /// A domain.
    pub fn domain(domain: &Domain) -> Self {
        Self {
            domain: Some(domain.clone()),
            ..Self::of_server("domains", domain)
        }
    }

    /// A user, by their login.
    pub fn user(login: &str) -> Self {
        let address = login.parse::<EmailAddress>().ok();
        Self {
            domain: address.as_ref().and_then(EmailAddress::domain).cloned(),
            ..Self::of_server("users", login)
        }
    }

    /// An alias.
    pub fn alias(address: &AliasAddress) -> Self {
        let domain = match address {
            AliasAddress::Address(address) => address.domain().cloned(),
            AliasAddress::CatchAll(domain) => Some(domain.clone()),
        };
        Self {
            domain,
            ..Self::of_server("aliases", address)
        }
    }

    /// An API key.
    pub fn api_key(id: ApiKeyId) -> Self {
        Self::of_server("api-keys", id)
    }

    /// A part of this one.
    #[must_use]
    pub fn part(self, collection: &str, name: impl fmt::Display) -> Self {
        Self {
            part: Some(format!("{collection}/{name}")),
            ..self
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.part {
            Some(part) => write!(f, "/{part}"),
            None => Ok(()),
        }
    }
}

named! {
    /// What was done. Its name is what it was done with, a dot, and what was done.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Deed;
    else "it is no kind of change; right would be one of";
    /// A domain was made.
    DomainCreated => "domain.created",
    /// A domain was changed.
    DomainChanged => "domain.changed",
    /// A domain was removed.
    DomainRemoved => "domain.removed",
    /// A user was made.
    UserCreated => "user.created",
    /// A user was changed.
    UserChanged => "user.changed",
    /// A user was given another password.
    UserPasswordSet => "user.password_set",
    /// A user was deleted, and can be restored for a while.
    UserDeleted => "user.deleted",
    /// A deleted user was restored.
    UserRestored => "user.restored",
    /// A user was removed for good.
    UserPurged => "user.purged",
    /// All sessions of a user were ended.
    UserSessionsEnded => "user.sessions_ended",
    /// A session of a user was ended.
    SessionEnded => "session.ended",
    /// The second factor of a user was turned on.
    SecondFactorEnabled => "second_factor.enabled",
    /// The second factor of a user was turned off.
    SecondFactorRemoved => "second_factor.removed",
    /// An app password was made.
    AppPasswordCreated => "app_password.created",
    /// An app password was removed.
    AppPasswordRemoved => "app_password.removed",
    /// An alias was made.
    AliasCreated => "alias.created",
    /// An alias was changed.
    AliasChanged => "alias.changed",
    /// An alias was removed.
    AliasRemoved => "alias.removed",
    /// An API key was made.
    ApiKeyCreated => "api_key.created",
    /// An API key was changed.
    ApiKeyChanged => "api_key.changed",
    /// An API key was given another secret.
    ApiKeyRotated => "api_key.rotated",
    /// An API key was removed.
    ApiKeyRemoved => "api_key.removed",
    /// A key that signs mail was made.
    DkimKeyCreated => "dkim_key.created",
    /// A key that signs mail was changed.
    DkimKeyChanged => "dkim_key.changed",
    /// A key that signs mail was removed.
    DkimKeyRemoved => "dkim_key.removed",
    /// Another key signs access tokens.
    TokenKeyRotated => "token_key.rotated",
    /// A filter script was stored.
    ScriptCreated => "script.created",
    /// A filter script was given another text or name.
    ScriptChanged => "script.changed",
    /// A filter script was made the active one.
    ScriptActivated => "script.activated",
    /// No filter script is active any more.
    ScriptDeactivated => "script.deactivated",
    /// A filter script was removed.
    ScriptRemoved => "script.removed",
    /// A vacation reply was set.
    VacationSet => "vacation.set",
    /// A vacation reply was removed.
    VacationRemoved => "vacation.removed",
    /// A mailbox was made.
    MailboxCreated => "mailbox.created",
    /// A mailbox was changed.
    MailboxChanged => "mailbox.changed",
    /// A mailbox was removed with its messages.
    MailboxRemoved => "mailbox.removed",
    /// Somebody was given rights on a mailbox.
    RightsSet => "rights.set",
    /// Somebody's rights on a mailbox were taken away.
    RightsRemoved => "rights.removed",
    /// A network was banned.
    BanCreated => "ban.created",
    /// A ban was lifted.
    BanRemoved => "ban.removed",
    /// The blocklist has an entry more.
    BlocklistEntryCreated => "blocklist_entry.created",
    /// The blocklist has an entry less.
    BlocklistEntryRemoved => "blocklist_entry.removed",
    /// The allowlist has an entry more.
    AllowlistEntryCreated => "allowlist_entry.created",
    /// The allowlist has an entry less.
    AllowlistEntryRemoved => "allowlist_entry.removed",
    /// An authority issued a certificate.
    CertificateIssued => "certificate.issued",
    /// A webhook was made.
    WebhookCreated => "webhook.created",
    /// A webhook was changed.
    WebhookChanged => "webhook.changed",
    /// A webhook was given another secret.
    WebhookRotated => "webhook.rotated",
    /// A webhook was removed.
    WebhookRemoved => "webhook.removed",
    /// Queued mail is held.
    QueueHeld => "queue.held",
    /// Queued mail is released.
    QueueReleased => "queue.released",
    /// Queued mail is tried at once.
    QueueRetried => "queue.retried",
    /// Queued mail was given up.
    QueueExpired => "queue.expired",
    /// Queued mail was dropped.
    QueueRemoved => "queue.removed",
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id, which has the time in it.
    pub id: AuditId,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub deed: Deed,
    /// With what.
    pub resource: Resource,
    /// What was there before, as far as it is no secret; none: nothing.
    pub before: Option<Value>,
    /// What is there since, in the same way.
    pub after: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_written_and_read_back() {
        for deed in Deed::ALL {
            assert_eq!(deed.to_string().parse(), Ok(*deed));
        }
        assert!("user.create".parse::<Deed>().is_err_and(|bad| bad.contains("user.created")));
        for kind in ActorKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[test]
    fn resources_are_paths_with_a_domain() {
        let shown = |resource: Resource| (resource.to_string(), resource.domain.map(|domain| domain.to_string()));
        let house = Some("house.test".to_owned());
        assert_eq!(
            shown(Resource::user("ada@house.test").part("app-passwords", "x")),
            ("users/ada@house.test/app-passwords/x".to_owned(), house.clone())
        );
        assert_eq!(shown(Resource::user("admin")), ("users/admin".to_owned(), None));
        assert_eq!(
            shown(Resource::alias(&"@house.test".parse().unwrap())),
            ("aliases/@house.test".to_owned(), house)
        );
    }
}
