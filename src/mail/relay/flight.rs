//! A small message in one flight: MAIL, RCPT for each recipient and the content by BDAT go out together, where DATA has to wait for leave.
//!
//! That saves a round trip for each message, which is most of the time that a small one takes. A large one goes by DATA, so that its
//! content is not sent to a server that takes none of its recipients. There is no chance to ask another server once everything is on
//! its way: a connection that breaks then leaves it open whether the message was taken.
//!
//! RFC 3030 §2 (BDAT), §4.2 (BDAT pipelined), RFC 2920 §3.1 (pipelining).

use super::body::Body;
use super::session::Session;
use super::transaction::{Lost, Opening};
use super::{Parcel, command, finding};
use crate::wire::smtp::reply::Reply;

/// The most octets of a message that goes in one flight.
pub(super) const MOST_OCTETS: u64 = 65_536;

impl Session {
    /// The content of a message that can go in one flight.
    pub(super) async fn small_content(&self, body: &mut Body, size: u64) -> Result<Option<Vec<u8>>, Lost> {
        if !self.offers.chunking || !self.offers.pipelining || size > MOST_OCTETS {
            return Ok(None);
        }
        let whole = body.whole(MOST_OCTETS).await.map_err(|error| {
            tracing::error!(%error, "cannot read a message's file");
            Lost {
                finding: finding::unreadable_file(),
                is_safe: false,
            }
        })?;
        Ok(whole.map(|mut content| {
            // As with DATA, a last line without CRLF gets one.
            if !content.is_empty() && !content.ends_with(b"\r\n") {
                content.extend_from_slice(b"\r\n");
            }
            content
        }))
    }

    /// Sends all of a message; the replies up to RCPT, and the one to the content.
    pub(super) async fn send_at_once(&mut self, parcel: &Parcel<'_>, content: &[u8], reset: bool) -> Result<(Opening, Reply), Lost> {
        // A server that has closed meanwhile is seen before anything is on its way.
        if let Some(broken) = self.connection.closed() {
            return Err(self.lost("MAIL", &broken));
        }
        let size = content.len() as u64;
        let mut flight = command::opening(parcel, &self.offers, size, reset).into_bytes();
        flight.extend_from_slice(format!("BDAT {size} LAST\r\n").as_bytes());
        flight.extend_from_slice(content);
        // What was not sent whole cannot have been taken.
        let sent = self.connection.send(&flight).await;
        sent.map_err(|broken| self.lost("sending the content", &broken))?;
        if reset {
            self.reply_in_flight("RSET").await?;
        }
        let mail = self.reply_in_flight("MAIL").await?;
        let mut rcpt = Vec::with_capacity(parcel.recipients.len());
        for _ in parcel.recipients {
            rcpt.push(self.reply_in_flight("RCPT").await?);
        }
        let end = self.reply_in_flight("BDAT").await?;
        // A server that offered BDAT and does not know it has taken the content for commands: nothing more is said to it.
        if (500..=502).contains(&end.code().as_u16()) {
            return Err(Lost {
                finding: finding::no_chunking(&self.target.host, &end),
                is_safe: true,
            });
        }
        Ok((Opening { mail, rcpt, data: None }, end))
    }

    /// The next reply to what is on its way. Without one nobody knows what became of the message.
    async fn reply_in_flight(&mut self, name: &str) -> Result<Reply, Lost> {
        // RFC 5321 §4.5.3.2.6: the longest patience is for the last reply.
        let limit = self.connection.patience().saturating_mul(2);
        let reply = self.connection.reply_within(limit).await.map_err(|broken| Lost {
            finding: finding::broken(&self.target, name, &broken),
            is_safe: false,
        })?;
        self.unless_over(reply)
    }
}
