//! Which command is allowed where, and who does it: the only place that knows (RFC 3501 §6).

use crate::model::account::User;
use crate::server::stream::Stream;
use crate::wire::imap::command::{Command, Tag};

use super::outcome::{Done, Fault};
use super::search::Asked;
use super::session::{Enabled, Session, State};
use super::{
    Imap, acl, authenticate, close, compress, copy, create, delete, enable, expunge, fetch, id, idle, list, login, logout, lsub, metadata,
    namespace, noop, notify, quota, relocate, rename, search, select, sort, start_tls, status, store, subscribe, thread, unauthenticate,
};

/// Whether EXPUNGE responses may come with the answer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expunges {
    /// They may.
    Sent,
    /// They are what the command is for.
    Own,
    /// They wait: the client counts on its sequence numbers.
    Held,
    /// They wait, and so does all else: the client was told this moment what there is.
    AllHeld,
}

/// RFC 3501 §7.4.1: not with FETCH, STORE and SEARCH; with their UID forms they may. Nor with SELECT: many a client takes its answer for
/// one picture, and loses count when a message of it goes before the picture is whole.
pub(super) fn expunges(command: &Command) -> Expunges {
    match command {
        Command::Fetch(fetch) if !fetch.uid => Expunges::Held,
        Command::Store(store) if !store.uid => Expunges::Held,
        Command::Search(search) if !search.uid => Expunges::Held,
        // RFC 5256 BASE.7.2: as with SEARCH.
        Command::Sort(sort) if !sort.uid => Expunges::Held,
        Command::Thread(thread) if !thread.uid => Expunges::Held,
        Command::Select(_) => Expunges::AllHeld,
        Command::Expunge(_) | Command::Move(_) => Expunges::Own,
        _ => Expunges::Sent,
    }
}

/// Does a command. IDLE, in which sessions spend their lives, has a future of its own on the heap: it must not hold the room that the
/// others need.
pub(super) async fn dispatch(session: &mut Session, tag: &Tag, command: Command) -> Result<Done, Fault> {
    match (&session.state, command) {
        (State::Authenticated(_) | State::Selected(..), Command::Idle) => Box::pin(idle::idle(session)).await,
        (_, command) => Box::pin(at_once(session, tag, command)).await,
    }
}

