//! Mailboxes of others: what a name leads to, and what may be done with it (RFC 4314).
//!
//! The mailboxes of the other users of a domain stand below one name, `Other Users/LOGIN/MAILBOX`. Their owner may do everything; others
//! what they were given, by their login or as anyone. Who may not see a mailbox hears of it as of one that is not there. Flags belong to
//! the mailbox: what one user has seen, all have.

use std::collections::{BTreeMap, HashSet};

use super::Mailboxes;
use super::watch::Watched;
use crate::model::account::User;
use crate::model::address::Domain;
use crate::model::ids::{MailboxId, UserId};
use crate::model::mailbox::{MailboxInfo, MailboxName, SEPARATOR};
use crate::model::refusal::Refusal;
use crate::model::rights::{Rights, RightsChange};
use crate::store::db::mailboxes::{self, Counters};
use crate::store::db::{acls, users};

pub use crate::store::db::acls::ANYONE;

/// The name above the mailboxes of others.
pub const OTHERS: &str = "Other Users";

/// The most identifiers that have rights on a mailbox.
const MAX_IDENTIFIERS: usize = 1000;

/// What a name leads to.
#[derive(Debug, Clone)]
pub struct Access<'u> {
    user: &'u User,
    /// Whose it is, if it is another user's.
    other: Option<Box<User>>,
    /// The name that it has for its owner.
    pub name: MailboxName,
    /// The name that the user calls it by.
    pub shown: MailboxName,
    /// What the user may do with it.
    pub rights: Rights,
}

/// A mailbox of another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The name that it has here.
    pub name: MailboxName,
    /// Whether the user subscribed to that name.
    pub subscribed: bool,
    /// What it is to its owner.
    pub info: MailboxInfo,
    /// What may be done with it.
    pub rights: Rights,
    /// Whose it is.
    pub owner: UserId,
    /// Its counters.
    pub(super) counters: Counters,
    /// How many messages it has.
    pub(super) messages: u64,
}

impl Access<'_> {
    /// Whose mailbox it is.
    pub fn owner(&self) -> &User {
        self.other.as_deref().unwrap_or(self.user)
    }

    /// Whether it is the user's own.
    pub fn is_own(&self) -> bool {
        self.other.is_none()
    }

    /// [`Refusal::NotFound`] if the user is not to know of it, [`Refusal::NotPermitted`] if they may not do this.
    pub fn require(&self, rights: Rights) -> Result<(), Refusal> {
        if self.rights.contains(rights) {
            return Ok(());
        }
        if !self.rights.contains(Rights::LOOKUP) {
            return Err(unknown(&self.shown));
        }
        Err(Refusal::NotPermitted(format!("you may not do that with {}", self.shown)))
    }
}

fn unknown(name: &MailboxName) -> Refusal {
    Refusal::NotFound {
        what: "mailbox",
        name: name.to_string(),
    }
}

/// Characters that a login may have and a level of a mailbox name not, and the one by which they are written.
const ESCAPED: [(char, &str); 4] = [(SEPARATOR, "=2f"), ('%', "=25"), ('*', "=2a"), ('=', "=3d")];

/// A login as a level of a name.
fn level(login: &str) -> String {
    let mut level = String::with_capacity(login.len());
    for char in login.chars() {
        match ESCAPED.iter().find(|(escaped, _)| *escaped == char) {
            Some((_, written)) => level.push_str(written),
            None => level.push(char),
        }
    }
    level
}

/// The login that a level stands for; none if [`level`] would write no login so.
fn login(text: &str) -> Option<String> {
    // What stands for `=` comes last, or what it gives would be taken for one of the others.
    let read = ESCAPED.iter().fold(text.to_owned(), |text, (char, written)| {
        text.replace(written, char.encode_utf8(&mut [0; 4]))
    });
    (level(&read) == text).then_some(read)
}

