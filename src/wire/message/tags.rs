//! Lists of tags, as signatures have them: `name=value`, with semicolons between.
//!
//! RFC 6376 §3.2 (the grammar), §3.5 (tags of DKIM-Signature), RFC 8617 §4.1.2 (ARC-Message-Signature), §4.1.3 (ARC-Seal).

use super::header::unfold;

/// The most tags of a field.
const MOST: usize = 100;

/// The tags of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// Reads them; none if the field is by no grammar, has a tag twice, or too many.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = unfold(value);
        let text = std::str::from_utf8(&text).ok()?.trim();
        let mut tags: Vec<(String, String)> = Vec::new();
        for tag in text.strip_suffix(';').unwrap_or(text).split(';') {
            let (name, value) = tag.split_once('=')?;
            let name = name.trim();
            let is_name =
                name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
            if !is_name || tags.len() >= MOST || tags.iter().any(|(known, _)| known == name) {
                return None;
            }
            tags.push((name.to_owned(), value.trim().to_owned()));
        }
        Some(Self(tags))
    }

    /// The value of a tag; none if it is missing.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether all of these are there.
    pub fn have(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.find(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read() {
        let tags = Tags::parse(b" v=1; a = rsa-sha256;\r\n\tb=a b=\r\n c; d=;").unwrap();
        let found: Vec<_> = ["v", "a", "b", "d", "x", "V"].iter().map(|name| tags.find(name)).collect();
        assert_eq!(found, [Some("1"), Some("rsa-sha256"), Some("a b= c"), Some(""), None, None]);
        assert!(tags.have(&["v", "d"]) && !tags.have(&["v", "x"]));
        for broken in ["", ";", "a", "a=1;;b=2", "a=1; a=2", "_=1", "1a=1", "a=1;b", "a b=1", "=1"] {
            assert_eq!(Tags::parse(broken.as_bytes()), None, "{broken}");
        }
        assert_eq!(Tags::parse(b"a=\xff"), None);
        let many: String = (0..200).map(|n| format!("a{n}=1;")).collect();
        assert_eq!(Tags::parse(many.as_bytes()), None);
    }
}
