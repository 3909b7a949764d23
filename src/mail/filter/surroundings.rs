//! What a script can ask about while it runs here: mailboxes, annotations, what was seen, what the checks have found.
//!
//! It runs on a thread that may wait, so what is asked is looked up when it is asked for.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::{Event, Inner, lists};
use crate::mail::mailbox::Annotated;
use crate::model::account::User;
use crate::model::mailbox::{MailboxInfo, MailboxName, SpecialUse};
use crate::model::refusal::Refusal;
use crate::model::verdict::Verdict;
use crate::wire::sieve::{Message, Seen, World};

/// The surroundings of the scripts of one user and one message.
pub(super) struct Surroundings<'m> {
    pub inner: Arc<Inner>,
    pub handle: Handle,
    pub user: Arc<User>,
    pub verdict: &'m Verdict,
    pub peer: Option<IpAddr>,
    pub helo: Option<&'m str>,
    /// What was done over IMAP, if that is why the script runs.
    pub event: Option<&'m Event>,
    /// The user's mailboxes, once they were asked for.
    pub mailboxes: Option<Vec<MailboxInfo>>,
    /// What is to be remembered when all has ended well.
    pub seen: Vec<Seen>,
    /// What could not be looked up: then nothing that came of the script counts.
    pub failure: Option<Refusal>,
}

impl<'m> Surroundings<'m> {
    /// Of a message that came from nowhere.
    pub fn new(inner: Arc<Inner>, handle: Handle, user: Arc<User>, verdict: &'m Verdict) -> Self {
        Self {
            inner,
            handle,
            user,
            verdict,
            peer: None,
            helo: None,
            event: None,
            mailboxes: None,
            seen: Vec::new(),
            failure: None,
        }
    }

    fn mailboxes(&mut self) -> &[MailboxInfo] {
        if self.mailboxes.is_none() {
            let found = self.handle.block_on(self.inner.ground.mailboxes.list(&self.user));
            self.mailboxes = Some(self.noted(found));
        }
        self.mailboxes.as_deref().unwrap_or_default()
    }

    fn noted<T: Default>(&mut self, found: Result<T, impl Into<Refusal>>) -> T {
        found.unwrap_or_else(|error| {
            let refusal = error.into();
            // What is not there is no failure.
            if refusal.is_temporary() {
                self.failure = Some(refusal);
            }
            T::default()
        })
    }
}

impl World for Surroundings<'_> {
    fn mailbox_exists(&mut self, name: &str) -> bool {
        let Ok(name) = MailboxName::parse(name) else { return false };
        self.mailboxes().iter().any(|mailbox| mailbox.name == name)
    }

    fn mailbox_id_exists(&mut self, id: &str) -> bool {
        self.mailboxes().iter().any(|mailbox| mailbox.id.to_string() == id)
    }

    fn special_use_exists(&mut self, mailbox: Option<&str>, flag: &str) -> bool {
        let Some(wanted) = flag.strip_prefix('\\').and_then(SpecialUse::parse) else {
            return false;
        };
        let name = mailbox.map(MailboxName::parse);
        self.mailboxes().iter().any(|mailbox| {
            let is_meant = name
                .as_ref()
                .is_none_or(|name| name.as_ref().is_ok_and(|name| *name == mailbox.name));
            is_meant && mailbox.special_use == Some(wanted)
        })
    }

    fn metadata(&mut self, mailbox: Option<&str>, entry: &str) -> Option<Vec<u8>> {
        let of = match mailbox {
            None => Annotated::Server,
            Some(name) => {
                let name = MailboxName::parse(name).ok()?;
                Annotated::Mailbox(self.mailboxes().iter().find(|mailbox| mailbox.name == name)?.id)
            }
        };
        let entry = entry.to_ascii_lowercase();
        let found = self.handle.block_on(self.inner.ground.mailboxes.annotation(&self.user, of, &entry));
        self.noted(found)
    }

    fn was_seen(&mut self, seen: &Seen) -> bool {
        if self.seen.iter().any(|it| it.handle == seen.handle && it.id == seen.id) {
            return true;
        }
        let found = self.handle.block_on(self.inner.was_seen(self.user.id, seen));
        self.noted(found)
    }

    fn remember(&mut self, seen: &Seen) {
        self.seen.push(seen.clone());
    }

    fn has_list(&mut self, list: &str) -> bool {
        lists::is_there(&self.inner.ground.settings.lists, list)
    }

    fn is_listed(&mut self, list: &str, value: &str) -> bool {
        lists::has(&self.inner.ground.settings.lists, list, value)
    }

    fn listed(&mut self, list: &str) -> Option<Vec<String>> {
        lists::all(&self.inner.ground.settings.lists, list)
    }

    fn spam(&mut self, _: &Message) -> Option<f64> {
        self.verdict.spam
    }

    fn virus(&mut self, _: &Message) -> Option<f64> {
        self.verdict.virus
    }

    /// RFC 5183 §4.1, RFC 6785 §4.1.
    fn environment(&self, name: &str) -> Option<String> {
        if let Some(event) = self.event {
            return match name {
                "phase" => Some("post".into()),
                "imap.user" => Some(event.user.login.clone()),
                "imap.email" => event.user.address.as_ref().map(ToString::to_string),
                "imap.cause" => Some(event.cause.as_str().into()),
                "imap.mailbox" => Some(event.mailbox.info().name.to_string()),
                "imap.changedflags" => Some(event.changed.join(" ")),
                _ => None,
            };
        }
        match name {
            "remote-ip" => self.peer.map(|peer| peer.to_string()),
            "remote-host" => self.helo.map(str::to_owned),
            _ => None,
        }
    }
}
