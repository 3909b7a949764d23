//! RCPT TO: RFC 5321 §4.1.1.3, RFC 3461 §4 (NOTIFY, ORCPT).

use super::refusal;
use super::session::Session;
use super::stage::{Envelope, Hello, Next, Stage};
use crate::mail::intake::Accepted;
use crate::model::address::{BadAddress, Domain, EmailAddress, Host};
use crate::model::envelope::{Recipient, Sender};
use crate::wire::smtp::command::{BadCommand, ForwardPath, Rcpt};
use crate::wire::smtp::reply::{self, Reply};

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
            Err(no) => (Stage::Sender { hello, from }, Next::Say(no)),
        }
    }

    /// A further recipient.
    pub(super) async fn further_rcpt(&mut self, hello: Hello, mut envelope: Envelope, rcpt: Rcpt) -> (Stage, Next) {
        let accepted = if envelope.count() >= self.door.settings.max_recipients.max(1) {
            Err(reply::TOO_MANY_RECIPIENTS)
        } else {
            self.accept(&hello, &envelope.from, rcpt).await
        };
        let reply = match accepted {
            Ok(other) => {
                envelope.others.push(other);
                reply::RECIPIENT_OK
            }
            Err(no) => no,
        };
        (Stage::Recipients { hello, envelope }, Next::Say(reply))
    }

    async fn accept(&mut self, hello: &Hello, from: &Sender, rcpt: Rcpt) -> Result<Accepted, Reply> {
        let address = match rcpt.path {
            ForwardPath::Address(address) => address,
            ForwardPath::Postmaster => self.postmaster().map_err(|bad| reply::bad_command(BadCommand::Recipient(bad)))?,
        };
        if address.needs_smtputf8() && !from.smtputf8 {
            return Err(reply::NEEDS_SMTPUTF8);
        }
        let user = hello.user.as_deref();
        let spell = |refused| refusal::spell(&refused);
        let route = self.door.intake.accept(user, &address, from.declared_size).await.map_err(spell)?;
        self.milters.rcpt(&address.to_string()).await.map_err(spell)?;
        Ok(Accepted {
            recipient: Recipient {
                address,
                notify: rcpt.notify,
                orcpt: rcpt.orcpt,
            },
            route,
        })
    }

    /// RFC 5321 §4.1.1.3: `<postmaster>` is the one of this server.
    fn postmaster(&self) -> Result<EmailAddress, BadAddress> {
        EmailAddress::new("postmaster", Host::Domain(Domain::parse(&self.door.entrance.hostname)?))
    }
}
