//! Whether what comes from outside is spam, between its checks and its delivery.
//!
//! What is refused as spam hears so in the dialogue, so that whoever sent it by hand knows of it. What other servers say of it in our words
//! is taken out.

use super::deliver::Plan;
use super::{Incoming, Inner, Origin};
use crate::mail::spam::{Action, Judgement, Letter};
use crate::model::address::is_at_or_below;
use crate::model::envelope::Sender;
use crate::model::refusal::Refusal;
use crate::model::trace::Step;
use crate::model::verdict::{Authentication, Outcome, Symbol, Verdict};
use crate::wire::message::header::{Fields, header_fields};

/// The fields that tell what was found here; those of others would be taken for ours.
const OURS: [&str; 6] = [
    "X-Spam",
    "X-Spam-Flag",
    "X-Spam-Level",
    "X-Spam-Score",
    "X-Spam-Status",
    "X-Spam-Report",
];

/// The most recipients that rules look at.
const RECIPIENTS: usize = 100;

/// The most rules of a judgement that are told in a message's story, the weightiest first.
const SYMBOLS: usize = 50;

impl Inner {
    /// Whom a message is from, and whether it is spam. Errors: the refusal that this leads to.
    pub(super) async fn examine(
        &self,
        origin: &Origin,
        (sender, plan): (&Sender, &Plan),
        message: &mut Incoming,
    ) -> Result<Verdict, Refusal> {
        let verdict = self.check(origin, sender, message).await?;
        if self.is_judged(origin) {
            let judgement = match welcome(origin, sender, verdict.authentication.as_ref()) {
                Some(reason) => Err(reason),
                None => match self.judge(origin, (sender, plan), (message, &verdict)).await? {
                    Some(judgement) => Ok(judgement),
                    None => Err("nobody answered who judges"),
                },
            };
            take_out(message, &OURS).await?;
            match judgement {
                Ok(judgement) => {
                    tracing::info!(id = %message.id, score = judgement.score, action = %judgement.action, "judged");
                    self.traces.tell(message.id, told(&judgement));
                    return judged(verdict, judgement);
                }
                Err(reason) => self.traces.tell(message.id, Step::NotJudged { reason: reason.into() }),
            }
        }
        Ok(verdict)
    }

    /// Mail from outside is; not that of users, of the server itself, or of relays that have done it.
    fn is_judged(&self, origin: &Origin) -> bool {
        let Some(peer) = origin.peer.filter(|_| origin.user.is_none() && !origin.is_ours()) else {
            return false;
        };
        let by_lmtp = origin.protocol.starts_with("LMTP");
        self.spam.is_on() && (!by_lmtp || self.checks.concern_lmtp()) && !self.checks.trusts(peer)
    }

    async fn judge(
        &self,
        origin: &Origin,
        (sender, plan): (&Sender, &Plan),
        (message, verdict): (&Incoming, &Verdict),
    ) -> Result<Option<Judgement>, Refusal> {
        let users: Vec<_> = plan.users.iter().map(|user| user.id).collect();
        let turn = self.spam.turn().await;
        let letter = Letter {
            octets: message.draft.read_begin(self.spam.max_scan_bytes()).await?,
            peer: origin.peer,
            helo: origin.helo.clone().filter(|helo| !helo.is_empty()),
            sender: sender.path.address().cloned(),
            recipients: plan.recipients().take(RECIPIENTS).cloned().collect(),
            authentication: verdict.authentication.clone(),
            hostname: self.hostname.clone(),
            // Who hands on mail by LMTP has taken it already.
            may_be_put_off: !origin.protocol.contains("LMTP"),
            now: self.clock.now(),
        };
        self.spam.decide(letter, &users, turn).await
    }
}

