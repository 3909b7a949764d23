//! What a server noted of who sent a message: the field Authentication-Results.
//!
//! RFC 8601 §2.2 (the field), §5 (whom to believe: only what stands above the first Received field, where nobody but this server writes).

use super::header::{Fields, unfold};
use super::lexer::Lexer;

/// The most results of a message.
const MOST: usize = 100;
/// The most properties of a result.
const MOST_PROPERTIES: usize = 20;

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

/// The results of a field, if this server wrote it.
fn read(value: &[u8], server: &str) -> Vec<Outcome> {
    let mut lexer = Lexer::new(value);
    if !word(&mut lexer).eq_ignore_ascii_case(server) {
        return Vec::new();
    }
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
    fn what_a_sender_could_have_written_is_not_believed() {
        let message = b"Received: by h.test\r\nAuthentication-Results: h.test; dmarc=pass\r\n\r\n";
        assert!(results(message, "h.test").is_empty());
        let many = format!("Authentication-Results: h.test{}\r\n\r\n", "; spf=pass".repeat(1_000));
        assert_eq!(results(many.as_bytes(), "h.test").len(), MOST);
    }
}
