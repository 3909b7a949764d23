//! The certificate of the server: the operator's, or a self-signed one that is made at the first start.
//!
//! RFC 8314 §4.1 and RFC 9325 §3.1.1 (TLS 1.2 and 1.3, nothing older).

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

/// Why there is no certificate to serve with: one line for the operator, that names the key and the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the pair is configured without the other.
    #[error("{0} is not set, but {1} is: set both, or neither for a self-signed certificate")]
    Half(&'static str, &'static str),
    /// A file cannot be read as what it should be.
    #[error("{key}: cannot read {file}: {problem}")]
    Unreadable {
        /// The configuration key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is not the certificate's, or of a kind that rustls does not know.
    #[error("tls.key: {file} cannot be used with the certificate: {source}")]
    Mismatch {
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
}

/// The TLS configuration for all doors: with the certificate of `[tls]`, or else the self-signed one under
/// `<data_dir>/tls`, which is made (for `hostname` and `localhost`) if it is not there.
pub fn load(settings: &crate::config::Tls, data_dir: &Path, hostname: &str) -> Result<Arc<ServerConfig>, TlsError> {
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => read(certificate, key),
        (Some(_), None) => Err(TlsError::Half("tls.key", "tls.certificate")),
        (None, Some(_)) => Err(TlsError::Half("tls.certificate", "tls.key")),
        (None, None) => {
            let directory = data_dir.join("tls");
            let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
            if !(certificate.exists() && key.exists()) {
                make(&directory, &certificate, &key, hostname).map_err(|problem| TlsError::NotMade { directory, problem })?;
            }
            read(&certificate, &key)
        }
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let unreadable = |name, file: &Path, problem: String| TlsError::Unreadable {
        key: name,
        file: file.to_owned(),
        problem,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable("tls.certificate", certificate, said(error)))?;
    if chain.is_empty() {
        return Err(unreadable(
            "tls.certificate",
            certificate,
            "it has no certificate in PEM form".into(),
        ));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("tls.key", key, said(error)))?;
    let mismatch = |source| TlsError::Mismatch {
        file: key.to_owned(),
        source,
    };
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(mismatch)?;
    Ok(Arc::new(config))
}

/// The SHA-256 of the public key of the certificate that the doors have, for its TLSA record (RFC 7672 §3.1.1); none if it cannot be read.
pub fn public_key_digest(settings: &crate::config::Tls, data_dir: &Path) -> Option<[u8; 32]> {
    let made = data_dir.join("tls").join("certificate.pem");
    let path = settings.certificate.as_deref().unwrap_or(&made);
    let certificate = CertificateDer::from_pem_file(path).ok()?;
    let parsed = rustls::server::ParsedCertificate::try_from(&certificate).ok()?;
    Some(Sha256::digest(parsed.subject_public_key_info()).into())
}

fn said(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it has nothing of the right kind in PEM form".into(),
        other => format!("it is no valid PEM ({other:?})"),
    }
}

/// Makes key and certificate. The certificate is named last, so that an interrupted start begins anew.
fn make(directory: &Path, certificate: &Path, key: &Path, hostname: &str) -> Result<(), String> {
    let mut names = vec![hostname.to_owned()];
    if hostname != "localhost" {
        names.push("localhost".into());
    }
    let pair = KeyPair::generate().map_err(|error| error.to_string())?;
    let mut params = CertificateParams::new(names).map_err(|error| error.to_string())?;
    params.distinguished_name.push(DnType::CommonName, hostname);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let signed = params.self_signed(&pair).map_err(|error| error.to_string())?;
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| error.to_string())?;
    write(key, 0o600, &pair.serialize_pem())
        .and_then(|()| write(certificate, 0o644, &signed.pem()))
        .and_then(|()| std::fs::File::open(directory)?.sync_all())
        .map_err(|error| error.to_string())
}

/// Writes a file so that it is there whole or not at all.
fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Tls;

    #[test]
    fn a_certificate_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        load(&Tls::default(), dir.path(), "mail.house.test").unwrap();
        let key = dir.path().join("tls/key.pem");
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let before = std::fs::read(&key).unwrap();
        load(&Tls::default(), dir.path(), "mail.house.test").unwrap();
        assert_eq!(std::fs::read(&key).unwrap(), before);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_key_and_file() {
        let dir = tempfile::tempdir().unwrap();
        load(&Tls::default(), dir.path(), "a.test").unwrap();
        let made = |name: &str| Some(dir.path().join("tls").join(name));
        let other = tempfile::tempdir().unwrap();
        load(&Tls::default(), other.path(), "b.test").unwrap();
        let others_key = Some(other.path().join("tls/key.pem"));
        for (certificate, key, says) in [
            (made("certificate.pem"), None, "tls.key is not set"),
            (None, made("key.pem"), "tls.certificate is not set"),
            (made("none.pem"), made("key.pem"), "tls.certificate: cannot read"),
            (made("key.pem"), made("key.pem"), "tls.certificate: cannot read"),
            (made("certificate.pem"), made("certificate.pem"), "tls.key: cannot read"),
            (made("certificate.pem"), others_key, "tls.key: "),
        ] {
            let settings = Tls {
                certificate,
                key,
                ..Tls::default()
            };
            let error = load(&settings, dir.path(), "a.test").unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains('\n'), "{error}");
        }
    }
}
