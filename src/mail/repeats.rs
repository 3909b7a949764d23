//! Requests that may come twice: who repeats one under the same key gets the answer that the first got.
//!
//! The API asks here before it does the work of a request with an `Idempotency-Key`, and tells afterwards how it was answered.
//! Kept in the database, so that it holds over restarts and on all nodes, for `http.idempotency_hours`. What failed is not kept: it has
//! changed nothing, and may be tried again under the same key.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sha2::{Digest, Sha256};

use crate::model::clock::Clock;
use crate::model::refusal::Refusal;
use crate::store::db::{Database, Tx, replies};

/// A request without an answer for so long ended with the node that did it: its key is free again.
const LOST_MS: i64 = 10 * 60_000;
/// How often what is too old is dropped.
const FORGET_EVERY_MS: i64 = 60_000;
/// Larger answers are not kept.
const MAX_BODY: usize = 262_144;

/// The requests of late. Cheap to clone.
#[derive(Clone)]
pub struct Repeats {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    clock: Clock,
    keep_ms: i64,
    forgot_ms: AtomicI64,
}

/// What is known of a request under a key.
#[derive(Debug)]
pub enum Begun {
    /// It is the first: do it, then [`Repeats::finish`] or [`Repeats::give_up`].
    First(Turn),
    /// It was answered so.
    Answered(Answer),
    /// The first is still at work.
    Running,
    /// The key was used for another request.
    Different,
}

/// The right to do a request.
#[derive(Debug)]
pub struct Turn {
    id: String,
    begun_ms: i64,
}

/// How a request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers that belong to it.
    pub headers: Vec<(String, String)>,
    /// None: it is not kept, since it was large or has a secret.
    pub body: Option<Vec<u8>>,
}

impl Repeats {
    /// Opens the requests of late.
    pub fn open(database: Database, keep_hours: u64, clock: Clock) -> Self {
        let inner = Inner {
            database,
            keep_ms: i64::try_from(keep_hours.saturating_mul(3_600_000)).unwrap_or(i64::MAX),
            forgot_ms: AtomicI64::new(clock.now_ms()),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Begins a request of `caller` under `key`; `content` is all that makes it this request.
    pub async fn begin(&self, caller: &str, key: &str, content: &[u8]) -> Result<Begun, Refusal> {
        let id = digest(&[caller.as_bytes(), key.as_bytes()]);
        let fingerprint = digest(&[content]);
        let now = self.inner.clock.now_ms();
        let mut tx = self.inner.database.write().await?;
        self.forget(&mut tx, now).await?;
        let begun = self.turn(&mut tx, id, &fingerprint, now).await?;
        tx.commit().await?;
        Ok(begun)
    }

    async fn turn(&self, tx: &mut Tx, id: String, fingerprint: &str, now: i64) -> Result<Begun, Refusal> {
        let first = |id| Begun::First(Turn { id, begun_ms: now });
        if replies::begin(tx, &id, fingerprint, now).await? {
            return Ok(first(id));
        }
        let Some(before) = replies::find(tx, &id).await? else {
            return Ok(Begun::Running);
        };
        let lasts = if before.status.is_some() { self.inner.keep_ms } else { LOST_MS };
        if now.saturating_sub(before.begun_ms) >= lasts {
            let taken = replies::take_over(tx, &id, fingerprint, (before.begun_ms, now)).await?;
            return Ok(if taken { first(id) } else { Begun::Running });
        }
        if before.fingerprint != fingerprint {
            return Ok(Begun::Different);
        }
        let Some(status) = before.status else {
            return Ok(Begun::Running);
        };
        Ok(Begun::Answered(Answer {
            status: u16::try_from(status).unwrap_or_default(),
            headers: before.headers.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            body: before.body,
        }))
    }

    /// The request was done and is answered so.
    pub async fn finish(&self, turn: Turn, answer: Answer) -> Result<(), Refusal> {
        let body = answer.body.as_deref().filter(|body| body.len() <= MAX_BODY);
        let headers = serde_json::to_string(&answer.headers).unwrap_or_default();
        let mut tx = self.inner.database.write().await?;
        replies::finish(&mut tx, &turn.id, turn.begun_ms, (i64::from(answer.status), &headers, body)).await?;
        Ok(tx.commit().await?)
    }

    /// The request was not done.
    pub async fn give_up(&self, turn: Turn) -> Result<(), Refusal> {
        let mut tx = self.inner.database.write().await?;
        replies::give_up(&mut tx, &turn.id, turn.begun_ms).await?;
        Ok(tx.commit().await?)
    }

    async fn forget(&self, tx: &mut Tx, now: i64) -> Result<(), Refusal> {
        let last = self.inner.forgot_ms.load(Ordering::SeqCst);
        let due = now.saturating_sub(last) >= FORGET_EVERY_MS;
        if due
            && self
                .inner
                .forgot_ms
                .compare_exchange(last, now, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        {
            replies::forget(tx, now.saturating_sub(self.inner.keep_ms)).await?;
        }
        Ok(())
    }
}

/// SHA-256 of the parts, told apart by their lengths, in hexadecimal digits.
fn digest(parts: &[&[u8]]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[tokio::test]
    async fn the_second_gets_what_the_first_got() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let repeats = Repeats::open(database, 1, Clock::Manual(Arc::clone(&time)));
        let begin = async |caller, content: &[u8]| repeats.begin(caller, "k", content).await.unwrap();
        let Begun::First(turn) = begin("a", b"x").await else { panic!() };
        assert!(matches!(begin("a", b"x").await, Begun::Running));
        assert!(matches!(begin("a", b"y").await, Begun::Different));
        let Begun::First(other) = begin("b", b"x").await else {
            panic!("a caller of their own")
        };
        repeats.give_up(other).await.unwrap();
        assert!(matches!(begin("b", b"y").await, Begun::First(_)));
        let answer = Answer {
            status: 201,
            headers: vec![("location".into(), "/x".into())],
            body: Some(b"{}".to_vec()),
        };
        repeats.finish(turn, answer.clone()).await.unwrap();
        let Begun::Answered(again) = begin("a", b"x").await else { panic!() };
        assert_eq!(again, answer);
        time.fetch_add(LOST_MS, Ordering::SeqCst);
        assert!(matches!(begin("a", b"x").await, Begun::Answered(_)));
        assert!(matches!(begin("b", b"y").await, Begun::First(_)), "its node is gone");
        time.fetch_add(3_600_000, Ordering::SeqCst);
        assert!(matches!(begin("a", b"z").await, Begun::First(_)));
    }
}
