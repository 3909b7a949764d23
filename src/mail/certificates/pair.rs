//! A certificate and its key in files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::CertificateError;
use super::held::Held;
use crate::model::certificate::Source;

/// The most octets of a file that are read.
const LARGEST: u64 = 1 << 20;

/// Two files, and what was read of them.
#[derive(Clone)]
pub(super) struct Pair {
    /// The configuration keys that name them.
    keys: (String, String),
    files: (PathBuf, PathBuf),
    pub(super) source: Source,
    /// What clients are shown.
    pub(super) held: Option<Arc<Held>>,
    /// Why what stands in the files now is not what clients are shown.
    pub(super) problem: Option<String>,
    /// What the files were when they were read.
    read: Stamps,
    /// What they were at the last look.
    seen: Stamps,
}

/// By what it is known that files have changed: device, inode, size and the time of the last change, of both.
type Stamps = [Option<(u64, u64, u64, i64, i64)>; 2];

impl Pair {
    pub(super) fn new((certificate_key, key_key): (&str, &str), (certificate, key): (&Path, &Path), source: Source) -> Self {
        Self {
            keys: (certificate_key.to_owned(), key_key.to_owned()),
            files: (certificate.to_owned(), key.to_owned()),
            source,
            held: None,
            problem: None,
            read: [None; 2],
            seen: [None; 2],
        }
    }

    /// The file of the certificate.
    pub(super) fn file(&self) -> &Path {
        &self.files.0
    }

    /// Reads the files. What was held before stays if they are of no use.
    pub(super) fn read(&mut self) -> Result<(), CertificateError> {
        let stamps = self.stamps();
        (self.read, self.seen) = (stamps, stamps);
        match self.take() {
            Ok(held) => {
                self.held = Some(Arc::new(held));
                self.problem = None;
                Ok(())
            }
            Err(error) => {
                self.problem = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Whether the files are others than those that were read, and nobody is writing them any more: they were the same at the look
    /// before. Two files are never exchanged at the same moment.
    pub(super) fn has_changed(&mut self) -> bool {
        let now = self.stamps();
        let is_settled = std::mem::replace(&mut self.seen, now) == now;
        is_settled && now != self.read
    }

    fn stamps(&self) -> Stamps {
        let stamp = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            Some((found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
        };
        [stamp(&self.files.0), stamp(&self.files.1)]
    }

    fn take(&self) -> Result<Held, CertificateError> {
        let (certificate, key) = (&self.files.0, &self.files.1);
        let unreadable = |name: &str, file: &Path, problem: String| CertificateError::Unreadable {
            key: name.to_owned(),
            file: file.to_owned(),
            problem,
        };
        let octets = read(certificate).map_err(|problem| unreadable(&self.keys.0, certificate, problem))?;
        let chain = CertificateDer::pem_slice_iter(&octets)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable(&self.keys.0, certificate, said(error)))?;
        if chain.is_empty() {
            let problem = "it has no certificate in PEM form".into();
            return Err(unreadable(&self.keys.0, certificate, problem));
        }
        let octets = read(key).map_err(|problem| unreadable(&self.keys.1, key, problem))?;
        let secret = PrivateKeyDer::from_pem_slice(&octets).map_err(|error| unreadable(&self.keys.1, key, said(error)))?;
        Held::new(chain, secret).map_err(|source| CertificateError::Mismatch {
            key: self.keys.1.clone(),
            file: key.clone(),
            source,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err(format!("it has {size} octets, and no certificate has so many"));
    }
    fs::read(path).map_err(|error| error.to_string())
}

fn said(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it has nothing of the right kind in PEM form".into(),
        other => format!("it is no valid PEM ({other:?})"),
    }
}
