//! Work on the ledger: claims with leases, and what came of them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt;

use super::story::{Ending, Via, attempts};
use super::{Content, Queue, backoff, lock};
use crate::model::address::Host;
use crate::model::ids::MailId;
use crate::model::trace::AttemptOutcome;
use crate::store;
use crate::store::db::queue::{self as rows, Addressee, Claimed, ClaimedMessage, Mark, Message, Note, Rest, State};
use crate::store::db::{Tx, Work};

/// How often to try for the oldest message when other nodes are quicker.
const TRIES: usize = 4;

/// Recipients of one message that this process works on, and nobody else before the lease ends.
#[derive(Debug)]
pub struct Claim {
    pub message: Message,
    pub recipients: Vec<Addressee>,
    pub content: Content,
    token: i64,
}

impl Claim {
    /// What keeps it. Claims that were made at once have one.
    pub fn lease(&self) -> Lease {
        Lease(self.token)
    }
}

/// The right to keep what was claimed until its time runs out.
#[derive(Debug, Clone, Copy)]
pub struct Lease(i64);

/// Something that stands in the way of a delivery, in the words of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The enhanced status code (RFC 3463 §2), such as `5.1.1`.
    pub status: String,
    /// The host that said it; none if it is our own finding.
    pub host: Option<String>,
    /// The reply or what we found, on one line.
    pub text: String,
}

/// What came of an attempt for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The next host has taken it; `reports` says whether that host will report success (RFC 3461 §5.2.2).
    Delivered { said: Finding, reports: bool },
    /// Never.
    Failed(Finding),
    /// Perhaps later: the next try is set by the ledger, or it fails if its time is over.
    Deferred(Finding),
}

/// What is left to do for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing: row and file are gone.
    Done,
    /// Somebody is to be told of a failure or success.
    Report,
    /// Some recipients wait.
    Waiting,
}

impl Queue {
    /// Claims the due recipients at these destinations of the oldest messages that have any: at most so many messages, and a hundred
    /// recipients together.
    pub async fn claim(&self, destinations: &[Host], most: usize) -> Result<Vec<Claim>, store::Error> {
        for _ in 0..TRIES {
            let mark = self.mark();
            let take = Take {
                destinations: destinations.to_vec(),
                most,
                mark,
            };
            match self.inner.database.write_together(take).await? {
                Claimed::Nothing => break,
                Claimed::Lost => {}
                Claimed::Ours(claimed) => return Ok(self.hold(claimed, mark)),
            }
        }
        Ok(Vec::new())
    }

    /// Claims the recipients of a message whose fate is to be reported.
    pub async fn claim_reports(&self, id: MailId) -> Result<Option<Claim>, store::Error> {
        let mark = self.mark();
        let mut tx = self.inner.database.write().await?;
        match rows::claim_reports(&mut tx, id, mark).await? {
            Claimed::Ours(claimed) => {
                tx.commit().await?;
                Ok(self.hold(claimed, mark).pop())
            }
            Claimed::Lost | Claimed::Nothing => Ok(None),
        }
    }

    /// Makes claims last longer; their holder does so every [`Self::renew_every`].
    pub async fn renew(&self, lease: Lease) -> Result<(), store::Error> {
        let mut tx = self.inner.database.write().await?;
        rows::renew(&mut tx, lease.0, self.lease_end(self.inner.clock.now_ms())).await?;
        tx.commit().await
    }

    /// How often whoever holds a claim must renew it.
    pub fn renew_every(&self) -> Duration {
        Duration::from_secs(self.inner.settings.lease_seconds) / 3
    }

    /// When a claim ends that is made or renewed now.
    pub(super) fn lease_end(&self, now: i64) -> i64 {
        let lease = i64::try_from(self.inner.settings.lease_seconds).unwrap_or(i64::MAX);
        now.saturating_add(lease.saturating_mul(1000))
    }

