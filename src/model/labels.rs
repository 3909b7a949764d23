//! What others note on a domain, user or alias: a panel's own ids and marks, by which lists are picked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// The most entries of metadata, and the most tags.
const MOST: usize = 50;
/// The longest name of metadata, and the longest tag, in characters.
pub const MAX_NAME: usize = 64;
/// The longest value of metadata, in characters.
pub const MAX_VALUE: usize = 255;

/// Free texts that belong to a thing of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// Texts by name.
    pub metadata: BTreeMap<String, String>,
    /// Marks.
    pub tags: BTreeSet<String>,
}

/// A change of labels: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelsChange {
    /// Texts by name, merged with those that are there: `None` takes one away (RFC 7396 §2). `Some(None)`: all of them.
    pub metadata: Option<Option<BTreeMap<String, Option<String>>>>,
    /// All marks.
    pub tags: Option<BTreeSet<String>>,
}

impl Labels {
    /// Whether they keep to their bounds. Errors: Invalid.
    pub fn check(&self) -> Result<(), Refusal> {
        let invalid = |field, problem: String| Err(Refusal::Invalid { field, problem });
        if self.metadata.len() > MOST {
            return invalid("metadata", format!("more than {MOST} entries"));
        }
        for (name, value) in &self.metadata {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(plain) {
                let right = format!("right would be up to {MAX_NAME} letters, digits, '.', '_' and '-'");
                return invalid("metadata", format!("the name {name:?} will not do; {right}"));
            }
            if value.chars().count() > MAX_VALUE || value.chars().any(char::is_control) {
                return invalid(
                    "metadata",
                    format!("the value of {name} is longer than {MAX_VALUE} characters or has a control character"),
                );
            }
        }
        if self.tags.len() > MOST {
            return invalid("tags", format!("more than {MOST} tags"));
        }
        let fits = |tag: &String| !tag.is_empty() && tag.chars().count() <= MAX_NAME && !tag.chars().any(char::is_control);
        match self.tags.iter().find(|tag| !fits(tag)) {
            Some(tag) => invalid(
                "tags",
                format!("the tag {tag:?} is empty, longer than {MAX_NAME} characters, or has a control character"),
            ),
            None => Ok(()),
        }
    }

    /// The labels after a change. Errors: Invalid.
    pub fn changed(mut self, change: LabelsChange) -> Result<Self, Refusal> {
        match change.metadata {
            Some(Some(wanted)) => {
                for (name, value) in wanted {
                    match value {
                        Some(value) => self.metadata.insert(name, value),
                        None => self.metadata.remove(&name),
                    };
                }
            }
            Some(None) => self.metadata.clear(),
            None => {}
        }
        self.tags = change.tags.unwrap_or(self.tags);
        self.check()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(metadata: &[(&str, &str)], tags: &[&str]) -> Labels {
        Labels {
            metadata: metadata
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }

    #[test]
    fn labels_are_bounded() {
        assert!(labels(&[("panel.id", "17 ü")], &["vip", "pilot group"]).check().is_ok());
        for (wrong, field) in [
            (labels(&[("", "x")], &[]), "metadata"),
            (labels(&[("a b", "x")], &[]), "metadata"),
            (labels(&[("a", "x\n")], &[]), "metadata"),
            (labels(&[("a", &"x".repeat(256))], &[]), "metadata"),
            (labels(&[], &[""]), "tags"),
            (labels(&[], &[&"x".repeat(65)]), "tags"),
        ] {
            assert!(
                matches!(wrong.check(), Err(Refusal::Invalid { field: found, .. }) if found == field),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_change_is_merged() {
        let change = LabelsChange {
            metadata: Some(Some([("a".to_owned(), None), ("c".to_owned(), Some("3".to_owned()))].into())),
            tags: None,
        };
        let changed = labels(&[("a", "1"), ("b", "2")], &["t"]).changed(change).unwrap();
        assert_eq!(changed, labels(&[("b", "2"), ("c", "3")], &["t"]));
        let cleared = LabelsChange {
            metadata: Some(None),
            tags: Some(BTreeSet::new()),
        };
        assert_eq!(changed.changed(cleared).unwrap(), Labels::default());
    }
}
