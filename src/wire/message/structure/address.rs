//! Address lists, as people and programs write them.
//!
//! RFC 5322 §3.4 (addresses, groups), §4.4 (obsolete: routes, empty members, blanks around dots and `@`)

use serde::{Deserialize, Serialize};

use super::limits;
use crate::wire::message::lexer::Lexer;

/// A member of an address list; groups stand between their markers (RFC 3501 §7.4.2). Texts are unquoted, not decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// An address.
    Mailbox {
        /// The display name, or the comment where there is none.
        name: Option<Vec<u8>>,
        /// The obsolete source route, such as `@a,@b`.
        route: Option<Vec<u8>>,
        /// What stands before the `@`.
        local: Vec<u8>,
        /// What stands behind the `@`; empty where there is none.
        domain: Vec<u8>,
    },
    /// The begin of the group of this name.
    GroupStart(Vec<u8>),
    /// The end of a group.
    GroupEnd,
}

/// Reads the value of From, To and their like. What cannot be read as an address becomes a `local` without `domain`.
pub fn addresses(value: &[u8]) -> Vec<Address> {
    let mut list = List::default();
    let mut lexer = Lexer::new(value);
    while list.out.len() < limits::ADDRESSES
        && let Some(octet) = lexer.peek()
    {
        match octet {
            b'(' => list.comment = Some(lexer.comment()),
            b'"' => list.words.push(lexer.quoted()),
            b'[' => list.words.push(lexer.domain_literal()),
            b'<' => list.angle(&mut lexer),
            b',' => list.finish(),
            b':' => list.begin_group(),
            b';' => list.end_group(),
            b'@' => list.at = list.at.or(Some(list.words.len())),
            b'>' => {}
            octet if octet.is_ascii_whitespace() => {}
            _ => {
                list.words.push(lexer.take_while(is_word));
                continue;
            }
        }
        if matches!(octet, b',' | b':' | b';' | b'@' | b'>') || octet.is_ascii_whitespace() {
            lexer.skip(1);
        }
    }
    list.finish();
    if list.in_group {
        list.out.push(Address::GroupEnd);
    }
    list.out
}

/// Octets of an atom, dots too; whatever has no meaning of its own in a list is taken for one.
fn is_word(octet: u8) -> bool {
    !octet.is_ascii_whitespace() && !b"()<>[]:;@,\"".contains(&octet) || octet == b']' || octet == b')'
}

/// A list being read: `words` are those since the last separator, `at` is how many of them stood before the `@`.
#[derive(Default)]
struct List {
    out: Vec<Address>,
    words: Vec<Vec<u8>>,
    at: Option<usize>,
    comment: Option<Vec<u8>>,
    in_group: bool,
    /// An address in angle brackets has been read; only a comment may follow.
    complete: bool,
}

impl List {
    fn push(&mut self, name: Option<Vec<u8>>, route: Option<Vec<u8>>, local: Vec<u8>, domain: Vec<u8>) {
        self.out.push(Address::Mailbox {
            name,
            route,
            local,
            domain,
        });
    }

    /// `<@route:local@domain>`; the lexer is at the `<`.
    fn angle(&mut self, lexer: &mut Lexer) {
        let name = phrase(&self.words);
        self.forget();
        lexer.skip(1);
        let mut route = None;
        if lexer.skip_blanks().peek() == Some(b'@') {
            let text = lexer.take_while(|octet| !matches!(octet, b':' | b'>'));
            if lexer.peek() == Some(b':') {
                lexer.skip(1);
            }
            route = Some(text.into_iter().filter(|octet| !octet.is_ascii_whitespace()).collect());
        }
        let (mut local, mut domain, mut behind) = (Vec::new(), Vec::new(), false);
        while let Some(octet) = lexer.peek() {
            let target = if behind { &mut domain } else { &mut local };
            match octet {
                b'>' => {
                    lexer.skip(1);
                    break;
                }
                b'(' => self.comment = Some(lexer.comment()),
                b'"' => target.append(&mut lexer.quoted()),
                b'[' => target.append(&mut lexer.domain_literal()),
                b'@' if !behind => {
                    behind = true;
                    lexer.skip(1);
                }
                // The `>` was forgotten.
                b'<' | b',' | b';' => break,
                _ => {
                    if !octet.is_ascii_whitespace() {
                        target.push(octet);
                    }
                    lexer.skip(1);
                }
            }
        }
        self.push(name, route, local, domain);
        self.complete = true;
    }

    /// The end of a member: an address without angle brackets, or nothing (RFC 5322 §4.4 allows empty members).
    fn finish(&mut self) {
        let mut words = std::mem::take(&mut self.words);
        if !self.complete && !words.is_empty() {
            match self.at {
                Some(at) => {
                    let domain = words.split_off(at.min(words.len())).concat();
                    let local = words.split_off(begin_of_local(&words)).concat();
                    self.push(phrase(&words), None, local, domain);
                }
                None => {
                    let local = phrase(&words).unwrap_or_default();
                    self.push(None, None, local, Vec::new());
                }
            }
            self.complete = true;
        }
        if self.complete
            && let Some(comment) = self.comment.take()
            && let Some(Address::Mailbox { name: name @ None, .. }) = self.out.last_mut()
        {
            *name = Some(comment);
        }
        self.comment = None;
        self.complete = false;
        self.forget();
    }

    fn begin_group(&mut self) {
        // A group in a group is not in the grammar: the name is dropped, the members stay.
        if !self.in_group && !self.complete && self.at.is_none() {
            let name = phrase(&self.words).unwrap_or_default();
            self.out.push(Address::GroupStart(name));
            self.in_group = true;
            self.comment = None;
        }
        self.forget();
    }

    fn end_group(&mut self) {
        self.finish();
        if self.in_group {
            self.out.push(Address::GroupEnd);
            self.in_group = false;
        }
    }

    fn forget(&mut self) {
        self.words.clear();
        self.at = None;
    }
}

/// The words with one blank between; none if there are none.
fn phrase(words: &[Vec<u8>]) -> Option<Vec<u8>> {
    if words.is_empty() { None } else { Some(words.join(&b' ')) }
}

/// Where the local part begins in the words before an `@`: words belong together where a dot joins them (RFC 5322 §4.4).
fn begin_of_local(words: &[Vec<u8>]) -> usize {
    let joined = words.windows(2).rev().take_while(|pair| match pair {
        [left, right] => left.ends_with(b".") || right.starts_with(b"."),
        _ => false,
    });
    words.len().saturating_sub(1).saturating_sub(joined.count())
}
