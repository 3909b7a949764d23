//! Certificates from an authority, by ACME: asked for, renewed, and shared by all nodes.
//!
//! `app` runs [`Acme`] beside the doors; the HTTP door asks [`Acme::answer`] for what the authority wants to read. Account, certificates and
//! what is to be shown while the authority looks stand in the database, so that it does not matter which node asks and which one is looked
//! at. A name is claimed by one node at a time. A certificate is renewed after two thirds of its time, each at a moment of its own; what
//! fails is tried again later, each time after twice as long.
//!
//! RFC 8555 §7 (the dialogue, which instant-acme leads), RFC 8555 §8.3 (HTTP-01), RFC 8737 §3 (TLS-ALPN-01).

mod client;
mod order;
mod schedule;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::held::Held;
use super::{Authorised, Certificates};
use crate::config::{self, AcmeChallenge};
use crate::mail::audit;
use crate::mail::events::Events;
use crate::model::audit::{Actor, Deed, Resource};
use crate::model::clock::{Clock, timestamp};
use crate::model::event::EventKind;
use crate::store;
use crate::store::db::acme::{self, Record};
use crate::store::db::audit as audit_log;
use crate::store::db::{Database, Tx};

/// The protocol by which an authority that looks says so (RFC 8737 §6.2).
pub const ALPN: &[u8] = b"acme-tls/1";

/// How long a node may be at work on a name before another takes it over.
const CLAIM: Duration = Duration::from_secs(600);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Certificates by ACME. Cheap to clone.
#[derive(Clone)]
pub struct Acme {
    settings: Arc<config::Acme>,
    names: Vec<String>,
    database: Database,
    certificates: Certificates,
    events: Events,
    clock: Clock,
    client: client::Client,
}

impl Acme {
    /// For the names of the section `[acme]`, or else `hostname`. Nothing is asked yet. Error: the file of authorities cannot be read.
    pub fn new(
        settings: config::Acme,
        hostname: &str,
        (database, certificates, events): (Database, Certificates, Events),
        clock: Clock,
    ) -> Result<Self, String> {
        let names = match settings.domains.as_slice() {
            [] => vec![hostname.to_owned()],
            names => names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        };
        Ok(Self {
            client: client::Client::new(settings.ca_file.as_deref())?,
            settings: Arc::new(settings),
            names,
            database,
            certificates,
            events,
            clock,
        })
    }

    /// Takes the certificates that the database has, for who only shows them.
    pub async fn take(&self) -> Result<(), store::Error> {
        self.read().await.map(drop)
    }

    /// Takes the certificates that the database has, and sees to it that there will be one for each name.
    pub async fn load(&self) -> Result<(), store::Error> {
        let mut tx = self.database.write().await?;
        for name in &self.names {
            acme::ensure(&mut tx, name, self.clock.now_ms()).await?;
        }
        tx.commit().await?;
        self.read().await.map(drop)
    }

    /// What is to be shown to an authority that looks for this token (RFC 8555 §8.3).
    pub async fn answer(&self, token: &str) -> Result<Option<String>, store::Error> {
        let mut tx = self.database.read_alone().await?;
        acme::answer(&mut tx, token, self.clock.now_ms()).await
    }

