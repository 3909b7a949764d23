//! One message over an open session: MAIL, RCPT for each recipient, the content, and what became of each recipient.
//!
//! RFC 5321 §3.3 (mail transactions), RFC 2920 §3.1 (pipelining), RFC 1870 §6 (SIZE), RFC 6152 §3 (8-bit content),
//! RFC 6531 §3.2 (SMTPUTF8).

use std::time::Duration;

use super::body::{Body, NotSevenBits};
use super::connection::Broken;
use super::dots::Dots;
use super::session::Session;
use super::{Parcel, command, finding};
use crate::mail::queue::{Finding, Settlement};
use crate::model::envelope::Recipient;
use crate::wire::smtp::reply::Reply;

/// How long to wait for a reply that may be there already when a write failed.
const LAST_WORD: Duration = Duration::from_secs(2);

/// The session broke in the middle of a message.
pub(super) struct Lost {
    pub(super) finding: Finding,
    /// The message cannot have been taken, so another server may be asked at once. Not so after the final dot.
    pub(super) is_safe: bool,
}

/// The replies up to that to DATA.
pub(super) struct Opening {
    pub(super) mail: Reply,
    /// None if MAIL was refused.
    pub(super) rcpt: Vec<Reply>,
    /// None if no recipient was taken, or it was not said.
    pub(super) data: Option<Reply>,
}

impl Opening {
    fn anybody(&self) -> bool {
        self.mail.code().is_positive() && self.rcpt.iter().any(|reply| reply.code().is_positive())
    }

    fn may_send(&self) -> bool {
        self.data.as_ref().is_some_and(|reply| reply.code().is_intermediate())
    }
}

impl Session {
    /// Sends a message; gives a settlement for each recipient. A server that has enough recipients for one transaction (RFC 5321
    /// §4.5.3.1.10) is given the others in further ones, as long as each of those gets somebody served.
    pub(super) async fn transact(&mut self, parcel: &Parcel<'_>, body: &mut Body) -> Result<Vec<Settlement>, Lost> {
        let mut settlements = self.transact_once(parcel, body).await?;
        let mut is_getting_on = any_delivered(&settlements);
        while is_getting_on && self.is_reusable() {
            let left: Vec<usize> = (0..)
                .zip(&settlements)
                .filter(|(_, it)| is_left_over(it))
                .map(|(place, _)| place)
                .collect();
            if left.is_empty() {
                break;
            }
            let recipients: Vec<Recipient> = left.iter().filter_map(|&place| parcel.recipients.get(place)).cloned().collect();
            let rest = Parcel {
                recipients: &recipients,
                ..*parcel
            };
            body.rewind();
            let words = match self.transact_once(&rest, body).await {
                Ok(words) => words,
                // What was settled before stays so.
                Err(lost) => {
                    self.retire();
                    self.is_doubtful = !lost.is_safe;
                    rest.all(&Settlement::Deferred(lost.finding))
                }
            };
            is_getting_on = any_delivered(&words);
            for (place, word) in left.into_iter().zip(words) {
                if let Some(settlement) = settlements.get_mut(place) {
                    *settlement = word;
                }
            }
        }
        Ok(settlements)
    }

    async fn transact_once(&mut self, parcel: &Parcel<'_>, body: &mut Body) -> Result<Vec<Settlement>, Lost> {
        if let Some(finding) = self.unfit(parcel, body).await {
            return Ok(parcel.all(&Settlement::Failed(finding)));
        }
        if let Some(settlement) = self.seven_bits(parcel, body).await {
            return Ok(parcel.all(&settlement));
        }
        let size = body.converted_size().unwrap_or(parcel.size);
        self.messages = self.messages.saturating_add(1);
        let reset = std::mem::replace(&mut self.dirty, true);
        let (opening, end) = match self.small_content(body, size).await? {
            Some(content) => {
                let (opening, end) = self.send_at_once(parcel, &content, reset).await?;
                (opening, Some(end))
            }
            None => self.send_by_data(parcel, body, size, reset).await?,
        };
        self.dirty = !end.as_ref().is_some_and(|reply| reply.code().is_positive());
        Ok(settle(&self.target.host, self.offers.dsn, parcel, &opening, end.as_ref()))
    }