    /// Writes what came of an attempt over `via`, a settlement for each recipient in their order. When nothing is left, row and file go.
    pub async fn settle(&self, claim: &Claim, settlements: &[Settlement], via: Option<&Via>) -> Result<Progress, store::Error> {
        let id = claim.message.id;
        let now = self.inner.clock.now();
        let sender = claim.message.sender.path.to_string();
        let mut endings = Vec::with_capacity(settlements.len());
        let ends = claim.recipients.iter().zip(settlements).map(|(recipient, settlement)| {
            let (finding, verdict) = self.judge(&claim.message, recipient, settlement, now);
            tell(id, recipient, finding, verdict);
            endings.push(verdict.ending(recipient.recipient.address.to_string(), finding));
            (recipient.position, finding.clone(), verdict)
        });
        let results = Results {
            id,
            token: claim.token,
            now,
            ends: ends.collect(),
            is_for_all: settlements.len() >= claim.recipients.len(),
        };
        let rest = self.inner.database.write_together(results).await?;
        self.inner.traces.tell_all(attempts((id, &sender), now, endings, via));
        self.let_go(claim);
        self.progress(claim, rest).await
    }

    /// Marks as told what was claimed for a report.
    pub async fn reported(&self, claim: Claim) -> Result<Progress, store::Error> {
        let id = claim.message.id;
        let mut tx = self.inner.database.write().await?;
        rows::hold(&mut tx, id, self.inner.clock.now_ms()).await?;
        rows::close_reports(&mut tx, claim.token).await?;
        let rest = rows::finish(&mut tx, id).await?;
        tx.commit().await?;
        self.let_go(&claim);
        self.progress(&claim, rest).await
    }

    /// Puts off a report that could not be handed over now. Not for ever: false, and nothing is changed, if its time is over.
    pub async fn report_later(&self, claim: &Claim) -> Result<bool, store::Error> {
        let now = self.inner.clock.now();
        let lifetime = super::seconds(self.inner.settings.expire_seconds);
        let last = claim.message.expires_at.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        if now >= last {
            return Ok(false);
        }
        let next = now.as_millisecond().saturating_add(self.wait_ms(1));
        let mut tx = self.inner.database.write().await?;
        rows::defer_reports(&mut tx, claim.token, next).await?;
        tx.commit().await?;
        self.let_go(claim);
        Ok(true)
    }

    /// Gives back a claim on which nothing was tried.
    pub async fn give_back(&self, claim: &Claim) -> Result<(), store::Error> {
        let mut tx = self.inner.database.write().await?;
        rows::release(&mut tx, claim.message.id, claim.token).await?;
        tx.commit().await?;
        self.let_go(claim);
        Ok(())
    }

    /// Gives back all claims of this process, whose work has ended.
    pub async fn release_all(&self) -> Result<(), store::Error> {
        let held = std::mem::take(&mut *lock(&self.inner.held));
        if held.is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.database.write().await?;
        for (id, token) in held {
            rows::release(&mut tx, id, token).await?;
        }
        tx.commit().await
    }

    fn mark(&self) -> Mark {
        let now = self.inner.clock.now_ms();
        Mark {
            token: rand::rng().random_range(1..i64::MAX),
            now,
            until: self.lease_end(now),
        }
    }

    fn hold(&self, claimed: Vec<ClaimedMessage>, mark: Mark) -> Vec<Claim> {
        let mut held = lock(&self.inner.held);
        let hold = |claimed: ClaimedMessage| {
            let ClaimedMessage {
                message,
                recipients,
                content,
            } = claimed;
            held.insert((message.id, mark.token));
            Claim {
                content: self.content_of(message.id, content),
                message,
                recipients,
                token: mark.token,
            }
        };
        claimed.into_iter().map(hold).collect()
    }

    fn let_go(&self, claim: &Claim) {
        lock(&self.inner.held).remove(&(claim.message.id, claim.token));
    }

    pub(super) fn wait_ms(&self, tries: u32) -> i64 {
        let wait = backoff::wait(&self.inner.settings, tries, rand::rng().random_range(0.0..=1.0));
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    }

