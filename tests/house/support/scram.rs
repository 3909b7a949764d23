//! The client's side of SCRAM-SHA-256 (RFC 5802 §3).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A client amid an exchange.
pub struct Scram {
    password: String,
    /// The message up to the name, and what names the connection.
    header: Vec<u8>,
    bare: String,
    verifier: Vec<u8>,
    step: u32,
}

impl Scram {
    /// `header` is such as `n,,`; `connection` what names the connection, where the header says so.
    pub fn new(login: &str, password: &str, header: &str, connection: &[u8]) -> Self {
        let nonce = BASE64_STANDARD.encode(rand::random::<[u8; 12]>());
        Self {
            password: password.to_owned(),
            header: [header.as_bytes(), connection].concat(),
            bare: format!("n={login},r={nonce}"),
            verifier: Vec::new(),
            step: 0,
        }
    }

    /// The answer to a challenge. A server that does not prove itself ends the test.
    pub fn answer(&mut self, challenge: &[u8]) -> Vec<u8> {
        self.step += 1;
        match self.step {
            1 => {
                let header = self
                    .header
                    .split_inclusive(|&octet| octet == b',')
                    .take(2)
                    .collect::<Vec<_>>()
                    .concat();
                [header, self.bare.clone().into_bytes()].concat()
            }
            2 => self.proof(std::str::from_utf8(challenge).expect("text")),
            _ => {
                let verifier = challenge.strip_prefix(b"v=").expect("a verifier");
                assert_eq!(
                    BASE64_STANDARD.decode(verifier).expect("base64"),
                    self.verifier,
                    "this is another server"
                );
                Vec::new()
            }
        }
    }

    fn proof(&mut self, server_first: &str) -> Vec<u8> {
        let mut parts = server_first.split(',').map(|part| &part[2..]);
        let (nonce, salt, iterations) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let salt = BASE64_STANDARD.decode(salt).expect("a salt");
        let iterations = iterations.parse().expect("a count");
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(self.password.as_bytes(), &salt, iterations);
        let client = hmac(&salted, b"Client Key");
        let last = format!("c={},r={nonce}", BASE64_STANDARD.encode(&self.header));
        let signed = format!("{},{server_first},{last}", self.bare);
        let signature = hmac(&Sha256::digest(&client), signed.as_bytes());
        let proof: Vec<u8> = client.iter().zip(signature).map(|(key, octet)| key ^ octet).collect();
        self.verifier = hmac(&hmac(&salted, b"Server Key"), signed.as_bytes());
        format!("{last},p={}", BASE64_STANDARD.encode(proof)).into_bytes()
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
