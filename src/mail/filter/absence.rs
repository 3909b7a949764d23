//! The form for an absence, as a script (RFC 5230 §4).

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::model::clock::timestamp;
use crate::model::filter::Vacation;

/// The form as it is kept. A field may be added if it has a default. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Kept {
    subject: Option<String>,
    text: String,
    from: Option<i64>,
    until: Option<i64>,
    addresses: Vec<String>,
    days: u32,
}

/// The form from the text that is kept of it; none if it is none.
pub(super) fn read(text: &[u8]) -> Option<Vacation> {
    let kept: Kept = serde_json::from_slice(text).ok()?;
    Some(Vacation {
        subject: kept.subject,
        text: kept.text,
        from: kept.from.map(timestamp),
        until: kept.until.map(timestamp),
        addresses: kept.addresses,
        days: kept.days,
    })
}

/// The text to keep.
pub(super) fn kept(form: &Vacation) -> Vec<u8> {
    let form = form.clone();
    let kept = Kept {
        subject: form.subject,
        text: form.text,
        from: form.from.map(|at| at.as_millisecond()),
        until: form.until.map(|at| at.as_millisecond()),
        addresses: form.addresses,
        days: form.days,
    };
    serde_json::to_vec(&kept).unwrap_or_default()
}

/// The script that replies. From when and until when is no matter of it.
pub(super) fn script(form: &Vacation) -> Vec<u8> {
    let mut script = format!("require \"vacation\";\r\nvacation :days {}", form.days);
    if let Some(subject) = &form.subject {
        _ = write!(script, " :subject {}", quoted(subject));
    }
    if !form.addresses.is_empty() {
        let addresses: Vec<String> = form.addresses.iter().map(|address| quoted(address)).collect();
        _ = write!(script, " :addresses [{}]", addresses.join(", "));
    }
    _ = write!(script, " {};\r\n", quoted(&form.text));
    script.into_bytes()
}

/// RFC 5228 §8.1, quoted-string.
fn quoted(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    format!("\"{}\"", lines.join("\r\n").replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sieve::{NoLibrary, Settings, compile};

    #[test]
    fn every_form_is_a_right_script() {
        let form = Vacation {
            subject: Some("I \"am\" away \\o/".into()),
            text: "Back soon.\n.\nreally \"soon\" \\".into(),
            from: None,
            until: None,
            addresses: vec!["a@house.test".into(), "b@house.test".into()],
            days: 3,
        };
        assert_eq!(read(&kept(&form)), Some(form.clone()));
        let script = script(&form);
        let compiled = compile("x", &script, &Settings::default(), &NoLibrary);
        assert!(compiled.is_ok(), "{compiled:?} {}", String::from_utf8_lossy(&script));
    }
}
