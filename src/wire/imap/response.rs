//! Status responses and their codes (RFC 3501 §7.1).

use crate::model::ids::{MailboxId, ModSeq, Uid};

use super::capability::{self, Stage};
use super::command::Tag;
use super::encode::{flags, mailbox_id, number, set, string, uid_set};
use super::flag;
use super::notify::EVENTS;
use super::search::CHARSETS;
use crate::model::mailbox::Flags;

/// The kinds of status responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// OK
    Ok,
    /// NO
    No,
    /// BAD
    Bad,
    /// BYE
    Bye,
}

impl Status {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
        }
    }
}

/// What stands in the brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// BADCHARSET, with the charsets that we have
    BadCharset,
    /// CAPABILITY
    Capability(Stage),
    /// CLOSED (RFC 7162 §3.2.11)
    Closed,
    /// PERMANENTFLAGS
    PermanentFlags {
        /// The mailbox's keywords.
        keywords: std::sync::Arc<[String]>,
        /// Which flags can be changed.
        changeable: Flags,
        /// Whether a new keyword can be made.
        more: bool,
    },
    /// READ-ONLY
    ReadOnly,
    /// READ-WRITE
    ReadWrite,
    /// TRYCREATE
    TryCreate,
    /// UIDNEXT
    UidNext(Uid),
    /// UIDVALIDITY
    UidValidity(u32),
    /// UNSEEN, with a sequence number
    Unseen(u32),
    /// HIGHESTMODSEQ (RFC 7162 §3.1.2.1)
    HighestModSeq(ModSeq),
    /// MAILBOXID (RFC 8474 §4.1, §4.2)
    MailboxId(MailboxId),
    /// METADATA LONGENTRIES (RFC 5464 §4.2.1)
    LongEntries(u64),
    /// METADATA MAXSIZE (RFC 5464 §4.3)
    MetadataMaxSize(u64),
    /// NOUPDATE, with the tag of the search (RFC 5267 §4.3.1)
    NoUpdate(Tag),
    /// INPROGRESS, with the tag of the command, how much is done and of how much (RFC 9585 §4)
    InProgress(Tag, u64, u64),
    /// MODIFIED, with UIDs or sequence numbers (RFC 7162 §3.1.3)
    Modified(Vec<u32>),
    /// APPENDUID (RFC 4315 §3)
    AppendUid {
        /// Of the target.
        uidvalidity: u32,
        /// Of the new messages, ascending.
        uids: Vec<Uid>,
    },
    /// BADEVENT, with the events that we have (RFC 5465 §3.1)
    BadEvent,
    /// BADURL (RFC 4469 §4.1)
    BadUrl(String),
    /// COPYUID (RFC 4315 §3)
    CopyUid {
        /// Of the target.
        uidvalidity: u32,
        /// Old and new.
        uids: Vec<(Uid, Uid)>,
    },
    /// A code that is one word.
    Word(Word),
}

/// The codes that are one word (RFC 5530 §3 and others).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// ALREADYEXISTS
    AlreadyExists,
    /// AUTHENTICATIONFAILED
    AuthenticationFailed,
    /// AUTHORIZATIONFAILED
    AuthorizationFailed,
    /// CANNOT
    Cannot,
    /// COMPRESSIONACTIVE (RFC 4978 §3)
    CompressionActive,
    /// EXPUNGEISSUED
    ExpungeIssued,
    /// HASCHILDREN (RFC 9051 §7.1)
    HasChildren,
    /// INUSE
    InUse,
    /// LIMIT
    Limit,
    /// METADATA TOOMANY (RFC 5464 §4.3)
    MetadataTooMany,
    /// NONEXISTENT
    NonExistent,
    /// NOPERM
    NoPerm,
    /// NOTIFICATIONOVERFLOW (RFC 5465 §5.8)
    NotificationOverflow,
    /// OVERQUOTA
    OverQuota,
    /// PRIVACYREQUIRED
    PrivacyRequired,
    /// TOOBIG (RFC 4469 §5)
    TooBig,
    /// UNAVAILABLE
    Unavailable,
    /// UIDREQUIRED (RFC 9586 §3)
    UidRequired,
    /// UNKNOWN-CTE (RFC 3516 §4.3)
    UnknownCte,
    /// USEATTR (RFC 6154 §6)
    UseAttr,
}