    /// Asks for leave before the content; the replies up to that, and the one to the content, if it was sent.
    async fn send_by_data(
        &mut self,
        parcel: &Parcel<'_>,
        body: &mut Body,
        size: u64,
        reset: bool,
    ) -> Result<(Opening, Option<Reply>), Lost> {
        let opening = if self.offers.pipelining {
            self.open_pipelined(parcel, size, reset).await?
        } else {
            self.open_step_by_step(parcel, size, reset).await?
        };
        let end = match (opening.may_send(), opening.anybody()) {
            (true, true) => Some(self.send_body(body).await?),
            (true, false) => {
                // RFC 2920 §3.1: nobody was taken, yet DATA was: end it with nothing in it.
                self.connection.send(b".\r\n").await.map_err(|broken| self.lost("DATA", &broken))?;
                self.reply("DATA").await?;
                None
            }
            (false, _) => None,
        };
        Ok((opening, end))
    }

    /// Why the message cannot go to this server at all.
    async fn unfit(&self, parcel: &Parcel<'_>, body: &mut Body) -> Option<Finding> {
        if let Some(most) = self.offers.most
            && parcel.size > most
        {
            return Some(finding::too_large(&self.target.host, parcel.size, most));
        }
        let by_address = parcel.sender.path.address().is_some_and(|address| address.needs_smtputf8())
            || parcel.recipients.iter().any(|recipient| recipient.address.needs_smtputf8());
        let needed = !self.offers.smtputf8 && (by_address || parcel.sender.smtputf8 && body.has_utf8_header().await.unwrap_or(true));
        needed.then(|| finding::no_smtputf8(&self.target.host))
    }

    /// Converts the message for a server that takes 7 bits only; what it means if that cannot be.
    async fn seven_bits(&self, parcel: &Parcel<'_>, body: &mut Body) -> Option<Settlement> {
        // RFC 6531 §3.1: SMTPUTF8 has 8BITMIME in it.
        if self.offers.eight_bit || self.offers.smtputf8 {
            return None;
        }
        let host = &self.target.host;
        match body.make_seven_bits(parcel.size).await {
            Ok(()) => None,
            Err(why @ (NotSevenBits::NotConvertible(_) | NotSevenBits::TooLarge)) => {
                Some(Settlement::Failed(finding::no_8bitmime(host, &why)))
            }
            Err(why @ (NotSevenBits::Busy | NotSevenBits::Unreadable(_))) => {
                tracing::warn!(%host, %why, "cannot convert a message now");
                Some(Settlement::Deferred(finding::unreadable_file()))
            }
        }
    }

    async fn open_pipelined(&mut self, parcel: &Parcel<'_>, size: u64, reset: bool) -> Result<Opening, Lost> {
        let mut commands = command::opening(parcel, &self.offers, size, reset);
        commands.push_str("DATA\r\n");
        self.connection
            .send(commands.as_bytes())
            .await
            .map_err(|broken| self.lost("MAIL", &broken))?;
        if reset {
            self.reply("RSET").await?;
        }
        let mail = self.reply("MAIL").await?;
        let mut rcpt = Vec::with_capacity(parcel.recipients.len());
        for _ in parcel.recipients {
            rcpt.push(self.reply("RCPT").await?);
        }
        let data = Some(self.reply("DATA").await?);
        Ok(Opening { mail, rcpt, data })
    }

    async fn open_step_by_step(&mut self, parcel: &Parcel<'_>, size: u64, reset: bool) -> Result<Opening, Lost> {
        if reset {
            self.say_for("RSET\r\n", "RSET").await?;
        }
        let mail = self.say_for(&command::mail(parcel.sender, &self.offers, size), "MAIL").await?;
        let mut opening = Opening {
            mail,
            rcpt: Vec::new(),
            data: None,
        };
        if opening.mail.code().is_positive() {
            for recipient in parcel.recipients {
                let reply = self.say_for(&command::rcpt(recipient, &self.offers), "RCPT").await?;
                opening.rcpt.push(reply);
            }
        }
        if opening.anybody() {
            opening.data = Some(self.say_for("DATA\r\n", "DATA").await?);
        }
        Ok(opening)
    }

