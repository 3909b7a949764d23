//! A signer of DNS zones: a key made for the test, signatures, denial of what is not there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hickory_resolver::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_resolver::proto::dnssec::rdata::sig::SigInput;
use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG};
use hickory_resolver::proto::dnssec::{Algorithm, DigestType, DnssecSigner, PublicKey, SigningKey, TBS};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber};

/// Signatures hold an hour from one hour ago.
const HOUR: u32 = 3600;

/// The key of a zone.
pub struct Key {
    apex: Name,
    signer: DnssecSigner,
}

impl Key {
    /// A fresh one.
    pub fn new(apex: Name) -> Self {
        let der = Ed25519SigningKey::generate_pkcs8().expect("a key");
        let key = Ed25519SigningKey::from_pkcs8(&der).expect("a key");
        let dnskey = DNSKEY::new(true, true, false, key.to_public_key().expect("a public key"));
        let signer = DnssecSigner::new(dnskey, Box::new(key), apex.clone(), Duration::from_secs(HOUR.into()));
        Self { apex, signer }
    }

    /// The zone's DNSKEY record.
    pub fn dnskey(&self) -> RData {
        RData::DNSSEC(DNSSECRData::DNSKEY(self.signer.to_dnskey()))
    }

    /// The DS record that the zone above has.
    pub fn ds(&self) -> RData {
        let key = self.signer.dnskey().public_key();
        let ds = DS::from_key(key, &self.apex, DigestType::SHA256).expect("a digest");
        RData::DNSSEC(DNSSECRData::DS(ds))
    }

    /// The key as a line of a trust anchor file.
    pub fn anchor(&self) -> String {
        let key = STANDARD.encode(self.signer.dnskey().public_key().public_bytes());
        format!("{} IN DNSKEY 257 3 15 {key}\n", self.apex)
    }

    /// The signature over records of one name and type; a wrong one if it is to be spoiled.
    pub fn sign(&self, records: &[Record], spoiled: bool) -> Record {
        let (name, kind, ttl) = (&records[0].name, records[0].record_type(), records[0].ttl);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
        let now = u32::try_from(now).expect("this century");
        let input = SigInput {
            type_covered: kind,
            algorithm: Algorithm::ED25519,
            num_labels: name.num_labels(),
            original_ttl: ttl,
            sig_expiration: SerialNumber::new(now + HOUR),
            sig_inception: SerialNumber::new(now - HOUR),
            key_tag: self.signer.calculate_key_tag().expect("a tag"),
            signer_name: self.apex.clone(),
        };
        let signed = TBS::from_input(name, DNSClass::IN, &input, records.iter()).expect("octets");
        let mut signature = self.signer.sign(&signed).expect("a signature");
        if spoiled {
            signature[0] ^= 1;
        }
        let signature = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, signature)));
        Record::from_rdata(name.clone(), ttl, signature)
    }
}

/// RFC 9824 §2: a name has these types and no others, and so nothing of what was asked for.
pub fn denial(name: &Name, types: &[RecordType]) -> RData {
    let next = Name::from_labels([&b"\0"[..]])
        .and_then(|label| label.append_domain(name))
        .expect("a name");
    let types = types.iter().copied().chain([RecordType::NSEC, RecordType::RRSIG]);
    RData::DNSSEC(DNSSECRData::NSEC(NSEC::new(next, types)))
}