    fn judge<'s>(&self, message: &Message, row: &Addressee, settlement: &'s Settlement, now: Timestamp) -> (&'s Finding, Verdict) {
        match settlement {
            Settlement::Delivered { said, reports } => {
                // RFC 3461 §5.2.2: if the next host knows no DSN, whoever asked hears from us that it was relayed.
                let tell = row.recipient.notify.is_some_and(|notify| notify.success) && !reports;
                (said, Verdict::End(if tell { State::RelayedUnreported } else { State::Done }))
            }
            Settlement::Failed(finding) => (finding, Verdict::End(State::FailedUnreported)),
            Settlement::Deferred(finding) if now >= message.expires_at => (finding, Verdict::End(State::FailedUnreported)),
            Settlement::Deferred(finding) => {
                let next = now.as_millisecond().saturating_add(self.wait_ms(row.attempts.saturating_add(1)));
                // One last try when its time ends, so that it ends on time.
                (finding, Verdict::Again(next.min(message.expires_at.as_millisecond())))
            }
        }
    }

    async fn progress(&self, claim: &Claim, rest: Rest) -> Result<Progress, store::Error> {
        match rest {
            Rest::Nothing => {
                if matches!(claim.content, Content::File(_)) {
                    self.remove_file(claim.message.id).await;
                }
                Ok(Progress::Done)
            }
            Rest::Report => Ok(Progress::Report),
            Rest::Wait => Ok(Progress::Waiting),
        }
    }
}

/// A claim to be made.
struct Take {
    destinations: Vec<Host>,
    most: usize,
    mark: Mark,
}

impl Work for Take {
    type Answer = Claimed;

    async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<Claimed>, store::Error> {
        let mut claimed = Vec::with_capacity(works.len());
        for work in works {
            claimed.push(rows::claim(tx, &work.destinations, work.most, work.mark).await?);
        }
        Ok(claimed)
    }
}

/// What came of an attempt, to be written.
struct Results {
    id: MailId,
    token: i64,
    now: Timestamp,
    /// For recipients by their position.
    ends: Vec<(i64, Finding, Verdict)>,
    /// Every recipient that was claimed has one.
    is_for_all: bool,
}

impl Work for Results {
    type Answer = Rest;

    async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<Rest>, store::Error> {
        let done: BTreeMap<MailId, i64> = works.iter().filter(|it| it.is_done()).map(|it| (it.id, it.token)).collect();
        let finished = rows::finish_claimed(tx, &done).await?;
        let mut rest = Vec::with_capacity(works.len());
        for work in works {
            rest.push(if finished.contains(&work.id) {
                Rest::Nothing
            } else {
                work.write_alone(tx).await?
            });
        }
        Ok(rest)
    }
}

impl Results {
    /// Nothing of what was claimed is left to do.
    fn is_done(&self) -> bool {
        self.is_for_all && self.ends.iter().all(|(_, _, verdict)| matches!(verdict, Verdict::End(State::Done)))
    }

    async fn write_alone(&self, tx: &mut Tx) -> Result<Rest, store::Error> {
        let (id, now) = (self.id, self.now);
        rows::hold(tx, id, now.as_millisecond()).await?;
        for (position, finding, verdict) in &self.ends {
            let note = finding.note(now);
            match *verdict {
                Verdict::End(state) => rows::conclude(tx, id, *position, state, note).await?,
                Verdict::Again(next) => rows::defer(tx, (id, *position), self.token, next, note).await?,
            }
        }
        // Recipients without a settlement, if there are any, are free again.
        rows::release(tx, id, self.token).await?;
        rows::finish(tx, id).await
    }
}

/// What the ledger makes of a settlement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    End(State),
    /// The time of the next try.
    Again(i64),
}

impl Verdict {
    pub(super) fn ending(self, recipient: String, finding: &Finding) -> Ending<'_> {
        let (outcome, next_at) = match self {
            Self::End(State::FailedUnreported | State::Failed) => (AttemptOutcome::Failed, None),
            Self::End(_) => (AttemptOutcome::Delivered, None),
            Self::Again(next) => (AttemptOutcome::Deferred, Some(next)),
        };
        Ending {
            recipient,
            outcome,
            finding,
            next_at,
        }
    }
}

impl Finding {
    pub(super) fn note(&self, now: Timestamp) -> Note<'_> {
        Note {
            at: now.as_millisecond(),
            status: Some(&self.status),
            host: self.host.as_deref(),
            text: &self.text,
        }
    }
}

fn tell(id: MailId, row: &Addressee, finding: &Finding, verdict: Verdict) {
    let (to, host, said) = (&row.recipient.address, finding.host.as_deref(), &finding.text);
    match verdict {
        Verdict::End(State::FailedUnreported | State::Failed) => tracing::info!(%id, %to, host, said, "failed"),
        Verdict::End(_) => tracing::info!(%id, %to, host, said, "delivered"),
        Verdict::Again(_) => tracing::info!(%id, %to, host, said, attempts = row.attempts.saturating_add(1), "put off"),
    }
}
