//! Content that is signed by a certificate: the form SignedData of CMS, with the content in it.
//!
//! Who has the key signs [`ToSign::octets`], and [`ToSign::signed`] puts all together. Only what is needed to write it, in DER.
//!
//! RFC 5652 §5 (SignedData), RFC 5652 §11 (the attributes that are signed), RFC 5754 §3 (RSA, and ECDSA with SHA-2).

use jiff::Timestamp;
use sha2::{Digest, Sha256, Sha384};

use super::x509::Issued;

/// By what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA by PKCS #1 version 1.5, with SHA-256.
    Rsa,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
}

/// What is to be signed.
pub struct ToSign<'c> {
    content: &'c [u8],
    algorithm: Algorithm,
    attributes: Vec<u8>,
}

impl<'c> ToSign<'c> {
    /// This content, at this moment.
    pub fn new(content: &'c [u8], algorithm: Algorithm, at: Timestamp) -> Self {
        let attribute = |kind: &[u8], value: Vec<u8>| sequence(&[&tlv(OID, kind), &tlv(SET, &value)]);
        let mut attributes = [
            attribute(oid::CONTENT_TYPE, tlv(OID, oid::DATA)),
            attribute(oid::SIGNING_TIME, time(at)),
            attribute(oid::MESSAGE_DIGEST, tlv(OCTETS, &algorithm.digest(content))),
        ];
        // X.690 §11.6: the parts of a set stand in the order of their octets.
        attributes.sort();
        Self {
            content,
            algorithm,
            attributes: attributes.concat(),
        }
    }

    /// The octets that the key signs (RFC 5652 §5.4): the attributes, spelled as the set that they are.
    pub fn octets(&self) -> Vec<u8> {
        tlv(SET, &self.attributes)
    }

    /// The content with the signature of the first certificate of the chain, and the chain.
    pub fn signed(&self, issued: &Issued, chain: &[&[u8]], signature: &[u8]) -> Vec<u8> {
        let signer = sequence(&[
            &VERSION,
            &sequence(&[&issued.issuer, &tlv(INTEGER, &issued.serial)]),
            &self.algorithm.digest_identifier(),
            &tlv(CONTEXT_0, &self.attributes),
            &self.algorithm.identifier(),
            &tlv(OCTETS, signature),
        ]);
        let mut chain = chain.to_vec();
        chain.sort_unstable();
        let signed = sequence(&[
            &VERSION,
            &tlv(SET, &self.algorithm.digest_identifier()),
            &sequence(&[&tlv(OID, oid::DATA), &tlv(CONTEXT_0, &tlv(OCTETS, self.content))]),
            &tlv(CONTEXT_0, &chain.concat()),
            &tlv(SET, &signer),
        ]);
        sequence(&[&tlv(OID, oid::SIGNED_DATA), &tlv(CONTEXT_0, &signed)])
    }
}

impl Algorithm {
    fn digest(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa | Self::EcdsaSha256 => Sha256::digest(content).to_vec(),
            Self::EcdsaSha384 => Sha384::digest(content).to_vec(),
        }
    }

    /// RFC 5754 §2: without parameters.
    fn digest_identifier(self) -> Vec<u8> {
        let kind = match self {
            Self::Rsa | Self::EcdsaSha256 => oid::SHA256,
            Self::EcdsaSha384 => oid::SHA384,
        };
        sequence(&[&tlv(OID, kind)])
    }

    /// RFC 5754 §3.2: RSA has parameters, which are none; RFC 5754 §3.3: ECDSA has none.
    fn identifier(self) -> Vec<u8> {
        match self {
            Self::Rsa => sequence(&[&tlv(OID, oid::RSA), &NULL]),
            Self::EcdsaSha256 => sequence(&[&tlv(OID, oid::ECDSA_SHA256)]),
            Self::EcdsaSha384 => sequence(&[&tlv(OID, oid::ECDSA_SHA384)]),
        }
    }
}

/// RFC 5652 §11.3: in two digits of the year up to 2049.
fn time(at: Timestamp) -> Vec<u8> {
    let long = at.strftime("%Y%m%d%H%M%SZ").to_string();
    match long.strip_prefix("20") {
        Some(short) if short < "50" => tlv(UTC_TIME, short.as_bytes()),
        _ => tlv(GENERAL_TIME, long.as_bytes()),
    }
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// What is marked `[0]`, of several parts.
const CONTEXT_0: u8 = 0xa0;
const NULL: [u8; 2] = [0x05, 0x00];
/// Version 1, of signed data (§5.1) and of who signed (§5.3) alike.
const VERSION: [u8; 3] = [INTEGER, 1, 1];

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A tag, the length in as few octets as it takes, and the content (X.690 §8.1.3, §10.1).
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len().saturating_add(10));
    out.push(tag);
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let length = content.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|octet| *octet == 0).collect();
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

/// The names of things, as their octets are.
mod oid {
    /// 1.2.840.113549.1.7.1
    pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    /// 1.2.840.113549.1.7.2
    pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    /// 1.2.840.113549.1.9.3
    pub(super) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
    /// 1.2.840.113549.1.9.4
    pub(super) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
    /// 1.2.840.113549.1.9.5
    pub(super) const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
    /// 1.2.840.113549.1.1.1
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    /// 1.2.840.10045.4.3.2
    pub(super) const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    /// 1.2.840.10045.4.3.3
    pub(super) const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    /// 2.16.840.1.101.3.4.2.1
    pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    /// 2.16.840.1.101.3.4.2.2
    pub(super) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_few_octets_as_they_can() {
        for (length, head) in [
            (0, vec![0x04, 0x00]),
            (127, vec![0x04, 0x7f]),
            (128, vec![0x04, 0x81, 0x80]),
            (256, vec![0x04, 0x82, 0x01, 0x00]),
            (65_536, vec![0x04, 0x83, 0x01, 0x00, 0x00]),
        ] {
            let made = tlv(OCTETS, &vec![0; length]);
            assert_eq!((&made[..head.len()], made.len()), (head.as_slice(), head.len() + length));
        }
    }

    #[test]
    fn years_are_spelled_by_their_century() {
        let spelled = |text: &str| time(text.parse().unwrap());
        assert_eq!(spelled("2026-11-26T22:43:35.5Z"), b"\x17\x0d261126224335Z");
        assert_eq!(spelled("2049-12-31T23:59:59Z"), b"\x17\x0d491231235959Z");
        assert_eq!(spelled("2050-01-01T00:00:00Z"), b"\x18\x0f20500101000000Z");
    }

    #[test]
    fn what_is_signed_is_the_set_of_attributes() {
        let to_sign = ToSign::new(b"content", Algorithm::EcdsaSha256, "2026-11-26T22:43:35Z".parse().unwrap());
        let octets = to_sign.octets();
        assert_eq!(octets[0], SET);
        let issued = Issued {
            issuer: sequence(&[]),
            serial: vec![7],
        };
        let signed = to_sign.signed(&issued, &[b"chain"], b"signature");
        assert!(
            signed.windows(octets.len() - 1).any(|part| part == &octets[1..]),
            "they stand in what is signed"
        );
    }
}
