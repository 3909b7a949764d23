//! What a server answers, as a client reads it (RFC 3501 §7): the part that a copy of an account needs.
//!
//! `mail::import` is the caller. Answers of other servers are read leniently: what is not known is passed over, as RFC 3501 §2.2.2 asks
//! of clients. The octets of messages are not here: they go elsewhere while they come, and an empty string stands in their place.

use jiff::Timestamp;

use super::cursor::{Cursor, Malformed};
use super::date::date_time;
use super::flag::SYSTEM;
use super::utf7;
use crate::model::mailbox::Flags;

/// The longest keyword that is taken over, in octets.
const MAX_KEYWORD: usize = 100;

/// How a command, or the session, is doing (RFC 3501 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Done.
    Ok,
    /// Not done.
    No,
    /// Not understood.
    Bad,
    /// The session begins, and nobody needs to log in.
    PreAuth,
    /// The session is over.
    Bye,
}

/// A status response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How it is.
    pub condition: Condition,
    /// What stands in brackets.
    pub code: Code,
    /// The text for people, with the code before it.
    pub text: String,
}

/// A response code (RFC 3501 §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// None, or one of no interest.
    None,
    /// What the server can do.
    Capability(Vec<String>),
    /// RFC 3501 §2.3.1.1.
    UidValidity(u32),
    /// The UID that the next message gets.
    UidNext(u32),
}

/// A mailbox of a LIST or LSUB response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// The attributes, such as `\Noselect`, in lower case and with the backslash.
    pub attributes: Vec<String>,
    /// What parts the levels of the name; none if it has no levels.
    pub separator: Option<char>,
    /// The name as the server writes it: so it is said in commands.
    pub raw: Vec<u8>,
    /// The name in Unicode.
    pub name: String,
}

/// Where mailboxes that are not the user's own are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespaces {
    /// How the names of other users' and of shared mailboxes begin.
    pub of_others: Vec<String>,
}

/// What is told of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    /// Its UID.
    pub uid: Option<u32>,
    /// Its system flags, with $Forwarded.
    pub flags: Option<Flags>,
    /// Its other keywords.
    pub keywords: Vec<String>,
    /// INTERNALDATE.
    pub date: Option<Timestamp>,
    /// RFC822.SIZE.
    pub size: Option<u64>,
    /// The octets came.
    pub has_body: bool,
}

/// A line, with its literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The end of a command.
    Done(String, Status),
    /// A status of its own.
    Status(Status),
    /// What the server can do.
    Capability(Vec<String>),
    /// A mailbox.
    List(Listed),
    /// A mailbox that the user has subscribed to, by LSUB.
    Subscribed(Listed),
    /// How many messages the mailbox has.
    Exists(u32),
    /// Whose mailboxes are where (RFC 2342 §5).
    Namespaces(Namespaces),
    /// A message.
    Fetch(Fetched),
    /// `+`: go on; with what follows.
    Continue(Vec<u8>),
    /// Something else.
    Other,
}

impl Answer {
    /// Reads an answer with its line ends.
    ///
    /// # Errors
    /// Where the grammar of an answer that is known was left.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(octets);
        if cursor.eat(b'+') {
            cursor.eat(b' ');
            let rest = octets.get(cursor.passed()..).unwrap_or_default();
            return Ok(Self::Continue(rest.trim_ascii_end().to_vec()));
        }
        if !cursor.eat_text("* ") {
            let tag = cursor.atom("a tag, '*' or '+'")?.to_owned();
            cursor.space()?;
            let word = cursor.word("OK, NO or BAD")?;
            let condition = condition(&word).map_or_else(|| cursor.wrong("OK, NO or BAD"), Ok)?;
            return Ok(Self::Done(tag, status(condition, &mut cursor, octets)));
        }
        if cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            return numbered(&mut cursor);
        }
        let word = cursor.word("a response")?;
        if let Some(condition) = condition(&word) {
            return Ok(Self::Status(status(condition, &mut cursor, octets)));
        }
        match word.as_str() {
            "CAPABILITY" => Ok(Self::Capability(capabilities(&mut cursor))),
            "LIST" => listed(&mut cursor).map(Self::List),
            "LSUB" => listed(&mut cursor).map(Self::Subscribed),
            "NAMESPACE" => namespaces(&mut cursor).map(Self::Namespaces),
            _ => Ok(Self::Other),
        }
    }
}

