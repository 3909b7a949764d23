//! A message on its way from the client to the intake: watched for size, faults and loops, refused at its end.

use crate::mail::intake::{Incoming, Intake};
use crate::wire::smtp::hops::HopCounter;
use crate::wire::smtp::reply::{self, Reply};

use super::refusal;

/// How many times the largest message is read at most after something went wrong, before the client is cut off.
const POLITENESS: u64 = 4;

/// A message whose octets come in.
pub(super) struct Body {
    incoming: Incoming,
    hops: HopCounter,
    max_hops: usize,
    /// Why it will be refused; from then on its octets are thrown away.
    refused: Option<Reply>,
    /// How many octets more are read.
    patience: u64,
}

impl Body {
    /// Begins a message.
    pub(super) fn begin(intake: &Intake, max_hops: usize) -> Self {
        Self {
            incoming: intake.begin(),
            hops: HopCounter::default(),
            max_hops,
            refused: None,
            patience: intake.max_size().max(1 << 20).saturating_mul(POLITENESS),
        }
    }

    /// Counts octets as they come over the wire, whatever becomes of them; false when it is enough.
    pub(super) fn bear(&mut self, octets: usize) -> bool {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.patience = self.patience.saturating_sub(octets);
        self.patience > 0
    }

    /// Takes octets of the message.
    pub(super) async fn take(&mut self, text: &[u8]) {
        if self.refused.is_some() || text.is_empty() {
            return;
        }
        self.hops.look(text);
        if self.hops.count() > self.max_hops {
            self.refuse(reply::TOO_MANY_HOPS);
        } else if let Err(refused) = self.incoming.write(text).await {
            self.refuse(refusal::spell(&refused));
        }
    }

    /// Lets the message be refused at its end; the first reason counts.
    pub(super) fn refuse(&mut self, reply: Reply) {
        self.refused.get_or_insert(reply);
    }

    /// Whether it will be refused.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// The whole message, or why not.
    pub(super) fn end(self) -> Result<Incoming, Reply> {
        self.refused.map_or(Ok(self.incoming), Err)
    }
}
