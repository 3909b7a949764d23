//! Whatever comes, reading it ends without a panic, and what is read has no more than was sent.

use super::append::Reader;
use super::command::{Command, Tag};
use super::cursor::Utf8;
use super::fetch::Item;
use super::frame::{Frame, Framer, Limits};
use super::{parse, url};

const LIMITS: Limits = Limits {
    line: 4096,
    command: 8192,
    utf8: Utf8::Off,
};

/// Commands that are right, with what they are called.
const RIGHT: &[&[u8]] = &[
    b"a CAPABILITY\r\n",
    b"a noop\r\n",
    b"a ID NIL\r\n",
    b"a ID (\"name\" \"x\" \"version\" NIL)\r\n",
    b"a ID ()\r\n",
    b"a AUTHENTICATE PLAIN\r\n",
    b"a AUTHENTICATE PLAIN AGEAYg==\r\n",
    b"a AUTHENTICATE LOGIN =\r\n",
    b"a LOGIN \"a@b\" {3}\r\nx y\r\n",
    b"a ENABLE CONDSTORE X-GOOD\r\n",
    b"a SELECT INBOX\r\n",
    b"a EXAMINE \"a b\" (CONDSTORE)\r\n",
    b"a SELECT x (QRESYNC (67890007 20050715194045000))\r\n",
    b"a SELECT x (QRESYNC (67890007 1 41,43:211) CONDSTORE)\r\n",
    b"a EXAMINE x (QRESYNC (67890007 1 41:60 (1,3:4 41,44:45)))\r\n",
    b"a UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)\r\n",
    b"a CREATE Sent (USE (\\Sent))\r\n",
    b"a DELETE &AOk-\r\n",
    b"a RENAME a b\r\n",
    b"a SUBSCRIBE a\r\n",
    b"a UNSUBSCRIBE {1+}\r\na\r\n",
    b"a LIST \"\" *\r\n",
    b"a LIST \"\" \"%\"\r\n",
    b"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (a% b*) RETURN (CHILDREN STATUS (MESSAGES SIZE))\r\n",
    b"a LIST (SPECIAL-USE) \"\" \"*\" RETURN (SPECIAL-USE)\r\n",
    b"a LSUB \"\" \"*\"\r\n",
    b"a NAMESPACE\r\n",
    b"a STATUS x (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)\r\n",
    b"a IDLE\r\n",
    b"a COMPRESS DEFLATE\r\n",
    b"a NOTIFY NONE\r\n",
    b"a GETACL INBOX\r\n",
    b"a MYRIGHTS INBOX\r\n",
    b"a LISTRIGHTS INBOX bob@house.test\r\n",
    b"a SETACL INBOX anyone +lrs\r\n",
    b"a DELETEACL INBOX anyone\r\n",
    b"a LIST \"\" * RETURN (MYRIGHTS)\r\n",
    b"a UNAUTHENTICATE\r\n",
    b"a GETMETADATA \"\" /shared/comment\r\n",
    b"a GETMETADATA (MAXSIZE 10 DEPTH infinity) INBOX (/shared/a /PRIVATE/b)\r\n",
    b"a GETMETADATA INBOX (DEPTH 1) (/shared/a)\r\n",
    b"a SETMETADATA INBOX (/private/comment {3}\r\na\r\n /shared/x NIL)\r\n",
    b"a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From)]) MessageExpunge FlagChange)) (subtree (a b) (MailboxName))\r\n",
    b"a UID EXPUNGE 1:*\r\n",
    b"a GETQUOTA \"\"\r\n",
    b"a GETQUOTAROOT INBOX\r\n",
    b"a SETQUOTA \"x\" (STORAGE 512 MESSAGE 7)\r\n",
    b"a SEARCH ALL\r\n",
    b"a SEARCH EMAILID M1 OR THREADID T2 (SAVEDBEFORE 1-Feb-2024 SAVEDON 2-Feb-2024 SAVEDSINCE 3-Feb-2024 SAVEDATESUPPORTED)\r\n",
    b"a UID FETCH 1 (PREVIEW PREVIEW (LAZY) EMAILID THREADID SAVEDATE)\r\n",
    b"a FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 4)\r\n",
    b"a SEARCH CHARSET UTF-8 TEXT {3}\r\nabc UNSEEN\r\n",
    b"a SEARCH CHARSET KOI8-R TEXT x\r\n",
    b"a UID SEARCH RETURN (MIN COUNT) 1:5,7 NOT (OR FROM a (TO b CC c)) HEADER X \"\"\r\n",
    b"a SEARCH SINCE 1-Feb-1994 SENTBEFORE \"2-Mar-2020\" LARGER 5 KEYWORD $x UNKEYWORD y MODSEQ 7\r\n",
    b"a SEARCH RETURN () UID 5:* MODSEQ \"/flags/\\\\draft\" all 620162338\r\n",
    b"a SORT (SUBJECT REVERSE DATE) UTF-8 SINCE 1-Feb-1994\r\n",
    b"a UID SORT RETURN (MIN COUNT) (DISPLAYFROM DISPLAYTO ARRIVAL CC FROM SIZE TO) US-ASCII TEXT {3}\r\nabc\r\n",
    b"a SORT (DATE) KOI8-R TEXT x\r\n",
    b"a THREAD ORDEREDSUBJECT UTF-8 ALL\r\n",
    b"a UID THREAD REFERENCES UTF-8 NOT DELETED\r\n",
    b"a THREAD REFS US-ASCII 1:*\r\n",
    b"a SEARCH RETURN (SAVE PARTIAL -1:-100 MIN) $ OLDER 5 YOUNGER 70\r\n",
    b"a UID SEARCH RETURN (UPDATE CONTEXT PARTIAL 1:5) UID $\r\n",
    b"a CANCELUPDATE \"b\" c\r\n",
    b"a FETCH $ FLAGS (PARTIAL 1:2 CHANGEDSINCE 7)\r\n",
    b"a FETCH 1 ALL\r\n",
    b"a FETCH 1:* (FLAGS UID)\r\n",
    b"a FETCH 2,4:6 BODY[]\r\n",
    b"a FETCH 1 (BODY.PEEK[1.2.HEADER.FIELDS (Date \"From\")]<0.100> BODY[2.MIME] BODY[TEXT] BODY BODYSTRUCTURE)\r\n",
    b"a FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE INTERNALDATE ENVELOPE) \r\n",
    b"a UID FETCH 1:* FLAGS (CHANGEDSINCE 5)\r\n",
    b"a FETCH 1 (BINARY[] BINARY[1.2]<0.5> BINARY.PEEK[2] BINARY.SIZE[1.1])\r\n",
    b"a STORE 1 +FLAGS (\\Seen $Forwarded x)\r\n",
    b"a UID STORE 1:3 -FLAGS.SILENT \\Deleted \\Draft\r\n",
    b"a STORE 1 (UNCHANGEDSINCE 9) FLAGS ()\r\n",
    b"a COPY 1 x\r\n",
    b"a UID COPY 1:* \"x\"\r\n",
    b"a MOVE 1 x\r\n",
    b"a UID MOVE 1 {1}\r\nx\r\n",
    b"a EXPUNGE\r\n",
];