    /// Looks every `acme.watch_seconds` whether something is to be done, until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        let mut known = 0;
        loop {
            let look = async {
                match self.look(known).await {
                    Ok(seen) => known = seen,
                    Err(error) => tracing::warn!(%error, "certificates cannot be looked after at this moment"),
                }
                tokio::time::sleep(Duration::from_secs(self.settings.watch_seconds)).await;
            };
            if stop.run_until_cancelled(look).await.is_none() {
                return;
            }
        }
    }

    /// Takes what others have got, and gets what is due. `known` is the last change that was seen; gives the one that is seen now.
    async fn look(&self, known: i64) -> Result<i64, store::Error> {
        if self.settings.challenge == AcmeChallenge::TlsAlpn01 {
            self.show_challenges().await?;
        }
        let mut tx = self.database.read().await?;
        let changed = acme::changed_at(&mut tx).await?;
        let now = self.clock.now_ms();
        let due: Vec<Record> = acme::all(&mut tx)
            .await?
            .into_iter()
            .filter(|record| self.is_due(record, now))
            .collect();
        drop(tx);
        let mut seen = changed;
        if changed != known {
            seen = self.read().await?;
        }
        for record in due {
            if self.claim(&record.name).await? {
                self.try_for(&record).await?;
                seen = self.read().await?;
            }
        }
        Ok(seen)
    }

    fn is_due(&self, record: &Record, now_ms: i64) -> bool {
        record.next_try_at <= now_ms && self.names.contains(&record.name)
    }

    async fn claim(&self, name: &str) -> Result<bool, store::Error> {
        let now = self.clock.now_ms();
        let until = now.saturating_add(i64::try_from(CLAIM.as_millis()).unwrap_or(i64::MAX));
        let mut tx = self.database.write().await?;
        let claimed = acme::claim(&mut tx, name, now, until).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Asks for a certificate, and writes down what became of that.
    async fn try_for(&self, record: &Record) -> Result<(), store::Error> {
        let name = &record.name;
        tracing::info!(name, directory = self.settings.directory_url, "asking for a certificate");
        let got = tokio::time::timeout(PATIENCE, self.order(name)).await;
        let got = got.unwrap_or_else(|_| Err(order::NotHad("it took too long".into())));
        let now = self.clock.now_ms();
        let mut tx = self.database.write().await?;
        let (kind, data) = match got.and_then(|pair| Ok((held(&pair)?, pair))) {
            Ok((held, pair)) => (EventKind::CertificateRenewed, issued(&mut tx, (name, now), &held, pair).await?),
            Err(problem) => {
                let next = schedule::retry(now, self.settings.retry_seconds, record.failures, rand::random());
                tracing::error!(name, %problem, failures = record.failures.saturating_add(1), "no certificate was issued");
                acme::failed(&mut tx, name, &problem.to_string(), next, now).await?;
                let (problem, next) = (problem.to_string(), timestamp(next).to_string());
                let data = json!({ "names": [name], "source": "acme", "problem": problem, "next_try_at": next });
                (EventKind::CertificateFailed, data)
            }
        };
        tx.commit().await?;
        self.events.tell(kind, None, data);
        Ok(())
    }

    /// Takes the certificates that the database has; the time of the last change of them.
    async fn read(&self) -> Result<i64, store::Error> {
        let mut tx = self.database.read().await?;
        let records = acme::all(&mut tx).await?;
        drop(tx);
        let changed = records.iter().map(|record| record.updated_at).max().unwrap_or_default();
        let ours = records.into_iter().filter(|record| self.names.contains(&record.name));
        self.certificates.authorised(ours.filter_map(authorised).collect());
        Ok(changed)
    }

    /// Has the handshakes of authorities that look find what they look for.
    async fn show_challenges(&self) -> Result<(), store::Error> {
        let mut tx = self.database.read_alone().await?;
        let challenges = acme::challenges(&mut tx, self.clock.now_ms()).await?;
        drop(tx);
        let shown = challenges.into_iter().filter_map(|challenge| {
            let key = order::shown_in_handshake(&challenge)
                .inspect_err(|error| tracing::warn!(name = challenge.name, %error, "a challenge cannot be shown"));
            Some((challenge.name.clone(), key.ok()?))
        });
        let shown: HashMap<String, Arc<CertifiedKey>> = shown.collect();
        self.certificates.show_challenges(shown);
        Ok(())
    }
}

/// Keeps what an authority has issued for a name; what there is to tell of it.
async fn issued(tx: &mut Tx, (name, now_ms): (&str, i64), held: &Held, (chain, key): (String, String)) -> Result<Value, store::Error> {
    let next = schedule::renewal(&held.described, rand::random());
    acme::succeeded(tx, name, (chain.as_bytes(), key.as_bytes()), next, now_ms).await?;
    let (not_after, fingerprint) = (held.described.not_after.to_string(), held.fingerprint());
    tracing::info!(name, not_after, "a certificate was issued");
    let resource = Resource::of_server("certificates", name);
    let after = json!({ "not_after": not_after, "fingerprint": fingerprint });
    let entry = audit::entry(&Actor::server(), Deed::CertificateIssued, resource, (None, Some(after)));
    audit_log::insert(tx, &[entry]).await?;
    Ok(json!({ "names": [name], "source": "acme", "not_after": not_after, "fingerprint": fingerprint }))
}

fn authorised(record: Record) -> Option<Authorised> {
    let (chain, key) = record.pair?;
    let pair = (String::from_utf8(chain).ok()?, String::from_utf8(key).ok()?);
    match held(&pair) {
        Ok(held) => Some(Authorised {
            held: Arc::new(held),
            problem: record.problem,
        }),
        Err(problem) => {
            tracing::error!(name = record.name, %problem, "a certificate of the database is of no use");
            None
        }
    }
}

fn held((chain, key): &(String, String)) -> Result<Held, order::NotHad> {
    let unreadable = |error: rustls::pki_types::pem::Error| order::NotHad(format!("it cannot be read: {error:?}"));
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(unreadable)?;
    Held::new(chain.map_err(unreadable)?, key).map_err(|error| order::NotHad(error.to_string()))
}
