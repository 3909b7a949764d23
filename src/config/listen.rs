//! The listeners. An empty list turns one off; port 0 picks a free port and logs it; `systemd:NAME` is a socket that systemd passes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check;
use super::problem::Problem;

/// The listeners. An empty list turns one off; port 0 picks a free port and logs it; `systemd:NAME` is a socket that systemd passes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// SMTP from other servers; 25 on a real server.
    pub smtp: Vec<String>,
    /// Submission with STARTTLS; 587 on a real server.
    pub submission: Vec<String>,
    /// Submission over TLS; 465 on a real server.
    pub submissions: Vec<String>,
    /// LMTP: an address (port 24), or a path with a `/` for a Unix socket.
    pub lmtp: Vec<String>,
    /// IMAP with STARTTLS; 143 on a real server.
    pub imap: Vec<String>,
    /// IMAP over TLS; 993 on a real server.
    pub imaps: Vec<String>,
    /// POP3 with STLS; 110 on a real server.
    pub pop3: Vec<String>,
    /// POP3 over TLS; 995 on a real server.
    pub pop3s: Vec<String>,
    /// ManageSieve with STARTTLS: users change their filters; 4190 on a real server too.
    pub managesieve: Vec<String>,
    /// The REST API, its documentation and health.
    pub http: Vec<String>,
    /// The same over TLS.
    pub https: Vec<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            smtp: vec!["127.0.0.1:2525".into()],
            submission: vec!["127.0.0.1:2587".into()],
            submissions: vec!["127.0.0.1:2465".into()],
            lmtp: Vec::new(),
            imap: vec!["127.0.0.1:2143".into()],
            imaps: vec!["127.0.0.1:2993".into()],
            pop3: vec!["127.0.0.1:2110".into()],
            pop3s: vec!["127.0.0.1:2995".into()],
            managesieve: vec!["127.0.0.1:4190".into()],
            http: vec!["127.0.0.1:8080".into()],
            https: Vec::new(),
        }
    }
}

impl Listen {
    /// The addresses of each listener, by its name.
    pub fn each(&self) -> [(&'static str, &[String]); 11] {
        [
            ("smtp", &self.smtp),
            ("submission", &self.submission),
            ("submissions", &self.submissions),
            ("lmtp", &self.lmtp),
            ("imap", &self.imap),
            ("imaps", &self.imaps),
            ("pop3", &self.pop3),
            ("pop3s", &self.pop3s),
            ("managesieve", &self.managesieve),
            ("http", &self.http),
            ("https", &self.https),
        ]
    }

    pub(super) fn validate(&self) -> Result<(), Problem> {
        for (name, addresses) in self.each() {
            for address in addresses {
                // Only LMTP may have a Unix socket, told by its `/`.
                if name == "lmtp" && address.contains('/') {
                    continue;
                }
                check::listener(address).map_err(|text| Problem::new(name, text))?;
            }
        }
        Ok(())
    }
}
