//! What a server notes of who sent a message: the field Authentication-Results, written and read.
//!
//! RFC 8601 §2.2 (the field), §5 (whom to believe: only what stands above the first Received field, where nobody but this server writes),
//! RFC 8617 §4.1.1 (the same in ARC).

use super::header::{Fields, unfold};
use super::lexer::Lexer;

/// The most results of a message.
const MOST: usize = 100;
/// The most properties of a result.
const MOST_PROPERTIES: usize = 20;
/// The longest value that is written, in characters.
const MOST_VALUE: usize = 400;
/// Where a line is broken if it can be (RFC 5322 §2.1.1).
const PREFERRED: usize = 78;

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Such as `spf`, in lower case.
    pub method: String,
    /// Such as `pass`, in lower case.
    pub result: String,
    /// Why, where that was said.
    pub reason: Option<String>,
    /// What was checked: such as `smtp.mailfrom`, with its value.
    pub properties: Vec<(String, String)>,
}

/// What the server of this name noted in the header of the message.
pub fn results(message: &[u8], server: &str) -> Vec<Outcome> {
    let ours = Fields::new(message).take_while(|field| !field.is("Received"));
    let ours = ours.filter(|field| field.is("Authentication-Results"));
    ours.flat_map(|field| read(&unfold(field.value), server)).take(MOST).collect()
}

/// The results in the value of a field ARC-Authentication-Results, whoever wrote it (RFC 8617 §4.1.1).
pub fn arc_results(value: &[u8]) -> Vec<Outcome> {
    let value = unfold(value);
    // The instance stands before the server's name.
    let rest = memchr::memchr(b';', &value).and_then(|end| value.get(end.saturating_add(1)..));
    let mut lexer = Lexer::new(rest.unwrap_or_default());
    word(&mut lexer);
    outcomes(lexer)
}

/// Whether a field says that this server wrote it: then it is forged, unless we did.
pub fn is_of(value: &[u8], server: &str) -> bool {
    let value = unfold(value);
    let name = word(&mut Lexer::new(&value));
    name.trim_end_matches('.').eq_ignore_ascii_case(server.trim_end_matches('.'))
}

/// The header without the fields that say that this server wrote them; none if there are none (RFC 8601 §5).
pub fn without_forged(header: &[u8], server: &str) -> Option<Vec<u8>> {
    let forged: Vec<_> = Fields::new(header)
        .filter(|field| field.is("Authentication-Results") && is_of(field.value, server))
        .collect();
    let last = forged.last()?.end;
    let mut kept = Vec::with_capacity(header.len());
    let mut from = 0;
    for field in &forged {
        kept.extend_from_slice(header.get(from..field.start).unwrap_or_default());
        from = field.end;
    }
    kept.extend_from_slice(header.get(last..).unwrap_or_default());
    Some(kept)
}

/// The value of a field that says what this server found, each result on a line of its own.
pub fn value(server: &str, outcomes: &[Outcome]) -> String {
    let mut text = server.to_owned();
    if outcomes.is_empty() {
        text.push_str("; none");
    }
    for outcome in outcomes {
        let mut line = format!(";\r\n\t{}={}", outcome.method, outcome.result);
        let reason = outcome.reason.iter().map(|reason| format!("reason={}", quoted(reason)));
        let properties = outcome.properties.iter().map(|(name, value)| format!("{name}={}", written(value)));
        let mut column = line.len();
        for piece in reason.chain(properties) {
            column = column.saturating_add(piece.len()).saturating_add(1);
            if column > PREFERRED {
                line.push_str("\r\n\t");
                column = piece.len();
            } else {
                line.push(' ');
            }
            line.push_str(&piece);
        }
        text.push_str(&line);
    }
    text
}

/// A value as it can be read again: in quotes, unless it is a plain word.
fn written(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+@/:!#$%&'*^`{|}~".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    quoted(value)
}

/// RFC 5322 §3.2.4. What controls a terminal, or would end the line, is left out.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars().filter(|c| !c.is_control()).take(MOST_VALUE) {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// The results of a field, if this server wrote it.
fn read(value: &[u8], server: &str) -> Vec<Outcome> {
    let mut lexer = Lexer::new(value);
    if !word(&mut lexer).eq_ignore_ascii_case(server) {
        return Vec::new();
    }
    outcomes(lexer)
}

fn outcomes(mut lexer: Lexer<'_>) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    // The version, if there is one, comes before the first result and is passed over.
    let mut open = None;
    while let Some(octet) = lexer.skip_comments().peek() {
        if octet == b';' {
            lexer.skip(1);
            outcomes.extend(open.take().filter(|outcome: &Outcome| !outcome.method.is_empty()));
            open = Some(Outcome::default());
            continue;
        }
        let name = word(&mut lexer);
        let value = match lexer.skip_comments().peek() {
            Some(b'=') => {
                lexer.skip(1);
                Some(word(&mut lexer))
            }
            // A word that makes no sense here must not hold up the rest.
            _ if name.is_empty() => {
                lexer.skip(1);
                None
            }
            _ => None,
        };
        if let (Some(outcome), Some(value)) = (&mut open, value) {
            outcome.take(&name, value);
        }
    }
    outcomes.extend(open.filter(|outcome| !outcome.method.is_empty()));
    outcomes
}

