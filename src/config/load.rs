//! From a file and the environment to a configuration that is valid, or to one line that says why not.

use std::ffi::OsString;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::keys::{self, Key};
use super::problem::{Error, Origin, Problem};
use super::{Config, environment};

/// A configuration, and who said what.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration itself.
    pub config: Config,
    /// The keys that were set, in the order of the reference.
    pub settings: Vec<Setting>,
    /// All keys with what holds, in the order of the reference.
    pub effective: Vec<Effective>,
}

/// A key with the value that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The key with its section.
    pub key: String,
    /// The value; none where the key is unset or depends on the machine.
    pub value: Option<serde_json::Value>,
    /// The value is a secret, and not here.
    pub secret: bool,
    /// Who set it last.
    pub origin: Origin,
    /// What it means.
    pub meaning: &'static str,
}

/// A key that the file or the environment set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key with its section.
    pub key: String,
    /// Who set it last.
    pub origin: Origin,
}

impl Config {
    /// Reads the file, if there is one, and the environment over it. The first mistake is the error.
    pub fn load(file: Option<&Path>, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Loaded, Error> {
        let mut source = match file {
            Some(path) => Source::read(path)?,
            None => Source::default(),
        };
        for (key, value) in environment::read(variables)? {
            source.set(key, value);
        }
        let config = source.deserialize()?;
        config.validate().map_err(|problem| source.blame(problem))?;
        Ok(Loaded {
            config,
            effective: source.effective(),
            settings: source.settings,
        })
    }

    /// What the types and ranges of single keys cannot say.
    fn validate(&self) -> Result<(), Problem> {
        crate::model::address::Domain::parse(&self.hostname).map_err(|bad| {
            let text = format!("'{}': {bad}; right would be a domain such as 'mail.example.org'", self.hostname);
            Problem::new("hostname", text)
        })?;
        if self.data_dir.as_os_str().is_empty() {
            return Err(Problem::new(
                "data_dir",
                "is empty; right would be a directory such as 'posthouse-data'",
            ));
        }
        self.process.validate().map_err(|problem| problem.within("process"))?;
        self.database.validate().map_err(|problem| problem.within("database"))?;
        self.listen.validate().map_err(|problem| problem.within("listen"))?;
        self.proxy.validate().map_err(|problem| problem.within("proxy"))?;
        self.tls.validate().map_err(|problem| problem.within("tls"))?;
        self.acme.validate().map_err(|problem| problem.within("acme"))?;
        self.dns.validate().map_err(|problem| problem.within("dns"))?;
        self.auth.validate().map_err(|problem| problem.within("auth"))?;
        self.directory.validate().map_err(|problem| problem.within("directory"))?;
        self.checks.validate().map_err(|problem| problem.within("checks"))?;
        self.spam.validate().map_err(|problem| problem.within("spam"))?;
        self.virus.validate().map_err(|problem| problem.within("virus"))?;
        self.milter.validate().map_err(|problem| problem.within("milter"))?;
        self.dns_lists.validate().map_err(|problem| problem.within("dns_lists"))?;
        self.sieve.validate().map_err(|problem| problem.within("sieve"))?;
        self.queue.validate().map_err(|problem| problem.within("queue"))?;
        self.outbound.validate().map_err(|problem| problem.within("outbound"))?;
        self.reports.validate().map_err(|problem| problem.within("reports"))?;
        self.client.validate().map_err(|problem| problem.within("client"))?;
        self.mta_sts.validate().map_err(|problem| problem.within("mta_sts"))?;
        self.log.validate().map_err(|problem| problem.within("log"))
    }
}

/// What was said so far, and by whom.
#[derive(Default)]
struct Source {
    table: Table,
    settings: Vec<Setting>,
    file: Option<std::path::PathBuf>,
}

impl Source {
    /// Reads the file and checks each key of it.
    fn read(path: &Path) -> Result<Self, Error> {
        let error = |line: Option<usize>, text: String| Error {
            origin: Origin::File(path.to_owned(), line),
            key: None,
            text,
        };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| error(None, format!("cannot be read: {cause}; --config must name a readable TOML file")))?;
        let broken = |cause: toml::de::Error| {
            let line = cause.span().map(|span| line_at(&text, span.start));
            let message = cause.message().lines().collect::<Vec<_>>().join(", ");
            error(line, format!("is not valid TOML: {message}"))
        };
        let spans = DeTable::parse(&text).map_err(broken)?;
        let table: Table = toml::from_str(&text).map_err(broken)?;
        let mut source = Self {
            table,
            settings: Vec::new(),
            file: Some(path.to_owned()),
        };
        source.check_file(&text, spans.get_ref())?;
        Ok(source)
    }

    /// Checks that each entry of the file is a key or a section, and its value one that the key takes.
    fn check_file(&mut self, text: &str, spans: &DeTable<'_>) -> Result<(), Error> {
        for (name, value) in spans {
            let line = line_at(text, name.span().start);
            let section = keys::sections()
                .iter()
                .find(|section| !section.name.is_empty() && section.name == name.get_ref());
            match (section, value.get_ref()) {
                (Some(section), DeValue::Table(entries)) => {
                    for entry in entries.keys() {
                        let path = format!("{}.{}", section.name, entry.get_ref());
                        self.check_entry(&path, line_at(text, entry.span().start))?;
                    }
                }
                (Some(section), _) => {
                    let text = format!("is a value; right would be the section [{}]", section.name);
                    return Err(self.error(line, section.name, text));
                }
                (None, _) => self.check_entry(name.get_ref(), line)?,
            }
        }
        self.settings
            .sort_by_key(|setting| keys::all().position(|key| key.path() == setting.key));
        Ok(())
    }