impl Word {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::Cannot => "CANNOT",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::HasChildren => "HASCHILDREN",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::MetadataTooMany => "METADATA TOOMANY",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Self::OverQuota => "OVERQUOTA",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::TooBig => "TOOBIG",
            Self::Unavailable => "UNAVAILABLE",
            Self::UidRequired => "UIDREQUIRED",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::UseAttr => "USEATTR",
        }
    }
}

impl Code {
    fn write(&self, out: &mut Vec<u8>) {
        let mut with_number = |name: &[u8], value: u64| {
            out.extend_from_slice(name);
            number(out, value);
        };
        match self {
            Self::BadCharset => write_charsets(out),
            Self::Capability(stage) => capability::write(out, *stage),
            Self::Closed => out.extend_from_slice(b"CLOSED"),
            Self::PermanentFlags {
                keywords,
                changeable,
                more,
            } => write_permanent(out, keywords, *changeable, *more),
            Self::ReadOnly => out.extend_from_slice(b"READ-ONLY"),
            Self::ReadWrite => out.extend_from_slice(b"READ-WRITE"),
            Self::TryCreate => out.extend_from_slice(b"TRYCREATE"),
            Self::UidNext(uid) => with_number(b"UIDNEXT ", u64::from(uid.0)),
            Self::UidValidity(uidvalidity) => with_number(b"UIDVALIDITY ", u64::from(*uidvalidity)),
            Self::Unseen(sequence) => with_number(b"UNSEEN ", u64::from(*sequence)),
            Self::HighestModSeq(modseq) => with_number(b"HIGHESTMODSEQ ", modseq.0),
            Self::MailboxId(id) => {
                out.extend_from_slice(b"MAILBOXID ");
                mailbox_id(out, *id);
            }
            Self::LongEntries(size) => with_number(b"METADATA LONGENTRIES ", *size),
            Self::MetadataMaxSize(size) => with_number(b"METADATA MAXSIZE ", *size),
            Self::NoUpdate(tag) => {
                out.extend_from_slice(b"NOUPDATE ");
                string(out, tag.as_str().as_bytes());
            }
            Self::InProgress(tag, done, all) => write_progress(out, tag, [*done, *all]),
            Self::Modified(numbers) => {
                out.extend_from_slice(b"MODIFIED ");
                set(out, numbers.iter().copied());
            }
            Self::AppendUid { uidvalidity, uids } => {
                with_number(b"APPENDUID ", u64::from(*uidvalidity));
                out.push(b' ');
                uid_set(out, uids.iter().copied());
            }
            Self::BadEvent => {
                out.extend_from_slice(b"BADEVENT (");
                out.extend_from_slice(EVENTS.join(" ").as_bytes());
                out.push(b')');
            }
            Self::BadUrl(url) => write_bad_url(out, url),
            Self::CopyUid { uidvalidity, uids } => {
                with_number(b"COPYUID ", u64::from(*uidvalidity));
                out.push(b' ');
                uid_set(out, uids.iter().map(|(old, _)| *old));
                out.push(b' ');
                uid_set(out, uids.iter().map(|(_, new)| *new));
            }
            Self::Word(word) => out.extend_from_slice(word.as_str().as_bytes()),
        }
    }
}

fn write_bad_url(out: &mut Vec<u8>, url: &str) {
    out.extend_from_slice(b"BADURL \"");
    // RFC 4469 §5 url-resp-text; a quote would end it too early.
    out.extend(url.bytes().map(|b| {
        if (b' '..0x7f).contains(&b) && !matches!(b, b']' | b'"' | b'\\') {
            b
        } else {
            b'?'
        }
    }));
    out.push(b'"');
}

