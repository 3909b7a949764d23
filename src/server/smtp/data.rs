//! DATA, and the end of a message however it came: RFC 5321 §4.1.1.4, RFC 2033 §4.2 (LMTP answers for each recipient).

use bytes::Buf;

use super::Role;
use super::body::Body;
use super::refusal;
use super::session::Session;
use super::stage::{Envelope, Hello, Next, Stage};
use crate::mail::intake::{Fate, Origin, Outcome};
use crate::model::access::AccessList;
use crate::model::address::EmailAddress;
use crate::model::envelope::Sender;
use crate::server::stream::Gone;
use crate::wire::smtp::body::DataDecoder;
use crate::wire::smtp::command::Greeting;
use crate::wire::smtp::reply::{self, Reply};

impl Session {
    /// Reads a message up to CRLF.CRLF and hands it in.
    pub(super) async fn data(&mut self, hello: Hello, envelope: Envelope) -> Result<(Stage, Next), Gone> {
        if let Err(refused) = self.milters.data().await {
            return Ok((Stage::Greeted(hello), Next::Say(refusal::spell(&refused))));
        }
        self.say(&reply::GO_AHEAD);
        let mut body = Body::begin(&self.door.intake, self.door.settings.max_received);
        let (mut decoder, mut pace) = (DataDecoder::default(), self.pace());
        loop {
            while !self.stream.input().is_empty() {
                let portion = decoder.next(self.stream.input());
                let (consumed, ended) = (portion.consumed, portion.ended);
                body.take(portion.text).await;
                self.stream.input().advance(consumed);
                if ended {
                    decoder.fault().into_iter().for_each(|fault| body.refuse(reply::bad_body(fault)));
                    return Ok(self.hand_in(hello, envelope, body).await);
                }
                if !body.bear(consumed) {
                    return Ok((Stage::Greeted(hello), Next::HangUp(reply::FAR_TOO_LARGE)));
                }
            }
            pace.fill_unfinished(&mut self.stream).await?;
        }
    }

    /// Gives a whole message to the intake: what it answers is a promise (RFC 5321 §6.1).
    pub(super) async fn hand_in(&mut self, hello: Hello, envelope: Envelope, body: Body) -> (Stage, Next) {
        if self.is_over() {
            return (Stage::Greeted(hello), Next::HangUp(reply::ACCOUNT_CHANGED));
        }
        let fate = if self.door.role == Role::Lmtp { Fate::Own } else { Fate::Shared };
        let (from, recipients) = envelope.into_parts();
        let addresses: Vec<EmailAddress> = recipients.iter().map(|accepted| accepted.recipient.address.clone()).collect();
        let origin = self.origin(&hello, &from);
        let received = match body.end() {
            Ok(message) => {
                let intake = &self.door.intake;
                let received = match fate {
                    Fate::Own => intake.receive(&origin, from, recipients, message, fate).await,
                    Fate::Shared => {
                        intake
                            .receive_through(&mut self.milters, &origin, (from, recipients), message)
                            .await
                    }
                };
                received.map_err(|refused| refusal::spell(&refused))
            }
            Err(no) => Err(no),
        };
        if received.is_ok() {
            self.message_taken();
        }
        let next = match fate {
            Fate::Own => Next::SayEach(answers(&addresses, received)),
            Fate::Shared => Next::Say(answer(received)),
        };
        (Stage::Greeted(hello), next)
    }

    fn origin(&self, hello: &Hello, from: &Sender) -> Origin {
        let defence = &self.door.entrance.defence;
        Origin {
            protocol: protocol(hello, self.stream.is_tls(), from.smtputf8),
            peer: self.stream.peer(),
            helo: Some(hello.name.clone()),
            tls: self.stream.tls_description(),
            user: hello.user.clone(),
            peer_is_allowed: self.stream.peer().is_some_and(|peer| defence.allows(peer)),
            sender_is_allowed: from
                .path
                .address()
                .is_some_and(|sender| defence.listed(sender) == Some(AccessList::Allow)),
        }
    }
}

/// SMTP has one reply for all: it is positive if anything was kept, since what was not is then reported by the intake.
fn answer(received: Result<Outcome, Reply>) -> Reply {
    let Outcome { id, recipients } = match received {
        Ok(outcome) => outcome,
        Err(no) => return no,
    };
    match recipients.iter().find_map(|fate| fate.as_ref().err()) {
        Some(refused) if recipients.iter().all(Result::is_err) => refusal::spell(refused),
        _ => reply::accepted(id),
    }
}

/// RFC 2033 §4.2: one reply for each recipient, in the order of RCPT.
fn answers(addresses: &[EmailAddress], received: Result<Outcome, Reply>) -> Vec<Reply> {
    let Outcome { id, recipients } = match received {
        Ok(outcome) => outcome,
        Err(no) => return vec![no; addresses.len()],
    };
    let mut fates = recipients.into_iter();
    let fate = |address| match fates.next() {
        Some(Ok(())) => reply::accepted_for(address, id),
        Some(Err(refused)) => refusal::spell(&refused),
        // The intake promises a fate for each; where it has none, nothing was promised to anybody.
        None => refusal::spell(&crate::model::refusal::Refusal::LATER),
    };
    addresses.iter().map(fate).collect()
}

/// The word after `with` in the Received line (RFC 3848 §2, RFC 6531 §4.3).
fn protocol(hello: &Hello, tls: bool, smtputf8: bool) -> &'static str {
    match (hello.greeting, smtputf8, tls, hello.user.is_some()) {
        (Greeting::Helo, ..) => "SMTP",
        (Greeting::Ehlo, false, false, false) => "ESMTP",
        (Greeting::Ehlo, false, false, true) => "ESMTPA",
        (Greeting::Ehlo, false, true, false) => "ESMTPS",
        (Greeting::Ehlo, false, true, true) => "ESMTPSA",
        (Greeting::Ehlo, true, false, false) => "UTF8SMTP",
        (Greeting::Ehlo, true, false, true) => "UTF8SMTPA",
        (Greeting::Ehlo, true, true, false) => "UTF8SMTPS",
        (Greeting::Ehlo, true, true, true) => "UTF8SMTPSA",
        (Greeting::Lhlo, false, false, _) => "LMTP",
        (Greeting::Lhlo, false, true, _) => "LMTPS",
        (Greeting::Lhlo, true, false, _) => "UTF8LMTP",
        (Greeting::Lhlo, true, true, _) => "UTF8LMTPS",
    }
}
