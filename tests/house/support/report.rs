//! Reports about mail, read as a program reads them (RFC 3464 §2, RFC 6522 §3).

use std::collections::BTreeMap;

/// A delivery status notification.
#[derive(Debug)]
pub struct Report {
    /// The part for people.
    pub people: String,
    /// The fields of each recipient, their names in small letters.
    pub recipients: Vec<BTreeMap<String, String>>,
    /// The message or its header.
    pub returned: String,
}

impl Report {
    /// Reads a message with LF line ends; one that is no report ends the test.
    pub fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").expect("a header and a body");
        let kind = &fields(head)["content-type"];
        assert!(kind.starts_with("multipart/report;"), "{text}");
        let boundary = kind.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let delimiter = format!("\n--{}", boundary.expect("a boundary"));
        let parts: Vec<(&str, &str)> = body
            .split(&delimiter)
            .skip(1)
            .filter_map(|part| part.trim_start_matches('\n').split_once("\n\n"))
            .collect();
        let [(_, people), (status, programs), (_, returned)] = parts[..] else {
            panic!("not of three parts:\n{text}");
        };
        assert_eq!(fields(status)["content-type"], "message/delivery-status");
        Self {
            people: people.to_owned(),
            recipients: programs.trim().split("\n\n").skip(1).map(fields).collect(),
            returned: returned.to_owned(),
        }
    }
}

/// Header fields, unfolded.
fn fields(head: &str) -> BTreeMap<String, String> {
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    };
    unfolded.lines().filter_map(field).collect()
}
