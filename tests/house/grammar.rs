//! Our grammar of IMAP against another's, the crate imap-codec: where both know a command, both take it or both refuse it, and what theirs
//! understood, spelled out again, is the same to ours. And what we write, we read as the same.

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use posthouse::wire::imap::command::Command;
use posthouse::wire::imap::encode::{astring, set, string};
use posthouse::wire::imap::sequence::SequenceSet;
use posthouse::wire::imap::{parse, utf7};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;

use crate::support::transcript::client_octets_of;

/// Commands and arguments of extensions that imap-codec does not know, or knows in part: there is nothing to compare.
const UNKNOWN_TO_THEM: &[&str] = &[
    "RETURN",
    "CHANGEDSINCE",
    "VANISHED",
    "UNCHANGEDSINCE",
    "QRESYNC",
    "CONDSTORE",
    "PREVIEW",
    "EMAILID",
    "THREADID",
    "SAVEDATE",
    "SAVED",
    "SIZE",
    "MAILBOXID",
    "DELETED-STORAGE",
    "HIGHESTMODSEQ",
    "APPENDLIMIT",
    "MODSEQ",
    "USE",
    "SUBSCRIBED",
    "SPECIAL-USE",
    "RECURSIVEMATCH",
    "CATENATE",
    "REPLACE",
    "NOTIFY",
    "UNAUTHENTICATE",
    "METADATA",
    "ACL",
    "RIGHTS",
    "UIDONLY",
    "PARTIAL",
    "SAVE",
    "FUZZY",
    "OLDER",
    "YOUNGER",
    "ESEARCH",
    "SORT",
    "THREAD",
    "INPROGRESS",
    "CANCELUPDATE",
    "APPEND",
    "$",
];

/// What one of us takes and the other does not, on purpose; with the reason.
fn deliberate(text: &str, ours: bool) -> Option<&'static str> {
    let upper = text.to_ascii_uppercase();
    let verb = upper.split(' ').nth(1).unwrap_or_default();
    let differences = [
        // RFC 3501 §9: CHECK and the like have no arguments, but a blank at the end of a line is what people type.
        (
            ours && text.trim_end_matches(['\r', '\n']).ends_with(' '),
            "we pass over a blank at the end",
        ),
        (
            ours && text.replace("\r\n", "").contains('\n'),
            "we take a bare LF as the end of a line, for people who test by hand",
        ),
        (
            ours && upper.contains("CHARSET"),
            "RFC 3501 §6.4.4: any charset is a command, which is answered NO [BADCHARSET]",
        ),
        (
            ours && text.contains("  "),
            "we take several blanks for one, as some clients send them",
        ),
        (
            ours && (text.contains("( ") || text.contains(" )")),
            "we take blanks at the begin and the end of a list, as some clients send them",
        ),
        (
            ours && (upper.contains("LARGER ") || upper.contains("SMALLER ")),
            "RFC 9051 §9: LARGER and SMALLER have numbers of 64 bits",
        ),
        (ours && text.contains('<'), "RFC 9051 §9 partial: numbers of 64 bits"),
        (ours && verb == "ID", "RFC 2971 §3.1: an empty list is what some clients send"),
        (
            ours && verb == "SETQUOTA",
            "RFC 9208 §4.1.3: nobody may, so the limits are not looked at",
        ),
        (ours && verb == "AUTHENTICATE", "RFC 4959 §3: whether it is base64 is asked later"),
        (
            ours && !text.is_ascii(),
            "RFC 9051 §5.1: names in UTF-8 are understood from every client",
        ),
        (
            !ours && verb == "STATUS" && text.contains("()"),
            "RFC 3501 §9 status: at least one item",
        ),
        (!ours && verb == "COMPRESS", "RFC 4978 §4: DEFLATE alone is known"),
        (!ours && upper.contains("\\RECENT"), "RFC 3501 §2.3.2: no client can set \\Recent"),
        (
            !ours && (verb == "STORE" || upper.contains("UID STORE")) && text.contains('\\'),
            "RFC 3501 §2.3.2: system flags that nobody knows cannot be kept",
        ),
        (!ours && text.contains('&'), "RFC 3501 §5.1.3: what is no modified UTF-7 is no name"),
        (
            !ours && verb == "SEARCH" && text.split(' ').count() > 100,
            "a search has so many keys and no more",
        ),
        (
            !ours && upper.contains("BINARY.SIZE"),
            "RFC 3516 §4.2: the size of the whole is RFC822.SIZE",
        ),
    ];
    differences.iter().find(|(holds, _)| *holds).map(|(_, reason)| *reason)
}

