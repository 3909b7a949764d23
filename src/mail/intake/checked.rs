//! The checks of what comes from outside, between its last octet and its delivery.
//!
//! RFC 8601 §5 (what others have written in our name is taken out), RFC 7489 §6.6 (whom a policy refuses hears so in the dialogue).

use super::deliver::Plan;
use super::{Incoming, Inner, Origin};
use crate::mail::checks::Subject;
use crate::model::envelope::Sender;
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::Step;
use crate::model::verdict::{Authentication, Verdict};
use crate::wire::message::authentication::without_forged;

impl Inner {
    /// What the checks find, which is nothing where they have no say. Errors: the refusal that they lead to. The message loses what others
    /// have noted in our name; its signatures are verified before.
    pub(super) async fn check(&self, origin: &Origin, sender: &Sender, message: &mut Incoming) -> Result<Verdict, Refusal> {
        let Some(peer) = origin.peer.filter(|&peer| self.is_strange_peer(origin, peer)) else {
            return Ok(Verdict::default());
        };
        let subject = Subject {
            peer,
            helo: origin.helo.as_deref().unwrap_or_default(),
            sender: sender.path.address(),
            header: message.head.octets(),
            draft: &message.draft,
        };
        let verdict = self.checks.examine(subject).await;
        if let Some(authentication) = &verdict.authentication {
            self.tell_checked(message.id, authentication);
        }
        if let Some(refusal) = verdict.refusal {
            return Err(refusal);
        }
        if let Some(kept) = without_forged(message.head.octets(), &self.hostname) {
            let begin = message.head.octets().len();
            message.draft.replace_begin(begin, kept.clone()).await?;
            message.head.replace(kept);
        }
        Ok(verdict)
    }

    /// Whether a message comes from outside: not from a user, not from the server itself, not from a relay that is trusted.
    fn is_strange_peer(&self, origin: &Origin, peer: std::net::IpAddr) -> bool {
        let by_lmtp = origin.protocol.starts_with("LMTP");
        origin.user.is_none() && (!by_lmtp || self.checks.concern_lmtp()) && self.checks.concern(peer)
    }

    /// Reads what came for an address of reports, if it is one.
    pub(super) async fn look_for_report(&self, plan: &Plan, message: &Incoming) {
        let concerns = |address| self.reports.concern(address, message.head.octets(), message.size());
        if !plan.recipients().any(concerns) {
            return;
        }
        match message.draft.read_all().await {
            Ok(octets) => self.reports.take_in(octets).await,
            Err(refusal) => tracing::warn!(%refusal, "a report could not be read"),
        }
    }

    fn tell_checked(&self, id: MailId, found: &Authentication) {
        let step = Step::Checked {
            iprev: found.iprev.outcome.to_string(),
            spf: found.spf.outcome.to_string(),
            dkim: found.dkim.iter().map(|it| format!("{} ({})", it.outcome, it.domain)).collect(),
            arc: found.arc.outcome.to_string(),
            dmarc: found.dmarc.outcome.to_string(),
        };
        self.traces.tell(id, step);
    }
}
