//! APPEND (RFC 3501 §6.3.11, RFC 4315 §3, RFC 3516 §4.4): the message goes from the connection to its file in pieces.

use std::sync::Arc;

use crate::mail::mailbox::{Draft, LineEnds, Mailbox};
use crate::model::refusal::Refusal;
use crate::server::stream::Gone;
use crate::wire::imap::command::Append;
use crate::wire::imap::frame::{self, MessageHead};
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::session::{Session, State};
use super::{flags, select};

/// How much more than the limit is read and thrown away, for a client that does not wait, before the connection is cut instead.
const PATIENCE: u64 = 4;
/// The longest rest of the command after the message.
const MAX_TAIL: usize = 1024;
/// Octets that go to the file at a time.
const PIECE: usize = 65_536;

pub(super) async fn append(session: &mut Session, head: MessageHead) -> Result<Done, Fault> {
    let target = prepare(session, &head).await;
    let (mailbox, mut draft) = match target {
        Ok(target) => target,
        Err(fault) => {
            // A client that waits never sends the message after a NO; one that does not is read to the end of its command.
            if !head.waiting {
                let _ = receive(session, head.size, None).await?;
                finish_line(session).await?;
            }
            return Err(fault);
        }
    };
    if head.waiting {
        session.stream.write(b"+ send the message\r\n");
    }
    let received = receive(session, head.size, Some(&mut draft)).await?;
    finish_line(session).await?;
    received?;
    if head.binary {
        draft = session.imap.mailboxes.without_binary(draft).await.map_err(of_binary)?;
    }
    let Append { flags: named, date, .. } = head.append;
    let bits = flags::to_set(&mailbox, &named).await?;
    let date = date.unwrap_or_else(jiff::Timestamp::now);
    let uid = mailbox.append(draft, bits, date).await?;
    Ok(Done::with(
        Code::AppendUid {
            uidvalidity: mailbox.info().uidvalidity,
            uid,
        },
        "appended",
    ))
}

/// Everything that can be wrong before the message comes.
async fn prepare(session: &Session, head: &MessageHead) -> Result<(Arc<Mailbox>, Draft), Fault> {
    let (State::Authenticated(user) | State::Selected(user, _)) = &session.state else {
        return Err(Fault::bad("log in first"));
    };
    if head.size > session.imap.max_message {
        return Err(Refusal::TooLarge(session.imap.max_message).into());
    }
    // RFC 3502 §6.3.11: nothing is no message.
    if head.size == 0 {
        return Err(Fault::no(Word::Cannot, "the message is empty"));
    }
    let name = select::name(&head.append.mailbox)?;
    let mailbox = session.imap.mailboxes.open(user, &name).await.map_err(Fault::of_target)?;
    // RFC 9208 §4.3.2: a client that waits need not send what does not fit.
    session.imap.mailboxes.check_quota(user, head.size, 1).await?;
    let line_ends = if head.binary { LineEnds::AsTheyAre } else { LineEnds::Mended };
    Ok((mailbox, session.imap.mailboxes.draft(line_ends)))
}

/// RFC 3516 §4.4: what cannot be stored as it came, nor encoded.
fn of_binary(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::BadMessage(problem) => Fault::No(Code::Word(Word::UnknownCte), problem.into()),
        refusal => Fault::Refused(refusal),
    }
}

/// Takes the message off the connection, into the draft if there is one. The inner error is the draft's: the octets are taken even so.
async fn receive(session: &mut Session, size: u64, mut draft: Option<&mut Draft>) -> Result<Result<(), Refusal>, Gone> {
    let authenticated = !matches!(session.state, State::NotAuthenticated);
    if size > session.imap.max_message.saturating_mul(PATIENCE) || !authenticated {
        return Err(Gone::Closed);
    }
    let (mut left, mut pace) = (size, session.pace());
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
            outcome = draft.write(&piece).await;
        }
    }
    Ok(outcome)
}

/// The end of the command behind the message: there is nothing but the line end (no MULTIAPPEND).
async fn finish_line(session: &mut Session) -> Result<(), Fault> {
    let mut pace = session.pace();
    let length = loop {
        if let Some(length) = frame::line(session.stream.input()) {
            break length;
        }
        if session.stream.input().len() > MAX_TAIL {
            return Err(Gone::Closed.into());
        }
        pace.fill_unfinished(&mut session.stream).await?;
    };
    if session.take(length).trim_ascii().is_empty() {
        Ok(())
    } else {
        Err(Fault::bad("one message at a time"))
    }
}
