//! A certificate authority made for one test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// An authority that nobody trusts who was not told to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    /// A fresh one.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "the authority of a test");
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("authority.pem"), issuer.pem()).expect("a file");
        Self { issuer, folder }
    }

    /// Its certificate as a PEM file.
    pub fn file(&self) -> String {
        self.folder.path().join("authority.pem").display().to_string()
    }

    /// Its certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A certificate of this authority for `name`, with its key: two PEM files.
    pub fn files(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let files = ["certificate.pem", "key.pem"].map(|file| self.folder.path().join(format!("{name}-{file}")));
        std::fs::write(&files[0], certificate.pem()).expect("a file");
        std::fs::write(&files[1], key.serialize_pem()).expect("a file");
        files.into()
    }

    /// A certificate for a key that somebody else has, in PEM with the authority's own, good for so many seconds.
    pub fn issue_for(&self, key: &impl PublicKeyData, name: &str, seconds: i64) -> String {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        let now = SystemTime::now();
        params.not_before = now.into();
        params.not_after = (now + Duration::from_secs(seconds.unsigned_abs())).into();
        let certificate = params.signed_by(key, &self.issuer).expect("a certificate");
        certificate.pem() + &self.issuer.pem()
    }

    /// A server configuration with a certificate of this authority for `name`.
    pub fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.issue(name).0
    }

    /// The same, and the certificate. The authority's own is sent along.
    pub fn issue(&self, name: &str) -> (Arc<ServerConfig>, CertificateDer<'static>) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.clone(), self.certificate()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a certificate and its key");
        (Arc::new(config), certificate)
    }
}
