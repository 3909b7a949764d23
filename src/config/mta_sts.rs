//! What other servers are told of TLS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::model::address::Domain;

/// The policy of our domains that mail for them comes by TLS only (MTA-STS, RFC 8461). It is served at
/// `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` and holds for a domain once its records are published.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MtaSts {
    /// What other servers do where there is no TLS with a valid certificate: `enforce` keeps the mail back, `testing` delivers it and
    /// tells, `none` withdraws the policy, `off` serves none.
    pub mode: MtaStsMode,
    /// For how many seconds others keep the policy.
    #[schemars(range(min = 86_400, max = 31_557_600))]
    pub max_age_seconds: u64,
    /// The hosts that take mail for our domains; `*.` stands for one label. Empty: `hostname`.
    pub mx: Vec<String>,
}

/// What other servers do where there is no valid TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MtaStsMode {
    /// They keep the mail back.
    Enforce,
    /// They deliver it and tell.
    Testing,
    /// There is no policy any more.
    None,
    /// No policy is served.
    Off,
}

impl Default for MtaSts {
    fn default() -> Self {
        Self {
            mode: MtaStsMode::Testing,
            max_age_seconds: 604_800,
            mx: Vec::new(),
        }
    }
}

impl MtaSts {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        let is_host = |name: &&String| Domain::parse(name.strip_prefix("*.").unwrap_or(name)).is_ok();
        match self.mx.iter().find(|name| !is_host(name)) {
            Some(name) => {
                let text = format!("'{name}' is no host; right would be 'mail.example.org' or '*.example.org'");
                Err(Problem::new("mx", text))
            }
            None => Ok(()),
        }
    }
}
