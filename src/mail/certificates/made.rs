//! The self-signed certificate, for a house that has no other.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

/// Makes key and certificate. The certificate is named last, so that an interrupted start begins anew.
pub(super) fn make(directory: &Path, (certificate, key): (&Path, &Path), hostname: &str) -> Result<(), String> {
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
