//! The header of a message, as filters are shown it and change it.
//!
//! Fields keep their octets, unless a filter changes them. What is no field, such as a line without a colon, is kept and not shown.

use super::answer::{Change, Field};
use crate::wire::message::header::Fields;

/// The most fields: a filter cannot add without end.
const MOST: usize = 10_000;

/// A header that can be changed.
#[derive(Debug, Clone)]
pub struct Headers {
    /// Each with its line ends.
    fields: Vec<Vec<u8>>,
    is_changed: bool,
}

/// A field as a filter is shown it: lines of the value are separated by LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: Vec<u8>,
    /// Its value, with the blanks before it.
    pub value: Vec<u8>,
}

impl Headers {
    /// Reads a header, without the empty line behind it.
    pub fn parse(header: &[u8]) -> Self {
        let fields = Fields::new(header).filter_map(|field| header.get(field.start..field.end));
        Self {
            fields: fields.map(<[u8]>::to_vec).collect(),
            is_changed: false,
        }
    }

    /// All fields, in their order.
    pub fn shown(&self) -> impl Iterator<Item = Shown> {
        self.fields.iter().filter_map(|raw| shown(raw))
    }

    /// The octets, if something was changed.
    pub fn changed(&self) -> Option<Vec<u8>> {
        self.is_changed.then(|| self.fields.concat())
    }

    /// Makes a change, if it is one of the header. `has_blanks`: values come with the blanks before them.
    pub fn change(&mut self, change: Change, has_blanks: bool) {
        match change {
            Change::AddField(field) => self.insert(usize::MAX, &field, has_blanks),
            Change::InsertField(place, field) => self.insert(usize::try_from(place).unwrap_or(usize::MAX), &field, has_blanks),
            Change::ChangeField(number, field) => self.replace(number, &field, has_blanks),
            _ => {}
        }
    }

    fn insert(&mut self, place: usize, field: &Field, has_blanks: bool) {
        if self.fields.len() < MOST {
            self.is_changed = true;
            self.fields.insert(place.min(self.fields.len()), spelled(field, has_blanks));
        }
    }

    /// The first has the number 1; one that is not there is added, unless it is to go.
    fn replace(&mut self, number: u32, field: &Field, has_blanks: bool) {
        let skip = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut same = self.fields.iter().enumerate().filter(|(_, raw)| is_named(raw, &field.name));
        let found = same.nth(skip).map(|(place, _)| place);
        match (found, field.value.is_empty()) {
            (Some(place), true) => {
                self.is_changed = true;
                self.fields.remove(place);
            }
            (Some(place), false) => {
                self.is_changed = true;
                if let Some(raw) = self.fields.get_mut(place) {
                    *raw = spelled(field, has_blanks);
                }
            }
            (None, true) => {}
            (None, false) => self.insert(usize::MAX, field, has_blanks),
        }
    }
}

fn is_named(raw: &[u8], name: &[u8]) -> bool {
    let found = memchr::memchr(b':', raw).and_then(|colon| raw.get(..colon));
    found.is_some_and(|found| found.trim_ascii_end().eq_ignore_ascii_case(name))
}

fn shown(raw: &[u8]) -> Option<Shown> {
    let field = Fields::new(raw).next().filter(|field| !field.name.is_empty())?;
    Some(Shown {
        name: field.name.to_vec(),
        value: field.value.iter().copied().filter(|octet| *octet != b'\r').collect(),
    })
}

/// The field as it stands in a message. A line that would begin another field, or end the header, goes on with this one.
fn spelled(field: &Field, has_blanks: bool) -> Vec<u8> {
    let mut out = field.name.clone();
    out.push(b':');
    if !has_blanks {
        out.push(b' ');
    }
    let value = field.value.trim_ascii_end();
    for (number, line) in value.split(|octet| *octet == b'\n').enumerate() {
        if number > 0 {
            if line.trim_ascii().is_empty() {
                continue;
            }
            out.extend_from_slice(b"\r\n");
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                out.push(b'\t');
            }
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"Received: one\r\nreceived : two\r\n\tmore\r\nno field\r\nSubject:x\r\n";

    fn after(changes: &[Change], has_blanks: bool) -> String {
        let mut headers = Headers::parse(HEADER);
        changes.iter().for_each(|change| headers.change(change.clone(), has_blanks));
        String::from_utf8(headers.changed().unwrap_or_default())
            .unwrap()
            .replace("\r\n", "|")
    }

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn fields_are_shown() {
        let shown: Vec<String> = Headers::parse(HEADER)
            .shown()
            .map(|it| format!("{}:{}", String::from_utf8_lossy(&it.name), String::from_utf8_lossy(&it.value)))
            .collect();
        assert_eq!(shown, ["Received: one", "received: two\n\tmore", "Subject:x"]);
        assert_eq!(Headers::parse(HEADER).changed(), None);
    }

    #[test]
    fn fields_are_changed() {
        use Change::{AddField, ChangeField, InsertField};
        for (change, expected) in [
            (
                AddField(field("X", "1")),
                "Received: one|received : two|\tmore|no field|Subject:x|X: 1|",
            ),
            (
                InsertField(0, field("X", "1")),
                "X: 1|Received: one|received : two|\tmore|no field|Subject:x|",
            ),
            (
                InsertField(1, field("X", "1")),
                "Received: one|X: 1|received : two|\tmore|no field|Subject:x|",
            ),
            (
                InsertField(99, field("X", "1")),
                "Received: one|received : two|\tmore|no field|Subject:x|X: 1|",
            ),
            (ChangeField(2, field("Received", "")), "Received: one|no field|Subject:x|"),
            (
                ChangeField(1, field("SUBJECT", "y")),
                "Received: one|received : two|\tmore|no field|SUBJECT: y|",
            ),
            (
                ChangeField(2, field("Subject", "y")),
                "Received: one|received : two|\tmore|no field|Subject:x|Subject: y|",
            ),
            (ChangeField(3, field("Received", "")), ""),
        ] {
            assert_eq!(after(std::slice::from_ref(&change), false), expected, "{change:?}");
        }
        assert!(after(&[AddField(field("X", "  1"))], true).ends_with("|X:  1|"));
    }

    #[test]
    fn no_value_makes_another_field_or_a_body() {
        for (value, expected) in [
            ("1\nBcc: eve", "X: 1|\tBcc: eve|"),
            ("1\n\n\nbody", "X: 1|\tbody|"),
            ("1\n  2\n", "X: 1|  2|"),
            ("\n", "X: |"),
        ] {
            assert!(
                after(&[Change::AddField(field("X", value))], false).ends_with(expected),
                "{value:?}"
            );
        }
    }
}