    /// The content and the final dot; the reply to it.
    async fn send_body(&mut self, body: &mut Body) -> Result<Reply, Lost> {
        let (mut dots, mut out) = (Dots::new(), Vec::new());
        loop {
            let portion = body.next().await.map_err(|error| {
                // Without the final dot the server keeps nothing; the connection is dropped by whoever hears this.
                tracing::error!(%error, "cannot read a message's file");
                Lost {
                    finding: finding::unreadable_file(),
                    is_safe: false,
                }
            })?;
            let at_end = portion.is_empty();
            if at_end {
                dots.finish(&mut out);
            } else {
                dots.stuff(portion, &mut out);
            }
            if let Err(broken) = self.connection.send(&out).await {
                return self.last_word(&broken, at_end).await;
            }
            out.clear();
            if at_end {
                break;
            }
        }
        // RFC 5321 §4.5.3.2.6: the longest patience is for the final reply, since giving up too early makes duplicates.
        let limit = self.connection.patience().saturating_mul(2);
        self.connection.reply_within(limit).await.map_err(|broken| Lost {
            finding: finding::broken(&self.target, "the end of DATA", &broken),
            is_safe: false,
        })
    }

    /// A server that had enough says why before it closes; a positive word is not taken for the message.
    async fn last_word(&mut self, broken: &Broken, at_end: bool) -> Result<Reply, Lost> {
        match self.connection.reply_within(LAST_WORD).await {
            Ok(reply) if reply.code().is_permanent() || reply.code().is_temporary() => {
                self.retire();
                Ok(reply)
            }
            _ => Err(Lost {
                finding: finding::broken(&self.target, "sending the content", broken),
                is_safe: !at_end,
            }),
        }
    }

    async fn say_for(&mut self, command: &str, name: &str) -> Result<Reply, Lost> {
        let sent = self.connection.send(command.as_bytes()).await;
        sent.map_err(|broken| self.lost(name, &broken))?;
        self.reply(name).await
    }

    /// The next reply.
    async fn reply(&mut self, name: &str) -> Result<Reply, Lost> {
        let reply = self.connection.reply().await.map_err(|broken| self.lost(name, &broken))?;
        self.unless_over(reply)
    }

    /// RFC 5321 §3.8: with 421 the session is over, and nothing was taken.
    pub(super) fn unless_over(&self, reply: Reply) -> Result<Reply, Lost> {
        if reply.code().as_u16() == 421 {
            return Err(Lost {
                finding: finding::said(&self.target.host, &reply),
                is_safe: true,
            });
        }
        Ok(reply)
    }

    pub(super) fn lost(&self, doing: &str, broken: &Broken) -> Lost {
        Lost {
            finding: finding::broken(&self.target, doing, broken),
            is_safe: true,
        }
    }
}

fn any_delivered(settlements: &[Settlement]) -> bool {
    settlements.iter().any(|it| matches!(it, Settlement::Delivered { .. }))
}

/// RFC 5321 §4.5.3.1.10: put off only since there were too many others.
fn is_left_over(settlement: &Settlement) -> bool {
    matches!(settlement, Settlement::Deferred(finding) if finding.status == finding::TOO_MANY)
}

