//! What happens in the house, for those who want to hear of it.

use jiff::Timestamp;
use serde_json::Value;

use super::address::Domain;
use super::audit::Deed;
use super::named::named;

named! {
    /// What happened. Its name is what it happened to, a dot, and what happened.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum EventKind;
    else "it is no kind of event; right would be one of";
    /// A message came in.
    MessageReceived => "message.received",
    /// A message was refused after it came whole.
    MessageRejected => "message.rejected",
    /// A message was taken for spam, and goes into the mailbox for it.
    MessageJunked => "message.junked",
    /// A message was stored for a user.
    MessageStored => "message.stored",
    /// A message waits for its delivery to other servers.
    MessageQueued => "message.queued",
    /// Another server took a message.
    MessageDelivered => "message.delivered",
    /// A message was put off.
    MessageDeferred => "message.deferred",
    /// A message could not be delivered.
    MessageBounced => "message.bounced",
    /// A login was refused.
    LoginFailed => "login.failed",
    /// The mailboxes of a user are almost full.
    QuotaNear => "quota.near",
    /// A message found no room in the mailboxes of a user.
    QuotaExceeded => "quota.exceeded",
    /// A webhook took nothing for too long and is told of nothing any more.
    WebhookDisabled => "webhook.disabled",
    /// A new certificate took the place of an older one, or is the first for its name.
    CertificateRenewed => "certificate.renewed",
    /// No new certificate was had, or it cannot be used.
    CertificateFailed => "certificate.failed",
    /// A certificate ends soon, or has ended.
    CertificateExpiring => "certificate.expiring",
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
    /// An alias was made.
    AliasCreated => "alias.created",
    /// An alias was changed.
    AliasChanged => "alias.changed",
    /// An alias was removed.
    AliasRemoved => "alias.removed",
}

impl EventKind {
    /// The event of what was done, if there is one: it has the same name.
    pub fn of(deed: Deed) -> Option<Self> {
        Self::ALL.iter().find(|kind| kind.as_str() == deed.as_str()).copied()
    }
}

/// Something that happened and has no number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// In which domain, whose administrators may hear of it; none: it is the server administrators' affair.
    pub domain: Option<Domain>,
    /// What there is to say of it: an object.
    pub data: Value,
}

/// Something that happened, with its number: later ones have larger numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub number: i64,
    /// What happened.
    pub what: NewEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_and_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
        assert!("message".parse::<EventKind>().is_err_and(|bad| bad.contains("message.received")));
    }

    #[test]
    fn what_is_done_with_domains_users_and_aliases_is_an_event() {
        for deed in Deed::ALL {
            let family = deed.as_str().split('.').next().unwrap();
            let told = ["domain", "user", "alias"].contains(&family);
            assert_eq!(EventKind::of(*deed).is_some(), told, "{deed}");
        }
    }
}
