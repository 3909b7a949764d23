//! The story of a message: what happened to it, step by step.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::timestamp;
use super::ids::MailId;

/// All that is known of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub id: MailId,
    /// In the order in which they happened.
    pub events: Vec<Event>,
}

/// A step and its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since 1970.
    #[serde(rename = "at")]
    pub at_ms: i64,
    #[serde(flatten)]
    pub step: Step,
}

impl Event {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        timestamp(self.at_ms)
    }
}

/// What happened to a message. Stored as JSON: a field may be added if it has a default, none may change its meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// It came in whole.
    Received(Received),
    /// It was refused after all, and nothing of it was kept.
    Refused {
        /// What the client was told.
        reason: String,
    },
    /// It was found out whom it is from, as far as that can be proved. The outcomes are words of RFC 8601 §2.7.
    Checked {
        iprev: String,
        spf: String,
        /// One for each signature, with its domain.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dkim: Vec<String>,
        arc: String,
        dmarc: String,
    },
    /// It was found out whether it is spam.
    Judged {
        /// What is done with it: `no action`, `add header`, `junk`, `try again later`, `soft reject`, `reject`.
        action: String,
        score: f64,
        /// The score from which it is marked as spam.
        required: f64,
        /// The rules that hold, each with its weight, as `NAME=1.50`; the weightiest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        symbols: Vec<String>,
    },
    /// It comes from elsewhere, and was not judged all the same.
    NotJudged { reason: String },
    /// It was looked at for viruses.
    Scanned {
        /// The name of its virus; none if nothing was found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        virus: Option<String>,
        /// Why it could not be looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// A filter beside the server has changed it.
    Milter {
        /// Its address.
        milter: String,
        /// What it did, in words.
        did: Vec<String>,
    },
    /// A recipient leads elsewhere: an alias, or an address with a detail.
    Expanded {
        recipient: String,
        /// Logins of users.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        users: Vec<String>,
        /// Addresses outside.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        forwards: Vec<String>,
    },
    /// A user's filter had a say.
    Filtered {
        /// The login.
        user: String,
        /// What it decided, in words.
        did: Vec<String>,
        /// What went wrong in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
    },
    /// It lies in a user's mailbox.
    Stored {
        /// The login.
        user: String,
    },
    /// It was not stored for a user.
    NotStored {
        /// The login.
        user: String,
        reason: String,
    },
    /// It waits for its delivery to other servers.
    Queued {
        /// How many recipients.
        recipients: usize,
        /// The sender that other servers see, where it was rewritten.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sender: Option<String>,
        /// The DKIM signatures that it got, as `selector._domainkey.domain`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        signed: Vec<String>,
    },
    /// Another server was asked to take it.
    Attempt(Attempt),
    /// The sender was told something of it.
    Reported {
        about: About,
        to: String,
        /// The message that says so, which has a story of its own.
        report: String,
    },
    /// The sender could not be told, or there is none to tell.
    NotReported { about: About, reason: String },
    /// The operator did something with recipients that waited.
    Steered {
        /// `hold`, `release`, `retry`, `expire` or `remove`.
        action: String,
        recipients: Vec<String>,
    },
}

/// How a message came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// As in the Received line.
    pub protocol: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// What the client called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// The login of whoever submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Empty for the null sender.
    pub sender: String,
    /// The first of them; `more` tells how many are left out.
    pub recipients: Vec<String>,
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: usize,
    /// In octets, as it came.
    pub size: u64,
    /// With its angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// What came of asking another server, for recipients that fared alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub outcome: AttemptOutcome,
    /// The sender that the other server sees; none for the null sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    pub recipients: Vec<String>,
    /// The server that answered; none if the trouble is our own finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The connection: address, and TLS version and cipher if it had TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The enhanced status code.
    pub status: String,
    /// The reply, or what we found.
    pub reply: String,
    /// When the next attempt is made, in milliseconds since 1970, if it was put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<i64>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Delivered,
    Deferred,
    Failed,
}

/// What the sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// What became of it in the end.
    End,
    /// That it is late.
    Delay,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