/// What the replies mean for each recipient. `end` is the reply to the final dot.
fn settle(host: &str, reports: bool, parcel: &Parcel<'_>, opening: &Opening, end: Option<&Reply>) -> Vec<Settlement> {
    if !opening.mail.code().is_positive() {
        return parcel.all(&finding::refused(host, &opening.mail));
    }
    let taken = |rcpt: &Reply| match (&opening.data, end) {
        (Some(data), _) if !data.code().is_intermediate() => finding::refused(host, data),
        (_, Some(end)) if end.code().is_positive() => Settlement::Delivered {
            said: finding::said(host, end),
            reports,
        },
        (_, Some(end)) => finding::refused(host, end),
        (_, None) => finding::refused(host, rcpt),
    };
    let settled = |rcpt: &Reply| match rcpt.code().as_u16() {
        _ if rcpt.code().is_positive() => taken(rcpt),
        // RFC 5321 §4.5.3.1.10: 552 to RCPT is an old spelling of 452. Without a word on why, 452 to the later ones means that as well.
        452 if rcpt.status().is_none() && opening.rcpt.iter().any(|reply| reply.code().is_positive()) => {
            Settlement::Deferred(finding::too_many(host, rcpt))
        }
        552 => Settlement::Deferred(finding::too_many(host, rcpt)),
        _ => finding::refused(host, rcpt),
    };
    opening.rcpt.iter().map(settled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope::{ReversePath, Sender};
    use crate::wire::smtp::reply::Parser;

    fn reply(text: &str) -> Reply {
        Parser::default().next(&mut format!("{text}\r\n").as_str().into()).unwrap().unwrap()
    }

    fn settled(mail: &str, rcpt: &[&str], data: Option<&str>, end: Option<&str>) -> Vec<String> {
        let sender = Sender::plain(ReversePath::Null);
        let recipients = vec![Recipient::plain("a@x.test".parse().unwrap()); 2];
        let parcel = Parcel {
            content: &crate::mail::queue::Content::Octets(bytes::Bytes::new()),
            size: 1,
            sender: &sender,
            recipients: &recipients,
        };
        let opening = Opening {
            mail: reply(mail),
            rcpt: rcpt.iter().map(|text| reply(text)).collect(),
            data: data.map(reply),
        };
        let shown = |settlement: Settlement| match settlement {
            Settlement::Delivered { said, .. } => format!("delivered {}", said.status),
            Settlement::Failed(finding) => format!("failed {}", finding.status),
            Settlement::Deferred(finding) => format!("deferred {}", finding.status),
        };
        let end = end.map(reply);
        settle("mx", true, &parcel, &opening, end.as_ref()).into_iter().map(shown).collect()
    }

    #[test]
    fn replies_are_classed() {
        let (go, ok) = (Some("354 go"), Some("250 2.0.0 ok"));
        let two = ["250 2.1.5 ok", "250 2.1.5 ok"];
        for (found, expected) in [
            (settled("250 ok", &two, go, ok), ["delivered 2.0.0", "delivered 2.0.0"]),
            (
                settled("250 ok", &["550 5.1.1 no", "250 ok"], go, ok),
                ["failed 5.1.1", "delivered 2.0.0"],
            ),
            (
                settled("250 ok", &["450 4.2.0 grey", "251 ok"], go, ok),
                ["deferred 4.2.0", "delivered 2.0.0"],
            ),
            (
                settled("250 ok", &["550 no", "551 no"], Some("554 none"), None),
                ["failed 5.0.0", "failed 5.0.0"],
            ),
            (
                settled("250 ok", &["552 5.5.3 many", "452 many"], None, None),
                ["deferred 4.5.3", "deferred 4.0.0"],
            ),
            (
                settled("250 ok", &["250 ok", "452 many"], go, ok),
                ["delivered 2.0.0", "deferred 4.5.3"],
            ),
            (
                settled("250 ok", &["250 ok", "452 4.3.1 disk full"], go, ok),
                ["delivered 2.0.0", "deferred 4.3.1"],
            ),
            (settled("550 5.7.1 no", &[], None, None), ["failed 5.7.1", "failed 5.7.1"]),
            (settled("451 4.3.0 no", &[], None, None), ["deferred 4.3.0", "deferred 4.3.0"]),
            (settled("354 odd", &[], None, None), ["deferred 4.5.0", "deferred 4.5.0"]),
            (
                settled("250 ok", &two, Some("451 4.3.0 no"), None),
                ["deferred 4.3.0", "deferred 4.3.0"],
            ),
            (settled("250 ok", &two, Some("250 odd"), None), ["deferred 4.5.0", "deferred 4.5.0"]),
            (
                settled("250 ok", &two, go, Some("554 5.7.1 spam")),
                ["failed 5.7.1", "failed 5.7.1"],
            ),
            (settled("250 ok", &two, go, Some("451 later")), ["deferred 4.0.0", "deferred 4.0.0"]),
        ] {
            assert_eq!(found, expected);
        }
    }
}
