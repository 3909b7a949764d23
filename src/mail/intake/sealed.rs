//! ARC seals of what is sent on for users: by their aliases, and by their filters.
//!
//! RFC 8617 §5.1 (sealing), §4.4 (a chain that is not good is not gone on with).

use super::deliver::Plan;
use super::{Incoming, Inner, Origin};
use crate::model::address::{Domain, EmailAddress};
use crate::model::envelope::Sender;
use crate::model::refusal::Refusal;
use crate::wire::message::authentication::{Outcome, results, value};
use crate::wire::message::header;

/// The most signatures that are told of: a line has its end (RFC 5322 §2.1.1).
const MOST_SIGNATURES: usize = 4;

impl Inner {
    /// The fields of the seal of a message that is sent on, before `received`; none where it was not checked, where the chain that it came
    /// with is not good, and where the domain that sends it on has no key. What goes wrong leaves a message without a seal.
    pub(super) async fn seal(
        &self,
        origin: &Origin,
        sender: &Sender,
        plan: &Plan,
        (message, received): (&Incoming, &str),
    ) -> Result<Vec<u8>, Refusal> {
        let by_filter = origin.is_filter();
        let domain: Option<&Domain> = match by_filter {
            // What a filter sends on has a sender of the user's.
            true => sender.path.address().and_then(EmailAddress::domain),
            false => plan.forwarder(),
        };
        // What was found when it came in stands on top of it.
        let noted = if by_filter { message.head.octets() } else { received.as_bytes() };
        let found = results(noted, &self.hostname);
        let (Some(domain), false) = (domain, found.is_empty() || origin.user.is_some()) else {
            return Ok(Vec::new());
        };
        let is_sealed = header::find(message.head.octets(), "ARC-Seal").is_some();
        let is_good = found.iter().any(|it| it.method == "arc" && it.result == "pass");
        if is_sealed && !is_good {
            return Ok(Vec::new());
        }
        let Some(sealer) = self.signing.signer(domain).await?.and_then(|signer| signer.sealer().cloned()) else {
            return Ok(Vec::new());
        };
        let room = self.checks.room(message.size()).await;
        let octets = message.draft.read_all().await?;
        let (prefix, results) = (received.as_bytes().to_vec(), line(&self.hostname, found));
        let sealed = tokio::task::spawn_blocking(move || sealer.seal(&prefix, &octets, &results)).await;
        drop(room);
        Ok(sealed.ok().flatten().unwrap_or_default())
    }
}

/// What was found, on one line; of signatures the good ones first.
fn line(hostname: &str, mut found: Vec<Outcome>) -> String {
    found.sort_by_key(|it| (it.method == "dkim", it.result != "pass"));
    let mut signatures = 0;
    found.retain(|it| {
        signatures += usize::from(it.method == "dkim");
        it.method != "dkim" || signatures <= MOST_SIGNATURES
    });
    // What signs takes the text as it is; who verifies makes one blank of many (RFC 6376 §3.4.2).
    let value = value(hostname, &found);
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}
