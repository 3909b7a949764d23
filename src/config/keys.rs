//! Every key there is, read from the schema of [`Config`]: its type, range, default and meaning.
//!
//! The loader checks values against this table, and the example and the reference are printed from it.

use std::fmt;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;
use toml::Value;

use super::{Config, order};

/// A section of the file; the first one, without a name, is the top level.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) meaning: String,
    pub(super) keys: Vec<Key>,
}

/// One key.
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) meaning: String,
    pub(super) kind: Kind,
    /// None where it is unset, or depends on the machine.
    pub(super) default: Option<Value>,
    /// A value to show where there is no default.
    pub(super) example: Option<Value>,
    /// Its value is never printed.
    pub(super) secret: bool,
}

/// What values a key takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Integer {
        least: i64,
        most: i64,
    },
    /// A number with a point.
    Decimal {
        least: f64,
        most: f64,
    },
    Boolean,
    Text,
    Choice(Vec<String>),
    List,
    /// A list of whole numbers.
    Integers,
    /// A list of tables.
    Entries,
    Map,
    /// A map to whole numbers.
    Numbers,
    /// A map to numbers with a point.
    Decimals,
    /// A map to texts or tables.
    Tables,
}

/// All sections, in the order of the source.
pub(super) fn sections() -> &'static [Section] {
    static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(read_schema);
    &SECTIONS
}

/// All keys.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    sections().iter().flat_map(|section| &section.keys)
}

