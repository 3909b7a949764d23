//! The ids in Message-ID, In-Reply-To and References (RFC 5322 §3.6.4), as threads are made of them.

use crate::wire::message::lexer::Lexer;

/// The ids of a field, without angle brackets, comments and quotes, so that two ways to write one id are the same (RFC 5256 §3). What is
/// no id is passed over: a thread must not be held together by a phrase.
pub fn thread_ids(raw: &[u8]) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    let mut lexer = Lexer::new(raw);
    while let Some(octet) = lexer.peek() {
        match octet {
            b'<' => {
                lexer.skip(1);
                ids.extend(id(&mut lexer));
            }
            b'(' => drop(lexer.comment()),
            _ => lexer.skip(1),
        }
    }
    ids
}

/// `left@right>`; the lexer stands behind the `<`.
fn id(lexer: &mut Lexer<'_>) -> Option<Vec<u8>> {
    let (mut id, mut at) = (Vec::new(), None);
    loop {
        match lexer.peek()? {
            b'>' => break,
            // The `>` was forgotten: another id begins.
            b'<' => return None,
            b'"' => id.append(&mut lexer.quoted()),
            b'(' => drop(lexer.comment()),
            octet => {
                if octet == b'@' {
                    at = Some(id.len());
                }
                if !octet.is_ascii_whitespace() {
                    id.push(octet);
                }
                lexer.skip(1);
            }
        }
    }
    lexer.skip(1);
    let is_whole = at.is_some_and(|at| at > 0 && at.saturating_add(1) < id.len());
    is_whole.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found() {
        let table: [(&str, &[&str]); 9] = [
            ("<a@b>", &["a@b"]),
            (" <a@b>\r\n\t<c@d> ", &["a@b", "c@d"]),
            ("<\"a\"@b> <a @ b>", &["a@b", "a@b"]),
            ("<a(comment)@b>", &["a@b"]),
            ("Your message of \"Fri\" <a@b> (was <x@y>)", &["a@b"]),
            ("<a@b <c@d>", &["c@d"]),
            ("<@b> <a@> <ab> <>", &[]),
            ("a@b", &[]),
            ("<a@b", &[]),
        ];
        for (raw, ids) in table {
            let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes()).collect();
            assert_eq!(thread_ids(raw.as_bytes()), ids, "{raw}");
        }
    }
}
