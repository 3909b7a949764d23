//! Which messages: the filters of a query string, and of a body.

use crate::api::field;
use crate::api::problem::{Kind, Problem};
use crate::api::time::Time;
use crate::mail::mailbox::{Mailbox, Test};
use crate::model::mailbox::Flags;

/// The longest text that is looked for, in octets.
const TEXT: usize = 1_000;
/// The most words that are looked for.
const WORDS: usize = 20;

/// A struct with the filters of messages, and fields of its own before them. A macro, because serde cannot refuse unknown fields where
/// one struct stands in another.
macro_rules! filters {
    ($(#[$doc:meta])* $visible:vis struct $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $visible struct $name {
            $($(#[$of_field])* $field: $type,)*
            /// Only those that are not seen, or only those that are.
            unseen: Option<bool>,
            /// Only those that are flagged, or only those that are not.
            flagged: Option<bool>,
            /// Only those that are answered, or only those that are not.
            answered: Option<bool>,
            /// Only those with this keyword.
            keyword: Option<String>,
            /// Only those from somebody with this text in the name or address.
            from: Option<String>,
            /// Only those to somebody (To or Cc) with this text in the name or address.
            to: Option<String>,
            /// Only those with this text in the subject.
            subject: Option<String>,
            /// Only those with all of these words, in the header or the body; words between double quotes must stand together.
            text: Option<String>,
            /// Only the one with this Message-ID, without angle brackets.
            message_id: Option<String>,
            /// Only those that came in at this moment or later.
            since: Option<$crate::api::time::Time>,
            /// Only those that came in before this moment.
            before: Option<$crate::api::time::Time>,
            /// Only those with more octets.
            larger: Option<u64>,
            /// Only those with fewer octets.
            smaller: Option<u64>,
            /// Only those that have files with them, or only those that have none.
            has_attachment: Option<bool>,
        }

        impl $name {
            /// The filters as values.
            fn filter(&self) -> Result<$crate::api::messages::filter::Filter, $crate::api::problem::Problem> {
                $crate::api::messages::filter::Filters {
                    unseen: self.unseen,
                    flagged: self.flagged,
                    answered: self.answered,
                    keyword: self.keyword.as_deref(),
                    from: self.from.as_deref(),
                    to: self.to.as_deref(),
                    subject: self.subject.as_deref(),
                    text: self.text.as_deref(),
                    message_id: self.message_id.as_deref(),
                    since: self.since,
                    before: self.before,
                    larger: self.larger,
                    smaller: self.smaller,
                    has_attachment: self.has_attachment,
                }
                .read()
            }
        }
    };
}
pub(super) use filters;

/// The filters as they were sent.
pub(super) struct Filters<'a> {
    pub unseen: Option<bool>,
    pub flagged: Option<bool>,
    pub answered: Option<bool>,
    pub keyword: Option<&'a str>,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub text: Option<&'a str>,
    pub message_id: Option<&'a str>,
    pub since: Option<Time>,
    pub before: Option<Time>,
    pub larger: Option<u64>,
    pub smaller: Option<u64>,
    pub has_attachment: Option<bool>,
}

/// What messages must be, whatever the mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    wanted: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Flag(Flags, bool),
    Keyword(String),
    /// The text is in one of the fields.
    Header(&'static [&'static str], String),
    Text(String),
    Since(jiff::Timestamp),
    Before(jiff::Timestamp),
    Larger(u64),
    Smaller(u64),
    HasAttachments(bool),
}