fn write_progress(out: &mut Vec<u8>, tag: &Tag, counts: [u64; 2]) {
    out.extend_from_slice(b"INPROGRESS (");
    string(out, tag.as_str().as_bytes());
    for count in counts {
        out.push(b' ');
        number(out, count);
    }
    out.push(b')');
}

fn write_charsets(out: &mut Vec<u8>) {
    out.extend_from_slice(b"BADCHARSET (");
    out.extend_from_slice(CHARSETS.join(" ").as_bytes());
    out.push(b')');
}

fn write_permanent(out: &mut Vec<u8>, keywords: &[String], changeable: Flags, more: bool) {
    out.extend_from_slice(b"PERMANENTFLAGS ");
    flags(out, every_flag(keywords).only(changeable), keywords, false);
    if more && out.pop().is_some() {
        out.extend_from_slice(b" \\*)");
    }
}

fn every_flag(keywords: &[String]) -> Flags {
    let system = flag::SYSTEM.into_iter().fold(Flags::FORWARDED, |all, (bit, _)| all.with(bit));
    let named = (0..26).zip(keywords).filter_map(|(index, _)| Flags::keyword(index));
    named.fold(system, Flags::with)
}

/// Every flag that a message of the mailbox can have, in parentheses.
pub fn all_flags(out: &mut Vec<u8>, keywords: &[String]) {
    flags(out, every_flag(keywords), keywords, false);
}

/// A status response: tagged, or untagged without a tag.
pub fn status(out: &mut Vec<u8>, tag: Option<&Tag>, status: Status, code: Option<&Code>, text: &str) {
    out.extend_from_slice(tag.map_or("*", Tag::as_str).as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    if let Some(code) = code {
        out.push(b'[');
        code.write(out);
        out.extend_from_slice(b"] ");
    }
    // RFC 3501 §9 resp-text: one line of ASCII.
    out.extend(text.bytes().map(|b| if (b' '..0x7f).contains(&b) { b } else { b'?' }));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spelled() {
        let tag = Tag("a1".into());
        let keywords: std::sync::Arc<[String]> = vec!["Work".to_owned()].into();
        for (code, want) in [
            (Code::BadCharset, "BADCHARSET (US-ASCII UTF-8)"),
            (Code::Unseen(3), "UNSEEN 3"),
            (Code::NoUpdate(Tag("b".into())), "NOUPDATE \"b\""),
            (Code::InProgress(Tag("b".into()), 5, 7), "INPROGRESS (\"b\" 5 7)"),
            (
                Code::AppendUid {
                    uidvalidity: 7,
                    uids: vec![Uid(9), Uid(10)],
                },
                "APPENDUID 7 9:10",
            ),
            (Code::BadUrl("/a\r]/;UID=1".into()), "BADURL \"/a??/;UID=1\""),
            (
                Code::CopyUid {
                    uidvalidity: 7,
                    uids: vec![(Uid(1), Uid(10)), (Uid(2), Uid(11)), (Uid(5), Uid(12))],
                },
                "COPYUID 7 1:2,5 10:12",
            ),
            (
                Code::PermanentFlags {
                    keywords: std::sync::Arc::clone(&keywords),
                    changeable: Flags::from_bits(u32::MAX),
                    more: true,
                },
                "PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded Work \\*)",
            ),
            (
                Code::PermanentFlags {
                    keywords,
                    changeable: Flags::SEEN,
                    more: false,
                },
                "PERMANENTFLAGS (\\Seen)",
            ),
            (Code::Word(Word::OverQuota), "OVERQUOTA"),
        ] {
            let mut out = Vec::new();
            status(&mut out, Some(&tag), Status::Ok, Some(&code), "t\u{e9}\r\nxt");
            assert_eq!(String::from_utf8(out).unwrap(), format!("a1 OK [{want}] t????xt\r\n"));
        }
    }
}