impl Key {
    /// `section.name`, or the bare name at the top level.
    pub(super) fn path(&self) -> String {
        if self.section.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.section, self.name)
        }
    }

    /// `POSTHOUSE_SECTION__NAME`.
    pub(super) fn variable(&self) -> String {
        format!("POSTHOUSE_{}", self.path().replace('.', "__").to_uppercase())
    }

    /// What is wrong with the value, and what would be right; nothing if it will do.
    pub(super) fn fault(&self, value: &Value) -> Option<String> {
        let is_right = match (&self.kind, value) {
            (Kind::Integer { least, most }, Value::Integer(n)) => (least..=most).contains(&n),
            (Kind::Decimal { least, most }, value) => decimal(value).is_some_and(|n| (*least..=*most).contains(&n)),
            (Kind::Boolean, Value::Boolean(_)) | (Kind::Text, Value::String(_)) => true,
            (Kind::Choice(choices), Value::String(text)) => choices.contains(text),
            (Kind::List | Kind::Integers, Value::Array(items)) => {
                match items.iter().enumerate().find(|(_, item)| !self.kind.takes_item(item)) {
                    None => true,
                    Some((at, item)) => {
                        let found = self.shown(item);
                        return Some(format!("entry {} is {found}; right would be {}", at + 1, self.expected()));
                    }
                }
            }
            (Kind::Entries, Value::Array(items)) => items.iter().all(Value::is_table),
            (Kind::Map | Kind::Numbers | Kind::Decimals | Kind::Tables, Value::Table(entries)) => {
                match entries.iter().find(|(_, value)| !self.kind.takes_entry(value)) {
                    None => true,
                    Some((name, value)) => {
                        let found = self.shown(value);
                        return Some(format!("'{name}' is {found}; right would be {}", self.expected()));
                    }
                }
            }
            _ => false,
        };
        (!is_right).then(|| format!("is {}; right would be {}", self.shown(value), self.expected()))
    }

    /// What would be right, with a value that is.
    pub(super) fn expected(&self) -> String {
        match (self.default.as_ref().or(self.example.as_ref()), &self.kind) {
            (_, Kind::Choice(_)) => self.kind.to_string(),
            (_, Kind::Map) => "a table of texts, such as { \"example.org\" = \"required\" }".into(),
            (_, Kind::Numbers) => "a table of whole numbers from 0, such as { \"example.org\" = 60 }".into(),
            (_, Kind::Decimals) => "a table of numbers, such as { \"MISSING_DATE\" = 1.5 }".into(),
            (_, Kind::Tables) => {
                "a table of texts or tables, such as { \"example.org\" = \"192.0.2.1:25\", \"example.net\" = { server = \"192.0.2.1:25\" } }".into()
            }
            (Some(Value::String(text)), kind) if !text.is_empty() => format!("{kind}, such as \"{text}\""),
            (Some(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_))), kind) => format!("{kind}, such as {value}"),
            (Some(Value::Array(items)), kind) if !items.is_empty() => format!("{kind}, such as {}", Value::Array(items.clone())),
            (_, kind) => kind.to_string(),
        }
    }

    /// A value in an error message.
    fn shown(&self, value: &Value) -> String {
        match value {
            Value::String(_) if self.secret => "a text".into(),
            Value::Integer(_) if self.secret => "a number".into(),
            Value::String(text) => format!("the text {text:?}"),
            Value::Integer(n) => format!("the number {n}"),
            Value::Float(n) => format!("the number {n}"),
            Value::Boolean(yes) => format!("{yes}"),
            Value::Datetime(_) => "a date".into(),
            Value::Array(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

impl Kind {
    /// Whether the value may stand in a list of this kind.
    fn takes_item(&self, value: &Value) -> bool {
        match self {
            Self::List => value.is_str(),
            Self::Integers => value.as_integer().is_some_and(|n| u32::try_from(n).is_ok()),
            _ => false,
        }
    }

    /// Whether the value may stand in a map of this kind.
    fn takes_entry(&self, value: &Value) -> bool {
        match self {
            Self::Map => value.is_str(),
            Self::Numbers => value.as_integer().is_some_and(|n| n >= 0),
            Self::Decimals => decimal(value).is_some_and(f64::is_finite),
            Self::Tables => value.is_str() || value.is_table(),
            _ => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { least, most: i64::MAX } => write!(f, "a whole number from {least}"),
            Self::Integer { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Decimal { least, most } => write!(f, "a number from {least} to {most}"),
            Self::Boolean => f.write_str("true or false"),
            Self::Text => f.write_str("a text"),
            Self::Choice(choices) => write!(f, "\"{}\"", choices.join("\" or \"")),
            Self::List => f.write_str("a list of texts"),
            Self::Integers => f.write_str("a list of whole numbers"),
            Self::Entries => f.write_str("a list of tables"),
            Self::Map => f.write_str("a table of texts"),
            Self::Numbers => f.write_str("a table of whole numbers from 0"),
            Self::Decimals => f.write_str("a table of numbers"),
            Self::Tables => f.write_str("a table of texts or tables"),
        }
    }
}

/// A number, with a point or without.
fn decimal(value: &Value) -> Option<f64> {
    match value {
        Value::Float(n) => Some(*n),
        Value::Integer(n) => Some(*n as f64),
        _ => None,
    }
}

/// The known word that the text was probably meant to be, if any is near.
pub(super) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|word| (strsim::damerau_levenshtein(text, word), word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, word)| *distance <= word.len().max(6) / 3)
        .map(|(_, word)| word)
}

fn read_schema() -> Vec<Section> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    let order = order::sections();
    let is_section = |name: &str| order.iter().any(|(section, _)| *section == name);
    order
        .iter()
        .map(|(section, fields)| {
            let within = if section.is_empty() { &schema } else { property(&schema, section) };
            let keys = fields.iter().filter(|name| !section.is_empty() || !is_section(name));
            Section {
                name: section,
                meaning: meaning(within),
                keys: keys.map(|name| read_key(section, name, property(within, name))).collect(),
            }
        })
        .collect()
}

/// The schema of a property; `null`, which says nothing, where there is none.
fn property<'s>(schema: &'s serde_json::Value, name: &str) -> &'s serde_json::Value {
    schema
        .get("properties")
        .and_then(|properties| properties.get(name))
        .unwrap_or(&serde_json::Value::Null)
}

fn read_key(section: &'static str, name: &'static str, schema: &Json) -> Key {
    let example = schema["examples"].get(0).and_then(|json| Value::try_from(json).ok());
    let default = match &schema["default"] {
        Json::Null => None,
        _ if example.is_some() => None,
        json => Value::try_from(json).ok(),
    };
    Key {
        section,
        name,
        meaning: meaning(schema),
        kind: read_kind(schema),
        default,
        example,
        secret: schema["writeOnly"] == true,
    }
}

