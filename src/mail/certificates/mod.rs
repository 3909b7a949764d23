//! The certificates of this server: the operator's, or a self-signed one that is made at the first start.
//!
//! `app` loads them and hands the configuration of TLS to all doors, `api` and `cli` list them. Which one a client is shown follows from
//! the name that it asks for; the first one is for all others. Promised here: files that change are read again within seconds, without a
//! restart and without harm to connections; a pair that cannot be used never takes the place of one that can; whatever ends soon is
//! warned of in the log, and is an event ([`Teller`]).
//!
//! RFC 8314 §4.1 and RFC 9325 §3.1.1 (TLS 1.2 and 1.3, nothing older), RFC 6066 §3 (the name that a client asks for).

pub mod acme;
mod chosen;
mod held;
mod made;
mod pair;
mod tell;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;

use crate::config;
use crate::model::certificate::{Certificate, Source};
use crate::model::clock::Clock;
use chosen::Chosen;
use held::Held;
use pair::Pair;
pub use tell::Teller;

/// Why there is no certificate to serve with: one line for the operator, that names the key and the file.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read as what it should be.
    #[error("{key}: cannot read {file}: {problem}")]
    Unreadable {
        /// The configuration key.
        key: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is not the certificate's, or of a kind that rustls does not know.
    #[error("{key}: {file} cannot be used with the certificate: {source}")]
    Mismatch {
        /// The configuration key.
        key: String,
        /// The file of the key.
        file: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The self-signed certificate cannot be made.
    #[error("data_dir: cannot make a self-signed certificate in {directory}: {problem}")]
    NotMade {
        /// Where.
        directory: PathBuf,
        /// Why.
        problem: String,
    },
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The certificates. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Certificates {
    inner: Arc<Inner>,
}

struct Inner {
    settings: config::Tls,
    data_dir: PathBuf,
    hostname: String,
    clock: Clock,
    /// The pairs of files, in the order of the configuration, with what became of each.
    pairs: Mutex<Vec<Pair>>,
    /// Those that an authority issued.
    authorised: Mutex<Vec<Authorised>>,
    chosen: Arc<Chosen>,
    /// Asks for a look at the files now.
    look: Notify,
}

/// A certificate that an authority issued to this server.
struct Authorised {
    held: Arc<Held>,
    /// Why it could not be renewed yet.
    problem: Option<String>,
}

impl Certificates {
    /// Reads nothing yet.
    pub fn new(settings: config::Tls, data_dir: PathBuf, hostname: String, clock: Clock) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                data_dir,
                hostname,
                clock,
                pairs: Mutex::default(),
                authorised: Mutex::default(),
                chosen: Arc::default(),
                look: Notify::new(),
            }),
        }
    }

    /// Reads all of them; where none is configured, the self-signed one under `<data_dir>/tls`, which is made (for `hostname` and
    /// `localhost`) if it is not there. Blocks for some files.
    pub fn load(&self) -> Result<(), CertificateError> {
        let mut pairs = self.inner.pairs()?;
        for pair in &mut pairs {
            pair.read()?;
        }
        self.inner.put(pairs);
        Ok(())
    }

    /// The TLS of all doors: what it shows changes with the files.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, CertificateError> {
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.inner.chosen) as _);
        Ok(Arc::new(config))
    }

    /// The same for HTTPS, where an authority may come to look (RFC 8737 §3).
    pub fn https_config(&self) -> Result<Arc<ServerConfig>, CertificateError> {
        let mut config = (*self.server_config()?).clone();
        config.alpn_protocols.push(acme::ALPN.to_vec());
        Ok(Arc::new(config))
    }

    /// All of them, the default first.
    pub fn list(&self) -> Vec<Certificate> {
        let all = self.inner.all();
        let shown = |(at, (held, source, problem)): (usize, (Arc<Held>, Source, Option<String>))| {
            let described = held.described.clone();
            Certificate {
                names: described.names,
                issuer: described.issuer,
                not_before: described.not_before,
                not_after: described.not_after,
                fingerprint: held.fingerprint(),
                source,
                is_default: at == 0,
                problem,
            }
        };
        all.into_iter().enumerate().map(shown).collect()
    }

    /// When the certificate ends that is shown for each name: that of the one which is shown to clients, where several are for a name.
    pub fn expiries(&self) -> BTreeMap<String, Timestamp> {
        let mut ends = BTreeMap::new();
        for one in self.list() {
            for name in one.names {
                ends.entry(name).or_insert(one.not_after);
            }
        }
        ends
    }

    /// Takes what an authority has issued in place of what it issued before.
    fn authorised(&self, all: Vec<Authorised>) {
        *self.inner.authorised.lock().unwrap_or_else(PoisonError::into_inner) = all;
        self.inner.choose();
    }

    /// What an authority is shown that looks, by the names it looks for.
    fn show_challenges(&self, shown: HashMap<String, Arc<CertifiedKey>>) {
        self.inner.chosen.put_challenges(shown);
    }

    /// The SHA-256 of the public key of the certificate that clients are shown who ask for this name, for its TLSA record
    /// (RFC 7672 §3.1.1).
    pub fn public_key_digest(&self, name: &str) -> Option<[u8; 32]> {
        self.inner.chosen.held(Some(name))?.public_key_digest()
    }

    /// The content, signed by the certificate that clients are shown who ask for this name (RFC 5652 §5). None where nobody vouches for it,
    /// or its key is of a rare kind: a signature would be worth nothing.
    pub fn signed(&self, name: &str, content: &[u8]) -> Option<Vec<u8>> {
        let held = self.inner.chosen.held(Some(name))?;
        (!held.described.self_signed).then(|| held.sign(content, self.inner.clock.now()))?
    }

    /// Has the files looked at now, as after SIGHUP.
    pub fn look(&self) {
        self.inner.look.notify_one();
    }
}