impl fmt::Display for Step {
    /// A sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Received(received) => received.fmt(f),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
            Self::Checked {
                iprev,
                spf,
                dkim,
                arc,
                dmarc,
            } => {
                let dkim = if dkim.is_empty() { "none".to_owned() } else { listed(dkim) };
                write!(f, "checked: dmarc {dmarc}, spf {spf}, dkim {dkim}, arc {arc}, iprev {iprev}")
            }
            Self::Judged {
                action,
                score,
                required,
                symbols,
            } => {
                let held = if symbols.is_empty() { "none" } else { &symbols.join(", ") };
                write!(f, "judged: {action}, score {score:.2} of {required:.2}; rules that hold: {held}")
            }
            Self::NotJudged { reason } => write!(f, "not judged whether it is spam: {reason}"),
            Self::Scanned { virus, problem } => match (virus, problem) {
                (Some(virus), _) => write!(f, "scanned: it has the virus {virus}"),
                (None, Some(problem)) => write!(f, "not scanned for viruses: {problem}"),
                (None, None) => f.write_str("scanned: no virus"),
            },
            Self::Milter { milter, did } => write!(f, "the milter {milter}: {}", did.join("; ")),
            Self::Expanded {
                recipient,
                users,
                forwards,
            } => {
                let to: Vec<&str> = users.iter().chain(forwards).map(String::as_str).collect();
                write!(f, "{recipient} leads to {}", listed(&to))
            }
            Self::Filtered { user, did, problems } => {
                write!(f, "the filter of {user}: {}", did.join("; "))?;
                match problems.first() {
                    Some(first) => write!(f, " (it went wrong: {first})"),
                    None => Ok(()),
                }
            }
            Self::Stored { user } => write!(f, "stored for {user}"),
            Self::NotStored { user, reason } => write!(f, "not stored for {user}: {reason}"),
            Self::Queued {
                recipients,
                sender,
                signed,
            } => queued(f, *recipients, (sender.as_deref(), signed)),
            Self::Attempt(attempt) => attempt.fmt(f),
            Self::Reported { about, to, report } => write!(f, "{to} is told {about} by message {report}"),
            Self::NotReported { about, reason } => write!(f, "nobody is told {about}: {reason}"),
            Self::Steered { action, recipients } => write!(f, "{action} by the administrator: {}", listed(recipients)),
        }
    }
}

fn queued(f: &mut fmt::Formatter<'_>, recipients: usize, (sender, signed): (Option<&str>, &[String])) -> fmt::Result {
    write!(
        f,
        "queued for {recipients} {}",
        if recipients == 1 { "recipient" } else { "recipients" }
    )?;
    if let Some(sender) = sender {
        write!(f, ", from <{sender}>")?;
    }
    if !signed.is_empty() {
        write!(f, ", signed by {}", signed.join(", "))?;
    }
    Ok(())
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "received by {}", self.protocol)?;
        match (&self.helo, self.peer) {
            (Some(helo), Some(peer)) => write!(f, " from {helo} ({peer})")?,
            (Some(helo), None) => write!(f, " from {helo}")?,
            (None, Some(peer)) => write!(f, " from {peer}")?,
            (None, None) => {}
        }
        if let Some(tls) = &self.tls {
            write!(f, " using {tls}")?;
        }
        if let Some(user) = &self.user {
            write!(f, ", logged in as {user}")?;
        }
        write!(f, ": <{}> to {}", self.sender, listed(&self.recipients))?;
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        write!(f, ", {} octets", self.size)?;
        match &self.message_id {
            Some(id) => write!(f, ", Message-ID {id}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            AttemptOutcome::Delivered => "delivered",
            AttemptOutcome::Deferred => "put off",
            AttemptOutcome::Failed => "failed",
        };
        write!(f, "{outcome}: {}", listed(&self.recipients))?;
        if let Some(host) = &self.host {
            write!(f, ", {host}")?;
        }
        if let Some(via) = &self.via {
            write!(f, " ({via})")?;
        }
        write!(f, ": {}", self.reply)?;
        match self.next_at {
            Some(next) => write!(f, "; next attempt at {}", timestamp(next)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "of the outcome",
            Self::Delay => "of the delay",
        })
    }
}

