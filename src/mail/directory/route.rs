//! Where mail for an address goes.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::{Directory, LocalRecipient, Route};
use crate::config;
use crate::model::account::{DomainRecord, User};
use crate::model::address::{Domain, EmailAddress};
use crate::model::refusal::Refusal;
use crate::store::{self, db::Tx};

/// In how many ways one local part is split into name and detail.
const MAX_SPELLINGS: usize = 8;

impl Directory {
    /// Where mail for `address` goes. Errors: UnknownRecipient, Disabled, AliasLoop, TryLater.
    pub async fn route(&self, address: &EmailAddress) -> Result<Route, Refusal> {
        let inner = &self.inner;
        let key = address.canonical();
        let generation = inner.caches.generation();
        if let Some(known) = inner.caches.routes.find(generation, &key) {
            return known;
        }
        let mut tx = inner.database.read().await?;
        let mut walk = Walk::new(&mut tx, &inner.settings, inner.clock.now_ms());
        let answer = walk.answer(address).await?;
        // An alias that will expire does so without a change of the directory.
        if !walk.expires {
            inner.caches.routes.keep(generation, &key, answer.clone());
        }
        answer
    }

    /// The same with every step on the way, looked up anew. Errors: TryLater.
    pub async fn explain(&self, address: &EmailAddress) -> Result<Explanation, Refusal> {
        let inner = &self.inner;
        let mut tx = inner.database.read().await?;
        let mut walk = Walk::new(&mut tx, &inner.settings, inner.clock.now_ms());
        walk.steps = Some(Vec::new());
        let outcome = walk.answer(address).await?;
        Ok(Explanation {
            steps: walk.steps.take().unwrap_or_default(),
            outcome,
        })
    }

    /// Whether `user` may send with this address: their own, with or without +detail, or an alias that leads to them.
    pub async fn may_send_as(&self, user: &User, address: &EmailAddress) -> Result<bool, Refusal> {
        match self.route(address).await {
            Ok(Route::Here { users, .. }) if users.iter().any(|it| it.user.id == user.id) => Ok(true),
            // An alias may lead all their mail elsewhere; their address is still theirs.
            Ok(Route::Here { .. }) | Err(Refusal::AliasLoop(_) | Refusal::UnknownRecipient(_)) => {
                Ok(user.address.as_ref() == Some(address))
            }
            Err(error) if error.is_temporary() => Err(error),
            Ok(Route::Outside) | Err(_) => Ok(false),
        }
    }
}

/// A step on the way from an address to where its mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveStep {
    /// The domain of an address.
    Domain {
        /// The domain.
        domain: Domain,
        /// Whether it is one of ours.
        is_ours: bool,
        /// Whether it takes mail.
        enabled: bool,
        /// The domain that it is another name of.
        alias_of: Option<Domain>,
    },
    /// An alias answers.
    Alias {
        /// Its address.
        address: String,
        /// Where it leads.
        destinations: Vec<EmailAddress>,
        /// What stood after the `+`.
        detail: Option<String>,
    },
    /// The catch-all of the domain answers, since nothing else does.
    CatchAll {
        /// `@domain`.
        address: String,
        /// Where it leads.
        destinations: Vec<EmailAddress>,
    },
    /// The aliases have come back to one that was followed already.
    Again {
        /// Its address.
        address: String,
    },
    /// A user.
    User {
        /// Their login.
        login: String,
        /// What stood after the `+`.
        detail: Option<String>,
    },
    /// A user, or a domain, is disabled.
    Disabled {
        /// The address that led there.
        address: String,
    },
    /// Nobody answers.
    Nobody {
        /// The address.
        address: String,
    },
    /// It goes to another server.
    Forward {
        /// The address there.
        address: EmailAddress,
    },
    /// Nobody else is postmaster, so an administrator is (RFC 5321 §4.5.1).
    Postmaster {
        /// Their login.
        login: String,
    },
}

