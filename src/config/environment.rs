//! The environment: `POSTHOUSE_SECTION__KEY` for each key, over what the file says.

use std::ffi::OsString;

use toml::{Table, Value};

use super::keys::{self, Key, Kind};
use super::problem::{Error, Origin};

/// Variables that begin like ours and are no keys of the configuration.
const NO_KEYS: &[&str] = &[
    "POSTHOUSE_ADMIN_PASSWORD",
    "POSTHOUSE_CONFIG",
    "POSTHOUSE_URL",
    "POSTHOUSE_KEY",
    "POSTHOUSE_CA_FILE",
];

/// The values that the variables give, with the key of each, in the order of the names.
pub(super) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<(&'static Key, Value)>, Error> {
    let mut ours: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("POSTHOUSE_") && !NO_KEYS.contains(&name.as_str()))
        .collect();
    ours.sort();
    let mut values = Vec::new();
    for (name, value) in ours {
        let Some(key) = find(&name)? else { continue };
        let wrong = |text: String| Error {
            origin: Origin::Variable(name.clone()),
            key: Some(key.path()),
            text,
        };
        let text = value
            .into_string()
            .map_err(|_| wrong("is not UTF-8; right would be UTF-8".into()))?;
        values.push((key, parse(key, &text).map_err(wrong)?));
    }
    Ok(values)
}

/// The key that the variable names; none if the variable is somebody else's.
fn find(name: &str) -> Result<Option<&'static Key>, Error> {
    if let Some(key) = keys::all().find(|key| key.variable() == name) {
        return Ok(Some(key));
    }
    let said = name.strip_prefix("POSTHOUSE_").unwrap_or(name).replace("__", ".").to_lowercase();
    let known: Vec<String> = keys::all().map(Key::path).collect();
    let near = keys::all()
        .find(|key| key.variable().replace("__", "_") == name)
        .map(Key::path)
        .or_else(|| keys::nearest(&said, known.iter().map(String::as_str)).map(str::to_owned))
        // Without `__`, only a slip of a finger or two: orchestrators set names such as POSTHOUSE_PORT_8080_TCP for a service
        // of this name.
        .filter(|near| name.contains("__") || strsim::damerau_levenshtein(&said, &near.replace('.', "_")) <= 2);
    let text = match near.and_then(|near| keys::all().find(|key| key.path() == near)) {
        Some(key) => format!("names no key of the configuration; right would be {}", key.variable()),
        None if name.contains("__") => "names no key of the configuration; `posthouse config reference` lists them".into(),
        None => return Ok(None),
    };
    Err(Error {
        origin: Origin::Variable(name.to_owned()),
        key: None,
        text,
    })
}

/// Reads the text the way the key's type wants it.
fn parse(key: &Key, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    let value = match key.kind {
        Kind::Text | Kind::Choice(_) => Some(Value::String(text.to_owned())),
        Kind::List if trimmed.starts_with('[') => trimmed.parse().ok(),
        Kind::List | Kind::Integers | Kind::Entries if trimmed.is_empty() => Some(Value::Array(Vec::new())),
        Kind::List => Some(Value::Array(trimmed.split(',').map(|item| item.trim().into()).collect())),
        Kind::Map | Kind::Numbers | Kind::Decimals | Kind::Tables if trimmed.is_empty() => Some(Value::Table(Table::new())),
        Kind::Integers if !trimmed.starts_with('[') => format!("[{trimmed}]").parse().ok(),
        Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Boolean | Kind::Integers | Kind::Entries => trimmed.parse().ok(),
        Kind::Map | Kind::Numbers | Kind::Decimals | Kind::Tables => trimmed.parse().ok(),
    };
    // What is no TOML was meant as a text, and is refused as one.
    let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    match key.fault(&value) {
        None => Ok(value),
        Some(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(name: &str, value: &str) -> Result<Option<(String, String)>, String> {
        let values = read([(name.into(), value.into())]).map_err(|error| error.to_string())?;
        Ok(values.first().map(|(key, value)| (key.path(), value.to_string())))
    }

    #[test]
    fn each_type_is_read_as_its_key_wants_it() {
        for (name, text, key, value) in [
            ("POSTHOUSE_HOSTNAME", "mx.example.org", "hostname", "\"mx.example.org\""),
            ("POSTHOUSE_SMTP__MAX_RECIPIENTS", " 1_000 ", "smtp.max_recipients", "1000"),
            ("POSTHOUSE_OUTBOUND__PASSWORD", "12345", "outbound.password", "\"12345\""),
            ("POSTHOUSE_LISTEN__SMTP", "", "listen.smtp", "[]"),
            (
                "POSTHOUSE_LISTEN__SMTP",
                "0.0.0.0:25, [::]:25",
                "listen.smtp",
                "[\"0.0.0.0:25\", \"[::]:25\"]",
            ),
            ("POSTHOUSE_LISTEN__SMTP", "[\"127.0.0.1:0\"]", "listen.smtp", "[\"127.0.0.1:0\"]"),
            (
                "POSTHOUSE_OUTBOUND__ROUTES",
                "{\"a.test\"=\"h:25\"}",
                "outbound.routes",
                "{ \"a.test\" = \"h:25\" }",
            ),
            ("POSTHOUSE_SPAM__REJECT", "12.5", "spam.reject", "12.5"),
            ("POSTHOUSE_SPAM__REJECT", "20", "spam.reject", "20"),
            ("POSTHOUSE_LOG__FORMAT", "json", "log.format", "\"json\""),
        ] {
            assert_eq!(read_one(name, text), Ok(Some((key.to_owned(), value.to_owned()))), "{name}={text}");
        }
    }

    #[test]
    fn the_variables_of_others_are_left_alone() {
        for name in [
            "PATH",
            "POSTHOUSE_ADMIN_PASSWORD",
            "POSTHOUSE_CONFIG",
            "POSTHOUSE_URL",
            "POSTHOUSE_SERVICE_HOST",
            "POSTHOUSE_PORT_8080_TCP",
        ] {
            assert_eq!(read_one(name, "x"), Ok(None), "{name}");
        }
    }

    #[test]
    fn a_variable_that_names_no_key_is_an_error() {
        for (name, error) in [
            (
                "POSTHOUSE_SMTP__MAX_RECIPIENT",
                "POSTHOUSE_SMTP__MAX_RECIPIENT: names no key of the configuration; right would be POSTHOUSE_SMTP__MAX_RECIPIENTS",
            ),
            (
                "POSTHOUSE_SMTP_MAX_RECIPIENTS",
                "POSTHOUSE_SMTP_MAX_RECIPIENTS: names no key of the configuration; right would be POSTHOUSE_SMTP__MAX_RECIPIENTS",
            ),
            (
                "POSTHOUSE_DATADIR",
                "POSTHOUSE_DATADIR: names no key of the configuration; right would be POSTHOUSE_DATA_DIR",
            ),
            (
                "POSTHOUSE_X__Y",
                "POSTHOUSE_X__Y: names no key of the configuration; `posthouse config reference` lists them",
            ),
        ] {
            assert_eq!(read_one(name, "1"), Err(error.to_owned()));
        }
    }
}