const WRONG: &[&[u8]] = &[
    b"a SEARCH RETURN (PARTIAL) ALL\r\n",
    b"a SEARCH RETURN (PARTIAL 1:2 ALL) ALL\r\n",
    b"a SEARCH RETURN (PARTIAL 1:-2) ALL\r\n",
    b"a SEARCH OLDER 0\r\n",
    b"a SEARCH 1,$\r\n",
    b"a SELECT x (QRESYNC (1 2 $))\r\n",
    b"a CANCELUPDATE\r\n",
    b"a SORT UTF-8 ALL\r\n",
    b"a SORT () UTF-8 ALL\r\n",
    b"a SORT (REVERSE) UTF-8 ALL\r\n",
    b"a SORT (COLOUR) UTF-8 ALL\r\n",
    b"a SORT (DATE) UTF-8\r\n",
    b"a THREAD JWZ UTF-8 ALL\r\n",
    b"\r\n",
    b"a\r\n",
    b"a \r\n",
    b"+ NOOP\r\n",
    b"a FOO\r\n",
    b"a NOOP x\r\n",
    b"a LOGIN a\r\n",
    b"a LOGIN a b c\r\n",
    b"a LOGIN a \"b\r\n",
    b"a ENABLE\r\n",
    b"a SELECT\r\n",
    b"a SELECT (x)\r\n",
    b"a SELECT x (QRESYNC)\r\n",
    b"a SELECT &a\r\n",
    b"a SELECT x (QRESYNC (1 2 3:*))\r\n",
    b"a SELECT x (QRESYNC (1 2 (3)))\r\n",
    b"a SELECT x (QRESYNC 1 2)\r\n",
    b"a FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)\r\n",
    b"a UID FETCH 1 FLAGS (VANISHED)\r\n",
    b"a LIST \"\"\r\n",
    b"a LIST (RECURSIVEMATCH) \"\" *\r\n",
    b"a STATUS x ()\r\n",
    b"a STATUS x (FOO)\r\n",
    b"a FETCH 0 FLAGS\r\n",
    b"a FETCH 1\r\n",
    b"a FETCH 1 ()\r\n",
    b"a FETCH 1 (FLAGS\r\n",
    b"a FETCH 1 BODY[MIME]\r\n",
    b"a FETCH 1 BODY[1.]\r\n",
    b"a FETCH 1 BODY[0]\r\n",
    b"a FETCH 1 BODY[]<0>\r\n",
    b"a FETCH 1 BODY[]<0.0>\r\n",
    b"a FETCH 1 (ALL)\r\n",
    b"a FETCH 1 BINARY[TEXT]\r\n",
    b"a FETCH 1 BINARY[1.]\r\n",
    b"a FETCH 1 BINARY.SIZE[1]<0.1>\r\n",
    b"a STORE 1 FLAGS \\Recent\r\n",
    b"a STORE 1 FLAGS\r\n",
    b"a GETQUOTA\r\n",
    b"a SETQUOTA x (STORAGE)\r\n",
    b"a SEARCH EMAILID\r\n",
    b"a FETCH 1 PREVIEW (EAGER)\r\n",
    b"a SEARCH\r\n",
    b"a SEARCH FOO\r\n",
    b"a SEARCH OR ALL\r\n",
    b"a SEARCH ()\r\n",
    b"a SEARCH SINCE 31-Feb-2020\r\n",
    b"a SEARCH SINCE 1-Feb-994\r\n",
    b"a SEARCH SINCE 001-Feb-1994\r\n",
    b"a UID NOOP\r\n",
    b"a COMPRESS GZIP\r\n",
    b"a SETACL INBOX bob lrQ\r\n",
    b"a SETACL INBOX -bob l\r\n",
    b"a LISTRIGHTS INBOX\r\n",
    b"a GETMETADATA INBOX /comment\r\n",
    b"a GETMETADATA INBOX ()\r\n",
    b"a GETMETADATA INBOX (DEPTH 2) /shared/a\r\n",
    b"a SETMETADATA INBOX (/shared/a* x)\r\n",
];

