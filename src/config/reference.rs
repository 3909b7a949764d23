//! The configuration in words: a file with every key at its default, and the tables of the README.

use std::fmt::Write;

use super::keys::{self, Key, Kind, Section};

/// How wide the comments of the example are.
const COMMENT_WIDTH: usize = 100;

const HEAD: &str = "\
# The configuration of Posthouse: every key with its default. Keep what you change and leave out the rest.
# Each key can also be set by an environment variable, which wins: smtp.max_recipients is POSTHOUSE_SMTP__MAX_RECIPIENTS.
";

/// A commented configuration file with every key at its default. Keys without one are commented out.
pub fn example() -> String {
    let mut out = String::from(HEAD);
    for section in keys::sections() {
        if !section.name.is_empty() {
            out.push('\n');
            comment(&mut out, &section.meaning);
            _ = writeln!(out, "[{}]", section.name);
        }
        for (number, key) in section.keys.iter().enumerate() {
            if number > 0 || section.name.is_empty() {
                out.push('\n');
            }
            comment(&mut out, &key.meaning);
            _ = match (&key.default, &key.example) {
                (Some(default), _) => writeln!(out, "{} = {default}", key.name),
                (None, Some(example)) => writeln!(out, "# {} = {example}", key.name),
                (None, None) => writeln!(out, "# {} =", key.name),
            };
        }
    }
    out
}

/// The tables of the README, one a section.
pub fn reference_markdown() -> String {
    keys::sections().iter().map(section_markdown).collect::<Vec<_>>().join("\n")
}

fn section_markdown(section: &Section) -> String {
    let mut out = if section.name.is_empty() {
        String::from("### Top level\n\n")
    } else {
        format!("### `[{}]`\n\n{}\n\n", section.name, section.meaning)
    };
    out.push_str("| Key | Type | Default | Environment variable | Meaning |\n| --- | --- | --- | --- | --- |\n");
    for key in &section.keys {
        let cells = [
            format!("`{}`", key.name),
            kind(key),
            default(key),
            format!("`{}`", key.variable()),
            key.meaning.clone(),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn kind(key: &Key) -> String {
    match &key.kind {
        Kind::Integer { least, most: i64::MAX } => format!("whole number, from {least}"),
        Kind::Integer { least, most } => format!("whole number, {least} to {most}"),
        Kind::Decimal { least, most } => format!("number, {least} to {most}"),
        Kind::Boolean => "`true` or `false`".into(),
        Kind::Text if key.secret => "text, secret".into(),
        Kind::Text => "text".into(),
        Kind::Choice(choices) => choices
            .iter()
            .map(|choice| format!("`\"{choice}\"`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::List => "list of texts".into(),
        Kind::Integers => "list of whole numbers".into(),
        Kind::Entries => "list of tables".into(),
        Kind::Map => "table of texts".into(),
        Kind::Numbers => "table of whole numbers".into(),
        Kind::Decimals => "table of numbers".into(),
        Kind::Tables => "table of texts or tables".into(),
    }
}

fn default(key: &Key) -> String {
    key.default.as_ref().map_or("unset".into(), |default| format!("`{default}`"))
}

/// A comment, broken into lines.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() >= COMMENT_WIDTH {
            _ = writeln!(out, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    _ = writeln!(out, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_example_loads_back_to_the_defaults() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), example()).unwrap();
        let loaded = Config::load(Some(file.path()), []).unwrap();
        assert_eq!(loaded.config, Config::default());
        let with_default = keys::all().filter(|key| key.default.is_some()).count();
        assert_eq!(loaded.settings.len(), with_default, "every key that has a default is set");
    }

    #[test]
    fn the_readme_has_the_reference_as_it_is() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme
            .split_once("<!-- configuration:begin -->\n")
            .expect("the begin of the reference");
        let (found, _) = rest.split_once("<!-- configuration:end -->").expect("the end of the reference");
        assert!(
            found.trim() == reference_markdown().trim(),
            "the README's configuration reference is old: put the output of `posthouse config reference` between its marks"
        );
    }
}
