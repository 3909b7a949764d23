//! Spam: how it is told from other mail, and what is done with it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// Spam: how it is told from other mail, and what is done with it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spam {
    /// Who judges mail that comes from other servers.
    pub engine: SpamEngine,
    /// The score from which a message is marked as spam in its header.
    #[schemars(range(min = -1000, max = 1000))]
    pub add_header: f64,
    /// The score from which a message goes into the mailbox for junk.
    #[schemars(range(min = -1000, max = 1000))]
    pub junk: f64,
    /// The score from which a message is refused, while its sender's server still listens.
    #[schemars(range(min = -1000, max = 1000))]
    pub reject: f64,
    /// Weights of rules, by their names, where they are other than the own ones; 0 switches a rule off. `posthouse spam rules` lists them.
    pub weights: BTreeMap<String, f64>,
    /// The most octets of a message that are looked at.
    #[schemars(range(min = 65_536, max = 268_435_456))]
    pub max_scan_bytes: usize,
    /// Where rspamd answers, for `engine = "rspamd"`: its controller, which judges and learns.
    pub rspamd_url: String,
    /// How many seconds rspamd has for a message.
    #[schemars(range(min = 1, max = 300))]
    pub rspamd_timeout_seconds: u64,
    /// What becomes of mail while rspamd does not answer.
    pub on_failure: SpamFailure,
    /// Whether words count, as far as spam and other mail were learned: by moving messages into the mailbox for junk and out of it, and by
    /// `posthouse spam learn`.
    pub bayes: bool,
    /// How many messages of spam, and how many of other mail, must have been learned before words count.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub bayes_min_learns: u32,
    /// How many times more messages of one kind are learned by being moved than of the other. 0: as many as come.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub bayes_max_ratio: i64,
    /// Whether what users move teaches the whole server, and not only themselves.
    pub bayes_users_teach_all: bool,
    /// The most words and pairs of words that are kept for a user, and for the server.
    #[schemars(range(min = 1_000, max = 100_000_000))]
    pub bayes_max_tokens: i64,
    /// After how many days words that were not met again are forgotten; those met in one message or hardly more, after a quarter of that.
    #[schemars(range(min = 1, max = 36_500))]
    pub bayes_expire_days: i64,
}

/// What becomes of mail that nobody has judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpamFailure {
    /// It is taken as it comes.
    Accept,
    /// Its sender's server is asked to try again later.
    Tempfail,
}

/// Who judges mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpamEngine {
    /// The rules of the server itself.
    Builtin,
    /// An rspamd beside it, over HTTP.
    Rspamd,
    /// Nobody: all mail is taken as it comes.
    Off,
}

impl Default for Spam {
    fn default() -> Self {
        Self {
            engine: SpamEngine::Builtin,
            add_header: 6.0,
            junk: 6.0,
            reject: 15.0,
            weights: BTreeMap::new(),
            max_scan_bytes: 10_485_760,
            rspamd_url: "http://127.0.0.1:11334".into(),
            rspamd_timeout_seconds: 10,
            on_failure: SpamFailure::Accept,
            bayes: true,
            bayes_min_learns: 200,
            bayes_max_ratio: 10,
            bayes_users_teach_all: true,
            bayes_max_tokens: 1_500_000,
            bayes_expire_days: 100,
        }
    }
}

impl Spam {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if self.reject < self.junk {
            let text = format!("is {}; right would be no less than spam.junk, which is {}", self.reject, self.junk);
            return Err(Problem::new("reject", text));
        }
        if !self.rspamd_url.starts_with("http://") && !self.rspamd_url.starts_with("https://") {
            let text = format!(
                "'{}' is no address; right would be one such as 'http://127.0.0.1:11334'",
                self.rspamd_url
            );
            return Err(Problem::new("rspamd_url", text));
        }
        Ok(())
    }
}
