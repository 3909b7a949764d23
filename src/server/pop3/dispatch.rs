//! Which command is allowed in which state (RFC 1939 §4, §5, §6): the only place that knows.

use super::session::{Answer, Ended, Session, State};
use super::{auth, capa, dele, lang, list, pass, quit, retr, rset, stat, stls, top, uidl, user};
use crate::wire::pop3::command::Command;
use crate::wire::pop3::reply::fixed;

pub(super) async fn dispatch(session: &mut Session, state: &mut State, command: Command) -> Result<Answer, Ended> {
    Ok(match (state, command) {
        (state, Command::Capa) => capa::capa(session, state).await?,
        (_, Command::Lang(range)) => lang::lang(session, range.as_deref()),

        (State::Authorization { user }, Command::User(name)) => Answer::Line(user::user(session, user, name)),
        (state @ State::Authorization { .. }, Command::Pass(password)) => Answer::Line(pass::pass(session, state, password).await),
        (state @ State::Authorization { .. }, Command::Auth(auth)) => auth::auth(session, state, auth).await?,
        (state @ State::Authorization { .. }, Command::Stls) => stls::stls(session, state).await?,
        // RFC 6856 §2: octets beyond ASCII are let through always, so there is nothing to turn on.
        (State::Authorization { .. }, Command::Utf8) => Answer::Line(fixed::UTF8_ON),
        (State::Authorization { .. }, Command::Quit) => Answer::HangUp(fixed::GOODBYE),
        (
            State::Authorization { .. },
            Command::Stat
            | Command::List(_)
            | Command::Uidl(_)
            | Command::Retr(_)
            | Command::Top { .. }
            | Command::Dele(_)
            | Command::Rset
            | Command::Noop,
        ) => Answer::Line(fixed::LOG_IN_FIRST),

        (State::Transaction(maildrop), Command::Stat) => Answer::Line(stat::stat(maildrop)),
        (State::Transaction(maildrop), Command::List(number)) => list::list(session, maildrop, number).await?,
        (State::Transaction(maildrop), Command::Uidl(number)) => uidl::uidl(session, maildrop, number).await?,
        (State::Transaction(maildrop), Command::Retr(number)) => retr::retr(session, maildrop, number).await?,
        (State::Transaction(maildrop), Command::Top { message, lines }) => top::top(session, maildrop, message, lines).await?,
        (State::Transaction(maildrop), Command::Dele(number)) => Answer::Line(dele::dele(maildrop, number)),
        (State::Transaction(maildrop), Command::Rset) => Answer::Line(rset::rset(maildrop)),
        (State::Transaction(_), Command::Noop) => Answer::Line(fixed::NOTHING_DONE),
        (State::Transaction(maildrop), Command::Quit) => Answer::HangUp(quit::quit(maildrop).await),
        (State::Transaction(_), Command::User(_) | Command::Pass(_) | Command::Auth(_) | Command::Stls | Command::Utf8) => {
            Answer::Line(fixed::LOGGED_IN_ALREADY)
        }
    })
}
