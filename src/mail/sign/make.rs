//! Making keys. Both halves come out, and the private one goes nowhere but into the database.

use mail_auth::common::crypto::Ed25519Key;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::{RsaPrivateKey, RsaPublicKey};

use crate::model::dkim::Algorithm;

/// RFC 8301 §3.2: at least 1024 bits, and 2048 is what should be.
const RSA_BITS: usize = 2048;

/// The halves of a new key: private (PKCS #8), public (as it stands in `p=`). Takes long: call it where that does no harm.
pub(super) fn pair(algorithm: Algorithm) -> Result<(Vec<u8>, Vec<u8>), String> {
    match algorithm {
        Algorithm::Rsa => rsa_pair().map_err(|error| error.to_string()),
        Algorithm::Ed25519 => ed25519_pair().map_err(|error| error.to_string()),
    }
}

/// RFC 6376 §3.6.1 speaks of an RSAPublicKey, and its examples and everybody since have a SubjectPublicKeyInfo (erratum 3017).
fn rsa_pair() -> Result<(Vec<u8>, Vec<u8>), Box<dyn std::error::Error>> {
    let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS)?;
    let public = RsaPublicKey::from(&private).to_public_key_der()?.into_vec();
    Ok((private.to_pkcs8_der()?.as_bytes().to_vec(), public))
}

/// RFC 8463 §4.2: the public half is the 32 octets themselves.
fn ed25519_pair() -> Result<(Vec<u8>, Vec<u8>), mail_auth::Error> {
    let private = Ed25519Key::generate_pkcs8()?;
    let public = Ed25519Key::from_pkcs8_der(&private)?.public_key();
    Ok((private, public))
}
