//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2, RFC 7162 §3.1.8, §3.2.5, RFC 9051 §6.3.2).

use std::sync::Arc;

use crate::mail::mailbox::Mailbox;
use crate::model::account::User;
use crate::model::mailbox::{Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::wire::imap::command::Select;
use crate::wire::imap::encode::number;
use crate::wire::imap::response::{Code, Status, all_flags};

use super::close;
use super::list::Line;
use super::outcome::{Done, Fault};
use super::selected::Selected;
use super::session::{Session, State};
use super::vanished;

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
    let mailbox = session.imap.mailboxes.open(&user, &name(&select.mailbox)?).await?;
    session.condstore |= select.condstore;
    enter(session, user, mailbox, &select);
    if let (Some(resync), State::Selected(_, selected)) = (&select.resync, &session.state) {
        vanished::resync(selected, resync, &mut session.stream).await?;
    }
    Ok(if select.read_only {
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

/// Says what there is, and makes it the session's mailbox.
fn enter(session: &mut Session, user: Arc<User>, mailbox: Arc<Mailbox>, select: &Select) {
    let (read_only, rev2) = (select.read_only, session.enabled.rev2);
    // RFC 3501 §6.3.2: EXAMINE leaves \Recent to the next who selects; so does a client to which it means nothing.
    let picture = mailbox.picture(!read_only && !rev2);
    let (view, keywords) = (picture.messages, picture.keywords);

    let mut out = b"* FLAGS ".to_vec();
    all_flags(&mut out, &keywords);
    out.extend_from_slice(b"\r\n* ");
    number(&mut out, view.len() as u64);
    out.extend_from_slice(b" EXISTS\r\n");
    if rev2 {
        // RFC 9051 §6.3.2: no RECENT, but the name as it is spelled here.
        Line::named(mailbox.info().name.as_str(), session.enabled.utf8_names())
            .instead_of(&select.mailbox)
            .write(&mut out);
    } else {
        out.extend_from_slice(b"* ");
        number(&mut out, picture.recent.len() as u64);
        out.extend_from_slice(b" RECENT\r\n");
    }
    session.stream.write(&out);

    let unseen = (!rev2)
        .then_some(&view)
        .into_iter()
        .flat_map(|view| view.iter())
        .zip(1_u32..)
        .find(|(message, _)| !message.flags.contains(Flags::SEEN));
    let permanent = Code::PermanentFlags {
        keywords: Arc::clone(&keywords),
        writable: !read_only,
        more: keywords.len() < MAX_KEYWORDS,
    };
    let codes = [
        (unseen.map(|(_, sequence)| Code::Unseen(sequence)), "the first that is unseen"),
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
        condstore: session.condstore,
        qresync: session.qresync,
        enabled: session.enabled,
        view,
        recent: if read_only || rev2 { Vec::new() } else { picture.recent },
        keywords: keywords.len(),
        told: Vec::new(),
    };
    session.state = State::Selected(user, Box::new(selected));
}
