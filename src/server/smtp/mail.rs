//! MAIL FROM: RFC 5321 §4.1.1.2, RFC 1870 §6.1 (declared size), RFC 6409 §6.1 (whose address it may be).

use super::session::Session;
use super::stage::{Hello, Next, Stage};
use super::{Role, refusal};
use crate::model::access::AccessList;
use crate::model::address::EmailAddress;
use crate::model::envelope::Sender;
use crate::model::refusal::Refusal;
use crate::wire::smtp::reply::{self, Reply};

impl Session {
    /// Begins a transaction.
    pub(super) async fn mail(&mut self, hello: Hello, from: Sender) -> (Stage, Next) {
        if self.is_exhausted() {
            return (Stage::Greeted(hello), Next::HangUp(reply::TOO_MANY_MESSAGES));
        }
        let may_send = self.may_send(&hello, &from).await;
        let may_send = match may_send.and_then(|()| self.admit_message(&hello)) {
            Ok(()) => {
                let login = hello.user.as_ref().map(|user| user.login.as_str());
                self.milters.mail(&from, login).await.map_err(|refused| refusal::spell(&refused))
            }
            no => no,
        };
        match may_send {
            Ok(()) => (Stage::Sender { hello, from }, Next::Say(reply::SENDER_OK)),
            Err(no) => (Stage::Greeted(hello), Next::Say(no)),
        }
    }

    /// Counts a message of a stranger.
    fn admit_message(&self, hello: &Hello) -> Result<(), Reply> {
        let admitted = self.stranger(hello).map(|peer| self.door.entrance.defence.admits_message(peer));
        admitted.unwrap_or(Ok(())).map_err(|refused| refusal::spell(&refused))
    }

    async fn may_send(&self, hello: &Hello, from: &Sender) -> Result<(), Reply> {
        if self.door.role == Role::Submission && hello.user.is_none() {
            return Err(reply::LOGIN_FIRST);
        }
        let most = self.door.intake.max_size();
        if from.declared_size.is_some_and(|size| size > most) {
            return Err(refusal::spell(&Refusal::TooLarge(most)));
        }
        // The null sender is everybody's: RFC 8098 §3 wants it for receipts, which mail clients send.
        let Some(address) = from.path.address() else { return Ok(()) };
        if address.needs_smtputf8() && !from.smtputf8 {
            return Err(reply::NEEDS_SMTPUTF8);
        }
        let Some(user) = &hello.user else {
            return self.is_welcome(address);
        };
        match self.door.entrance.directory.may_send_as(user, address).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refusal::spell(&Refusal::NotYourAddress {
                login: user.login.clone(),
                sender: address.to_string(),
            })),
            Err(refused) => Err(refusal::spell(&refused)),
        }
    }

    /// Whether the operator wants no mail from this sender. What comes by LMTP was taken already, elsewhere.
    fn is_welcome(&self, sender: &EmailAddress) -> Result<(), Reply> {
        let is_blocked = self.door.role == Role::Relay && self.door.entrance.defence.listed(sender) == Some(AccessList::Block);
        match is_blocked {
            true => Err(refusal::spell(&Refusal::NotPermitted(format!("no mail is taken from {sender}")))),
            false => Ok(()),
        }
    }
}
