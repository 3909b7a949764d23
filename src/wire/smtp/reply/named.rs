//! The replies of our server, by name. Their texts are ASCII (RFC 5321 §4.2, textstring).
//!
//! RFC 5321 §4.2.3 (codes), RFC 3463 §3 (enhanced codes), RFC 4954 §6 (AUTH), RFC 3207 §4 (STARTTLS).

use std::borrow::Cow;
use std::fmt::Display;

use super::Reply;
use crate::model::ids::MailId;
use crate::wire::sasl;
use crate::wire::smtp::body::Fault;
use crate::wire::smtp::command::BadCommand;
use crate::wire::smtp::line::BadLine;

// --- the session ---

/// The greeting; `protocol` is `ESMTP` or `LMTP`.
pub fn greeting(hostname: &str, protocol: &str) -> Reply {
    Reply::bare(220, Cow::Owned(format!("{hostname} {protocol} Posthouse")))
}

/// The answer to EHLO and LHLO: the extensions, one a line (RFC 5321 §4.1.1.1); to HELO: none.
pub fn hello(hostname: &str, extensions: &[String]) -> Reply {
    let mut text = hostname.to_owned();
    for extension in extensions {
        text.push('\n');
        text.push_str(extension);
    }
    Reply::bare(250, Cow::Owned(text))
}

/// Too many connections, instead of the greeting: a whole line, since the listener that says it knows no protocol.
pub const TOO_MANY_CONNECTIONS: &str = "421 4.7.0 Too many connections from your address, try again later\r\n";
/// The server stops.
pub const STOPPING: Reply = Reply::fixed(421, (4, 3, 2), "The server is shutting down, try again later");
/// The account of whoever is logged in was disabled or removed, or its password changed.
pub const ACCOUNT_CHANGED: Reply = Reply::fixed(421, (4, 7, 0), "Your account was changed, connect and log in again");
/// Nothing came for too long.
pub const TIMED_OUT: Reply = Reply::fixed(421, (4, 4, 2), "Timed out, closing the connection");
/// `smtp.max_errors` is reached.
pub const TOO_MANY_ERRORS: Reply = Reply::fixed(421, (4, 7, 0), "Too many errors, closing the connection");
/// `defence.max_unknown_recipients` is reached.
pub const TOO_MANY_UNKNOWN: Reply = Reply::fixed(421, (4, 7, 1), "Too many unknown recipients, closing the connection");
/// `smtp.max_messages_per_session` is reached.
pub const TOO_MANY_MESSAGES: Reply = Reply::fixed(421, (4, 7, 0), "Too many messages in one session, connect again for more");
/// More was sent after a message became too large than we read to be polite.
pub const FAR_TOO_LARGE: Reply = Reply::fixed(421, (4, 3, 4), "The message is far larger than the limit, closing the connection");
/// QUIT.
pub const BYE: Reply = Reply::fixed(221, (2, 0, 0), "Bye");
/// NOOP.
pub const OK: Reply = Reply::fixed(250, (2, 0, 0), "Ok");
/// HELP.
pub const HELP: Reply = Reply::fixed(
    214,
    (2, 0, 0),
    "Commands: EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH",
);
/// VRFY: nobody is told who lives here (RFC 5321 §3.5.3).
pub const VRFY: Reply = Reply::fixed(252, (2, 5, 0), "Cannot verify the address, but will take mail for it and try");

// --- wrong commands ---

/// A line that is none.
pub fn bad_line(bad: BadLine) -> Reply {
    match bad {
        BadLine::TooLong => Reply::fixed(500, (5, 5, 6), "The line is too long"),
        BadLine::BareLineEnd => Reply::fixed(
            500,
            (5, 5, 2),
            "A bare LF or CR is not allowed, lines end with CRLF (RFC 5321 section 2.3.8)",
        ),
        BadLine::Null => Reply::fixed(500, (5, 5, 2), "A null octet is not allowed"),
    }
}

/// A line that is no command.
pub fn bad_command(bad: BadCommand) -> Reply {
    match bad {
        BadCommand::Unknown => Reply::fixed(500, (5, 5, 2), "Command not recognised"),
        BadCommand::NotImplemented => Reply::fixed(502, (5, 5, 1), "Command not implemented"),
        BadCommand::Syntax(problem) => Reply::worded(501, (5, 5, 2), format!("Syntax: {problem}")),
        BadCommand::Parameter(problem) => Reply::worded(501, (5, 5, 4), format!("Syntax: {problem}")),
        // RFC 5321 §4.1.1.11.
        BadCommand::UnknownParameter => Reply::fixed(555, (5, 5, 4), "A parameter is not recognised"),
        BadCommand::Sender(problem) => Reply::worded(501, (5, 1, 7), format!("The sender is no address: {problem}")),
        BadCommand::Recipient(problem) => Reply::worded(501, (5, 1, 3), format!("The recipient is no address: {problem}")),
    }
}