    fn check_entry(&mut self, path: &str, line: usize) -> Result<(), Error> {
        let Some(key) = keys::all().find(|key| key.path() == path) else {
            return Err(self.error(line, path, unknown(path)));
        };
        let value = lookup(&self.table, key);
        if let Some(fault) = value.and_then(|value| key.fault(value)) {
            return Err(self.error(line, path, fault));
        }
        self.settings.push(Setting {
            key: path.to_owned(),
            origin: Origin::File(self.file.clone().unwrap_or_default(), Some(line)),
        });
        Ok(())
    }

    /// All keys with the values that hold. What is a secret, or may have one in it, is left out.
    fn effective(&self) -> Vec<Effective> {
        let effective = |key: &'static Key| {
            let path = key.path();
            let set = self.settings.iter().find(|setting| setting.key == path);
            let value = lookup(&self.table, key).or(key.default.as_ref());
            let value = value.and_then(|value| serde_json::to_value(value).ok()).map(without_secrets);
            Effective {
                value: value.filter(|_| !key.secret),
                secret: key.secret && set.is_some(),
                origin: set.map_or(Origin::Default, |setting| setting.origin.clone()),
                meaning: &key.meaning,
                key: path,
            }
        };
        keys::all().map(effective).collect()
    }

    fn error(&self, line: usize, key: &str, text: String) -> Error {
        Error {
            origin: Origin::File(self.file.clone().unwrap_or_default(), Some(line)),
            key: Some(key.to_owned()),
            text,
        }
    }

    /// A value from the environment: wins over the file.
    fn set(&mut self, key: &Key, value: Value) {
        let table = if key.section.is_empty() {
            &mut self.table
        } else {
            let section = self.table.entry(key.section).or_insert_with(|| Value::Table(Table::new()));
            // The file was checked: a section is a table.
            let Value::Table(table) = section else { return };
            table
        };
        table.insert(key.name.to_owned(), value);
        self.settings.retain(|setting| setting.key != key.path());
        self.settings.push(Setting {
            key: key.path(),
            origin: Origin::Variable(key.variable()),
        });
        self.settings
            .sort_by_key(|setting| keys::all().position(|key| key.path() == setting.key));
    }

    fn deserialize(&self) -> Result<Config, Error> {
        serde_path_to_error::deserialize(Value::Table(self.table.clone())).map_err(|error| {
            let path = error.path().to_string();
            // `listen.smtp[0]` is a part of the key `listen.smtp`, as is what comes after a dot in a table.
            let key = keys::all().map(Key::path).find(|key| {
                path == *key || path.starts_with(&format!("{key}[")) || key.contains('.') && path.starts_with(&format!("{key}."))
            });
            let text = error.inner().message().lines().collect::<Vec<_>>().join(", ");
            self.blame(Problem::new(key.unwrap_or(path), text))
        })
    }

    /// The problem, with the place where its key was set.
    fn blame(&self, problem: Problem) -> Error {
        let setting = self.settings.iter().find(|setting| setting.key == problem.key);
        let origin = match (setting, &self.file) {
            (Some(setting), _) => setting.origin.clone(),
            (None, Some(file)) => Origin::File(file.clone(), None),
            (None, None) => Origin::Default,
        };
        Error {
            origin,
            key: Some(problem.key),
            text: problem.text,
        }
    }
}

fn lookup<'t>(table: &'t Table, key: &Key) -> Option<&'t Value> {
    if key.section.is_empty() {
        table.get(key.name)
    } else {
        table.get(key.section)?.as_table()?.get(key.name)
    }
}

/// A value without the passwords in it: those of addresses of databases (RFC 3986 §3.2.1), and those of tables that have one.
fn without_secrets(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(without_password(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_secrets).collect()),
        Value::Object(fields) => {
            let shown = |(name, value): (String, Value)| match name.as_str() {
                "password" => (name, Value::String("…".into())),
                _ => (name, without_secrets(value)),
            };
            Value::Object(fields.into_iter().map(shown).collect())
        }
        value => value,
    }
}

fn without_password(text: &str) -> String {
    let parts = text.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:…@{host}"))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

/// What to say of a key or section that does not exist.
fn unknown(path: &str) -> String {
    let keys: Vec<String> = keys::all().map(Key::path).collect();
    let name = path.rsplit('.').next().unwrap_or(path);
    // A key that stands in the wrong section or in none, then a slip of the finger in a key, then in a section.
    let elsewhere = keys::all().find(|key| key.name == name).map(Key::path);
    let near = elsewhere
        .or_else(|| keys::nearest(path, keys.iter().map(String::as_str)).map(str::to_owned))
        .or_else(|| keys::nearest(path, keys::sections().iter().map(|section| section.name)).map(|name| format!("[{name}]")));
    match near {
        Some(near) => format!("there is no such key; right would be {near}"),
        None => "there is no such key; `posthouse config reference` lists them".into(),
    }
}

/// The line, counted from 1, of the octet at `offset`.
fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
