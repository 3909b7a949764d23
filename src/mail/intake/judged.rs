//! Whether what comes from outside is spam, between its checks and its delivery.
//!
//! What is refused as spam hears so in the dialogue, so that whoever sent it by hand knows of it. What other servers say of it in our words
//! is taken out.

use super::deliver::Plan;
use super::{Incoming, Inner, Origin};
use crate::mail::spam::{Action, Judgement, Letter};
use crate::model::envelope::Sender;
use crate::model::refusal::Refusal;
use crate::model::verdict::Verdict;
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
            let judgement = self.judge(origin, (sender, plan), (message, &verdict)).await?;
            take_out_ours(message).await?;
            if let Some(judgement) = judgement {
                tracing::info!(id = %message.id, score = judgement.score, action = %judgement.action, "judged");
                return judged(verdict, judgement);
            }
        }
        if verdict.is_junk {
            self.traces.events().hear_of_junk(message.id, verdict.score);
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
            now: self.clock.now(),
        };
        self.spam.decide(letter, &users, turn).await
    }
}

/// The verdict with what comes of the judgement. Errors: Rejected, TryLater.
fn judged(mut verdict: Verdict, judgement: Judgement) -> Result<Verdict, Refusal> {
    match judgement.action {
        Action::Reject => return Err(Refusal::Rejected("the message is taken for spam, and refused".into())),
        Action::Later => return Err(Refusal::LATER),
        Action::Junk => verdict.is_junk = true,
        Action::NoAction | Action::AddHeader => {}
    }
    verdict.lines.push_str(&judgement.lines());
    verdict.spam = Some(judgement.likelihood);
    verdict.score = Some(judgement.score);
    verdict.symbols = judgement.symbols;
    Ok(verdict)
}

/// Takes out what others say in the words that this server uses.
async fn take_out_ours(message: &mut Incoming) -> Result<(), Refusal> {
    // One that is not there whole is left as it is.
    let Ok(header) = message.head.whole() else {
        return Ok(());
    };
    if !Fields::new(header).any(|field| OURS.iter().any(|name| field.is(name))) {
        return Ok(());
    }
    let count = header.len();
    let mut left = header_fields(header, &OURS, true);
    // Without the empty line, which is still there.
    left.truncate(left.len().saturating_sub(2));
    message.draft.replace_begin(count, left.clone()).await?;
    message.head.replace(left);
    Ok(())
}
