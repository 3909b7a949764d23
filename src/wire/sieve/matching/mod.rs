//! Comparing values with keys.
//!
//! RFC 5228 §2.7 (match types, comparators)
//! RFC 5231 §4 (`:value`, `:count`)
//! RFC 6134 §2.2 (`:list`)

mod comparator;
mod glob;
mod regex;

use super::arguments::Arguments;
use super::extension::Extension;
use super::run::{Fault, Run};
use super::signature::{Kind, Tag, tag};
use super::text::{Text, expand_all};

pub(super) use comparator::Comparator;
pub(super) use regex::{Expression, translate};

const MATCH: &str = "match type";

/// The tags of match types and comparators.
pub(super) const TAGS: &[Tag] = &[
    tag("is").among(MATCH),
    tag("contains").among(MATCH),
    tag("matches").among(MATCH),
    tag("regex").of(Extension::Regex).among(MATCH),
    tag("value").with(Kind::Text).of(Extension::Relational).among(MATCH),
    tag("count").with(Kind::Text).of(Extension::Relational).among(MATCH),
    tag("list").of(Extension::Extlists).among(MATCH),
    tag("comparator").with(Kind::Text),
];

/// A relation (RFC 5231 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Gt,
    Ge,
    Lt,
    Le,
    Eq,
    Ne,
}

impl Relation {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            _ => return None,
        })
    }

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
        }
    }
}

/// How values and keys are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MatchType {
    Is,
    Contains,
    Matches,
    Regex,
    Value(Relation),
    Count(Relation),
    List,
}

/// A match type with its comparator and keys.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    kind: MatchType,
    comparator: Comparator,
    keys: Vec<Text>,
    /// Whether a success sets the match variables.
    sets: bool,
}

impl Matcher {
    /// What the tags say and the positional argument of this index holds as keys; complains if they do not go together.
    pub fn compile(arguments: &mut Arguments<'_, '_, '_>, keys: usize) -> Option<Self> {
        let kind = match_type(arguments)?;
        let comparator = match arguments.tag_constant("comparator")? {
            Some(name) => match Comparator::named(&name).filter(|it| it.needs().is_none_or(|extension| arguments.has(extension))) {
                Some(comparator) => comparator,
                None => return arguments.problem(format!("unknown comparator '{name}': is its extension required?")),
            },
            None => Comparator::AsciiCasemap,
        };
        if !comparator.has_substrings() && matches!(kind, MatchType::Contains | MatchType::Matches | MatchType::Regex) {
            return arguments.problem(format!(
                "the comparator '{}' does not support substring matching",
                comparator.name()
            ));
        }
        // RFC 6134 §2.2: lists know themselves how to compare.
        if kind == MatchType::List && arguments.flag("comparator") {
            return arguments.problem("the match type ':list' takes no comparator");
        }
        let keys = arguments.texts(keys);
        if kind == MatchType::Regex {
            for key in &keys {
                let error = key.literal().and_then(|key| regex::compile(key, comparator).err());
                if let Some(error) = error {
                    return arguments.problem_at(key.at, format!("invalid regular expression: {error}"));
                }
            }
        }
        Some(Self {
            kind,
            comparator,
            keys,
            sets: true,
        })
    }

    /// The same, but a success does not set match variables (RFC 5173 §6).
    pub fn quiet(self) -> Self {
        Self { sets: false, ..self }
    }

    /// Whether it only counts, so that what is empty counts too.
    pub fn counts(&self) -> bool {
        matches!(self.kind, MatchType::Count(_))
    }

    /// The keys as they are now.
    pub fn keys(&self, run: &Run<'_>) -> Vec<Vec<u8>> {
        expand_all(&self.keys, run)
    }

    /// Whether one of the values matches one of the keys.
    pub fn any(&self, run: &mut Run<'_>, values: &[Vec<u8>]) -> Result<bool, Fault> {
        let keys = self.keys(run);
        self.any_of(run, values, &keys)
    }

    /// The same with other keys.
    pub fn any_of(&self, run: &mut Run<'_>, values: &[Vec<u8>], keys: &[Vec<u8>]) -> Result<bool, Fault> {
        if let MatchType::Count(relation) = self.kind {
            let count = values.len().to_string();
            return Ok(keys.iter().any(|key| relation.holds(self.comparator.order(count.as_bytes(), key))));
        }
        for value in values {
            for key in keys {
                run.look(value.len().saturating_add(key.len()))?;
                if let Some(matches) = self.one(run, value, key)? {
                    if self.sets && !matches.is_empty() {
                        run.set_match_values(matches);
                    }
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The match values if the value matches the key; empty where the match type has none.
    fn one(&self, run: &mut Run<'_>, value: &[u8], key: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Fault> {
        let holds = match self.kind {
            MatchType::Is => self.comparator.order(value, key).is_eq(),
            MatchType::Contains => self.comparator.contains(value, key),
            MatchType::Matches => return glob::matches(run, self.comparator, value, key),
            MatchType::Regex => return regex::matches(run, self.comparator, value, key),
            MatchType::Value(relation) => relation.holds(self.comparator.order(value, key)),
            MatchType::Count(_) => false,
            MatchType::List => {
                let (list, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
                let found = run.world.is_listed(list_name(&list), &value);
                // RFC 6134 §2.2: `${0}` is the value that was found.
                return Ok(found.then(|| vec![value.into_owned().into_bytes()]));
            }
        };
        Ok(holds.then(Vec::new))
    }
}

/// The name of a list in its short form (RFC 6134 §2.5).
pub(super) fn list_name(uri: &str) -> &str {
    uri.strip_prefix("urn:ietf:params:sieve")
        .filter(|rest| rest.starts_with(':'))
        .unwrap_or(uri)
}

fn match_type(arguments: &mut Arguments<'_, '_, '_>) -> Option<MatchType> {
    for (name, kind) in [
        ("contains", MatchType::Contains),
        ("matches", MatchType::Matches),
        ("regex", MatchType::Regex),
        ("list", MatchType::List),
    ] {
        if arguments.flag(name) {
            return Some(kind);
        }
    }
    for (name, kind) in [
        ("value", MatchType::Value as fn(Relation) -> MatchType),
        ("count", MatchType::Count),
    ] {
        if let Some(relation) = arguments.tag_constant(name)? {
            return match Relation::named(&relation) {
                Some(relation) => Some(kind(relation)),
                None => arguments.problem(format!(
                    "unknown relation '{relation}' of :{name}: right would be gt, ge, lt, le, eq or ne"
                )),
            };
        }
    }
    Some(MatchType::Is)
}