/// The way from an address to where its mail goes, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// In the order in which they were gone.
    pub steps: Vec<ResolveStep>,
    /// What [`Directory::route`] answers.
    pub outcome: Result<Route, Refusal>,
}

/// What an address is.
enum Found {
    Outside,
    /// An alias, with its key.
    Alias(String, Vec<EmailAddress>, Option<String>),
    User(Box<User>, Option<String>),
    Disabled,
    Nobody,
}

/// An address that is still to be looked up.
struct Step {
    address: EmailAddress,
    detail: Option<String>,
    depth: usize,
}

/// The walk from an address to all that it leads to, nearest first.
struct Walk<'w> {
    tx: &'w mut Tx,
    settings: &'w config::Directory,
    waiting: VecDeque<Step>,
    /// Addresses that were on the list, and aliases that were followed.
    seen: HashSet<String>,
    followed: HashSet<String>,
    users: Vec<LocalRecipient>,
    forwards: Vec<EmailAddress>,
    disabled: bool,
    nobody: bool,
    now_ms: i64,
    /// Whether the answer holds only for a time.
    expires: bool,
    /// The steps so far, if anybody wants to know.
    steps: Option<Vec<ResolveStep>>,
}

impl<'w> Walk<'w> {
    fn new(tx: &'w mut Tx, settings: &'w config::Directory, now_ms: i64) -> Self {
        Self {
            tx,
            settings,
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            followed: HashSet::new(),
            users: Vec::new(),
            forwards: Vec::new(),
            disabled: false,
            nobody: false,
            now_ms,
            expires: false,
            steps: None,
        }
    }

    /// The outer error is the database's and no answer at all.
    async fn answer(&mut self, address: &EmailAddress) -> Result<Result<Route, Refusal>, store::Error> {
        let first = self.find(address).await?;
        if matches!(first, Found::Outside) {
            self.tell(|| ResolveStep::Forward { address: address.clone() });
            return Ok(Ok(Route::Outside));
        }
        self.seen.insert(address.canonical());
        let start = Step {
            address: address.clone(),
            detail: None,
            depth: 0,
        };
        self.take(start, first).await?;
        while let Some(step) = self.waiting.pop_front() {
            let found = self.find(&step.address).await?;
            self.take(step, found).await?;
            if self.is_too_far() {
                return Ok(Err(Refusal::AliasLoop(address.to_string())));
            }
        }
        self.conclude(address).await
    }

    /// RFC 5321 §7.8: what one recipient costs is bounded, in depth and in number.
    fn is_too_far(&self) -> bool {
        let most = self.settings.max_alias_destinations;
        let too_deep = self.waiting.back().is_some_and(|step| step.depth > self.settings.max_alias_depth);
        too_deep || self.users.len() + self.forwards.len() > most || self.seen.len() > most.saturating_mul(2).saturating_add(16)
    }

    async fn conclude(&mut self, address: &EmailAddress) -> Result<Result<Route, Refusal>, store::Error> {
        if self.users.is_empty() && self.forwards.is_empty() {
            if self.disabled {
                return Ok(Err(Refusal::Disabled(address.to_string())));
            }
            // RFC 5321 §4.5.1: postmaster is always somebody, in any case of letters.
            if address.local().eq_ignore_ascii_case("postmaster") {
                self.add_postmaster(address).await?;
            }
        }
        Ok(match (self.users.is_empty() && self.forwards.is_empty(), self.nobody) {
            (false, _) => Ok(Route::Here {
                users: std::mem::take(&mut self.users),
                forwards: std::mem::take(&mut self.forwards),
            }),
            (true, true) => Err(Refusal::UnknownRecipient(address.to_string())),
            // Nothing was unknown, and still nobody was found: the aliases only lead to one another.
            (true, false) => Err(Refusal::AliasLoop(address.to_string())),
        })
    }

