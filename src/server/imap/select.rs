//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2, RFC 7162 §3.1.8, §3.2.5, RFC 9051 §6.3.2).

use std::sync::Arc;

use crate::mail::mailbox::Coming;
use crate::model::account::User;
use crate::model::mailbox::{Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::wire::imap::command::Select;
use crate::wire::imap::encode::number;
use crate::wire::imap::response::{Code, Status, all_flags};

use super::access::{self, Opened};
use super::close;
use super::list::Line;
use super::outcome::{Done, Fault};
use super::selected::Selected;
use super::session::{Session, State};
use super::vanished;

/// Any of these rights makes a mailbox one that can be changed.
const CHANGES: Rights = Rights::INSERT
    .with(Rights::EXPUNGE)
    .with(Rights::SEEN)
    .with(Rights::WRITE)
    .with(Rights::TRASH);

/// How many keywords a mailbox can have.
const MAX_KEYWORDS: usize = 26;

pub(super) async fn select(session: &mut Session, select: Select) -> Result<Done, Fault> {
    if select.resync.is_some() && !session.qresync {
        // RFC 7162 §3.2.5.
        return Err(Fault::bad("ENABLE QRESYNC comes first"));
    }
    // RFC 3501 §6.3.1: whatever comes of it, the old mailbox is no longer selected.
    if close::leave(session) {
        // RFC 7162 §3.2.11: what comes from here on is not of the old mailbox.
        session.say(None, Status::Ok, Some(&Code::Closed), "the old mailbox is closed");
    }
    let State::Authenticated(user) = &session.state else {
        return Err(Fault::bad("log in first"));
    };
    let user = Arc::clone(user);
    session.condstore |= select.condstore;
    // Who knows modseqs, or hears of changes unasked, is told of messages as they are.
    let waits = session.condstore || session.qresync || session.notices.is_some();
    let (opened, coming) = match waits {
        true => (access::open(&session.imap, &user, &select.mailbox, Rights::READ).await?, None),
        false => access::open_at_once(&session.imap, &user, &select.mailbox).await?,
    };
    enter(session, user, (opened, coming), &select);
    if let (Some(resync), State::Selected(_, selected)) = (&select.resync, &session.state) {
        vanished::resync(selected, resync, &mut session.stream).await?;
    }
    Ok(if is_read_only(session) {
        Done::with(Code::ReadOnly, "the mailbox is open for reading")
    } else {
        Done::with(Code::ReadWrite, "the mailbox is open")
    })
}

/// A mailbox name of the client. One that cannot be is refused like one that may not be.
pub(super) fn name(text: &str) -> Result<MailboxName, Refusal> {
    MailboxName::parse(text).map_err(|bad| Refusal::Invalid {
        field: "mailbox",
        problem: bad.to_string(),
    })
}

/// Whether the mailbox that was opened can only be read.
fn is_read_only(session: &Session) -> bool {
    matches!(&session.state, State::Selected(_, selected) if selected.read_only)
}

/// Says what there is, and makes it the session's mailbox.
fn enter(session: &mut Session, user: Arc<User>, (opened, coming): (Opened, Option<Coming>), select: &Select) {
    let shared = (!opened.is_own).then(|| opened.shown.clone());
    let (mailbox, rights, shown) = (opened.mailbox, opened.rights, opened.shown);
    // RFC 4314 §5.2.
    let read_only = select.read_only || !rights.has_any(CHANGES);
    let rev2 = session.enabled.rev2;
    // RFC 3501 §6.3.2: EXAMINE leaves \Recent to the next who selects; so does a client to which it means nothing.
    let picture = mailbox.picture(!read_only && !rev2, coming.as_ref());
    // RFC 9051 §6.3.2, RFC 9586 §3.5: not where it is no longer told, or sequence numbers are not.
    let is_unseen_told = !rev2 && !session.enabled.uid_only;
    let unseen = is_unseen_told.then(|| mailbox.first_unseen(&picture)).flatten();
    let (view, keywords) = (picture.messages, picture.keywords);

    let mut out = b"* FLAGS ".to_vec();
    all_flags(&mut out, &keywords);
    out.extend_from_slice(b"\r\n* ");
    number(&mut out, view.len() as u64);
    out.extend_from_slice(b" EXISTS\r\n");
    if rev2 {
        // RFC 9051 §6.3.2: no RECENT, but the name as it is spelled here.
        Line::named(shown.as_str(), session.enabled.utf8_names())
            .instead_of(&select.mailbox)
            .write(&mut out);
    } else {
        out.extend_from_slice(b"* ");
        number(&mut out, picture.recent.len() as u64);
        out.extend_from_slice(b" RECENT\r\n");
    }
    session.stream.write(&out);

    let permanent = Code::PermanentFlags {
        keywords: Arc::clone(&keywords),
        changeable: if read_only { Flags::NONE } else { rights.flags() },
        more: keywords.len() < MAX_KEYWORDS && !read_only && rights.contains(Rights::WRITE),
    };
    let codes = [
        (unseen.map(Code::Unseen), "the first that is unseen"),
        (Some(permanent), "flags that stay"),
        (Some(Code::UidValidity(mailbox.info().uidvalidity)), "UIDs are valid"),
        (Some(Code::UidNext(picture.uid_next)), "the next UID"),
        (Some(Code::HighestModSeq(picture.highest_modseq)), "the highest modseq"),
        (Some(Code::MailboxId(mailbox.info().id)), "the mailbox whatever its name"),
    ];
    for (code, text) in codes {
        if code.is_some() {
            session.say(None, Status::Ok, code.as_ref(), text);
        }
    }
    let selected = Selected {
        mailbox,
        read_only,
        rights,
        shared,
        condstore: session.condstore,
        qresync: session.qresync,
        is_mute_of_flags: false,
        enabled: session.enabled,
        view,
        coming: coming.map(Box::new),
        recent: if read_only || rev2 { Vec::new() } else { picture.recent },
        keywords: keywords.len(),
        told: Vec::new(),
        saved: Vec::new(),
        contexts: Vec::new(),
    };
    session.state = State::Selected(user, Box::new(selected));
}