fn condition(word: &str) -> Option<Condition> {
    Some(match word {
        "OK" => Condition::Ok,
        "NO" => Condition::No,
        "BAD" => Condition::Bad,
        "PREAUTH" => Condition::PreAuth,
        "BYE" => Condition::Bye,
        _ => return None,
    })
}

fn status(condition: Condition, cursor: &mut Cursor<'_>, octets: &[u8]) -> Status {
    let _ = cursor.eat(b' ');
    let rest = octets.get(cursor.passed()..).unwrap_or_default();
    Status {
        condition,
        text: String::from_utf8_lossy(rest).trim_end().to_owned(),
        // A code that is not as it should be is none.
        code: code(cursor).unwrap_or(Code::None),
    }
}

fn code(cursor: &mut Cursor<'_>) -> Result<Code, Malformed> {
    if !cursor.eat(b'[') {
        return Ok(Code::None);
    }
    Ok(match cursor.word("a code")?.as_str() {
        "CAPABILITY" => Code::Capability(capabilities(cursor)),
        "UIDVALIDITY" => {
            cursor.space()?;
            Code::UidValidity(cursor.number32()?)
        }
        "UIDNEXT" => {
            cursor.space()?;
            Code::UidNext(cursor.number32()?)
        }
        _ => Code::None,
    })
}

/// The atoms that follow, in capitals.
fn capabilities(cursor: &mut Cursor<'_>) -> Vec<String> {
    let mut all = Vec::new();
    while cursor.eat(b' ') {
        if let Ok(name) = cursor.word("a capability") {
            all.push(name);
        }
    }
    all
}

/// RFC 3501 §7.2.2.
fn listed(cursor: &mut Cursor<'_>) -> Result<Listed, Malformed> {
    cursor.space()?;
    let attributes = cursor.list(|cursor| {
        cursor.eat(b'\\');
        cursor.atom("an attribute").map(|name| format!("\\{}", name.to_ascii_lowercase()))
    })?;
    cursor.space()?;
    let separator = cursor.nstring()?.and_then(|octets| octets.first().copied().map(char::from));
    cursor.space()?;
    let raw = cursor.list_mailbox()?.into_owned();
    let name = utf7::decode(&raw).unwrap_or_else(|| String::from_utf8_lossy(&raw).into_owned());
    Ok(Listed {
        attributes,
        separator,
        raw,
        name,
    })
}

/// RFC 2342 §5: personal ones, those of other users, shared ones.
fn namespaces(cursor: &mut Cursor<'_>) -> Result<Namespaces, Malformed> {
    let mut found = Namespaces::default();
    for is_own in [true, false, false] {
        cursor.space()?;
        if cursor.eat_text("NIL") {
            continue;
        }
        cursor.expect(b'(', "'(' or NIL")?;
        while cursor.peek() == Some(b'(') {
            let mut prefix = None;
            cursor.list(|cursor| match prefix {
                None => cursor.string().map(|octets| prefix = Some(octets.into_owned())),
                Some(_) => value(cursor),
            })?;
            let name = prefix.and_then(|octets| utf7::decode(&octets)).unwrap_or_default();
            if !is_own {
                found.of_others.push(name);
            }
        }
        cursor.expect(b')', "')'")?;
    }
    Ok(found)
}

/// `* 5 EXISTS`, `* 5 FETCH (…)`
fn numbered(cursor: &mut Cursor<'_>) -> Result<Answer, Malformed> {
    let number = cursor.number32()?;
    cursor.space()?;
    match cursor.word("EXISTS, FETCH or the like")?.as_str() {
        "EXISTS" => Ok(Answer::Exists(number)),
        "FETCH" => {
            cursor.space()?;
            let mut fetched = Fetched::default();
            cursor.list(|cursor| item(cursor, &mut fetched))?;
            Ok(Answer::Fetch(fetched))
        }
        _ => Ok(Answer::Other),
    }
}