/// MAIL before a greeting.
pub const HELLO_FIRST: Reply = Reply::fixed(503, (5, 5, 1), "Say EHLO first");
/// The same for LMTP.
pub const LHLO_FIRST: Reply = Reply::fixed(503, (5, 5, 1), "Say LHLO first");
/// EHLO or HELO to LMTP (RFC 2033 §4.1).
pub const ONLY_LHLO: Reply = Reply::fixed(500, (5, 5, 1), "This is LMTP: say LHLO");
/// LHLO to SMTP.
pub const ONLY_EHLO: Reply = Reply::fixed(500, (5, 5, 1), "This is SMTP: say EHLO");
/// RCPT, DATA or BDAT before MAIL.
pub const MAIL_FIRST: Reply = Reply::fixed(503, (5, 5, 1), "Say MAIL first");
/// DATA or BDAT before RCPT.
pub const RCPT_FIRST: Reply = Reply::fixed(503, (5, 5, 1), "No recipient was accepted");
/// DATA after a RCPT that was refused, in SMTP (RFC 5321 §3.3).
pub const NO_VALID_RECIPIENT: Reply = Reply::fixed(554, (5, 5, 1), "No valid recipients");
/// MAIL, AUTH or another command amid a transaction.
pub const IN_TRANSACTION: Reply = Reply::fixed(503, (5, 5, 1), "Not during a mail transaction");
/// DATA or RCPT after BDAT (RFC 3030 §2).
pub const ONLY_BDAT: Reply = Reply::fixed(503, (5, 5, 1), "After BDAT only BDAT or RSET");

// --- the transaction ---

/// MAIL.
pub const SENDER_OK: Reply = Reply::fixed(250, (2, 1, 0), "Sender ok");
/// RCPT.
pub const RECIPIENT_OK: Reply = Reply::fixed(250, (2, 1, 5), "Recipient ok");
/// RSET.
pub const RESET: Reply = Reply::fixed(250, (2, 0, 0), "Forgotten");
/// DATA.
pub const GO_AHEAD: Reply = Reply::bare(354, Cow::Borrowed("Send the message, end with a line of one dot"));
/// An address in UTF-8 without the SMTPUTF8 parameter (RFC 6531 §3.5).
pub const NEEDS_SMTPUTF8: Reply = Reply::fixed(553, (5, 6, 7), "The address needs the SMTPUTF8 parameter of MAIL");
/// `smtp.max_recipients` is reached (RFC 5321 §4.5.3.1.10).
pub const TOO_MANY_RECIPIENTS: Reply = Reply::fixed(452, (4, 5, 3), "Too many recipients");
/// `smtp.max_received` is reached (RFC 5321 §6.3).
pub const TOO_MANY_HOPS: Reply = Reply::fixed(554, (5, 4, 6), "Too many Received lines: the message goes round in a circle");

/// A faulty body, told at its end.
pub fn bad_body(fault: Fault) -> Reply {
    match fault {
        Fault::BareLineEnd => Reply::fixed(
            550,
            (5, 6, 0),
            "Refused: bare LF/CR is not allowed in a message (RFC 5321 section 2.3.8)",
        ),
        Fault::Null => Reply::fixed(550, (5, 6, 0), "Refused: a null octet is not allowed in a message"),
    }
}

/// A message is on stable storage.
pub fn accepted(id: MailId) -> Reply {
    Reply::worded(250, (2, 0, 0), format!("Ok: accepted as {id}"))
}

/// The same for one recipient (RFC 2033 §4.2).
pub fn accepted_for(recipient: impl Display, id: MailId) -> Reply {
    Reply::worded(250, (2, 0, 0), format!("<{recipient}> Ok: accepted as {id}"))
}

/// A chunk that is not the last (RFC 3030 §2).
pub fn chunk_ok(octets: u64) -> Reply {
    Reply::worded(250, (2, 0, 0), format!("{octets} octets received"))
}

// --- TLS and AUTH ---

/// STARTTLS.
pub const START_TLS: Reply = Reply::fixed(220, (2, 0, 0), "Ready to start TLS");
/// STARTTLS within TLS.
pub const TLS_ALREADY: Reply = Reply::fixed(503, (5, 5, 1), "TLS is on already");
/// STARTTLS over a Unix socket.
pub const NO_TLS: Reply = Reply::fixed(502, (5, 5, 1), "There is no TLS here");
/// MAIL without login at submission (RFC 6409 §4.3).
pub const LOGIN_FIRST: Reply = Reply::fixed(530, (5, 7, 0), "Authentication required");
/// AUTH where it is not offered.
pub const NO_AUTH: Reply = Reply::fixed(502, (5, 5, 1), "There is no AUTH here, use the submission port");
/// AUTH in clear text.
pub const AUTH_NEEDS_TLS: Reply = Reply::fixed(538, (5, 7, 11), "Encryption required: say STARTTLS first");
/// AUTH after AUTH (RFC 4954 §4).
pub const AUTH_ALREADY: Reply = Reply::fixed(503, (5, 5, 1), "You are logged in already");
/// AUTH with another mechanism.
pub const UNKNOWN_MECHANISM: Reply = Reply::fixed(504, (5, 5, 4), "The mechanism is not offered");
/// AUTH succeeded.
pub const AUTH_OK: Reply = Reply::fixed(235, (2, 7, 0), "Logged in");
/// AUTH failed; never says why.
pub const AUTH_FAILED: Reply = Reply::fixed(535, (5, 7, 8), "The login name or the password is wrong");
/// The password cannot be checked at this moment.
pub const AUTH_LATER: Reply = Reply::fixed(454, (4, 7, 0), "Logging in is not possible at this moment, try again later");
/// The client gave up.
pub const AUTH_CANCELLED: Reply = Reply::fixed(501, (5, 7, 0), "Cancelled");
/// The response cannot be read.
pub const AUTH_MALFORMED: Reply = Reply::fixed(501, (5, 5, 2), "The response cannot be decoded");
/// The response is too long (RFC 4954 §4).
pub const AUTH_TOO_LONG: Reply = Reply::fixed(500, (5, 5, 6), "The response is too long");

/// A challenge.
pub fn challenge(octets: &[u8]) -> Reply {
    Reply::bare(334, Cow::Owned(sasl::challenge(octets)))
}