/// Does a command that does not wait for the client.
async fn at_once(session: &mut Session, tag: &Tag, command: Command) -> Result<Done, Fault> {
    match (&mut session.state, command) {
        // Any state (§6.1).
        (_, Command::Capability) => Ok(enable::capability(session)),
        (_, Command::Id(client)) => Ok(id::id(session, &client)),
        (_, Command::Logout) => Ok(logout::logout(session)),
        (State::Selected(_, selected), Command::Noop | Command::Check) => noop::noop(selected).await,
        (_, Command::Noop) => Ok(Done::new("nothing was done")),

        // Not authenticated (§6.2).
        (State::NotAuthenticated, Command::StartTls) => start_tls::start_tls(session),
        (State::NotAuthenticated, Command::Authenticate(authenticate)) => authenticate::authenticate(session, authenticate).await,
        (State::NotAuthenticated, Command::Login(login)) => login::login(session, login).await,
        (State::NotAuthenticated | State::LoggedOut, _) => Err(Fault::bad("log in first")),
        (_, Command::StartTls | Command::Authenticate(_) | Command::Login(_)) => Err(Fault::bad("logged in already")),

        // Selected (§6.4).
        (State::Selected(_, selected), Command::Fetch(fetch)) => fetch::fetch(selected, &fetch, &mut session.stream).await,
        (State::Selected(user, selected), Command::Store(store)) => {
            store::store(&session.imap, (user, selected), store, &mut session.stream).await
        }
        (State::Selected(_, selected), Command::Search(search)) => {
            let (settings, stream) = (&session.imap.settings, &mut session.stream);
            search::search(selected, search, Asked { tag, stream, settings }).await
        }
        (State::Selected(_, selected), Command::Sort(sort)) => {
            let (settings, stream) = (&session.imap.settings, &mut session.stream);
            sort::sort(selected, sort, Asked { tag, stream, settings }).await
        }
        (State::Selected(_, selected), Command::Thread(thread)) => {
            let (imap, stream) = (&session.imap, &mut session.stream);
            let settings = &imap.settings;
            thread::thread(&imap.threads, selected, thread, Asked { tag, stream, settings }).await
        }
        (State::Selected(_, selected), Command::CancelUpdate(tags)) => Ok(search::cancel_update(selected, &tags)),
        (State::Selected(user, selected), Command::Copy(copy)) => copy::copy(&session.imap, user, selected, &copy).await,
        (State::Selected(user, selected), Command::Move(relocate)) => {
            let (imap, stream) = (&session.imap, &mut session.stream);
            relocate::relocate(imap, (user, selected), &relocate, stream).await
        }
        (State::Selected(_, selected), Command::Expunge(set)) => expunge::expunge(selected, set.as_ref()).await,
        (State::Selected(..), Command::Close) => close::close(session).await,
        (State::Selected(..), Command::Unselect) => Ok(close::unselect(session)),

        // Authenticated or selected (§6.3).
        (_, Command::Enable(names)) => Ok(enable::enable(session, &names)),
        (_, Command::Select(select)) => select::select(session, select).await,
        (_, Command::Namespace) => Ok(namespace::namespace(&session.imap, &mut session.stream)),
        (_, Command::Notify(notify)) => notify::notify(session, notify).await,
        (_, Command::Unauthenticate) => unauthenticate::unauthenticate(session),
        (_, Command::Compress) => compress::compress(session),
        (State::Authenticated(user) | State::Selected(user, _), command) => {
            let client = (&mut session.stream, session.enabled);
            on_mailboxes(&session.imap, user, command, client).await
        }
    }
}

/// The commands that name mailboxes and leave the session's state as it is.
async fn on_mailboxes(imap: &Imap, user: &User, command: Command, client: (&mut Stream, Enabled)) -> Result<Done, Fault> {
    let (stream, enabled) = client;
    let utf8 = enabled.utf8_names();
    match command {
        Command::Create(create) => create::create(imap, user, create, (stream, enabled)).await,
        Command::Delete(name) => delete::delete(imap, user, &name).await,
        Command::Rename { from, to } => rename::rename(imap, user, (&from, &to), (stream, enabled)).await,
        Command::Subscribe(name) => subscribe::subscribe(imap, user, &name).await,
        Command::Unsubscribe(name) => subscribe::unsubscribe(imap, user, &name).await,
        Command::List(list) => list::list(imap, user, list, (stream, utf8)).await,
        Command::Lsub { reference, pattern } => lsub::lsub(imap, user, (&reference, &pattern), (stream, utf8)).await,
        Command::GetQuota(root) => quota::get_quota(imap, user, &root, stream).await,
        Command::GetQuotaRoot(mailbox) => quota::get_quota_root(imap, user, &mailbox, (stream, utf8)).await,
        Command::GetAcl(mailbox) => acl::get(imap, user, &mailbox, (stream, utf8)).await,
        Command::SetAcl(set) => acl::set(imap, user, set, stream.peer()).await,
        Command::ListRights { mailbox, identifier } => acl::list_rights(imap, user, (&mailbox, &identifier), (stream, utf8)).await,
        Command::MyRights(mailbox) => acl::my_rights(imap, user, &mailbox, (stream, utf8)).await,
        Command::GetMetadata(get) => metadata::get(imap, user, &get, (stream, utf8)).await,
        Command::SetMetadata { mailbox, values } => metadata::set(imap, user, (&mailbox, &values)).await,
        Command::SetQuota => Err(quota::set_quota()),
        Command::Status { mailbox, items } => status::status(imap, user, (&mailbox, &items), (stream, utf8)).await,
        _ => Err(Fault::bad("select a mailbox first")),
    }
}