    async fn add_postmaster(&mut self, address: &EmailAddress) -> Result<(), store::Error> {
        let Some(domain) = address.domain() else { return Ok(()) };
        let Some(mut record) = store::db::domains::find(self.tx, domain).await? else {
            return Ok(());
        };
        if let Some(real) = &record.alias_of {
            record = store::db::domains::find(self.tx, real).await?.unwrap_or(record);
        }
        if let Some(user) = store::db::users::postmaster(self.tx, record.id).await? {
            self.tell(|| ResolveStep::Postmaster { login: user.login.clone() });
            self.add_user(user, None);
        }
        Ok(())
    }

    /// Goes one step.
    async fn take(&mut self, step: Step, found: Found) -> Result<(), store::Error> {
        match found {
            Found::Outside => {
                self.tell(|| ResolveStep::Forward {
                    address: step.address.clone(),
                });
                self.forwards.push(step.address);
            }
            Found::User(user, detail) => self.add_user(*user, detail.or(step.detail)),
            Found::Disabled => self.is_disabled(&step.address.to_string()),
            Found::Nobody => {
                self.is_nobody(&step.address.to_string());
                tracing::debug!(address = %step.address, "an alias leads to an address that does not exist");
            }
            Found::Alias(key, destinations, detail) => {
                self.tell_alias(&key, &destinations, detail.as_deref());
                if !self.followed.insert(key.clone()) {
                    return Ok(());
                }
                let detail = detail.or(step.detail);
                for address in destinations {
                    if address.canonical() == key {
                        self.add_namesake(&key, detail.clone()).await?;
                    } else if self.seen.insert(address.canonical()) {
                        let (detail, depth) = (detail.clone(), step.depth.saturating_add(1));
                        self.waiting.push_back(Step { address, detail, depth });
                    }
                }
            }
        }
        Ok(())
    }

    /// An alias that names itself means the user of the same address.
    async fn add_namesake(&mut self, key: &str, detail: Option<String>) -> Result<(), store::Error> {
        match store::db::users::find(self.tx, key).await? {
            Some(found) if found.user.enabled => self.add_user(found.user, detail),
            Some(_) => self.is_disabled(key),
            None => self.is_nobody(key),
        }
        Ok(())
    }

    fn add_user(&mut self, user: User, detail: Option<String>) {
        self.tell(|| ResolveStep::User {
            login: user.login.clone(),
            detail: detail.clone(),
        });
        if self.users.iter().all(|it| it.user.id != user.id) {
            self.users.push(LocalRecipient {
                user: Arc::new(user),
                detail,
            });
        }
    }

    async fn find(&mut self, address: &EmailAddress) -> Result<Found, store::Error> {
        let Some(domain) = address.domain() else {
            return Ok(Found::Outside);
        };
        let Some(record) = store::db::domains::find(self.tx, domain).await? else {
            self.tell_domain(domain, None);
            return Ok(Found::Outside);
        };
        self.tell_domain(domain, Some(&record));
        if !record.enabled {
            return Ok(Found::Disabled);
        }
        let real = match &record.alias_of {
            Some(real) => store::db::domains::find(self.tx, real).await?,
            None => None,
        };
        if real.as_ref().is_some_and(|real| !real.enabled) {
            return Ok(Found::Disabled);
        }
        let mut domains: Vec<DomainRecord> = vec![record];
        domains.extend(real);
        for record in &domains {
            if let Some(found) = self.find_local(address.local(), &record.domain).await? {
                return Ok(found);
            }
        }
        for record in &domains {
            let key = format!("@{}", record.domain);
            let destinations = self.destinations(&key).await?;
            if !destinations.is_empty() {
                return Ok(Found::Alias(key, destinations, None));
            }
        }
        Ok(Found::Nobody)
    }

    /// Where the alias with this key leads; empty if there is none.
    async fn destinations(&mut self, key: &str) -> Result<Vec<EmailAddress>, store::Error> {
        let leads = store::db::aliases::destinations(self.tx, key, self.now_ms).await?;
        self.expires |= leads.expires;
        Ok(leads.to)
    }

