//! How a TLS session is named in Received lines, logs and stories.
//!
//! RFC 8446 §B.4 (names of cipher suites).

use rustls::{CipherSuite, ProtocolVersion};

/// Version and cipher suite, such as `TLS1.3 TLS_AES_256_GCM_SHA384`.
pub fn session_name(version: ProtocolVersion, suite: CipherSuite) -> String {
    let version = match version {
        ProtocolVersion::TLSv1_2 => "TLS1.2",
        ProtocolVersion::TLSv1_3 => "TLS1.3",
        _ => "TLS",
    };
    // rustls calls the suites of TLS 1.3 `TLS13_…`; their registered names begin with `TLS_`.
    let suite = format!("{suite:?}").replace("TLS13_", "TLS_");
    format!("{version} {suite}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_their_registered_names() {
        let name = session_name(ProtocolVersion::TLSv1_3, CipherSuite::TLS13_AES_256_GCM_SHA384);
        assert_eq!(name, "TLS1.3 TLS_AES_256_GCM_SHA384");
        let name = session_name(ProtocolVersion::TLSv1_2, CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
        assert_eq!(name, "TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    }
}
