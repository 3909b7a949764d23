//! Signatures, as Standard Webhooks 1.0 has them: HMAC-SHA256 over the id, the time and the body, with dots between.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::secret::Secret;

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Octets of a secret: the specification has 24 to 64.
const OCTETS: usize = 32;

/// A new secret.
pub(super) fn fresh() -> Vec<u8> {
    rand::random::<[u8; OCTETS]>().to_vec()
}

/// A secret as it is shown, once.
pub(super) fn shown(secret: &[u8]) -> Secret {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(secret)))
}

/// The field `webhook-signature`: a signature by each secret.
pub(super) fn signatures<'s>(secrets: impl Iterator<Item = &'s [u8]>, id: &str, seconds: i64, body: &str) -> String {
    let signature = |secret: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        for part in [id, ".", &seconds.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    secrets.filter_map(signature).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of the reference implementation.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signatures(
            std::iter::once(secret.as_slice()),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(shown(&secret).expose(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let both = signatures([secret.as_slice(), &fresh()].into_iter(), "msg_1", 1, "");
        assert_eq!(both.split(' ').count(), 2);
    }
}