/// A data item and its value (RFC 3501 §7.4.2).
fn item(cursor: &mut Cursor<'_>, fetched: &mut Fetched) -> Result<(), Malformed> {
    let name = cursor.take_while(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-'), "a data item")?;
    let name = name.to_ascii_uppercase();
    let is_body = name == b"BODY" && cursor.eat(b'[');
    if is_body {
        while cursor.peek().is_some_and(|octet| octet != b']') {
            cursor.take_while(|octet| octet != b']', "a section")?;
        }
        cursor.expect(b']', "']'")?;
        // BODY[]<0>: the begin of the message only.
        if cursor.peek() == Some(b'<') {
            cursor.take_while(|octet| octet != b' ', "an offset")?;
        }
    }
    cursor.space()?;
    match name.as_slice() {
        b"UID" => fetched.uid = Some(cursor.number32()?),
        b"RFC822.SIZE" => fetched.size = Some(cursor.number()?),
        b"FLAGS" => flags(cursor, fetched)?,
        b"INTERNALDATE" => {
            let before = cursor.clone();
            // A date that is none is as good as none: the message counts.
            match date_time(cursor) {
                Ok(date) => fetched.date = Some(date),
                Err(_) => {
                    *cursor = before;
                    value(cursor)?;
                }
            }
        }
        b"BODY" if is_body => fetched.has_body = cursor.nstring()?.is_some(),
        _ => value(cursor)?,
    }
    Ok(())
}

fn flags(cursor: &mut Cursor<'_>, fetched: &mut Fetched) -> Result<(), Malformed> {
    let mut flags = Flags::NONE;
    cursor.list(|cursor| {
        let is_system = cursor.eat(b'\\');
        let name = cursor.take_while(|octet| !matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n'), "a flag")?;
        let name = String::from_utf8_lossy(name);
        let known = |known: &str| known.strip_prefix('\\').is_some_and(|known| known.eq_ignore_ascii_case(&name));
        if is_system {
            let bit = SYSTEM.iter().find(|(_, text)| known(text)).map(|(bit, _)| *bit);
            flags = flags.with(bit.unwrap_or(Flags::NONE));
        } else if name.eq_ignore_ascii_case(super::flag::FORWARDED) {
            flags = flags.with(Flags::FORWARDED);
        } else if name.len() <= MAX_KEYWORD {
            fetched.keywords.push(name.into_owned());
        }
        Ok(())
    })?;
    fetched.flags = Some(flags);
    Ok(())
}

/// Passes over a value: an atom, a string, NIL, or a list of these.
fn value(cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    match cursor.peek() {
        Some(b'(') => cursor.deeper(|cursor| {
            cursor.list(value)?;
            // BODYSTRUCTURE has lists one behind the other without a space.
            while cursor.peek() == Some(b'(') {
                cursor.list(value)?;
            }
            Ok(())
        }),
        Some(b'"' | b'{' | b'~') => cursor.string().map(drop),
        _ => cursor
            .take_while(|octet| !matches!(octet, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n'), "a value")
            .map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Answer {
        Answer::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn listed(attributes: &[&str], separator: Option<char>, raw: &str, name: &str) -> Listed {
        Listed {
            attributes: attributes.iter().map(|&text| text.to_owned()).collect(),
            separator,
            raw: raw.as_bytes().to_vec(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn answers_are_read() {
        let status = |condition, code, text: &str| Status {
            condition,
            code,
            text: text.to_owned(),
        };
        for (text, answer) in [
            (
                "* OK [CAPABILITY IMAP4rev1 STARTTLS auth=plain] Dovecot ready.\r\n",
                Answer::Status(status(
                    Condition::Ok,
                    Code::Capability(vec!["IMAP4REV1".into(), "STARTTLS".into(), "AUTH=PLAIN".into()]),
                    "[CAPABILITY IMAP4rev1 STARTTLS auth=plain] Dovecot ready.",
                )),
            ),
            (
                "* CAPABILITY IMAP4rev1  ID\r\n",
                Answer::Capability(vec!["IMAP4REV1".into(), "ID".into()]),
            ),
            (
                "a1 OK done\r\n",
                Answer::Done("a1".into(), status(Condition::Ok, Code::None, "done")),
            ),
            ("a1 NO\r\n", Answer::Done("a1".into(), status(Condition::No, Code::None, ""))),
            (
                "* OK [UIDVALIDITY 3857529045] UIDs valid\r\n",
                Answer::Status(status(
                    Condition::Ok,
                    Code::UidValidity(3_857_529_045),
                    "[UIDVALIDITY 3857529045] UIDs valid",
                )),
            ),
            (
                "* OK [UIDNEXT 5]\r\n",
                Answer::Status(status(Condition::Ok, Code::UidNext(5), "[UIDNEXT 5]")),
            ),
            (
                "* OK [UIDNEXT x]\r\n",
                Answer::Status(status(Condition::Ok, Code::None, "[UIDNEXT x]")),
            ),
            ("* 23 EXISTS\r\n", Answer::Exists(23)),
            ("* 5 RECENT\r\n", Answer::Other),
            ("* SEARCH 1 2\r\n", Answer::Other),
            ("+ go on\r\n", Answer::Continue(b"go on".to_vec())),
            ("+\r\n", Answer::Continue(Vec::new())),
        ] {
            assert_eq!(parse(text), answer, "{text}");
        }
    }

    #[test]
    fn mailboxes_are_read() {
        for (text, answer) in [
            (
                "* LIST (\\HasNoChildren \\Sent) \"/\" \"[Gmail]/Gesendet &APw-\"\r\n",
                Answer::List(listed(
                    &["\\hasnochildren", "\\sent"],
                    Some('/'),
                    "[Gmail]/Gesendet &APw-",
                    "[Gmail]/Gesendet ü",
                )),
            ),
            ("* LIST () NIL {5}\r\nINBOX\r\n", Answer::List(listed(&[], None, "INBOX", "INBOX"))),
            (
                "* NAMESPACE ((\"INBOX.\" \".\")(\"#mh/\" \"/\" \"X\" (\"a\"))) NIL ((\"Shared &APw-/\" \"/\"))\r\n",
                Answer::Namespaces(Namespaces {
                    of_others: vec!["Shared ü/".into()],
                }),
            ),
            (
                "* LSUB () \".\" INBOX.a%b\r\n",
                Answer::Subscribed(listed(&[], Some('.'), "INBOX.a%b", "INBOX.a%b")),
            ),
        ] {
            assert_eq!(parse(text), answer, "{text}");
        }
    }

    #[test]
    fn messages_are_read() {
        let text = "* 12 FETCH (UID 5 FLAGS (\\Seen \\Recent $Forwarded $Label1 \\Odd x]) INTERNALDATE \" 7-Feb-1994 21:52:25 -0800\" \
                    RFC822.SIZE 4286 MODSEQ (12) X-GM-LABELS (\"a b\" \\Inbox) BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)(\"a\" \"b\") \"mixed\") \
                    ENVELOPE (NIL {3}\r\na(b NIL) BODY[] {0}\r\n)\r\n";
        let Answer::Fetch(fetched) = parse(text) else { panic!("{text}") };
        assert_eq!(fetched.uid, Some(5));
        assert_eq!(fetched.flags, Some(Flags::SEEN.with(Flags::FORWARDED)));
        assert_eq!(fetched.keywords, ["$Label1", "x]"]);
        assert_eq!(fetched.size, Some(4_286));
        assert_eq!(fetched.date.map(|date| date.to_string()).as_deref(), Some("1994-02-08T05:52:25Z"));
        assert!(fetched.has_body);
        let Answer::Fetch(fetched) = parse("* 1 FETCH (INTERNALDATE \"never\" BODY[HEADER.FIELDS (A)]<0> NIL UID 7)\r\n") else {
            panic!()
        };
        assert_eq!((fetched.uid, fetched.date, fetched.has_body), (Some(7), None, false));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in [
            "",
            "\r\n",
            "a1\r\n",
            "a1 MAYBE\r\n",
            "* 5 FETCH (UID x)\r\n",
            "* 5 FETCH (UID 1\r\n",
            "* LIST \"/\" x\r\n",
            "* 99999999999 EXISTS\r\n",
        ] {
            assert!(Answer::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
