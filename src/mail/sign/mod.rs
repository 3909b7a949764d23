//! DKIM and ARC: the keys of our domains, signing with them, and sealing what is sent on.
//!
//! `intake` asks for the [`Signer`] of a message that goes outside and puts the signatures before it, in the file that is queued, so
//! that every try sends the same octets. The API and the command line make, show and retire keys. A private half is made here, kept
//! in the database, and never shown, logged or returned.
//!
//! Keys are kept in memory for a few seconds: a change made here counts at once, one made by another node or by the command line
//! within [`KEEP`].
//!
//! RFC 6376 §3.4 (canonicalization), RFC 6376 §5 (signer actions), RFC 8463 §3 (Ed25519 beside RSA), RFC 6376 §8.15 (more of a
//! field than was signed), RFC 8617 §5.1 (sealing).

mod arc;
mod keys;
mod make;
mod seal;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

pub(in crate::mail) use arc::Sealer;
pub(in crate::mail) use seal::Signer;

use crate::model::address::Domain;
use crate::model::clock::Clock;
use crate::model::refusal::Refusal;
use crate::store::db::{Database, dkim_keys};

/// How long keys are kept in memory.
const KEEP: Duration = Duration::from_secs(3);
/// Of how many domains.
const DOMAINS: u64 = 10_000;

/// The keys of all domains. Cheap to clone.
#[derive(Clone)]
pub struct Signing {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    clock: Clock,
    signers: Cache<Domain, Signer>,
}

impl Signing {
    /// Opens the keys.
    pub fn open(database: Database, clock: Clock) -> Self {
        let signers = Cache::builder().max_capacity(DOMAINS).time_to_live(KEEP).build();
        Self {
            inner: Arc::new(Inner { database, clock, signers }),
        }
    }

    /// What signs for this domain at the moment; none if nothing does.
    pub(in crate::mail) async fn signer(&self, domain: &Domain) -> Result<Option<Signer>, Refusal> {
        let inner = &self.inner;
        let signer = match inner.signers.get(domain) {
            Some(signer) => signer,
            None => {
                let mut tx = inner.database.read().await?;
                let signer = Signer::new(dkim_keys::active(&mut tx, domain).await?);
                inner.signers.insert(domain.clone(), signer.clone());
                signer
            }
        };
        Ok((!signer.is_empty()).then_some(signer))
    }
}
