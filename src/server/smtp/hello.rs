//! EHLO, HELO, LHLO, and STARTTLS, which makes the client greet again.
//!
//! RFC 5321 §4.1.1.1, RFC 2033 §4.1, RFC 3207 §4.

use super::session::Session;
use super::stage::{Hello, Next, Stage};
use super::{Role, refusal};
use crate::wire::sasl::Mechanism;
use crate::wire::smtp::command::Greeting;
use crate::wire::smtp::reply;

impl Session {
    /// A greeting: forgets a transaction under way (RFC 5321 §4.1.4), but not who is logged in.
    pub(super) async fn hello(&mut self, stage: Stage, greeting: Greeting, name: String) -> (Stage, Next) {
        let wrong = match (self.door.role, greeting) {
            (Role::Lmtp, Greeting::Helo | Greeting::Ehlo) => Some(reply::ONLY_LHLO),
            (Role::Relay | Role::Submission, Greeting::Lhlo) => Some(reply::ONLY_EHLO),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return (stage, Next::Say(wrong));
        }
        if let Err(refused) = self.milters.helo(&name, self.stream.tls_description().as_deref()).await {
            return (stage.reset(), Next::Say(refusal::spell(&refused)));
        }
        let extensions = if greeting == Greeting::Helo {
            Vec::new()
        } else {
            self.extensions()
        };
        let user = stage.into_user();
        let stage = Stage::Greeted(Hello { greeting, name, user });
        (stage, Next::Say(reply::hello(&self.door.entrance.hostname, &extensions)))
    }

    fn extensions(&self) -> Vec<String> {
        let mut extensions = vec![
            String::from("PIPELINING"),
            format!("SIZE {}", self.door.intake.max_size()),
            String::from("ENHANCEDSTATUSCODES"),
            String::from("8BITMIME"),
            String::from("SMTPUTF8"),
            String::from("CHUNKING"),
            String::from("DSN"),
        ];
        if self.offers_tls() {
            extensions.push("STARTTLS".into());
        }
        let offer = self.door.entrance.offer(&self.stream);
        if self.door.role == Role::Submission && offer.login {
            let names: Vec<_> = offer.mechanisms().map(Mechanism::as_str).collect();
            extensions.push(format!("AUTH {}", names.join(" ")));
        }
        extensions
    }

    fn offers_tls(&self) -> bool {
        // Over a Unix socket there is nobody to hide from.
        !self.stream.is_tls() && self.stream.peer().is_some()
    }

    /// STARTTLS: everything known so far is forgotten (RFC 3207 §4.2).
    pub(super) fn start_tls(&self, stage: Stage) -> (Stage, Next) {
        if self.offers_tls() {
            (Stage::Fresh, Next::StartTls)
        } else if self.stream.is_tls() {
            (stage, Next::Say(reply::TLS_ALREADY))
        } else {
            (stage, Next::Say(reply::NO_TLS))
        }
    }
}