impl Outcome {
    fn take(&mut self, name: &str, value: String) {
        if self.method.is_empty() {
            let method = name.split('/').next().unwrap_or_default();
            self.method = method.trim().to_ascii_lowercase();
            self.result = value.to_ascii_lowercase();
        } else if name.eq_ignore_ascii_case("reason") {
            self.reason = Some(value);
        } else if self.properties.len() < MOST_PROPERTIES {
            self.properties.push((name.to_ascii_lowercase(), value));
        }
    }
}

/// The next word, quoted or not; empty if there is none.
fn word(lexer: &mut Lexer<'_>) -> String {
    let octets = match lexer.skip_comments().peek() {
        Some(b'"') => lexer.quoted(),
        _ => lexer
            .run(|octet| !octet.is_ascii_whitespace() && !matches!(octet, b';' | b'=' | b'(' | b'"'))
            .to_vec(),
    };
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: &str) -> Vec<(String, String, Option<String>, String)> {
        let message = format!("Authentication-Results: {field}\r\nReceived: x\r\nAuthentication-Results: h.test; spf=pass\r\n\r\n");
        let outcomes = results(message.as_bytes(), "h.test").into_iter();
        outcomes
            .map(|it| {
                let properties: Vec<String> = it.properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
                (it.method, it.result, it.reason, properties.join(" "))
            })
            .collect()
    }

    #[test]
    fn results_are_read() {
        let text = str::to_owned;
        assert_eq!(
            of(
                "H.test 1 (a comment);\r\n SPF=Pass smtp.mailfrom=a@b.test;\r\n dkim/1 = fail (bad; body) reason=\"body; hash\" header.d=b.test header.s = s1"
            ),
            [
                (text("spf"), text("pass"), None, text("smtp.mailfrom=a@b.test")),
                (
                    text("dkim"),
                    text("fail"),
                    Some(text("body; hash")),
                    text("header.d=b.test header.s=s1")
                ),
            ]
        );
        for nothing in [
            "h.test; none",
            "h.test",
            "",
            ";",
            "other.test; spf=pass",
            "h.test; = ; =x",
            "h.test; spf",
        ] {
            assert!(of(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let outcome = |method: &str, reason: Option<&str>, properties: &[(&str, &str)]| Outcome {
            method: method.into(),
            result: "pass".into(),
            reason: reason.map(str::to_owned),
            properties: properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        };
        let outcomes = [
            outcome("spf", None, &[("smtp.mailfrom", "SRS0=a;b@c.test"), ("smtp.helo", "")]),
            outcome("dkim", Some("a \"b\" \\ c"), &[("header.d", "a.test"), ("header.b", "Ab+/12==")]),
            outcome("dmarc", None, &[("header.from", &"long".repeat(30)), ("policy.dmarc", "none")]),
        ];
        let value = value("h.test", &outcomes);
        let message = format!("Authentication-Results: {value}\r\n\r\n");
        assert_eq!(results(message.as_bytes(), "H.test"), outcomes);
        assert_eq!(arc_results(format!(" i=1; {value}").as_bytes()), outcomes);
        assert_eq!(super::value("h.test", &[]), "h.test; none");
        let evil = super::value("h.test", &[outcome("x", Some("a\r\nBcc: b"), &[("y", "\r\n\u{7}")])]);
        assert_eq!(evil, "h.test;\r\n\tx=pass reason=\"aBcc: b\" y=\"\"");
    }

    #[test]
    fn forged_fields_are_taken_out() {
        let header = b"Authentication-Results: H.test; spf=pass\r\nA: 1\r\nauthentication-results : (x)\r\n h.test.\r\n 1; none\r\nAuthentication-Results: other.test; none\r\nB: 2\r\n";
        let kept = without_forged(header, "h.test").unwrap();
        assert_eq!(
            String::from_utf8(kept).unwrap(),
            "A: 1\r\nAuthentication-Results: other.test; none\r\nB: 2\r\n"
        );
        assert_eq!(without_forged(b"A: h.test\r\n", "h.test"), None);
    }

    #[test]
    fn what_a_sender_could_have_written_is_not_believed() {
        let message = b"Received: by h.test\r\nAuthentication-Results: h.test; dmarc=pass\r\n\r\n";
        assert!(results(message, "h.test").is_empty());
        let many = format!("Authentication-Results: h.test{}\r\n\r\n", "; spf=pass".repeat(1_000));
        assert_eq!(results(many.as_bytes(), "h.test").len(), MOST);
    }
}