/// The owner's login and their name for the mailbox; none if the name is not of another user's mailbox.
fn split(name: &MailboxName) -> Option<(&str, &str)> {
    let rest = name.as_str().strip_prefix(OTHERS)?;
    match rest.strip_prefix(SEPARATOR) {
        Some(rest) => Some(rest.split_once(SEPARATOR).unwrap_or((rest, ""))),
        None if rest.is_empty() => Some(("", "")),
        None => None,
    }
}

/// The name that a mailbox of another user has.
fn shown(login: &str, name: &MailboxName) -> Option<MailboxName> {
    MailboxName::parse(&format!("{OTHERS}{SEPARATOR}{}{SEPARATOR}{name}", level(login))).ok()
}

fn domain(user: &User) -> Option<Domain> {
    user.address.as_ref()?.domain().cloned()
}

impl Mailboxes {
    /// Whether users see mailboxes of others at all.
    pub fn shares(&self) -> bool {
        self.inner.ground.settings.shared
    }

    /// What a name leads to. [`Refusal::NotFound`] if that is another user's mailbox on which this one has no rights. Of a mailbox that is
    /// not there the rights are those on the nearest above it that is, if it is another user's.
    pub async fn access<'u>(&self, user: &'u User, name: &MailboxName) -> Result<Access<'u>, Refusal> {
        let own = Access {
            user,
            other: None,
            name: name.clone(),
            shown: name.clone(),
            rights: Rights::ALL,
        };
        let Some((text, rest)) = split(name).filter(|_| self.shares()) else {
            return Ok(own);
        };
        let unknown = || unknown(name);
        let theirs = MailboxName::parse(rest).map_err(|_| unknown())?;
        let login = login(&text.to_ascii_lowercase()).ok_or_else(unknown)?;
        let mut tx = self.inner.ledger.database.read().await?;
        let owner = users::find(&mut tx, &login).await?.ok_or_else(unknown)?.user;
        let is_neighbour = owner.enabled && domain(&owner).is_some() && domain(&owner) == domain(user);
        if owner.id == user.id {
            return Ok(Access { name: theirs, ..own });
        }
        if !is_neighbour {
            return Err(unknown());
        }
        let mut rights = Rights::NONE;
        for place in std::iter::once(theirs.clone()).chain(theirs.ancestors()) {
            if let Some(row) = mailboxes::by_name(&mut tx, owner.id, &place).await? {
                rights = acls::of_login(&mut tx, row.info.id, &user.login).await?;
                break;
            }
        }
        if rights.is_empty() {
            return Err(unknown());
        }
        Ok(Access {
            other: Some(Box::new(owner)),
            name: theirs,
            rights,
            ..own
        })
    }

    /// The mailboxes of others that the user sees: those with `l`.
    pub async fn shared(&self, user: &User) -> Result<Vec<Shared>, Refusal> {
        if !self.shares() {
            return Ok(Vec::new());
        }
        let mut tx = self.inner.ledger.database.read().await?;
        let given = acls::shared_with(&mut tx, user.id, &user.login).await?;
        if given.is_empty() {
            return Ok(Vec::new());
        }
        let subscriptions: HashSet<MailboxName> = mailboxes::subscriptions(&mut tx, user.id).await?.into_iter().collect();
        drop(tx);
        let mut all: BTreeMap<MailboxId, Shared> = BTreeMap::new();
        for given in given {
            let Some(name) = shown(&given.login, &given.row.info.name) else {
                continue;
            };
            let shared = all.entry(given.row.info.id).or_insert_with(|| Shared {
                subscribed: subscriptions.contains(&name),
                name,
                rights: Rights::NONE,
                owner: given.row.user,
                counters: given.row.counters,
                messages: given.messages,
                info: given.row.info,
            });
            shared.rights = shared.rights.with(given.rights);
        }
        all.retain(|_, shared| shared.rights.contains(Rights::LOOKUP));
        Ok(all.into_values().collect())
    }

    /// Who has which rights on a mailbox of this user, but for the owner.
    pub async fn acl(&self, owner: &User, name: &MailboxName) -> Result<Vec<(String, Rights)>, Refusal> {
        self.ensure(owner).await?;
        let mut tx = self.inner.ledger.database.read().await?;
        let row = mailboxes::by_name(&mut tx, owner.id, name).await?.ok_or_else(|| unknown(name))?;
        Ok(acls::of_mailbox(&mut tx, row.info.id).await?)
    }

    /// Changes the rights of an identifier on a mailbox of this user. [`Refusal::NotFound`] if the mailbox is not there, or no such user is
    /// in the domain and enabled; [`Refusal::NotPermitted`] for the owner.
    pub async fn set_acl(
        &self,
        owner: &User,
        name: &MailboxName,
        identifier: &str,
        change: impl FnOnce(Rights) -> Rights,
    ) -> Result<RightsChange, Refusal> {
        let identifier = identifier.to_lowercase();
        if identifier == owner.login {
            return Err(Refusal::NotPermitted("the owner may do everything".into()));
        }
        self.ensure(owner).await?;
        let mut tx = self.inner.ledger.database.write().await?;
        let row = mailboxes::by_name(&mut tx, owner.id, name).await?.ok_or_else(|| unknown(name))?;
        let all = acls::of_mailbox(&mut tx, row.info.id).await?;
        let mut bells = vec![Watched::Mailboxes(owner.id)];
        let before = all.iter().find(|(known, _)| *known == identifier).map(|(_, rights)| *rights);
        let rights = change(before.unwrap_or_default());
        if before.is_none() && !rights.is_empty() {
            if identifier != ANYONE {
                let found = users::find(&mut tx, &identifier).await?.map(|stored| stored.user);
                bells.extend(found.iter().map(|user| Watched::Mailboxes(user.id)));
                let is_neighbour = found.is_some_and(|user| domain(&user).is_some() && domain(&user) == domain(owner));
                // One who is disabled may be about to be removed, and what they are given would be left behind.
                if !is_neighbour || !users::hold_enabled(&mut tx, &identifier).await? {
                    return Err(Refusal::NotFound {
                        what: "user of this domain",
                        name: identifier,
                    });
                }
            }
            if all.len() >= MAX_IDENTIFIERS {
                return Err(Refusal::LimitReached(format!(
                    "at most {MAX_IDENTIFIERS} may have rights on a mailbox"
                )));
            }
        }
        acls::set(&mut tx, row.info.id, &identifier, rights).await?;
        tx.commit().await?;
        bells.into_iter().for_each(|bell| self.inner.watches.wake(bell));
        Ok(RightsChange {
            mailbox: row.info.id,
            identifier,
            before,
            after: (!rights.is_empty()).then_some(rights),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn names_of_others_are_told_apart() {
        let name = |text: &str| MailboxName::parse(text).unwrap();
        for (text, want) in [
            ("Other Users/a@b.test/INBOX", Some(("a@b.test", "INBOX"))),
            ("Other Users/a@b.test/x/y", Some(("a@b.test", "x/y"))),
            ("Other Users/a@b.test", Some(("a@b.test", ""))),
            ("Other Users", Some(("", ""))),
            ("Other Users2", None),
            ("INBOX", None),
        ] {
            assert_eq!(split(&name(text)), want, "{text}");
        }
        for (text, want) in [
            ("a@b.test", "a@b.test"),
            ("a/b%c*@b.test", "a=2fb=25c=2a@b.test"),
            ("a=2f=@b.test", "a=3d2f=3d@b.test"),
            ("=3d=2f", "=3d3d=3d2f"),
        ] {
            assert_eq!(level(text), want);
            assert_eq!(login(want).as_deref(), Some(text));
            assert!(shown(text, &MailboxName::inbox()).is_some());
        }
        assert_eq!(login("a=b@b.test"), None);
        assert_eq!(shown("a@b.test", &MailboxName::inbox()), Some(name("Other Users/a@b.test/INBOX")));
        assert!(names::directory(&name("Other Users/a@b.test/x")).is_some());
    }
}
