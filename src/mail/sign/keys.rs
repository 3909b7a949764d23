//! The keys of a domain: make, show, activate, retire, remove.

use super::{Signing, make};
use crate::mail::audit::{self, Shown};
use crate::model::address::Domain;
use crate::model::audit::{Actor, AuditEntry, Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::dkim::{Algorithm, DkimKey, KeyState, Selector};
use crate::model::ids::DomainId;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::{self, Tx, dkim_keys, domains};

/// The most keys of a domain.
const MOST: usize = 50;

impl Signing {
    /// The keys of a domain, by selector. Errors: NotFound (the domain).
    pub async fn keys(&self, domain: &Domain) -> Result<Vec<DkimKey>, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let id = known(&mut tx, domain).await?;
        Ok(dkim_keys::list(&mut tx, id).await?)
    }

    /// One key. Errors: NotFound.
    pub async fn key(&self, domain: &Domain, selector: &Selector) -> Result<DkimKey, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let id = known(&mut tx, domain).await?;
        dkim_keys::find(&mut tx, id, selector).await?.ok_or_else(|| no_key(selector))
    }

    /// Makes a key. Without a selector it gets one of its algorithm and the date. Made active, it takes the place of the one that
    /// signed. Errors: NotFound (the domain), Exists (the selector), LimitReached.
    pub async fn add(
        &self,
        domain: &Domain,
        algorithm: Algorithm,
        selector: Option<Selector>,
        state: KeyState,
        by: &Actor,
    ) -> Result<DkimKey, Refusal> {
        // What needs no new key is refused before the long work.
        let there = self.keys(domain).await?;
        if there.len() >= MOST {
            return Err(Refusal::LimitReached(format!(
                "{domain} has {MOST} keys already; remove retired ones"
            )));
        }
        let now = timestamp(self.inner.clock.now_ms());
        let selector = match selector {
            Some(selector) if there.iter().any(|key| key.selector == selector) => return Err(taken(&selector)),
            Some(selector) => selector,
            None => free_selector(algorithm, &now.strftime("%Y%m%d").to_string(), &there)?,
        };
        let (private_key, public_key) = make_pair(algorithm).await?;
        let key = DkimKey {
            domain: domain.clone(),
            selector,
            algorithm,
            state,
            public_key,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.inner.database.write().await?;
        let id = known(&mut tx, domain).await?;
        if state == KeyState::Active {
            dkim_keys::retire_active(&mut tx, id, algorithm, now.as_millisecond()).await?;
        }
        dkim_keys::insert(&mut tx, id, &key, &private_key)
            .await
            .map_err(|error| match error {
                store::Error::Conflict => taken(&key.selector),
                error => error.into(),
            })?;
        let noted = audit::entry(by, Deed::DkimKeyCreated, resource(&key), (None, key.shown()));
        self.commit(tx, domain, noted).await?;
        Ok(key)
    }

    /// Changes what a key is for. One that becomes active takes the place of the one of its algorithm that signed, which is retired.
    /// Errors: NotFound.
    pub async fn set_state(&self, domain: &Domain, selector: &Selector, state: KeyState, by: &Actor) -> Result<DkimKey, Refusal> {
        let mut tx = self.inner.database.write().await?;
        let id = known(&mut tx, domain).await?;
        let mut key = dkim_keys::find(&mut tx, id, selector).await?.ok_or_else(|| no_key(selector))?;
        if key.state == state {
            return Ok(key);
        }
        let before = key.shown();
        key.state = state;
        key.updated_at = timestamp(self.inner.clock.now_ms());
        if state == KeyState::Active {
            dkim_keys::retire_active(&mut tx, id, key.algorithm, key.updated_at.as_millisecond()).await?;
        }
        dkim_keys::update(&mut tx, id, &key).await?;
        let noted = audit::entry(by, Deed::DkimKeyChanged, resource(&key), (before, key.shown()));
        self.commit(tx, domain, noted).await?;
        Ok(key)
    }

    /// Removes a key for good. Errors: NotFound; InUse while it signs.
    pub async fn remove(&self, domain: &Domain, selector: &Selector, by: &Actor) -> Result<(), Refusal> {
        let mut tx = self.inner.database.write().await?;
        let id = known(&mut tx, domain).await?;
        let key = dkim_keys::find(&mut tx, id, selector).await?.ok_or_else(|| no_key(selector))?;
        if key.state == KeyState::Active {
            return Err(Refusal::InUse(format!(
                "the key {selector} signs the mail of {domain}; retire it before, or activate another"
            )));
        }
        dkim_keys::delete(&mut tx, id, selector).await?;
        let noted = audit::entry(by, Deed::DkimKeyRemoved, resource(&key), (key.shown(), None));
        self.commit(tx, domain, noted).await
    }

    /// Stores it and forgets what was kept in memory, also if only the answer was lost.
    async fn commit(&self, mut tx: Tx, domain: &Domain, noted: AuditEntry) -> Result<(), Refusal> {
        db::audit::insert(&mut tx, &[noted]).await?;
        let done = tx.commit().await;
        self.inner.signers.invalidate(domain);
        Ok(done?)
    }
}

fn resource(key: &DkimKey) -> Resource {
    Resource::domain(&key.domain).part("dkim-keys", &key.selector)
}

async fn make_pair(algorithm: Algorithm) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let made = tokio::task::spawn_blocking(move || make::pair(algorithm)).await;
    made.map_err(|error| error.to_string()).flatten().map_err(|error| {
        tracing::error!(%error, "a DKIM key could not be made");
        Refusal::LATER
    })
}

async fn known(tx: &mut Tx, domain: &Domain) -> Result<DomainId, Refusal> {
    let found = domains::find(tx, domain).await?.map(|record| record.id);
    found.ok_or_else(|| Refusal::NotFound {
        what: "domain",
        name: domain.to_string(),
    })
}

fn no_key(selector: &Selector) -> Refusal {
    Refusal::NotFound {
        what: "DKIM key",
        name: selector.to_string(),
    }
}

fn taken(selector: &Selector) -> Refusal {
    Refusal::Exists {
        what: "DKIM key",
        name: selector.to_string(),
    }
}

/// The algorithm and the day, and a number from the second of that day on.
fn free_selector(algorithm: Algorithm, day: &str, there: &[DkimKey]) -> Result<Selector, Refusal> {
    let base = format!("{}-{day}", algorithm.name());
    let numbered = (2..=MOST + 1).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .filter_map(|text| text.parse().ok())
        .find(|selector| there.iter().all(|key| key.selector != *selector))
        .ok_or(Refusal::LATER)
}
