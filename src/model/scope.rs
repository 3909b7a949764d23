//! What an API key may be used for.

use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// A right of an API key: what it may do with which resources. The document of the API names the one that each operation needs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $($(#[$doc])* $variant,)*
        }

        impl Scope {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

scopes! {
    /// Everything.
    Everything => "*",
    /// To read domains, and to make, change and remove users and aliases: what a hosting panel needs, without a look at mail, without the
    /// passwords of those who are there, and without any administrator.
    Provision => "provision",
    /// To see domains.
    DomainsRead => "domains:read",
    /// To change domains.
    DomainsWrite => "domains:write",
    /// To see the keys that sign mail.
    DkimRead => "dkim:read",
    /// To change the keys that sign mail.
    DkimWrite => "dkim:write",
    /// To see users.
    UsersRead => "users:read",
    /// To change users.
    UsersWrite => "users:write",
    /// To set what users who are there log in with: passwords, app passwords, second factors.
    UsersPassword => "users:password",
    /// To see aliases.
    AliasesRead => "aliases:read",
    /// To change aliases.
    AliasesWrite => "aliases:write",
    /// To see mailboxes.
    MailboxesRead => "mailboxes:read",
    /// To change mailboxes.
    MailboxesWrite => "mailboxes:write",
    /// To read mail.
    MessagesRead => "messages:read",
    /// To change stored mail.
    MessagesWrite => "messages:write",
    /// To send mail.
    MessagesSend => "messages:send",
    /// To see filter scripts and vacation replies.
    SieveRead => "sieve:read",
    /// To change filter scripts and vacation replies.
    SieveWrite => "sieve:write",
    /// To see outgoing mail that waits.
    QueueRead => "queue:read",
    /// To hold, try and drop outgoing mail that waits.
    QueueWrite => "queue:write",
    /// To see API keys.
    KeysRead => "keys:read",
    /// To change API keys.
    KeysWrite => "keys:write",
    /// To see who is logged in, and who tried to.
    SessionsRead => "sessions:read",
    /// To end sessions.
    SessionsWrite => "sessions:write",
    /// To see what happened to messages.
    TracesRead => "traces:read",
    /// To hear of events.
    EventsRead => "events:read",
    /// To see webhooks.
    WebhooksRead => "webhooks:read",
    /// To change webhooks.
    WebhooksWrite => "webhooks:write",
    /// To see who changed what.
    AuditRead => "audit:read",
    /// To see bans, the blocklist and the allowlist.
    DefenceRead => "defence:read",
    /// To change them.
    DefenceWrite => "defence:write",
    /// To see the server, its settings and its numbers.
    ServerRead => "server:read",
    /// To change what the server keeps for itself.
    ServerWrite => "server:write",
}

impl Scope {
    /// Whether who has this one may do what takes `wanted`.
    pub fn covers(self, wanted: Self) -> bool {
        match self {
            Self::Everything => true,
            Self::Provision => matches!(
                wanted,
                Self::Provision | Self::DomainsRead | Self::UsersRead | Self::UsersWrite | Self::AliasesRead | Self::AliasesWrite
            ),
            own => own == wanted,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scope; right would be {all}", all = names())]
pub struct BadScope(String);

fn names() -> String {
    Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        let found = Self::ALL.iter().find(|scope| scope.as_str() == text);
        found.copied().ok_or_else(|| BadScope(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_and_read_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(*scope));
            assert!(Scope::Everything.covers(*scope) && scope.covers(*scope));
        }
        assert!(
            "users:wrote"
                .parse::<Scope>()
                .is_err_and(|bad| bad.to_string().contains("users:write"))
        );
    }

    #[test]
    fn who_provisions_reads_no_mail_and_sets_no_passwords() {
        let may = |wanted| Scope::Provision.covers(wanted);
        assert!(may(Scope::UsersWrite) && may(Scope::AliasesWrite) && may(Scope::DomainsRead));
        let closed = [
            Scope::UsersPassword,
            Scope::MessagesRead,
            Scope::MailboxesRead,
            Scope::KeysWrite,
            Scope::Everything,
        ];
        assert!(!closed.into_iter().any(may));
    }
}