fn read_kind(schema: &Json) -> Kind {
    if let Some(choices) = schema["oneOf"].as_array() {
        let words = choices.iter().filter_map(|choice| choice["const"].as_str());
        return Kind::Choice(words.map(str::to_owned).collect());
    }
    match schema["type"].as_str() {
        Some("integer") => Kind::Integer {
            least: schema["minimum"].as_i64().unwrap_or(i64::MIN),
            most: schema["maximum"].as_i64().unwrap_or(i64::MAX),
        },
        Some("number") => Kind::Decimal {
            least: schema["minimum"].as_f64().unwrap_or(f64::MIN),
            most: schema["maximum"].as_f64().unwrap_or(f64::MAX),
        },
        Some("boolean") => Kind::Boolean,
        Some("array") if schema.pointer("/items/type").is_some_and(|kind| kind == "object") => Kind::Entries,
        Some("array") if schema.pointer("/items/type").is_some_and(|kind| kind == "integer") => Kind::Integers,
        Some("array") => Kind::List,
        Some("object") if schema.pointer("/additionalProperties/type").is_some_and(|kind| kind == "object") => Kind::Tables,
        Some("object") if schema.pointer("/additionalProperties/type").is_some_and(|kind| kind == "integer") => Kind::Numbers,
        Some("object") if schema.pointer("/additionalProperties/type").is_some_and(|kind| kind == "number") => Kind::Decimals,
        Some("object") => Kind::Map,
        // Also the pair of "string" and "null", which is an optional text.
        _ => Kind::Text,
    }
}

/// The doc comment, with its line breaks taken out.
fn meaning(schema: &Json) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> &'static Key {
        all().find(|key| key.path() == path).unwrap()
    }

    #[test]
    fn every_key_of_the_schema_is_there_with_a_meaning() {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
        let mut expected = Vec::new();
        for (name, property) in schema["properties"].as_object().unwrap() {
            match property["properties"].as_object() {
                Some(keys) => expected.extend(keys.keys().map(|key| format!("{name}.{key}"))),
                None => expected.push(name.clone()),
            }
        }
        let mut found: Vec<_> = all().map(Key::path).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert!(all().all(|key| !key.meaning.is_empty()));
        assert!(
            all().all(|key| key.default.is_some() || key.example.is_some()),
            "a default or an example each"
        );
    }

    #[test]
    fn kinds_come_from_the_types() {
        assert_eq!(key("outbound.smtp_port").kind, Kind::Integer { least: 1, most: 65535 });
        assert_eq!(key("tls.certificate").kind, Kind::Text);
        assert_eq!(key("listen.smtp").kind, Kind::List);
        assert_eq!(key("tls.certificates").kind, Kind::Entries);
        assert_eq!(key("outbound.routes").kind, Kind::Tables);
        assert_eq!(key("outbound.tls_policy").kind, Kind::Map);
        assert_eq!(key("outbound.rates").kind, Kind::Numbers);
        assert_eq!(key("spam.weights").kind, Kind::Decimals);
        let kind = Kind::Decimal {
            least: -1000.0,
            most: 1000.0,
        };
        assert_eq!(key("spam.reject").kind, kind);
        assert_eq!(key("log.format").kind, Kind::Choice(vec!["text".into(), "json".into()]));
        assert_eq!(key("data_dir").variable(), "POSTHOUSE_DATA_DIR");
        assert_eq!(key("smtp.max_recipients").variable(), "POSTHOUSE_SMTP__MAX_RECIPIENTS");
    }

    #[test]
    fn a_mistyped_word_is_recognised() {
        let known = || ["smtp.max_recipients", "smtp.max_errors", "http.workers"].into_iter();
        assert_eq!(nearest("smtp.max_recipient", known()), Some("smtp.max_recipients"));
        assert_eq!(nearest("smpt.max_errors", known()), Some("smtp.max_errors"));
        assert_eq!(nearest("something.else", known()), None);
    }
}
