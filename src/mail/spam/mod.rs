//! Telling spam from mail: a score from named rules, each with a weight, and what is done by the score.
//!
//! `intake` asks it once for each message that comes from elsewhere ([`Spam::judge`]), and so does `posthouse spam check`. Judging takes no
//! time but the processor's, and cannot fail: what cannot be read of a message speaks neither for nor against it. Only then others are asked
//! ([`Outside`]). What
//! users move into their mailboxes for junk and out of them is learned in the background ([`Spam::run`]).
//!
//! RFC 5235 §2 (how likely, for filters)

mod bayes;
mod facts;
mod judgement;
mod learned;
mod lessons;
mod outside;
mod rspamd;
mod rules;
mod tokens;

pub use facts::Case;
pub use judgement::{Action, Judgement};
pub use learned::{Learnt, Owner};
pub use lessons::Meant;
pub use outside::{Ground, Outside};
pub use rules::Rule;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config;
use crate::mail::mailbox::blocking;
use crate::model::address::EmailAddress;
use crate::model::clock::Clock;
use crate::model::ids::UserId;
use crate::model::refusal::Refusal;
use crate::model::verdict::{Authentication, Symbol};
use crate::store::db::Database;
use crate::wire::message::header;
use facts::Facts;
use judgement::Thresholds;
use learned::{Asked, Learned, Limits};
use outside::Asks;
use rspamd::Rspamd;

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Spam {
    inner: Arc<Inner>,
}

struct Inner {
    /// The rules that are on, with their weights.
    rules: Vec<(&'static Rule, f64)>,
    thresholds: Thresholds,
    learned: Learned,
    /// So many messages are in memory at a time to be judged or learned.
    turns: Semaphore,
    /// Who judges in the place of the own rules, if anybody does.
    rspamd: Option<Rspamd>,
    /// Who else is asked about a message.
    outside: OnceLock<Outside>,
    settings: config::Spam,
}

/// A message that is to be judged, and how it came.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its octets, or the begin of them.
    pub octets: Vec<u8>,
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// What the client calls itself.
    pub helo: Option<String>,
    /// The reverse path; none for the null sender.
    pub sender: Option<EmailAddress>,
    /// The recipients.
    pub recipients: Vec<EmailAddress>,
    /// Who it is from, as far as that can be proved; none where it was not looked at.
    pub authentication: Option<Authentication>,
    /// This server's name.
    pub hostname: String,
    /// Whether its client may be asked to send it again later.
    pub may_be_put_off: bool,
    /// The time.
    pub now: Timestamp,
}

impl Letter {
    fn case(&self) -> Case<'_> {
        Case {
            message: &self.octets,
            peer: self.peer,
            helo: self.helo.as_deref(),
            sender: self.sender.as_ref(),
            recipients: &self.recipients,
            authentication: self.authentication.as_ref(),
            hostname: &self.hostname,
            now: self.now,
        }
    }
}

/// What those know for whom a message is.
#[derive(Clone, Default)]
pub struct Minds {
    asked: Option<Asked>,
}

/// A rule with the weight that it has here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// Its name.
    pub name: &'static str,
    /// What it adds to the score here.
    pub weight: f64,
    /// What it adds where the configuration says nothing.
    pub default_weight: f64,
    /// What it means that it holds.
    pub about: &'static str,
}

