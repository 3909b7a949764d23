//! rspamd in the place of the own engine, over its HTTP protocol.
//!
//! It is asked once for each message, with what is known of how it came; its score, its symbols and what it would do are taken over. A
//! message is never lost because of it: what comes of no answer is a setting.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::Letter;
use super::judgement::{Action, Judgement, by_weight};
use crate::config;
use crate::mail::{bounded, relay};
use crate::model::verdict::Symbol;

/// The most octets of an answer.
const MOST: usize = 4_194_304;
/// The most symbols of an answer that are taken over.
const SYMBOLS: usize = 500;
/// The most recipients that it is told.
const RECIPIENTS: usize = 100;

/// Why it has not answered, in words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It was not reached, or broke off.
    #[error("rspamd does not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// It says no.
    #[error("rspamd answers {0}")]
    Status(reqwest::StatusCode),
    /// What it says cannot be read.
    #[error("what rspamd answers cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
    /// It says very much.
    #[error("what rspamd answers is longer than {MOST} octets")]
    TooLong,
}

/// The way to it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Rspamd {
    client: reqwest::Client,
    url: String,
}

/// What it answers to `/checkv2`.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    score: f64,
    #[serde(default)]
    required_score: f64,
    action: String,
    #[serde(default)]
    symbols: HashMap<String, Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    score: f64,
    #[serde(default)]
    options: Vec<serde_json::Value>,
}

impl Rspamd {
    /// The error says what is wrong with the settings.
    pub(super) fn new(settings: &config::Spam) -> Result<Self, String> {
        let wrong = |cause: &dyn std::fmt::Display| format!("spam.rspamd_url: {cause}");
        let tls = relay::verified(None).map_err(|cause| wrong(&cause))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(settings.rspamd_timeout_seconds))
            .build()
            .map_err(|cause| wrong(&cause))?;
        Ok(Self {
            client,
            url: settings.rspamd_url.trim_end_matches('/').to_owned(),
        })
    }

    /// What it makes of a message.
    pub(super) async fn check(&self, letter: Letter) -> Result<Judgement, Error> {
        let mut request = self
            .client
            .post(format!("{}/checkv2", self.url))
            .header(CONTENT_TYPE, "message/rfc822");
        let sender = letter.sender.as_ref().map(ToString::to_string).unwrap_or_default();
        let fields = [
            ("IP", letter.peer.map(|peer| peer.to_string())),
            ("Helo", letter.helo),
            ("From", Some(sender)),
            ("MTA-Name", Some(letter.hostname)),
        ];
        for (name, value) in fields {
            if let Some(value) = value.filter(|value| value.bytes().all(|octet| octet.is_ascii_graphic())) {
                request = request.header(name, value);
            }
        }
        let recipients = letter.recipients.iter().map(ToString::to_string).filter(|it| it.is_ascii());
        for recipient in recipients.take(RECIPIENTS) {
            request = request.header("Rcpt", recipient);
        }
        let text = answer(request.body(letter.octets).send().await?).await?;
        let answer: Answer = serde_json::from_slice(&text)?;
        Ok(answer.judgement())
    }

    /// Teaches it a message.
    pub(super) async fn learn(&self, message: Vec<u8>, is_spam: bool) -> Result<(), Error> {
        let path = if is_spam { "learnspam" } else { "learnham" };
        let request = self.client.post(format!("{}/{path}", self.url)).body(message);
        answer(request.send().await?).await.map(drop)
    }
}

/// The body of an answer. What it has learned before it calls neither right nor wrong (208).
async fn answer(mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
    if !response.status().is_success() {
        return Err(Error::Status(response.status()));
    }
    bounded::body(&mut response, MOST).await?.ok_or(Error::TooLong)
}

impl Answer {
    fn judgement(self) -> Judgement {
        let symbol = |(name, told): (String, Told)| Symbol {
            name: name.chars().filter(|c| c.is_ascii_graphic() && *c != ',').collect(),
            weight: told.score,
            detail: told.options.iter().find_map(|it| it.as_str()).map(super::short).unwrap_or_default(),
        };
        let mut symbols: Vec<Symbol> = self.symbols.into_iter().take(SYMBOLS).map(symbol).collect();
        by_weight(&mut symbols);
        let action = match self.action.as_str() {
            "reject" => Action::Reject,
            "soft reject" => Action::SoftReject,
            "add header" | "rewrite subject" => Action::Junk,
            _ => Action::NoAction,
        };
        let likelihood = match self.required_score > 0.0 {
            true => (self.score / self.required_score).clamp(0.0, 1.0),
            false => 0.0,
        };
        Judgement {
            score: self.score,
            symbols,
            action,
            required: self.required_score,
            likelihood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_over() {
        let text = r#"{"is_skipped":false,"score":7.5,"required_score":15.0,"action":"add header","time_real":0.1,
            "symbols":{"A":{"name":"A","score":1.0},"B,\n":{"name":"B","score":-6.5,"options":["x\ny",1]}}}"#;
        let judgement = serde_json::from_str::<Answer>(text).unwrap().judgement();
        assert_eq!((judgement.score, judgement.required, judgement.action), (7.5, 15.0, Action::Junk));
        assert!((judgement.likelihood - 0.5).abs() < 0.001);
        let found: Vec<_> = judgement.symbols.iter().map(|it| (it.name.as_str(), it.detail.as_str())).collect();
        assert_eq!(found, [("B", "xy"), ("A", "")]);
        assert!(serde_json::from_str::<Answer>("{}").is_err());
    }
}