/// What imap-codec makes of a command; none for what it cannot know.
fn theirs(octets: &[u8]) -> Option<Result<Vec<u8>, ()>> {
    let upper = String::from_utf8_lossy(octets).to_ascii_uppercase();
    if UNKNOWN_TO_THEM.iter().any(|word| upper.contains(word)) {
        return None;
    }
    Some(match CommandCodec::default().decode(octets) {
        Ok((b"", command)) => Ok(CommandCodec::default().encode(&command).dump()),
        _ => Err(()),
    })
}

/// RFC 3501 §5.1: INBOX in any case is one name. Theirs makes it so while reading, ours where mailboxes are looked up.
fn in_capitals(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    for at in 0..octets.len().saturating_sub(4) {
        if octets[at..at + 5].eq_ignore_ascii_case(b"INBOX") {
            octets[at..at + 5].make_ascii_uppercase();
        }
    }
    octets
}

fn compare(octets: &[u8]) -> Result<(), String> {
    let Some(theirs) = theirs(octets) else { return Ok(()) };
    let ours = parse::command(&in_capitals(octets));
    let text = String::from_utf8_lossy(octets);
    match (&ours, &theirs) {
        (Ok(ours), Ok(again)) => match parse::command(&in_capitals(again)) {
            Ok(same) if same == *ours => Ok(()),
            other => Err(format!(
                "{text:?} is {ours:?}; theirs spells it {:?}, which is {other:?}",
                String::from_utf8_lossy(again)
            )),
        },
        (Err(_), Err(())) => Ok(()),
        _ if deliberate(&text, ours.is_ok()).is_some() => Ok(()),
        (Ok(ours), Err(())) => Err(format!("only we take {text:?}: {ours:?}")),
        (Err(rejected), Ok(_)) => Err(format!("only they take {text:?}; {rejected:?}")),
    }
}

/// Whole commands among what the clients of the transcripts say.
#[test]
fn the_transcripts_are_the_same_to_both() {
    let folder = format!("{}/tests/transcripts/imap", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).expect("transcripts");
    let mut problems = Vec::new();
    let mut compared = 0;
    for file in files {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a transcript");
        for octets in client_octets_of(&text) {
            if octets.iter().filter(|octet| **octet == b'\n').count() == 1 && !octets.ends_with(b"}\r\n") {
                compared += usize::from(theirs(&octets).is_some());
                problems.extend(compare(&octets).err());
            }
        }
    }
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(compared > 300, "{compared} compared");
}

// Commands, a word at a time.

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![1..20_u32, Just(u32::MAX), 1..u32::MAX]
}

fn sequence_set() -> impl Strategy<Value = String> {
    let bound = prop_oneof![4 => number().prop_map(|number| number.to_string()), 1 => Just("*".to_owned())];
    let range = prop_oneof![
        bound.clone(),
        (bound.clone(), bound).prop_map(|(first, last)| format!("{first}:{last}"))
    ];
    proptest::collection::vec(range, 1..4).prop_map(|ranges| ranges.join(","))
}

/// A string in one of its three forms.
fn any_string() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[a-zA-Z0-9/._-]{1,8}", "[ -~]{0,12}"];
    (text, 0..3_u8).prop_map(|(text, form)| {
        let is_atom = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"/._-".contains(&octet));
        match form {
            0 if is_atom => text,
            1 => format!("{{{}+}}\r\n{text}", text.len()),
            _ => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    })
}

fn mailbox() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("INBOX".to_owned()),
        Just("inbox".to_owned()),
        any_string(),
        "[\\PC]{1,6}".prop_map(|name| {
            let mut out = Vec::new();
            astring(&mut out, utf7::encode(&name).as_bytes());
            String::from_utf8(out).expect("ASCII")
        }),
    ]
}

fn flags() -> impl Strategy<Value = String> {
    let flag = select(&["\\Seen", "\\FLAGGED", "\\deleted", "\\Draft", "\\Answered", "$Junk", "work"][..]);
    (proptest::collection::vec(flag, 0..4), any::<bool>()).prop_map(|(flags, bare)| match flags.as_slice() {
        [flag] if bare => (*flag).to_owned(),
        flags => format!("({})", flags.join(" ")),
    })
}