/// A small generator of numbers: the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn feed(octets: &[u8]) {
    let _ = parse::command(octets);
    let _ = parse::append_head(octets, Utf8::Names);
    let _ = Reader::default().line(octets);
    let _ = url::parse(&String::from_utf8_lossy(octets));
    let mut framer = Framer::default();
    let mut rest = octets;
    for _ in 0..octets.len() {
        match framer.next(rest, LIMITS) {
            Frame::Partial | Frame::Endless => return,
            Frame::Continue => {}
            Frame::Command(length) | Frame::TooLarge { length, .. } => {
                let (command, after) = rest.split_at(length);
                let _ = parse::command(command);
                rest = after;
            }
            Frame::Append(length, _) => {
                rest = &rest[length..];
                let _ = Reader::default().line(rest);
            }
        }
    }
}

#[test]
fn what_is_right_is_read() {
    for octets in RIGHT {
        let tagged = parse::command(octets).map_err(|rejected| (String::from_utf8_lossy(octets), rejected));
        let tagged = tagged.unwrap();
        assert_eq!(tagged.tag, Tag("a".into()));
        let mut framer = Framer::default();
        let frame = std::iter::repeat_with(|| framer.next(octets, LIMITS)).find(|frame| *frame != Frame::Continue);
        assert_eq!(frame, Some(Frame::Command(octets.len())), "{}", String::from_utf8_lossy(octets));
    }
}

#[test]
fn what_is_wrong_is_refused() {
    for octets in WRONG {
        assert!(parse::command(octets).is_err(), "{}", String::from_utf8_lossy(octets));
    }
}

#[test]
fn macros_and_uid_forms_are_filled_in() {
    let items = |text: &[u8]| match parse::command(text).unwrap().command {
        Command::Fetch(fetch) => fetch.items,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(items(b"a FETCH 1 FAST"), [Item::Flags, Item::InternalDate, Item::Size]);
    assert_eq!(items(b"a UID FETCH 1 FLAGS"), [Item::Uid, Item::Flags]);
    assert_eq!(items(b"a UID FETCH 1 (UID) (CHANGEDSINCE 1)"), [Item::Uid, Item::ModSeq]);
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("(", ")"), ("NOT ", ""), ("OR ALL ", "")] {
        let text = format!("a SEARCH {}ALL{}", open.repeat(100_000), close.repeat(100_000));
        assert!(parse::command(text.as_bytes()).is_err());
        let text = format!("a SEARCH {}ALL{}", open.repeat(20), close.repeat(20));
        assert!(parse::command(text.as_bytes()).is_ok());
    }
}

#[test]
fn cut_and_spoilt_commands_do_no_harm() {
    let mut dice = Dice(7);
    for octets in RIGHT.iter().chain(WRONG) {
        for length in 0..octets.len() {
            feed(&octets[..length]);
        }
        for _ in 0..300 {
            let mut spoilt = octets.to_vec();
            for _ in 0..=dice.below(3).min(octets.len().saturating_sub(1)) {
                let at = dice.below(spoilt.len());
                match dice.below(3) {
                    0 => spoilt[at] = dice.below(256) as u8,
                    1 => spoilt.insert(at, b"(){}\"\\*%[]<>\r\n0~+&,:"[dice.below(20)]),
                    _ => drop(spoilt.remove(at)),
                }
            }
            feed(&spoilt);
        }
    }
}

#[test]
fn noise_does_no_harm() {
    let mut dice = Dice(11);
    for _ in 0..5_000 {
        let noise: Vec<u8> = (0..dice.below(80)).map(|_| dice.below(256) as u8).collect();
        feed(&noise);
        feed(&[b"a FETCH 1 ".as_slice(), &noise].concat());
        feed(&[b"a SEARCH ".as_slice(), &noise].concat());
    }
}
