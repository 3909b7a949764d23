//! RCPT TO: RFC 5321 §4.1.1.3, RFC 3461 §4 (NOTIFY, ORCPT).

use std::net::IpAddr;

use super::session::Session;
use super::stage::{Envelope, Hello, Next, Stage};
use super::{Role, refusal};
use crate::mail::defence::Probing;
use crate::mail::intake::Accepted;
use crate::model::address::{BadAddress, Domain, EmailAddress, Host};
use crate::model::envelope::{Recipient, Sender};
use crate::model::refusal::Refusal;
use crate::wire::smtp::command::{BadCommand, ForwardPath, Rcpt};
use crate::wire::smtp::reply;

impl Session {
    /// The first recipient: if it is accepted there is an envelope.
    pub(super) async fn first_rcpt(&mut self, hello: Hello, from: Sender, rcpt: Rcpt) -> (Stage, Next) {
        match self.accept(&hello, &from, rcpt).await {
            Ok(first) => {
                let envelope = Envelope {
                    from,
                    first,
                    others: Vec::new(),
                };
                (Stage::Recipients { hello, envelope }, Next::Say(reply::RECIPIENT_OK))
            }
            Err(next) => (Stage::Sender { hello, from }, next),
        }
    }

    /// A further recipient.
    pub(super) async fn further_rcpt(&mut self, hello: Hello, mut envelope: Envelope, rcpt: Rcpt) -> (Stage, Next) {
        let accepted = if envelope.count() >= self.door.settings.max_recipients.max(1) {
            Err(Next::Say(reply::TOO_MANY_RECIPIENTS))
        } else {
            self.accept(&hello, &envelope.from, rcpt).await
        };
        let next = match accepted {
            Ok(other) => {
                envelope.others.push(other);
                Next::Say(reply::RECIPIENT_OK)
            }
            Err(next) => next,
        };
        (Stage::Recipients { hello, envelope }, next)
    }

    async fn accept(&mut self, hello: &Hello, from: &Sender, rcpt: Rcpt) -> Result<Accepted, Next> {
        let address = match rcpt.path {
            ForwardPath::Address(address) => address,
            ForwardPath::Postmaster => {
                let bad = |bad| Next::Say(reply::bad_command(BadCommand::Recipient(bad)));
                self.postmaster().map_err(bad)?
            }
        };
        if address.needs_smtputf8() && !from.smtputf8 {
            return Err(Next::Say(reply::NEEDS_SMTPUTF8));
        }
        let accepted = self.door.intake.accept(hello.user.as_deref(), &address, from.declared_size).await;
        let route = match accepted.and_then(|route| self.admit(hello).map(|()| route)) {
            Ok(route) => route,
            Err(refused) => return Err(self.refused(hello, &refused).await),
        };
        let heard = self.milters.rcpt(&address.to_string()).await;
        heard.map_err(|refused| Next::Say(refusal::spell(&refused)))?;
        Ok(Accepted {
            recipient: Recipient {
                address,
                notify: rcpt.notify,
                orcpt: rcpt.orcpt,
            },
            route,
        })
    }

    /// Counts a recipient whom there is. Errors: PutOff.
    fn admit(&self, hello: &Hello) -> Result<(), Refusal> {
        let Some(peer) = self.stranger(hello) else { return Ok(()) };
        let defence = &self.door.entrance.defence;
        defence.asked_for_recipient(peer, true);
        defence.admits_recipient(peer)
    }

    /// What a client hears whose recipient is not taken: who tries out which recipients there are hears it later, and then no more.
    async fn refused(&self, hello: &Hello, refused: &Refusal) -> Next {
        let peer = self.stranger(hello).filter(|_| matches!(refused, Refusal::UnknownRecipient(_)));
        let probing = peer.map(|peer| self.door.entrance.defence.asked_for_recipient(peer, false));
        match probing {
            Some(Probing::Banned) => return Next::HangUp(reply::TOO_MANY_UNKNOWN),
            Some(Probing::Slower(time)) => tokio::time::sleep(time).await,
            Some(Probing::Nothing) | None => {}
        }
        Next::Say(refusal::spell(refused))
    }

    /// The address of a client of whom nothing is known: that has not logged in, and does not hand on what was taken already.
    pub(super) fn stranger(&self, hello: &Hello) -> Option<IpAddr> {
        let is_stranger = self.door.role == Role::Relay && hello.user.is_none();
        self.stream.peer().filter(|_| is_stranger)
    }

    /// RFC 5321 §4.1.1.3: `<postmaster>` is the one of this server.
    fn postmaster(&self) -> Result<EmailAddress, BadAddress> {
        EmailAddress::new("postmaster", Host::Domain(Domain::parse(&self.door.entrance.hostname)?))
    }
}