fn fetch_items() -> impl Strategy<Value = String> {
    let fixed = select(
        &[
            "FLAGS",
            "uid",
            "INTERNALDATE",
            "RFC822.SIZE",
            "ENVELOPE",
            "BODY",
            "BODYSTRUCTURE",
            "RFC822",
            "RFC822.HEADER",
            "RFC822.TEXT",
        ][..],
    );
    let section = (
        select(&["BODY", "BODY.PEEK"][..]),
        select(
            &[
                "",
                "1",
                "2.1",
                "HEADER",
                "TEXT",
                "1.MIME",
                "3.HEADER.FIELDS (From \"To\")",
                "HEADER.FIELDS.NOT (x)",
            ][..],
        ),
        select(&["", "<0.10>", "<5.4294967295>"][..]),
    )
        .prop_map(|(form, section, partial)| format!("{form}[{section}]{partial}"));
    let item = prop_oneof![fixed.prop_map(str::to_owned), section];
    prop_oneof![
        1 => select(&["ALL", "FAST", "full"][..]).prop_map(str::to_owned),
        2 => item.clone(),
        4 => proptest::collection::vec(item, 1..4).prop_map(|items| format!("({})", items.join(" "))),
    ]
}

fn search_key() -> impl Strategy<Value = String> {
    let day = select(&["1-Feb-1994", "\"28-Mar-2020\"", "31-Dec-1999"][..]);
    let plain = select(
        &[
            "ALL",
            "ANSWERED",
            "UNANSWERED",
            "deleted",
            "UNDELETED",
            "DRAFT",
            "UNDRAFT",
            "FLAGGED",
            "UNFLAGGED",
            "NEW",
            "OLD",
            "RECENT",
            "SEEN",
            "unseen",
        ][..],
    );
    let with_text = (
        select(&["FROM", "TO", "cc", "BCC", "SUBJECT", "BODY", "TEXT", "HEADER X-Name"][..]),
        any_string(),
    );
    let leaf = prop_oneof![
        plain.prop_map(str::to_owned),
        with_text.prop_map(|(name, text)| format!("{name} {text}")),
        (select(&["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "sentsince"][..]), day).prop_map(|(name, day)| format!("{name} {day}")),
        (select(&["LARGER", "SMALLER"][..]), number()).prop_map(|(name, number)| format!("{name} {number}")),
        select(&["KEYWORD $Junk", "UNKEYWORD work"][..]).prop_map(str::to_owned),
        sequence_set(),
        sequence_set().prop_map(|set| format!("UID {set}")),
    ];
    leaf.prop_recursive(3, 12, 3, |key| {
        prop_oneof![
            key.clone().prop_map(|key| format!("NOT {key}")),
            (key.clone(), key.clone()).prop_map(|(a, b)| format!("OR {a} {b}")),
            proptest::collection::vec(key, 1..4).prop_map(|keys| format!("({})", keys.join(" "))),
        ]
    })
}

fn command() -> impl Strategy<Value = String> {
    let bare = select(
        &[
            "CAPABILITY",
            "noop",
            "LOGOUT",
            "CHECK",
            "CLOSE",
            "EXPUNGE",
            "UNSELECT",
            "IDLE",
            "STARTTLS",
            "NAMESPACE",
        ][..],
    );
    let on_mailbox = select(&["SELECT", "examine", "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTAROOT"][..]);
    let items = select(&["(MESSAGES)", "(UIDNEXT UIDVALIDITY)", "(unseen RECENT MESSAGES)", "(DELETED)"][..]);
    let pattern = prop_oneof![
        select(&["*", "%", "a*b%", "\"\"", "\"x y*\""][..]).prop_map(str::to_owned),
        any_string()
    ];
    let mode = (select(&["", "+", "-"][..]), select(&["FLAGS", "flags.silent"][..]));
    let uid = select(&["", "UID "][..]);
    prop_oneof![
        bare.prop_map(str::to_owned),
        (on_mailbox, mailbox()).prop_map(|(verb, name)| format!("{verb} {name}")),
        (mailbox(), mailbox()).prop_map(|(from, to)| format!("RENAME {from} {to}")),
        (any_string(), any_string()).prop_map(|(login, password)| format!("LOGIN {login} {password}")),
        (mailbox(), items).prop_map(|(name, items)| format!("STATUS {name} {items}")),
        (select(&["LIST", "lsub"][..]), mailbox(), pattern).prop_map(|(verb, name, pattern)| format!("{verb} {name} {pattern}")),
        (uid.clone(), sequence_set(), mode, flags())
            .prop_map(|(uid, set, (sign, name), flags)| format!("{uid}STORE {set} {sign}{name} {flags}")),
        (uid.clone(), select(&["COPY", "move"][..]), sequence_set(), mailbox())
            .prop_map(|(uid, verb, set, name)| format!("{uid}{verb} {set} {name}")),
        (uid.clone(), sequence_set(), fetch_items()).prop_map(|(uid, set, items)| format!("{uid}FETCH {set} {items}")),
        (uid, proptest::collection::vec(search_key(), 1..4)).prop_map(|(uid, keys)| format!("{uid}SEARCH {}", keys.join(" "))),
        sequence_set().prop_map(|set| format!("UID EXPUNGE {set}")),
        any_string().prop_map(|root| format!("GETQUOTA {root}")),
        (any_string(), any_string()).prop_map(|(name, value)| format!("ID (\"n\" \"v\" {name} {value})")),
        select(&["ENABLE CONDSTORE", "ENABLE X-A X-B"][..]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn commands_are_the_same_to_both(command in command()) {
        let octets = format!("a1 {command}\r\n");
        compare(octets.as_bytes()).map_err(TestCaseError::fail)?;
    }

    /// With an octet changed, taken out or put in.
    #[test]
    fn spoilt_commands_are_the_same_to_both(command in command(), at in any::<prop::sample::Index>(), how in 0..3_u8, octet in "[ -~]") {
        // A literal of another length takes in the end of the line.
        if command.contains('{') {
            return Ok(());
        }
        let mut text = command.into_bytes();
        let at = at.index(text.len());
        match how {
            0 => text[at] = octet.as_bytes()[0],
            1 => drop(text.remove(at)),
            _ => text.insert(at, octet.as_bytes()[0]),
        }
        let octets = [b"a1 ", &*text, b"\r\n"].concat();
        compare(&octets).map_err(TestCaseError::fail)?;
    }

    /// Strings are written in the shortest form that can hold them, and read as the same.
    #[test]
    fn strings_are_read_as_they_were_written(login in "\\PC{0,20}", password in "[\\x01-\\x7f]{0,20}") {
        let mut out = b"a LOGIN ".to_vec();
        astring(&mut out, login.as_bytes());
        out.push(b' ');
        string(&mut out, password.as_bytes());
        match parse::command(&out).map(|tagged| tagged.command) {
            Ok(Command::Login(read)) => {
                prop_assert_eq!(read.login, login);
                prop_assert_eq!(read.password.expose(), password);
            }
            other => prop_assert!(false, "{:?}: {:?}", String::from_utf8_lossy(&out), other),
        }
    }

    /// Names of mailboxes, too, by way of modified UTF-7.
    #[test]
    fn names_are_read_as_they_were_written(name in "\\PC{1,20}") {
        let mut out = b"a CREATE ".to_vec();
        astring(&mut out, utf7::encode(&name).as_bytes());
        match parse::command(&out).map(|tagged| tagged.command) {
            Ok(Command::Create(read)) => prop_assert_eq!(read.mailbox, name),
            other => prop_assert!(false, "{:?}: {:?}", String::from_utf8_lossy(&out), other),
        }
    }

    /// Sets of numbers.
    #[test]
    fn sets_are_read_as_they_were_written(numbers in proptest::collection::btree_set(number(), 1..40)) {
        let mut out = b"a UID EXPUNGE ".to_vec();
        set(&mut out, numbers.iter().copied());
        match parse::command(&out).map(|tagged| tagged.command) {
            Ok(Command::Expunge(Some(read))) => {
                let read: Vec<_> = read.resolve(u32::MAX);
                let whole = SequenceSet::of(numbers.iter().copied()).resolve(u32::MAX);
                prop_assert_eq!(&read, &whole);
                prop_assert!(numbers.iter().all(|number| read.iter().any(|range| range.contains(number))));
            }
            other => prop_assert!(false, "{:?}: {:?}", String::from_utf8_lossy(&out), other),
        }
    }

    /// Sections, as they are named in answers.
    #[test]
    fn sections_are_read_as_they_were_written(items in fetch_items()) {
        let Ok(tagged) = parse::command(format!("a UID FETCH 1 {items}").as_bytes()) else {
            return Err(TestCaseError::fail(items));
        };
        let Command::Fetch(fetch) = tagged.command else { return Err(TestCaseError::fail(items)) };
        for item in &fetch.items {
            if let posthouse::wire::imap::fetch::Item::Section(section) = item {
                let mut out = Vec::new();
                section.write_name(&mut out);
                let name = String::from_utf8_lossy(&out).into_owned();
                // An answer names the begin of a piece, not its length.
                let request = match name.strip_suffix('>') {
                    Some(begin) => format!("{begin}.{}>", section.partial.map_or(0, |(_, length)| length)),
                    None => name,
                };
                let again = parse::command(format!("a UID FETCH 1 {}", request.replace("BODY[", if section.peek { "BODY.PEEK[" } else { "BODY[" })).as_bytes());
                let Ok(Command::Fetch(again)) = again.map(|tagged| tagged.command) else {
                    return Err(TestCaseError::fail(request));
                };
                prop_assert!(again.items.contains(item), "{request}");
            }
        }
    }
}