impl Filters<'_> {
    pub(super) fn read(self) -> Result<Filter, Problem> {
        let mut wanted = Vec::new();
        let flag = |wanted: Option<bool>, flag| wanted.map(|set| Wanted::Flag(flag, set));
        wanted.extend(flag(self.unseen.map(|unseen| !unseen), Flags::SEEN));
        wanted.extend(flag(self.flagged, Flags::FLAGGED));
        wanted.extend(flag(self.answered, Flags::ANSWERED));
        wanted.extend(text("keyword", self.keyword)?.map(Wanted::Keyword));
        wanted.extend(self.since.map(|time| Wanted::Since(time.0)));
        wanted.extend(self.before.map(|time| Wanted::Before(time.0)));
        let size = |name, size| field::number(name, size).map_err(Problem::in_query);
        wanted.extend(size("larger", self.larger)?.map(Wanted::Larger));
        wanted.extend(size("smaller", self.smaller)?.map(Wanted::Smaller));
        for (name, fields, value) in [
            ("from", &["From"][..], self.from),
            ("to", &["To", "Cc"][..], self.to),
            ("subject", &["Subject"][..], self.subject),
        ] {
            wanted.extend(text(name, value)?.map(|value| Wanted::Header(fields, value)));
        }
        let id = text("message_id", self.message_id)?;
        wanted.extend(id.map(|id| Wanted::Header(&["Message-ID"], format!("<{}>", id.trim_matches(['<', '>'])))));
        wanted.extend(self.has_attachment.map(Wanted::HasAttachments));
        if let Some(value) = text("text", self.text)? {
            wanted.extend(words("text", &value)?.into_iter().map(Wanted::Text));
        }
        Ok(Filter { wanted })
    }
}

impl Filter {
    /// The same, and all of these words in the message; `name` is that of the field they came in.
    pub(super) fn with_words(mut self, name: &str, value: &str) -> Result<Self, Problem> {
        if let Some(value) = text(name, Some(value))? {
            self.wanted.extend(words(name, &value)?.into_iter().map(Wanted::Text));
        }
        Ok(self)
    }

    /// Whether it lets every message through.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The filter for the messages of this mailbox.
    pub(super) fn test(&self, mailbox: &Mailbox) -> Test {
        Test::All(self.wanted.iter().map(|wanted| wanted.test(mailbox)).collect())
    }
}

impl Wanted {
    fn test(&self, mailbox: &Mailbox) -> Test {
        let unless = |set: bool, test| if set { test } else { Test::Not(Box::new(test)) };
        match self {
            Self::Flag(flag, set) => unless(*set, Test::Flag(*flag)),
            // A keyword that the mailbox does not have is on no message.
            Self::Keyword(name) => mailbox.known_keyword(name).map_or(Test::Never, Test::Flag),
            Self::Header(fields, text) => {
                let tests = fields.iter().map(|field| Test::header(field, text));
                tests.reduce(|a, b| Test::Either(Box::new(a), Box::new(b))).unwrap_or(Test::Never)
            }
            Self::Text(text) => Test::text(text, true),
            Self::Since(moment) => Test::NotBefore(*moment),
            Self::Before(moment) => unless(false, Test::NotBefore(*moment)),
            Self::Larger(size) => Test::Larger(*size),
            Self::Smaller(size) => Test::Smaller(*size),
            Self::HasAttachments(set) => unless(*set, Test::HasAttachments),
        }
    }
}

fn text(name: &str, value: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(value) = value else { return Ok(None) };
    if value.len() > TEXT || value.chars().any(char::is_control) {
        let detail = format!("it must have at most {TEXT} octets and no control characters");
        return Err(Problem::new(Kind::Malformed, detail).at(name));
    }
    Ok(Some(value.to_owned()))
}

/// The words of a text; those between double quotes are one.
fn words(name: &str, text: &str) -> Result<Vec<String>, Problem> {
    let mut words = Vec::new();
    for (number, part) in text.split('"').enumerate() {
        if number.is_multiple_of(2) {
            words.extend(part.split_whitespace().map(str::to_owned));
        } else if !part.trim().is_empty() {
            words.push(part.to_owned());
        }
    }
    if words.len() > WORDS {
        return Err(Problem::new(Kind::Malformed, format!("it has more than {WORDS} words")).at(name));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_between_quotes_stand_together() {
        let of = |text| words("q", text).unwrap();
        assert_eq!(of("red  fox"), ["red", "fox"]);
        assert_eq!(of("\"red fox\" runs"), ["red fox", "runs"]);
        assert_eq!(of("a\"b c\"\" \"d"), ["a", "b c", "d"]);
        assert!(of(" \"\" ").is_empty());
        assert!(words("q", &"x ".repeat(21)).is_err());
    }

    #[test]
    fn texts_are_bounded() {
        assert!(Filter::default().with_words("q", &"x".repeat(1_001)).is_err());
        assert!(Filter::default().with_words("q", "a\0").is_err());
        assert!(Filter::default().with_words("q", " ").unwrap().is_empty());
    }
}