    /// The alias, else the user, of this name; else of the name without its detail.
    async fn find_local(&mut self, local: &str, domain: &Domain) -> Result<Option<Found>, store::Error> {
        for (name, detail) in spellings(local, &self.settings.detail_separators) {
            // RFC 5321 §2.4 leaves the case of a local part to its host: here it makes no difference.
            let key = format!("{}@{domain}", name.to_lowercase());
            let detail = detail.map(str::to_owned);
            let destinations = self.destinations(&key).await?;
            if !destinations.is_empty() {
                return Ok(Some(Found::Alias(key, destinations, detail)));
            }
            if let Some(found) = store::db::users::find(self.tx, &key).await? {
                let enabled = found.user.enabled;
                return Ok(Some(if enabled {
                    Found::User(Box::new(found.user), detail)
                } else {
                    Found::Disabled
                }));
            }
        }
        Ok(None)
    }
}

/// The steps, for whoever wants to know them.
impl Walk<'_> {
    fn tell(&mut self, step: impl FnOnce() -> ResolveStep) {
        if let Some(steps) = &mut self.steps {
            steps.push(step());
        }
    }

    fn tell_domain(&mut self, domain: &Domain, record: Option<&DomainRecord>) {
        self.tell(|| ResolveStep::Domain {
            domain: domain.clone(),
            is_ours: record.is_some(),
            enabled: record.is_some_and(|record| record.enabled),
            alias_of: record.and_then(|record| record.alias_of.clone()),
        });
    }

    fn tell_alias(&mut self, key: &str, destinations: &[EmailAddress], detail: Option<&str>) {
        let address = key.to_owned();
        if self.followed.contains(key) {
            return self.tell(|| ResolveStep::Again { address });
        }
        let destinations = destinations.to_vec();
        self.tell(|| match key.starts_with('@') {
            true => ResolveStep::CatchAll { address, destinations },
            false => ResolveStep::Alias {
                address,
                destinations,
                detail: detail.map(str::to_owned),
            },
        });
    }

    fn is_disabled(&mut self, address: &str) {
        self.disabled = true;
        self.tell(|| ResolveStep::Disabled {
            address: address.to_owned(),
        });
    }

    fn is_nobody(&mut self, address: &str) {
        self.nobody = true;
        self.tell(|| ResolveStep::Nobody {
            address: address.to_owned(),
        });
    }
}

/// The ways to read a local part: as a whole, then as name and detail with the longest name first.
fn spellings<'l>(local: &'l str, separators: &str) -> Vec<(&'l str, Option<&'l str>)> {
    let mut all = vec![(local, None)];
    for (at, separator) in local.char_indices().rev() {
        if all.len() >= MAX_SPELLINGS {
            break;
        }
        if at > 0
            && separators.contains(separator)
            && let Some((name, rest)) = local.split_at_checked(at)
        {
            all.push((name, rest.get(separator.len_utf8()..).filter(|detail| !detail.is_empty())));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_are_split_at_each_separator() {
        for (local, separators, expected) in [
            ("ada", "+", vec![("ada", None)]),
            ("ada+x", "", vec![("ada+x", None)]),
            ("ada+x", "+", vec![("ada+x", None), ("ada", Some("x"))]),
            ("ada+", "+", vec![("ada+", None), ("ada", None)]),
            ("+x", "+", vec![("+x", None)]),
            ("a-b+c", "+-", vec![("a-b+c", None), ("a-b", Some("c")), ("a", Some("b+c"))]),
            ("jü→x", "→", vec![("jü→x", None), ("jü", Some("x"))]),
        ] {
            assert_eq!(spellings(local, separators), expected, "{local}");
        }
        assert_eq!(spellings(&"+a".repeat(32), "+").len(), MAX_SPELLINGS);
    }
}
