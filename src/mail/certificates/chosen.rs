//! Which certificate a client is shown.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::acme::ALPN;
use super::held::Held;
use crate::wire::x509;

/// The certificates to choose from; they are exchanged while connections come in.
#[derive(Default)]
pub(super) struct Chosen {
    all: RwLock<Arc<[Arc<Held>]>>,
    /// What an authority is shown that looks for a name.
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Chosen {
    /// From now on these.
    pub(super) fn put(&self, all: Vec<Arc<Held>>) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all.into();
    }

    /// From now on an authority that looks is shown these.
    pub(super) fn put_challenges(&self, challenges: HashMap<String, Arc<CertifiedKey>>) {
        *self.challenges.write().unwrap_or_else(PoisonError::into_inner) = challenges;
    }

    fn challenge(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let challenges = self.challenges.read().unwrap_or_else(PoisonError::into_inner);
        challenges.get(&name.to_ascii_lowercase()).cloned()
    }

    /// The first that is for this very name, else the first whose `*` is, else the first of all.
    pub(super) fn held(&self, name: Option<&str>) -> Option<Arc<Held>> {
        let all = Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner));
        let Some(name) = name.map(str::to_ascii_lowercase) else {
            return all.first().cloned();
        };
        let exactly = all.iter().find(|held| held.described.names.contains(&name));
        let roughly = || {
            let stands = |held: &&Arc<Held>| held.described.names.iter().any(|own| x509::stands_for(own, &name));
            all.iter().find(stands)
        };
        exactly.or_else(roughly).or(all.first()).cloned()
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chosen")
    }
}

impl ResolvesServerCert for Chosen {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // RFC 8737 §3: an authority that looks offers this protocol alone, and is shown nothing else.
        let looks = hello
            .alpn()
            .is_some_and(|mut offered| offered.next() == Some(ALPN) && offered.next().is_none());
        if looks {
            return self.challenge(hello.server_name()?);
        }
        self.held(hello.server_name()).map(|held| Arc::clone(&held.key))
    }
}
