//! AUTHENTICATE (RFC 3501 §6.2.2, RFC 4959 §3).

use std::sync::Arc;

use crate::model::login::Protocol;
use crate::server::sasl::{self, Dialogue, Start, Stop};
use crate::server::stream::Gone;
use crate::wire::imap::command::Authenticate;
use crate::wire::imap::frame;
use crate::wire::imap::response::Word;
use crate::wire::sasl::{BadSasl, MAX_RESPONSE, challenge, response};

use super::login;
use super::outcome::{Done, Fault};
use super::session::Session;

pub(super) async fn authenticate(session: &mut Session, authenticate: Authenticate) -> Result<Done, Fault> {
    let offer = session.imap.entrance.offer(&session.stream);
    let known = authenticate.mechanism.filter(|mechanism| !offer.login || offer.has(*mechanism));
    let mechanism = known.ok_or(Fault::no(Word::Cannot, "there is no such mechanism"))?;
    login::may_log_in(session)?;
    let initial = authenticate.initial.as_ref().map(|initial| initial.expose().as_bytes());
    let start = Start::new(Protocol::Imap, mechanism, initial, &session.stream);
    let imap = Arc::clone(&session.imap);
    match sasl::log_in(session, &imap.entrance, start).await {
        Ok(login) => login::enter(session, login).await,
        Err(Stop::End(gone)) => Err(gone.into()),
        // RFC 3501 §6.2.2: what is cancelled or malformed is answered with BAD.
        Err(Stop::Bad(bad)) => Err(Fault::Bad(bad.to_string().into())),
        Err(Stop::NotYourself) => Err(Fault::no(Word::AuthorizationFailed, "you may only act as yourself")),
        Err(Stop::Refused(refusal)) => Err(refusal.into()),
    }
}

impl Dialogue for Session {
    type End = Gone;

    async fn ask(&mut self, octets: &[u8]) -> Result<Result<Vec<u8>, BadSasl>, Gone> {
        self.stream.write(format!("+ {}\r\n", challenge(octets)).as_bytes());
        let mut too_long = false;
        loop {
            if let Some(length) = frame::line(self.stream.input()) {
                let line = self.take(length);
                return Ok(if too_long {
                    Err(BadSasl::TooLong)
                } else {
                    response(line.trim_ascii_end())
                });
            }
            if self.stream.input().len() > MAX_RESPONSE {
                too_long = true;
                self.stream.input().clear();
            }
            self.fill().await?;
        }
    }
}
