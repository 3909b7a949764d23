//! AUTHENTICATE PLAIN and LOGIN (RFC 3501 §6.2.2, RFC 4959 §3).

use crate::model::secret::Secret;
use crate::server::stream::Gone;
use crate::wire::imap::command::{Authenticate, Mechanism};
use crate::wire::imap::frame;
use crate::wire::imap::response::Word;
use crate::wire::sasl::{self, BadSasl, PlainCredentials};

use super::login;
use super::outcome::{Done, Fault};
use super::session::Session;

pub(super) async fn authenticate(session: &mut Session, authenticate: Authenticate) -> Result<Done, Fault> {
    if authenticate.mechanism == Mechanism::Unknown {
        return Err(Fault::no(Word::Cannot, "there is no such mechanism"));
    }
    login::may_log_in(session)?;
    let credentials = match authenticate.mechanism {
        Mechanism::Plain => plain(session, authenticate.initial).await?,
        _ => name_and_password(session, authenticate.initial).await?,
    };
    // Nobody may act for another here.
    let authzid = credentials.authzid.as_deref();
    if authzid.is_some_and(|authzid| !authzid.eq_ignore_ascii_case(&credentials.login)) {
        return Err(Fault::no(Word::AuthorizationFailed, "you may only act as yourself"));
    }
    login::check(session, &credentials.login, &credentials.password).await
}

async fn plain(session: &mut Session, initial: Option<Secret>) -> Result<PlainCredentials, Fault> {
    let message = first(session, initial, "").await?;
    sasl::plain(&message).map_err(bad)
}

async fn name_and_password(session: &mut Session, initial: Option<Secret>) -> Result<PlainCredentials, Fault> {
    let name = first(session, initial, sasl::LOGIN_ASKS_NAME).await?;
    let password = ask(session, sasl::LOGIN_ASKS_PASSWORD).await?;
    sasl::login(&name, &password).map_err(bad)
}

/// The first message: it may have come with the command (RFC 4959 §3).
async fn first(session: &mut Session, initial: Option<Secret>, challenge: &str) -> Result<Vec<u8>, Fault> {
    match initial {
        Some(initial) => sasl::initial_response(initial.expose().as_bytes()).map_err(bad),
        None => ask(session, challenge).await,
    }
}

/// Sends a challenge, which is in base64, and waits for its answer.
async fn ask(session: &mut Session, challenge: &str) -> Result<Vec<u8>, Fault> {
    session.stream.write(format!("+ {challenge}\r\n").as_bytes());
    let length = loop {
        if let Some(length) = frame::line(session.stream.input()) {
            break length;
        }
        if session.stream.input().len() > sasl::MAX_RESPONSE {
            return Err(Gone::Closed.into());
        }
        session.fill().await?;
    };
    let line = session.take(length);
    sasl::response(line.trim_ascii_end()).map_err(bad)
}

/// RFC 3501 §6.2.2: what is cancelled or malformed is answered with BAD.
fn bad(problem: BadSasl) -> Fault {
    Fault::Bad(problem.to_string().into())
}