/// Many are counted.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 5;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received() -> Received {
        Received {
            protocol: "ESMTPSA".into(),
            peer: "192.0.2.1".parse().ok(),
            helo: Some("client.test".into()),
            tls: Some("TLS1.3 X".into()),
            user: Some("alice@house.test".into()),
            sender: String::new(),
            recipients: vec!["a@b.test".into()],
            more: 2,
            size: 7,
            message_id: Some("<1@client.test>".into()),
        }
    }

    fn attempt() -> Attempt {
        Attempt {
            outcome: AttemptOutcome::Deferred,
            sender: None,
            recipients: (0..7).map(|n| format!("{n}@b.test")).collect(),
            host: Some("mx.b.test".into()),
            via: Some("192.0.2.9:25, TLS1.3 X".into()),
            status: "4.2.0".into(),
            reply: "450 4.2.0 later".into(),
            next_at: Some(1_700_000_000_000),
        }
    }

    fn checked() -> Step {
        Step::Checked {
            iprev: "fail".into(),
            spf: "pass".into(),
            dkim: vec!["pass (b.test)".into()],
            arc: "none".into(),
            dmarc: "pass".into(),
        }
    }

    fn scanned() -> Step {
        Step::Scanned {
            virus: Some("V".into()),
            problem: None,
        }
    }

    fn changed() -> Step {
        Step::Milter {
            milter: "127.0.0.1:1".into(),
            did: vec!["added X".into(), "took out Y".into()],
        }
    }

    fn judged() -> Step {
        Step::Judged {
            action: "junk".into(),
            score: 7.5,
            required: 6.0,
            symbols: vec!["BAYES_SPAM=6.00".into(), "MISSING_TO=1.50".into()],
        }
    }

    fn unjudged() -> Step {
        let reason = "nobody answered".into();
        Step::NotJudged { reason }
    }

    fn steps() -> Vec<(Step, &'static str)> {
        vec![
            (
                Step::Received(received()),
                "received by ESMTPSA from client.test (192.0.2.1) using TLS1.3 X, logged in as alice@house.test: <> to a@b.test and 2 more, \
                 7 octets, Message-ID <1@client.test>",
            ),
            (
                Step::Attempt(attempt()),
                "put off: 0@b.test, 1@b.test, 2@b.test, 3@b.test, 4@b.test and 2 more, mx.b.test (192.0.2.9:25, TLS1.3 X): 450 4.2.0 later; \
                 next attempt at 2023-11-14T22:13:20Z",
            ),
            (
                Step::Expanded {
                    recipient: "info@house.test".into(),
                    users: vec!["alice@house.test".into()],
                    forwards: vec!["a@b.test".into()],
                },
                "info@house.test leads to alice@house.test, a@b.test",
            ),
            (
                Step::Filtered {
                    user: "alice".into(),
                    did: vec!["stored in Work".into(), "redirected to a@b.test".into()],
                    problems: vec!["x, line 1, column 2: no".into()],
                },
                "the filter of alice: stored in Work; redirected to a@b.test (it went wrong: x, line 1, column 2: no)",
            ),
            (checked(), "checked: dmarc pass, spf pass, dkim pass (b.test), arc none, iprev fail"),
            (
                judged(),
                "judged: junk, score 7.50 of 6.00; rules that hold: BAYES_SPAM=6.00, MISSING_TO=1.50",
            ),
            (unjudged(), "not judged whether it is spam: nobody answered"),
            (scanned(), "scanned: it has the virus V"),
            (changed(), "the milter 127.0.0.1:1: added X; took out Y"),
            (Step::Stored { user: "alice".into() }, "stored for alice"),
            (
                Step::Queued {
                    recipients: 1,
                    sender: Some("srs@house.test".into()),
                    signed: vec!["s._domainkey.house.test".into()],
                },
                "queued for 1 recipient, from <srs@house.test>, signed by s._domainkey.house.test",
            ),
            (
                Step::Reported {
                    about: About::Delay,
                    to: "alice@house.test".into(),
                    report: "0000000000001".into(),
                },
                "alice@house.test is told of the delay by message 0000000000001",
            ),
            (
                Step::Steered {
                    action: "hold".into(),
                    recipients: vec!["a@b.test".into()],
                },
                "hold by the administrator: a@b.test",
            ),
        ]
    }

    #[test]
    fn steps_are_sentences_for_people_and_are_read_back_as_they_were() {
        for (step, sentence) in steps() {
            assert_eq!(step.to_string(), sentence);
            let event = Event { at_ms: 5, step };
            let kept = serde_json::to_string(&event).unwrap();
            assert!(kept.starts_with(r#"{"at":5,"step":""#), "{kept}");
            assert_eq!(serde_json::from_str::<Event>(&kept).unwrap(), event, "{kept}");
        }
    }
}
