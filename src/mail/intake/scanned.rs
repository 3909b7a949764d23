//! Whether a message has a virus, between its last octet and its delivery.
//!
//! What has one is refused in the dialogue, or goes with the junk, as the operator wants it. What other servers say in the words that this
//! server uses is taken out.

use super::judged::take_out;
use super::{Incoming, Inner, Origin};
use crate::mail::virus::Scanned;
use crate::model::refusal::Refusal;
use crate::model::trace::Step;
use crate::model::verdict::Verdict;

/// The field that tells what was found here.
const FIELD: &str = "X-Virus-Status";

impl Inner {
    /// Shows the message to who looks for viruses; none where nobody does. Errors: Infected, TryLater.
    pub(super) async fn scan(&self, origin: &Origin, message: &Incoming) -> Result<Option<Scanned>, Refusal> {
        let is_users = origin.user.is_some();
        let is_concerned = match is_users {
            true => self.virus.concerns_users(),
            // What the server and filters say was looked at when its cause came in.
            false => self.virus.is_on() && origin.peer.is_some(),
        };
        if !is_concerned {
            return Ok(None);
        }
        let scanned = self.virus.scan(&message.draft).await?;
        if let Some(scanned) = &scanned {
            self.traces.tell(message.id, told(scanned));
        }
        match scanned {
            Some(Scanned::Infected(name)) if is_users || self.virus.refuses() => Err(Refusal::Infected(name)),
            scanned => Ok(scanned),
        }
    }

    /// Notes what was found: in the verdict, and on top of a message from elsewhere.
    pub(super) async fn note(
        &self,
        scanned: Option<Scanned>,
        origin: &Origin,
        (message, verdict): (&mut Incoming, &mut Verdict),
    ) -> Result<(), Refusal> {
        let Some(scanned) = scanned.filter(|_| origin.user.is_none()) else {
            return Ok(());
        };
        take_out(message, &[FIELD]).await?;
        match scanned {
            Scanned::Failed(_) => {}
            Scanned::Clean => {
                verdict.virus = Some(0.0);
                verdict.lines.push_str(&format!("{FIELD}: Clean\r\n"));
            }
            Scanned::Infected(name) => {
                verdict.is_junk = true;
                verdict.virus = Some(1.0);
                verdict.lines.push_str(&format!("{FIELD}: Infected with {name}\r\n"));
                verdict.virus_name = Some(name);
            }
        }
        Ok(())
    }
}

fn told(scanned: &Scanned) -> Step {
    let (virus, problem) = match scanned {
        Scanned::Clean => (None, None),
        Scanned::Infected(name) => (Some(name.clone()), None),
        Scanned::Failed(why) => (None, Some(why.clone())),
    };
    Step::Scanned { virus, problem }
}