impl Inner {
    /// The pairs that the configuration names, unread.
    fn pairs(&self) -> Result<Vec<Pair>, CertificateError> {
        let mut pairs = Vec::new();
        if let (Some(certificate), Some(key)) = (&self.settings.certificate, &self.settings.key) {
            pairs.push(Pair::new(("tls.certificate", "tls.key"), (certificate, key), Source::File));
        }
        for (at, files) in self.settings.certificates.iter().enumerate() {
            let keys = [format!("tls.certificates[{at}].certificate"), format!("tls.certificates[{at}].key")];
            let [certificate, key] = &keys;
            pairs.push(Pair::new((certificate, key), (&files.certificate, &files.key), Source::File));
        }
        if pairs.is_empty() {
            let directory = self.data_dir.join("tls");
            let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
            if !(certificate.exists() && key.exists()) {
                made::make(&directory, (&certificate, &key), &self.hostname)
                    .map_err(|problem| CertificateError::NotMade { directory, problem })?;
            }
            pairs.push(Pair::new(("data_dir", "data_dir"), (&certificate, &key), Source::SelfSigned));
        }
        Ok(pairs)
    }

    /// Takes these in place of what was there.
    fn put(&self, pairs: Vec<Pair>) {
        *self.pairs.lock().unwrap_or_else(PoisonError::into_inner) = pairs;
        self.choose();
    }

    /// From now on clients are shown what there is now.
    fn choose(&self) {
        self.chosen.put(self.all().into_iter().map(|(held, ..)| held).collect());
    }

    /// Those of files first, then those that an authority issued; the one that nobody vouches for is the last resort.
    fn all(&self) -> Vec<(Arc<Held>, Source, Option<String>)> {
        let pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut all, mut last) = (Vec::new(), Vec::new());
        for pair in pairs.iter() {
            let Some(held) = &pair.held else { continue };
            let list = if pair.source == Source::File { &mut all } else { &mut last };
            list.push((Arc::clone(held), pair.source, pair.problem.clone()));
        }
        drop(pairs);
        let authorised = self.authorised.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(
            authorised
                .iter()
                .map(|one| (Arc::clone(&one.held), Source::Acme, one.problem.clone())),
        );
        all.append(&mut last);
        all
    }
}

#[cfg(test)]
mod tests;
