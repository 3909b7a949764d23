//! Threads of small mailboxes, as RFC 5256 §3 would have them.

use jiff::Timestamp;

use crate::wire::imap::sort::Algorithm;

use super::rows::Rows;
use super::threads;

/// A message: its date, its subject, its id and what it answers.
type Message = (i64, &'static str, &'static str, &'static str);

fn rows(messages: &[Message]) -> Rows {
    let mut rows = Rows::default();
    for &(date, subject, id, references) in messages {
        let references: Vec<String> = references.split_whitespace().map(|id| format!("<{id}@x>")).collect();
        let header = format!(
            "Subject: {subject}\r\nMessage-ID: <{id}@x>\r\nReferences: {}\r\n\r\n",
            references.join(" ")
        );
        rows.push(Timestamp::from_second(date).unwrap(), header.as_bytes());
    }
    rows
}

fn threaded(messages: &[Message], algorithm: Algorithm) -> String {
    let mut out = Vec::new();
    let numbers: Vec<u32> = messages.iter().zip(1..).map(|(_, number)| number).collect();
    threads(&rows(messages), algorithm).write(&numbers, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn references_make_threads() {
    let table: [(&[Message], &str); 13] = [
        (&[], ""),
        (&[(1, "a", "a", ""), (2, "re: a", "b", "a"), (3, "re: a", "c", "a b")], " (1 2 3)"),
        (&[(1, "a", "a", ""), (3, "re: a", "b", "a"), (2, "re: a", "c", "a")], " (1 (3)(2))"),
        // In any order of arrival.
        (&[(3, "re: a", "c", "a b"), (2, "re: a", "b", "a"), (1, "a", "a", "")], " (3 2 1)"),
        // The one between is not there.
        (&[(1, "a", "a", ""), (3, "x", "c", "a b")], " (1 2)"),
        // The first is not there: its only child takes its place, several keep it.
        (&[(3, "x", "c", "a b")], " (1)"),
        (&[(2, "x", "b", "a"), (3, "y", "c", "a")], " ((1)(2))"),
        (&[(2, "x", "c", "a b"), (3, "y", "d", "a b")], " ((1)(2))"),
        // No thread is a circle.
        (&[(1, "a", "a", "b"), (2, "b", "b", "a")], " (2 1)"),
        (&[(1, "a", "a", "a")], " (1)"),
        (&[(1, "a", "a", "c"), (2, "b", "b", "a"), (3, "c", "c", "b")], " (3 1 2)"),
        // Who has the id of another is nobody's parent.
        (&[(1, "a", "a", ""), (2, "b", "a", ""), (3, "c", "c", "a")], " (1 3)(2)"),
        // What a message says of itself counts more.
        (&[(1, "z", "z", "a b"), (2, "a", "a", ""), (3, "b", "b", "")], " (2)(3 1)"),
    ];
    for (messages, want) in table {
        assert_eq!(threaded(messages, Algorithm::References), want, "{messages:?}");
    }
}

#[test]
fn subjects_join_threads() {
    let table: [(&[Message], &str, &str); 8] = [
        // A reply without references goes below what it answers.
        (&[(1, "a", "a", ""), (2, "Re: a", "b", "")], " (1 2)", " (1)(2)"),
        (&[(2, "a", "a", ""), (1, "Re: a", "b", "")], " (1 2)", " (2)(1)"),
        // Two of the same subject are siblings.
        (&[(1, "a", "a", ""), (2, "A", "b", "")], " ((1)(2))", " (1)(2)"),
        (&[(1, "re: a", "a", ""), (2, "re: a", "b", "")], " ((1)(2))", " (1)(2)"),
        (
            &[(1, "a", "a", ""), (2, "a", "b", ""), (3, "a", "c", "")],
            " ((1)(2)(3))",
            " (1)(2)(3)",
        ),
        // Threads whose first is not there.
        (
            &[
                (1, "a", "a", "x"),
                (2, "a", "b", "x"),
                (3, "a", "c", "y"),
                (4, "a", "d", "y"),
                (5, "a", "e", ""),
            ],
            " ((1)(2)(3)(4)(5))",
            " ((1)(2))((3)(4))(5)",
        ),
        // No subject is nobody's subject.
        (&[(1, "", "a", ""), (2, "Re:", "b", "")], " (1)(2)", " (1)(2)"),
        // The latest message decides where a thread of REFS stands.
        (
            &[(1, "a", "a", ""), (2, "b", "b", ""), (3, "c", "c", "a")],
            " (1 3)(2)",
            " (2)(1 3)",
        ),
    ];
    for (messages, references, refs) in table {
        assert_eq!(threaded(messages, Algorithm::References), references, "{messages:?}");
        assert_eq!(threaded(messages, Algorithm::Refs), refs, "{messages:?}");
    }
}

#[test]
fn ordered_subjects_have_two_levels() {
    let messages: &[Message] = &[
        (4, "b", "a", ""),
        (3, "a", "b", ""),
        (2, "Re: b", "c", ""),
        (5, "B (fwd)", "d", ""),
        (9, "c", "e", ""),
    ];
    assert_eq!(threaded(messages, Algorithm::OrderedSubject), " (3 (1)(4))(2)(5)");
    assert_eq!(threaded(&messages[..3], Algorithm::OrderedSubject), " (3 1)(2)");
    assert_eq!(threaded(&[], Algorithm::OrderedSubject), "");
}

/// A thread as deep as the mailbox, told in the worst order, takes no more than its time.
#[test]
fn deep_threads_are_put_together() {
    let mut rows = Rows::default();
    let depth = 50_000_u32;
    for number in 1..=depth {
        let header = format!("Message-ID: <{number}@x>\r\nReferences: <{}@x>\r\n\r\n", number - 1);
        rows.push(Timestamp::from_second(i64::from(number)).unwrap(), header.as_bytes());
    }
    for algorithm in [Algorithm::References, Algorithm::Refs] {
        let mut out = Vec::new();
        let numbers: Vec<u32> = (1..=depth).collect();
        threads(&rows, algorithm).write(&numbers, &mut out);
        assert!(out.starts_with(b" (1 2 3 ") && out.ends_with(b"49999 50000)"));
    }
}
