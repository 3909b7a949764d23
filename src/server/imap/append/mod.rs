//! APPEND and REPLACE (RFC 3501 §6.3.11, RFC 3502 §6.3.11, RFC 4469 §3, RFC 8508 §3, RFC 4315 §3, RFC 3516 §4.4, RFC 6855 §4).
//!
//! A message goes from the connection to its file in pieces. Each is put into its folder when it is whole and gets its UID with the others
//! at the end: what is broken off leaves nothing. Header fields in UTF-8 are taken from everybody, though RFC 6855 §4 wants them refused
//! from clients that did not ask for it: old clients bring such mail along from elsewhere.

mod assembly;

use std::sync::Arc;

use crate::mail::filter::Cause;
use crate::mail::mailbox::{Draft, Mailbox, Placed};
use crate::model::account::User;
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::server::stream::Gone;
use crate::wire::imap::Utf8;
use crate::wire::imap::append::{Announced, Head, Reader, Replaced};
use crate::wire::imap::frame;
use crate::wire::imap::response::{Code, Status, Word, status};
use crate::wire::imap::sequence::SequenceSet;

use super::access;
use super::outcome::{Done, Fault};
use super::session::{Session, State};

use assembly::{Assembly, Wanted};

/// How much more than the limit is read and thrown away, for a client that does not wait, before the connection is cut instead.
const PATIENCE: u64 = 4;
/// The longest line between literals.
const MAX_LINE: usize = 65_536;
/// Octets that go to the file at a time.
const PIECE: usize = 65_536;

/// Where the messages go.
struct Target {
    user: Arc<User>,
    mailbox: Arc<Mailbox>,
    /// What the user may do there.
    rights: Rights,
    /// The mailbox that is selected: URLs without one are of it, and REPLACE removes from it.
    selected: Option<Arc<Mailbox>>,
    /// Whether it is the user's own.
    is_own: bool,
    /// What REPLACE removes.
    replaces: Option<Uid>,
    /// Whether the client may send UTF-8 in headers as it is (RFC 6855 §4).
    takes_utf8: bool,
}

pub(super) async fn append(session: &mut Session, head: Head) -> Result<Done, Fault> {
    let (mut reader, target) = (Reader::default(), prepare(session, &head).await);
    let mut assembly = target.map(|target| Assembly::new(Arc::clone(&session.imap), target));
    let mut fault = None;
    loop {
        let line = next_line(session).await?;
        let announced = frame::announced(&line);
        let taken = match (&mut assembly, &fault) {
            (Ok(assembly), None) => match reader.line(&line) {
                Ok(pieces) => assembly.take(pieces).await,
                Err(malformed) => Err(Fault::Bad(malformed.to_string().into())),
            },
            _ => Ok(Wanted::Nothing),
        };
        let wanted = taken.unwrap_or_else(|wrong| {
            fault = Some(wrong);
            Wanted::Nothing
        });
        let Some(announced) = announced else { break };
        // A client that waits never sends the octets after a NO; one that does not is read to the end of its command.
        let is_wrong = fault.is_some() || assembly.is_err();
        if announced.waiting && is_wrong {
            break;
        }
        if announced.waiting {
            session.stream.write(b"+ go on\r\n");
        }
        let received = match (&mut assembly, wanted) {
            (Ok(assembly), Wanted::Octets) if !is_wrong => receive(session, announced, assembly.draft()).await?,
            (Ok(assembly), Wanted::Url) if !is_wrong => receive_url(session, announced, assembly).await?,
            _ => receive(session, announced, None).await?,
        };
        if let Err(wrong) = received {
            fault = fault.or(Some(wrong));
        }
    }
    match (assembly?, fault) {
        (_, Some(fault)) => Err(fault),
        (assembly, None) => finish(session, assembly).await,
    }
}

/// Everything that can be wrong before the first message comes.
async fn prepare(session: &Session, head: &Head) -> Result<Target, Fault> {
    let (user, selected) = match &session.state {
        State::Authenticated(user) => (user, None),
        State::Selected(user, selected) => (user, Some(selected)),
        State::NotAuthenticated | State::LoggedOut => return Err(Fault::bad("log in first")),
    };
    let replaces = match (&head.replaces, selected) {
        (None, _) => None,
        (Some(_), None) => return Err(Fault::bad("select a mailbox first")),
        (Some(_), Some(selected)) if selected.read_only => {
            return Err(Fault::No(Code::ReadOnly, "the mailbox is open for reading only".into()));
        }
        (Some(Replaced { uid: false, .. }), Some(_)) if session.enabled.uid_only => return Err(Fault::uid_required()),
        (Some(Replaced { uid, message }), Some(selected)) => {
            // RFC 8508 §4.1.
            selected.require(Rights::TRASH.with(Rights::EXPUNGE))?;
            let picked = selected.uids(&selected.pick(&SequenceSet::one(*message), *uid)?);
            Some(*picked.first().ok_or(Fault::no(Word::NonExistent, "there is no such message"))?)
        }
    };
    let opened = access::target(&session.imap, user, &head.mailbox).await?;
    Ok(Target {
        user: Arc::clone(user),
        mailbox: opened.mailbox,
        rights: opened.rights,
        is_own: opened.is_own,
        selected: selected.map(|selected| Arc::clone(&selected.mailbox)),
        replaces,
        takes_utf8: session.enabled.utf8 == Utf8::Accept,
    })
}

