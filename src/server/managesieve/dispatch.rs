//! Which command is allowed in which state (RFC 5804 §2): the only place that knows.

use super::session::{Answer, Ended, Session, State};
use super::{
    authenticate, checkscript, deletescript, getscript, havespace, listscripts, noop, putscript, renamescript, setactive, starttls,
    unauthenticate,
};
use crate::wire::managesieve::command::Command;
use crate::wire::managesieve::response::Response;

pub(super) async fn dispatch(session: &mut Session, state: &mut State, command: Command) -> Result<Answer, Ended> {
    Ok(match (state, command) {
        (state, Command::Capability) => {
            session.list_capabilities(state);
            Answer::Say(Response::ok(""))
        }
        (_, Command::Noop(tag)) => Answer::Say(noop::noop(tag)),
        (_, Command::Logout) => Answer::Written,

        (state @ State::Start, Command::Authenticate { mechanism, initial }) => {
            authenticate::authenticate(session, state, mechanism, initial.as_ref()).await?
        }
        (state @ State::Start, Command::StartTls) => starttls::starttls(session, state).await?,
        (State::Start, Command::Unauthenticate) => Answer::Say(Response::no(None, "nobody is logged in")),
        (
            State::Start,
            Command::HaveSpace { .. }
            | Command::PutScript { .. }
            | Command::ListScripts
            | Command::SetActive(_)
            | Command::GetScript(_)
            | Command::DeleteScript(_)
            | Command::RenameScript { .. }
            | Command::CheckScript(_),
        ) => Answer::Say(Response::no(None, "log in first, with AUTHENTICATE")),

        (State::LoggedIn { .. }, Command::Authenticate { .. } | Command::StartTls) => {
            Answer::Say(Response::no(None, "you are logged in already"))
        }
        (state @ State::LoggedIn { .. }, Command::Unauthenticate) => Answer::Say(unauthenticate::unauthenticate(state)),
        (State::LoggedIn { user, .. }, Command::HaveSpace { name, size }) => {
            Answer::Say(havespace::havespace(session, user, &name, size).await)
        }
        (State::LoggedIn { user, .. }, Command::PutScript { name, text }) => {
            Answer::Say(putscript::putscript(session, user, &name, &text).await)
        }
        (State::LoggedIn { user, .. }, Command::ListScripts) => Answer::Say(listscripts::listscripts(session, user).await),
        (State::LoggedIn { user, .. }, Command::SetActive(name)) => Answer::Say(setactive::setactive(session, user, name.as_deref()).await),
        (State::LoggedIn { user, .. }, Command::GetScript(name)) => Answer::Say(getscript::getscript(session, user, &name).await),
        (State::LoggedIn { user, .. }, Command::DeleteScript(name)) => Answer::Say(deletescript::deletescript(session, user, &name).await),
        (State::LoggedIn { user, .. }, Command::RenameScript { from, to }) => {
            Answer::Say(renamescript::renamescript(session, user, &from, &to).await)
        }
        (State::LoggedIn { user, .. }, Command::CheckScript(text)) => Answer::Say(checkscript::checkscript(session, user, &text).await),
    })
}