/// Why a message is not taken for spam whatever is in it: the operator's allowlist says so. A sender counts where it is proved that the
/// message is theirs, since anybody can name them: by SPF of their domain, or by a good signature of it or of a domain above it.
fn welcome(origin: &Origin, sender: &Sender, found: Option<&Authentication>) -> Option<&'static str> {
    if origin.peer_is_allowed {
        return Some("the client's address is on the allowlist");
    }
    let domain = sender.path.address()?.domain()?.as_str();
    let is_theirs = origin.sender_is_allowed && is_proved(domain, found?);
    is_theirs.then_some("its sender is on the allowlist, and it is from them")
}

fn is_proved(domain: &str, found: &Authentication) -> bool {
    let by_spf = found.spf.outcome == Outcome::Pass && found.spf.domain.eq_ignore_ascii_case(domain);
    let mut signed = found.dkim.iter().filter(|it| it.outcome == Outcome::Pass);
    by_spf || signed.any(|it| !it.domain.is_empty() && is_at_or_below(domain, &it.domain))
}

/// The judgement for the message's story.
fn told(judgement: &Judgement) -> Step {
    let symbol = |it: &Symbol| format!("{}={:.2}", it.name, it.weight);
    Step::Judged {
        action: judgement.action.to_string(),
        score: judgement.score,
        required: judgement.required,
        symbols: judgement.symbols.iter().take(SYMBOLS).map(symbol).collect(),
    }
}

/// The verdict with what comes of the judgement. Errors: Rejected, TryLater.
fn judged(mut verdict: Verdict, judgement: Judgement) -> Result<Verdict, Refusal> {
    match judgement.action {
        Action::Reject => return Err(Refusal::Rejected("the message is taken for spam, and refused".into())),
        Action::Later => {
            let text = "greylisted: the message is taken when it is sent again after some minutes (RFC 6647)";
            return Err(Refusal::PutOff(text.into()));
        }
        Action::SoftReject => {
            let text = "the filter for spam does not take the message now, but perhaps when it is sent again later";
            return Err(Refusal::PutOff(text.into()));
        }
        Action::Junk => verdict.is_junk = true,
        Action::NoAction | Action::AddHeader => {}
    }
    verdict.lines.push_str(&judgement.lines());
    verdict.spam = Some(judgement.likelihood);
    verdict.score = Some(judgement.score);
    verdict.symbols = judgement.symbols;
    Ok(verdict)
}

/// Takes out what others say in the words that this server uses: the fields of these names.
pub(super) async fn take_out(message: &mut Incoming, names: &[&str]) -> Result<(), Refusal> {
    // One that is not there whole is left as it is.
    let Ok(header) = message.head.whole() else {
        return Ok(());
    };
    if !Fields::new(header).any(|field| names.iter().any(|name| field.is(name))) {
        return Ok(());
    }
    let count = header.len();
    let mut left = header_fields(header, names, true);
    // Without the empty line, which is still there.
    left.truncate(left.len().saturating_sub(2));
    message.draft.replace_begin(count, left.clone()).await?;
    message.head.replace(left);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::{Dkim, Spf};

    fn found(spf: &str, dkim: &str) -> Authentication {
        Authentication {
            spf: Spf {
                outcome: if spf.is_empty() { Outcome::Fail } else { Outcome::Pass },
                domain: spf.to_owned(),
                ..Spf::default()
            },
            dkim: vec![Dkim {
                outcome: if dkim.is_empty() { Outcome::Fail } else { Outcome::Pass },
                domain: dkim.to_owned(),
                ..Dkim::default()
            }],
            ..Authentication::default()
        }
    }

    #[test]
    fn a_sender_is_proved_by_spf_or_a_signature_of_the_domain() {
        for (spf, dkim, is) in [
            ("good.test", "", true),
            ("Good.Test", "", true),
            ("", "good.test", true),
            ("", "GOOD.test", true),
            ("", "test", true),
            ("", "", false),
            ("other.test", "", false),
            ("", "d.test", false),
            ("", "a.good.test", false),
            ("", "very.long.name.good.test", false),
        ] {
            assert_eq!(is_proved("good.test", &found(spf, dkim)), is, "{spf} {dkim}");
        }
        assert!(is_proved("a.good.test", &found("", "good.test")));
    }
}