impl Spam {
    /// Makes the engine. The error names a weight for a rule that there is not.
    pub fn open(settings: &config::Spam, database: Database, clock: Clock) -> Result<Self, String> {
        let known: HashMap<&str, &Rule> = rules::all().map(|rule| (rule.name, rule)).collect();
        for name in settings.weights.keys() {
            if !known.contains_key(name.as_str()) {
                let near = known.keys().min_by_key(|it| strsim::damerau_levenshtein(it, name));
                let near = near.copied().unwrap_or_default();
                return Err(format!(
                    "spam.weights: there is no rule {name}; perhaps {near} was meant; `posthouse spam rules` lists them"
                ));
            }
        }
        let asks_rspamd = settings.engine == config::SpamEngine::Rspamd;
        let rspamd = asks_rspamd.then(|| Rspamd::new(settings)).transpose()?;
        let weighed = rules::all().map(|rule| (rule, settings.weights.get(rule.name).copied().unwrap_or(rule.weight)));
        let limits = Limits {
            max_tokens: settings.bayes_max_tokens,
            max_ratio: settings.bayes_max_ratio,
            min_learns: settings.bayes_min_learns.into(),
            expire_days: settings.bayes_expire_days,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                // What weighs nothing by default is told all the same; what the operator has set to nothing is off.
                rules: weighed.filter(|(rule, weight)| *weight != 0.0 || rule.weight == 0.0).collect(),
                thresholds: Thresholds {
                    add_header: settings.add_header,
                    junk: settings.junk,
                    reject: settings.reject,
                },
                learned: Learned::open(database, clock, limits),
                turns: Semaphore::new(std::thread::available_parallelism().map_or(2, |it| it.get().saturating_mul(2))),
                rspamd,
                outside: OnceLock::new(),
                settings: settings.clone(),
            }),
        })
    }

    /// From now on these are asked about messages too.
    pub fn ask_outside(&self, outside: Outside) {
        // Whoever was named first stays.
        _ = self.inner.outside.set(outside);
    }

    /// Whether mail is judged at all.
    pub fn is_on(&self) -> bool {
        self.inner.settings.engine != config::SpamEngine::Off
    }

    /// The most octets of a message that it looks at.
    pub fn max_scan_bytes(&self) -> usize {
        self.inner.settings.max_scan_bytes
    }

    /// Waits until there is room in memory for one more message.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.inner.turns.acquire().await.ok()
    }

    /// What those know for whom a message is: the only recipient, if they have taught enough, or else the server.
    pub async fn minds(&self, recipients: &[UserId]) -> Minds {
        let settings = &self.inner.settings;
        if !settings.bayes {
            return Minds::default();
        }
        let owners = match recipients {
            [user] => vec![Owner::User(*user), Owner::Server],
            _ => vec![Owner::Server],
        };
        for owner in owners {
            match self.inner.learned.of(owner).await {
                Ok(asked) => {
                    let (spam, ham) = asked.counts();
                    if spam.min(ham) >= settings.bayes_min_learns {
                        return Minds { asked: Some(asked) };
                    }
                }
                Err(error) => tracing::warn!(%error, "what was learned of spam cannot be asked"),
            }
        }
        Minds::default()
    }

    /// Judges a message that is for these users; none where nobody could, and it is to be taken all the same. Its turn ends when it is no
    /// longer in memory. Errors: TryLater.
    pub async fn decide(&self, letter: Letter, users: &[UserId], turn: Option<SemaphorePermit<'_>>) -> Result<Option<Judgement>, Refusal> {
        if let Some(rspamd) = &self.inner.rspamd {
            return match rspamd.check(letter).await {
                Ok(judgement) => Ok(Some(judgement)),
                Err(error) => {
                    tracing::warn!(%error, "a message is not judged");
                    match self.inner.settings.on_failure {
                        config::SpamFailure::Accept => Ok(None),
                        config::SpamFailure::Tempfail => Err(Refusal::LATER),
                    }
                }
            };
        }
        let (spam, minds) = (self.clone(), self.minds(users).await);
        let looked = blocking(move || {
            let (symbols, asks) = spam.look(&letter.case(), &minds);
            let octets = Vec::new();
            Ok((symbols, asks, Letter { octets, ..letter }))
        });
        let (symbols, asks, letter) = looked.await?;
        drop(turn);
        let thresholds = self.inner.thresholds;
        Ok(Some(match self.inner.outside.get() {
            Some(outside) => outside.judge((symbols, asks), &letter, users, thresholds).await,
            None => Judgement::new(symbols, thresholds),
        }))
    }

    /// Judges a message by the own rules. Call it off the network threads.
    pub fn judge(&self, case: &Case<'_>, minds: &Minds) -> Judgement {
        Judgement::new(self.look(case, minds).0, self.inner.thresholds)
    }

    /// The symbols of the own rules, and what others can be asked about.
    fn look(&self, case: &Case<'_>, minds: &Minds) -> (Vec<Symbol>, Asks) {
        let message = case.message.get(..self.max_scan_bytes()).unwrap_or(case.message);
        let facts = Facts::of(Case { message, ..*case });
        let look = |(rule, weight): &(&'static Rule, f64)| {
            rule.look(&facts).map(|detail| Symbol {
                name: rule.name.to_owned(),
                weight: *weight,
                detail: short(&detail),
            })
        };
        let mut symbols: Vec<Symbol> = self.inner.rules.iter().filter_map(look).collect();
        symbols.extend(self.by_words(&facts, minds));
        (symbols, Asks::of(&facts))
    }

    fn by_words(&self, facts: &Facts<'_>, minds: &Minds) -> Option<Symbol> {
        let asked = minds.asked.as_ref()?;
        let evidence = asked.evidence(&tokens::of(facts), self.inner.settings.bayes_min_learns)?;
        let (name, share) = bayes::symbol(evidence)?;
        let (_, weight) = self.inner.rules.iter().find(|(rule, _)| rule.name == name)?;
        Some(Symbol {
            name: name.to_owned(),
            weight: (weight * share * 100.0).round() / 100.0,
            detail: format!("evidence {evidence:.1}"),
        })
    }

    /// All rules, in the order in which they are looked at.
    pub fn rules(settings: &config::Spam) -> Vec<Weighed> {
        let weighed = |rule: &Rule| Weighed {
            name: rule.name,
            weight: settings.weights.get(rule.name).copied().unwrap_or(rule.weight),
            default_weight: rule.weight,
            about: rule.about,
        };
        rules::all().map(weighed).collect()
    }
}

/// When a message was sent, as it says itself.
pub fn sent_at(message: &[u8]) -> Option<Timestamp> {
    header::sent_at(header::find(message, "Date")?)
}

/// The most characters of what a rule says that it found.
const DETAIL: usize = 100;

/// What strangers wrote, as it may stand in a list.
fn short(detail: &str) -> String {
    detail.chars().filter(|c| !c.is_control()).take(DETAIL).collect()
}

#[cfg(test)]
mod tests;
