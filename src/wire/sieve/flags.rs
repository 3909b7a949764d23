//! Flags of messages in scripts (RFC 5232 §2).

use super::arguments::Arguments;
use super::extension::Extension;
use super::limits;
use super::run::Run;
use super::text::{Text, Variable, is_name};

/// The variables that the first positional argument names; none for the internal one. Complains if one is no variable.
pub(super) fn variables(arguments: &mut Arguments<'_, '_, '_>) -> Option<Vec<Variable>> {
    if !arguments.is_given(0) {
        return Some(Vec::new());
    }
    if !arguments.has(Extension::Variables) {
        let named = arguments.named.to_string();
        return arguments.problem(format!("the {named} can name a variable only with require \"variables\""));
    }
    let mut variables = Vec::new();
    for text in arguments.texts(0) {
        let name = text.literal().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
        let Some(name) = name.filter(|name| is_name(name)) else {
            return arguments.problem_at(text.at, "this is not the name of a variable");
        };
        variables.push(arguments.compiler.variable(&name));
    }
    Some(variables)
}

/// The flags that a string names, each once; what cannot be a flag is left out.
pub(super) fn split(text: &[u8]) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    for word in String::from_utf8_lossy(text).split_ascii_whitespace() {
        if flags.len() >= limits::FLAGS {
            break;
        }
        if is_flag(word) && !flags.iter().any(|flag| flag.eq_ignore_ascii_case(word)) {
            flags.push(word.to_owned());
        }
    }
    flags
}

/// The flags that strings name.
pub(super) fn collect(texts: &[Text], run: &Run<'_>) -> Vec<String> {
    let mut flags = Vec::new();
    for text in texts {
        add(&mut flags, split(&text.expand(run)));
    }
    flags
}

/// Adds those that are not there.
pub(super) fn add(flags: &mut Vec<String>, more: Vec<String>) {
    for flag in more {
        if flags.len() < limits::FLAGS && !flags.iter().any(|known| known.eq_ignore_ascii_case(&flag)) {
            flags.push(flag);
        }
    }
}

/// RFC 9051 §2.3.2: the system flags that may be set, and keywords, which are atoms (§9).
fn is_flag(word: &str) -> bool {
    match word.strip_prefix('\\') {
        Some(name) => ["answered", "flagged", "deleted", "seen", "draft"].contains(&name.to_ascii_lowercase().as_str()),
        None => word
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && !b"(){%*\"\\]".contains(&octet)),
    }
}
