//! What speaks for or against a message besides itself: what others list, and what is remembered of those who send it.
//!
//! [`Spam::decide`] asks it once the rules have looked at a message, which is no longer in memory then. Nothing of it can fail: who does not
//! answer in time says nothing, and what cannot be remembered is not. It puts off what is doubtful. What is new is written down in the
//! background ([`Spam::remember`]).

mod acquaintances;
mod asks;
mod greylist;
mod lists;
mod reputation;

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::judgement::{Action, Judgement, Thresholds};
use super::rules::Rule;
use super::{Letter, Spam};
use crate::config;
use crate::mail::dns::Dns;
use crate::model::address::EmailAddress;
use crate::model::clock::Clock;
use crate::model::ids::UserId;
use crate::model::network::is_of_the_internet;
use crate::model::verdict::{Outcome, Symbol};
use crate::store::Error;
use crate::store::db::Database;

use acquaintances::Acquaintances;
pub(super) use asks::Asks;
use greylist::Greylist;
use lists::Lists;
use reputation::{Reputation, Subjects};

/// The rules whose symbols are given here.
pub(super) const RULES: &[&[Rule]] = &[lists::RULES, acquaintances::RULES, reputation::RULES];

/// How often what is new is written down.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// So many times later what is old is forgotten.
const FORGET_EVERY: u32 = 720;

/// What it stands on.
pub struct Ground {
    /// Whom lists are asked of.
    pub dns: Dns,
    /// Where it is remembered.
    pub database: Database,
    /// Which lists.
    pub lists: config::DnsLists,
    /// What is put off.
    pub greylist: config::Greylist,
    /// Whether it is remembered whom users write to.
    pub correspondents: config::Correspondents,
    /// Whether it is remembered what came from where.
    pub reputation: config::Reputation,
    /// The weights of rules that are other than their own.
    pub weights: BTreeMap<String, f64>,
    /// The time.
    pub clock: Clock,
}

/// Whom to ask.
pub struct Outside {
    lists: Lists,
    greylist: Greylist,
    acquaintances: Acquaintances,
    reputation: Reputation,
    weights: BTreeMap<String, f64>,
}

impl Outside {
    /// Opens it, within a runtime.
    pub fn open(ground: Ground) -> Self {
        let Ground { dns, database, clock, .. } = ground;
        Self {
            lists: Lists::open(dns, ground.lists, &ground.weights, clock.clone()),
            greylist: Greylist::open(database.clone(), ground.greylist, clock.clone()),
            acquaintances: Acquaintances::open(database.clone(), ground.correspondents, clock.clone()),
            reputation: Reputation::open(database, ground.reputation, clock),
            weights: ground.weights,
        }
    }

    /// Judges a message for these users by what the rules have found, and what is said and remembered of it.
    pub(super) async fn judge(
        &self,
        (mut symbols, asks): (Vec<Symbol>, Asks),
        letter: &Letter,
        users: &[UserId],
        thresholds: Thresholds,
    ) -> Judgement {
        let peer = letter.peer.filter(|peer| is_of_the_internet(*peer));
        let subjects = Subjects::of(peer, letter.authentication.as_ref());
        let (listed, known, reputed) = tokio::join!(
            self.lists.ask(peer, &asks.domains),
            self.acquaintances.symbols(users, &asks),
            self.reputation.symbols(&subjects, &self.weights)
        );
        symbols.extend(listed);
        symbols.extend(known.into_iter().filter_map(|rule| self.symbol(rule)));
        self.learn(&subjects, Judgement::new(symbols.clone(), thresholds).score, thresholds);
        symbols.extend(reputed);
        let mut judgement = Judgement::new(symbols, thresholds);
        let is_doubtful = peer.is_some() && judgement.score < thresholds.junk && self.greylist.concerns(judgement.score);
        if is_doubtful && !is_known_good(letter, &judgement) && self.greylist.puts_off(letter).await {
            judgement.action = Action::Later;
        }
        judgement
    }

    fn symbol(&self, rule: &Rule) -> Option<Symbol> {
        let weight = weight(rule, &self.weights);
        (weight != 0.0).then(|| Symbol {
            name: rule.name.to_owned(),
            weight,
            detail: String::new(),
        })
    }

    /// What is surely spam counts as such, and what is surely none as that.
    fn learn(&self, subjects: &Subjects, score: f64, thresholds: Thresholds) {
        if score >= thresholds.junk {
            self.reputation.learn(subjects, true);
        } else if score <= thresholds.junk / 3.0 {
            self.reputation.learn(subjects, false);
        }
    }

    async fn write(&self) -> Result<(), Error> {
        self.acquaintances.write().await?;
        self.reputation.write().await
    }

    async fn forget(&self) -> Result<(), Error> {
        let acquaintances = self.acquaintances.forget().await?;
        let subjects = self.reputation.forget().await?;
        tracing::debug!(acquaintances, subjects, "what is old is forgotten");
        Ok(())
    }
}

impl Spam {
    /// A user has sent a message of this Message-ID to these.
    pub fn was_sent(&self, user: UserId, recipients: impl Iterator<Item = EmailAddress>, message_id: &str) {
        if let Some(outside) = self.inner.outside.get() {
            outside.acquaintances.meet(user, recipients, Some(message_id));
        }
    }

    /// Writes down what is to be remembered of senders, and forgets what is old, until `cancel`.
    pub async fn remember(self, cancel: CancellationToken) {
        let Some(outside) = self.inner.outside.get() else { return };
        let mut tick = tokio::time::interval(WRITE_EVERY);
        let mut count: u32 = 0;
        loop {
            let is_last = tokio::select! {
                () = cancel.cancelled() => true,
                _ = tick.tick() => false,
            };
            if let Err(error) = outside.write().await {
                tracing::warn!(%error, "what is to be remembered of senders could not be written down");
            }
            if is_last {
                return;
            }
            count = count.wrapping_add(1);
            if count.is_multiple_of(FORGET_EVERY)
                && let Err(error) = outside.forget().await
            {
                tracing::warn!(%error, "what is old could not be forgotten");
            }
        }
    }
}

/// Whether it is from somebody who is no stranger, as far as that is proved.
fn is_known_good(letter: &Letter, judgement: &Judgement) -> bool {
    let has = |rule: &Rule| judgement.symbols.iter().any(|it| it.name == rule.name);
    let is_proved = letter.authentication.as_ref().is_some_and(|it| it.dmarc.outcome == Outcome::Pass);
    !letter.may_be_put_off
        || has(&acquaintances::CORRESPONDENT)
        || has(&acquaintances::REPLY)
        || (is_proved && has(&reputation::DOMAIN_HAM))
}

/// What a rule adds to the score here.
fn weight(rule: &Rule, weights: &BTreeMap<String, f64>) -> f64 {
    weights.get(rule.name).copied().unwrap_or(rule.weight)
}

/// What stands for some texts in the database: half of their SHA-256, from which they cannot be read.
type Mark = [u8; 16];

fn mark(kind: &str, parts: &[&str]) -> Mark {
    let mut sha = Sha256::new();
    for part in std::iter::once(&kind).chain(parts) {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part.as_bytes());
    }
    let digest: [u8; 32] = sha.finalize().into();
    let mut mark = [0; 16];
    mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    mark
}