/// All messages are there: now they get their UIDs.
async fn finish(session: &mut Session, assembly: Assembly) -> Result<Done, Fault> {
    let (target, placed) = assembly.finish();
    let uidvalidity = target.mailbox.info().uidvalidity;
    let Some(old) = target.replaces else {
        let uids = Placed::index_all(placed).await.map_err(Fault::of_target)?;
        target.mailbox.tell_brought(&uids);
        if target.is_own {
            session
                .imap
                .tell((&target.user, &target.mailbox), uids.clone(), (Cause::Append, Vec::new()));
        }
        return Ok(Done::with(Code::AppendUid { uidvalidity, uids }, "appended"));
    };
    let (State::Selected(_, selected), Some(new)) = (&session.state, placed.into_iter().next()) else {
        return Err(Refusal::LATER.into());
    };
    let uid = selected.mailbox.replace(old, new).await?;
    if target.is_own {
        session
            .imap
            .tell((&target.user, &target.mailbox), vec![uid], (Cause::Append, Vec::new()));
    }
    let code = Code::AppendUid {
        uidvalidity,
        uids: vec![uid],
    };
    // RFC 8508 §4.3: before the EXPUNGE, so it cannot wait for the tagged OK.
    let mut out = Vec::new();
    status(&mut out, None, Status::Ok, Some(&code), "the replacement is there");
    session.stream.write(&out);
    Ok(match selected.qresync {
        true => Done::with(Code::HighestModSeq(selected.mailbox.highest_modseq()), "replaced"),
        false => Done::new("replaced"),
    })
}

/// The next line of the command, with its end.
async fn next_line(session: &mut Session) -> Result<bytes::BytesMut, Gone> {
    let mut pace = session.pace();
    loop {
        match frame::line(session.stream.input()) {
            Some(length) if length <= MAX_LINE => return Ok(session.take(length)),
            None if session.stream.input().len() <= MAX_LINE => pace.fill_unfinished(&mut session.stream).await?,
            _ => return Err(Gone::Closed),
        }
    }
}

/// Takes the octets off the connection, into the draft if there is one. The inner error is the draft's: the octets are taken even so.
async fn receive(session: &mut Session, literal: Announced, mut draft: Option<&mut Draft>) -> Result<Result<(), Fault>, Gone> {
    let authenticated = !matches!(session.state, State::NotAuthenticated);
    if literal.size > session.imap.max_message.saturating_mul(PATIENCE) || !authenticated {
        return Err(Gone::Closed);
    }
    let (mut left, mut pace) = (literal.size, session.pace());
    let mut outcome = Ok(());
    while left > 0 {
        let have = session.stream.input().len();
        if have == 0 {
            pace.fill_unfinished(&mut session.stream).await?;
            continue;
        }
        let piece = session.take(have.min(PIECE).min(usize::try_from(left).unwrap_or(usize::MAX)));
        left = left.saturating_sub(piece.len() as u64);
        if let (Some(draft), Ok(())) = (&mut draft, &outcome) {
            outcome = draft.write(&piece).await.map_err(Fault::from);
        }
    }
    Ok(outcome)
}

/// Takes a URL that comes as a literal.
async fn receive_url(session: &mut Session, literal: Announced, assembly: &mut Assembly) -> Result<Result<(), Fault>, Gone> {
    let mut pace = session.pace();
    let size = usize::try_from(literal.size).unwrap_or(usize::MAX);
    if size > MAX_LINE {
        return Err(Gone::Closed);
    }
    while session.stream.input().len() < size {
        pace.fill_unfinished(&mut session.stream).await?;
    }
    let octets = session.take(size);
    Ok(match Reader::url(&octets) {
        Ok(piece) => assembly.take(vec![piece]).await.map(drop),
        Err(malformed) => Err(Fault::Bad(malformed.to_string().into())),
    })
}
