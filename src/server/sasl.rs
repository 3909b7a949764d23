//! AUTH, AUTHENTICATE and AUTH: the exchange itself, which is the same in SMTP, IMAP and POP3 (RFC 4422 §3).
//!
//! A door says challenges and reads responses in its own way; which follow on one another, and what they are worth, is known here
//! alone. Nobody acts for another: an authorization identity that is not the own one is refused.

use super::entrance::Entrance;
use super::stream::Stream;
use crate::mail::directory::{Login, Visit};
use crate::model::login::Protocol;
use crate::model::refusal::Refusal;
use crate::wire::sasl::bearer::{self, Bearer};
use crate::wire::sasl::plain::{self, PlainCredentials};
use crate::wire::sasl::scram::{Binding, ClientFirst, TLS_EXPORTER};
use crate::wire::sasl::{self, BadSasl, Mechanism};

/// A door amid an exchange.
pub(super) trait Dialogue {
    /// How its session can end meanwhile.
    type End;

    /// Says a challenge and reads the response: decoded, or what is wrong with it.
    async fn ask(&mut self, challenge: &[u8]) -> Result<Result<Vec<u8>, BadSasl>, Self::End>;
}

/// How an exchange begins.
pub(super) struct Start {
    mechanism: Mechanism,
    initial: Option<Vec<u8>>,
    visit: Visit,
    /// Whether the client could have named the connection, and its name.
    binding: Option<[u8; 32]>,
}

/// Why nobody is logged in by it.
pub(super) enum Stop<E> {
    /// The session is over.
    End(E),
    /// What the client says is no use.
    Bad(BadSasl),
    /// The client would be somebody else.
    NotYourself,
    /// The directory says no.
    Refused(Refusal),
}

impl<E> From<BadSasl> for Stop<E> {
    fn from(bad: BadSasl) -> Self {
        Self::Bad(bad)
    }
}

impl<E> From<Refusal> for Stop<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Start {
    /// The mechanism, the initial response as it came in base64 (RFC 4959 §3), and what the connection adds.
    pub(super) fn new(protocol: Protocol, mechanism: Mechanism, initial: Option<&[u8]>, stream: &Stream) -> Self {
        Self {
            mechanism,
            initial: initial.map(<[u8]>::to_vec),
            visit: stream.visit(protocol),
            binding: stream.exporter(),
        }
    }
}

/// Goes through the exchange to its end.
pub(super) async fn log_in<D: Dialogue>(dialogue: &mut D, entrance: &Entrance, start: Start) -> Result<Login, Stop<D::End>> {
    let first = match &start.initial {
        Some(word) => sasl::initial_response(word)?,
        None if start.mechanism == Mechanism::Login => ask(dialogue, plain::LOGIN_ASKS_NAME).await?,
        None => ask(dialogue, b"").await?,
    };
    match start.mechanism {
        Mechanism::Plain => with_password(entrance, plain::plain(&first)?, start.visit).await,
        Mechanism::Login => {
            let password = ask(dialogue, plain::LOGIN_ASKS_PASSWORD).await?;
            with_password(entrance, plain::login(&first, &password)?, start.visit).await
        }
        Mechanism::OAuthBearer => {
            let seen = (bearer::OAUTHBEARER_REFUSED, bearer::OAUTHBEARER_SEEN);
            with_token(dialogue, entrance, (bearer::oauthbearer(&first)?, start.visit), seen).await
        }
        Mechanism::XOAuth2 => {
            let given = (bearer::xoauth2(&first)?, start.visit);
            with_token(dialogue, entrance, given, (bearer::XOAUTH2_REFUSED, b"")).await
        }
        Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => with_proof(dialogue, entrance, &start, &first).await,
    }
}

async fn ask<D: Dialogue>(dialogue: &mut D, challenge: &[u8]) -> Result<Vec<u8>, Stop<D::End>> {
    Ok(dialogue.ask(challenge).await.map_err(Stop::End)??)
}

/// RFC 4616 §2: to act as somebody else is a right that nobody has here.
fn as_oneself<E>(authzid: Option<&str>, login: &str) -> Result<(), Stop<E>> {
    match authzid {
        Some(authzid) if !authzid.eq_ignore_ascii_case(login) => Err(Stop::NotYourself),
        _ => Ok(()),
    }
}

async fn with_password<E>(entrance: &Entrance, credentials: PlainCredentials, visit: Visit) -> Result<Login, Stop<E>> {
    let PlainCredentials { authzid, login, password } = credentials;
    as_oneself(authzid.as_deref(), &login)?;
    Ok(entrance.directory.authenticate(&login, &password, visit).await?)
}

/// A token of ours; a client whose token is refused is told so by a challenge before the exchange fails (RFC 7628 §3.2.3).
async fn with_token<D: Dialogue>(
    dialogue: &mut D,
    entrance: &Entrance,
    (given, visit): (Bearer, Visit),
    (refused, seen): (&[u8], &[u8]),
) -> Result<Login, Stop<D::End>> {
    match entrance.directory.token_login(&given.token, visit).await {
        Ok(login) => {
            as_oneself(given.authzid.as_deref(), &login.user.login)?;
            Ok(login)
        }
        Err(Refusal::BadCredentials) => {
            let answer = ask(dialogue, refused).await?;
            Err(if answer == seen {
                Refusal::BadCredentials.into()
            } else {
                BadSasl::Malformed.into()
            })
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// SCRAM (RFC 5802 §5).
async fn with_proof<D: Dialogue>(dialogue: &mut D, entrance: &Entrance, start: &Start, first: &[u8]) -> Result<Login, Stop<D::End>> {
    let first = ClientFirst::parse(first)?;
    as_oneself(first.authzid.as_deref(), &first.login)?;
    let connection = named_connection(start, &first.binding)?;
    let (login, keys) = entrance.directory.begin_scram(&first.login, start.visit).await?;
    let nonce = sasl::challenge(&rand::random::<[u8; 18]>());
    let exchange = first.answer(keys, &nonce);
    let last = ask(dialogue, exchange.challenge()).await?;
    let verifier = exchange.finish(&last, connection.as_ref().map(<[u8; 32]>::as_slice))?;
    let login = entrance.directory.finish_scram(login, verifier.is_some())?;
    // RFC 4422 §3.4: where success carries no data, the last message goes as a challenge, to an empty response.
    let end = ask(dialogue, verifier.unwrap_or_default().as_bytes()).await?;
    if end.is_empty() {
        Ok(login)
    } else {
        Err(BadSasl::Malformed.into())
    }
}

/// RFC 5802 §6: the client names the connection with PLUS and only with it; and one that believes we could not name it, where we
/// offered to, was lied to on the way.
fn named_connection<E>(start: &Start, binding: &Binding) -> Result<Option<[u8; 32]>, Stop<E>> {
    let plus = start.mechanism == Mechanism::ScramSha256Plus;
    match (binding, start.binding) {
        (Binding::Named(way), Some(name)) if plus && way == TLS_EXPORTER => Ok(Some(name)),
        (Binding::None, _) | (Binding::Possible, None) if !plus => Ok(None),
        (Binding::Possible, Some(_)) if !plus => Err(Refusal::BadCredentials.into()),
        _ => Err(BadSasl::Malformed.into()),
    }
}
