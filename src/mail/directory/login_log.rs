//! The logins that were tried, and how they ended.
//!
//! Noted in memory and written about once a second, so that no login waits for it; the same login again within that time is counted, not
//! written again. Should there be more than the database is to keep, the rest is dropped, which the log says.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use serde_json::json;

use super::{Directory, Inner, Page, Visit, fields};
use crate::mail::counters::Counters;
use crate::model::address::Domain;
use crate::model::event::EventKind;
use crate::model::ids::LoginId;
use crate::model::login::{LoginOutcome, LoginRecord, Protocol};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::logins;

const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How many rounds of writing are between two of forgetting.
const ROUNDS: u32 = 600;
const FORGET_AT_ONCE: i64 = 1_000;
/// The most that are waiting to be written.
const MOST_WAITING: usize = 5_000;
/// The longest name that is kept of somebody who is not there.
const MAX_LOGIN: usize = 300;

/// What makes two logins the same.
type Kind = (String, Protocol, Option<IpAddr>, LoginOutcome);

/// The logins that are not written yet.
pub(super) struct Noted {
    waiting: Mutex<Waiting>,
    counters: Counters<(Protocol, LoginOutcome), 2>,
}

impl Default for Noted {
    fn default() -> Self {
        let all = Protocol::ALL
            .into_iter()
            .flat_map(|protocol| LoginOutcome::ALL.map(|outcome| (protocol, outcome)));
        Self {
            waiting: Mutex::default(),
            counters: Counters::new(all, |(protocol, outcome)| {
                [("protocol", protocol.as_str()), ("outcome", outcome.as_str())]
            }),
        }
    }
}

#[derive(Default)]
struct Waiting {
    counts: HashMap<Kind, (LoginId, u64)>,
    dropped: u64,
}

/// Which logins are asked for. What is `None` or empty picks all.
#[derive(Debug, Clone, Default)]
pub struct LoginFilter {
    /// Of this login name, in any case.
    pub login: Option<String>,
    /// Of addresses of these domains.
    pub domains: Option<Vec<Domain>>,
    /// With one of these ends.
    pub outcomes: Vec<LoginOutcome>,
    /// From this moment on.
    pub since: Option<Timestamp>,
}

impl Directory {
    /// Shows the logins that this process counts.
    pub fn register(&self, registry: &mut Registry) {
        let logins = self.inner.noted.counters.family();
        registry.register("logins", "Logins that were tried, by how they ended", logins);
    }

    /// A page of the logins that were tried, the newest first. Errors: Invalid (the cursor).
    pub async fn login_log(&self, filter: &LoginFilter, before: Option<LoginId>, limit: usize) -> Result<Page<LoginRecord>, Refusal> {
        self.inner.write_noted().await?;
        let limit = fields::page_size(limit);
        let key = |login: &String| fields::login_key(login).unwrap_or_else(|| login.to_lowercase());
        let which = logins::Which {
            login: filter.login.as_ref().map(key),
            domains: filter.domains.clone(),
            outcomes: filter.outcomes.clone(),
            since: filter.since.map(LoginId::earliest),
            before,
        };
        let mut tx = self.inner.database.read().await?;
        let found = logins::page(&mut tx, &which, fields::and_one(limit)).await?;
        Ok(fields::page(found, limit, |record| record.id.to_string()))
    }
}

impl Inner {
    /// Notes how a login ended.
    pub(super) fn note(&self, login: &str, visit: Visit, outcome: LoginOutcome) {
        if outcome != LoginOutcome::Success {
            let from = visit.from.map(tracing::field::display);
            tracing::info!(login, from, protocol = visit.protocol.as_str(), %outcome, "login failed");
        }
        self.noted.counters.add(&(visit.protocol, outcome), 1);
        if self.auth.login_log_days == 0 && !self.events.are_kept() {
            return;
        }
        let login: String = fields::login_key(login).unwrap_or_else(|| login.to_lowercase());
        let login = login.chars().filter(|c| !c.is_control()).take(MAX_LOGIN).collect();
        let mut waiting = self.noted.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = waiting.counts.len() >= MOST_WAITING;
        let kind = (login, visit.protocol, visit.from, outcome);
        match waiting.counts.get_mut(&kind) {
            Some((_, count)) => *count = count.saturating_add(1),
            None if is_full => waiting.dropped = waiting.dropped.saturating_add(1),
            None => {
                waiting.counts.insert(kind, (LoginId::fresh(), 1));
            }
        }
    }

    /// Writes what was noted so far.
    async fn write_noted(&self) -> Result<(), store::Error> {
        let taken = std::mem::take(&mut *self.noted.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.dropped > 0 {
            tracing::warn!(logins = taken.dropped, "too many logins at a time: not all are in the login log");
        }
        if taken.counts.is_empty() {
            return Ok(());
        }
        let record = |((login, protocol, from, outcome), (id, count)): (Kind, (LoginId, u64))| LoginRecord {
            id,
            at: id.at(),
            login,
            protocol,
            from,
            outcome,
            count,
        };
        let records: Vec<LoginRecord> = taken.counts.into_iter().map(record).collect();
        records.iter().for_each(|record| self.tell_failure(record));
        if self.auth.login_log_days == 0 {
            return Ok(());
        }
        let mut tx = self.database.write().await?;
        logins::insert(&mut tx, &records).await?;
        tx.commit().await
    }

    fn tell_failure(&self, record: &LoginRecord) {
        // A token that has just ended, and a question for the code, are everyday life.
        if matches!(
            record.outcome,
            LoginOutcome::Success | LoginOutcome::BadToken | LoginOutcome::CodeNeeded
        ) {
            return;
        }
        let mut data = json!({
            "login": record.login, "protocol": record.protocol.as_str(), "outcome": record.outcome.as_str(), "times": record.count,
        });
        if let (Some(from), Some(fields)) = (record.from, data.as_object_mut()) {
            fields.insert("address".to_owned(), json!(from.to_string()));
        }
        self.events.tell_of_user(EventKind::LoginFailed, &record.login, data);
    }

    async fn forget_logins(&self) -> Result<(), store::Error> {
        let days = i64::try_from(self.auth.login_log_days).unwrap_or(i64::MAX);
        let kept = SignedDuration::from_hours(days.saturating_mul(24));
        let first = LoginId::earliest(self.clock.now().saturating_sub(kept).unwrap_or(Timestamp::MIN));
        let mut more = true;
        while more {
            let mut tx = self.database.write().await?;
            more = logins::forget(&mut tx, first, FORGET_AT_ONCE).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Writes and forgets, while anybody uses the directory.
pub(super) async fn keep(inner: Weak<Inner>) {
    let mut round = 0_u32;
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.write_noted().await {
            tracing::warn!(%error, "some logins are not in the login log");
        }
        round = round.wrapping_add(1);
        if round % ROUNDS == 1
            && let Err(error) = inner.forget_logins().await
        {
            tracing::warn!(%error, "old logins cannot be forgotten");
        }
    }
}
