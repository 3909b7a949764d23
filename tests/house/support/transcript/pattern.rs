//! Lines with holes: `*` stands for anything, `{name}` for a word that is kept.

use std::collections::BTreeMap;

/// The words kept so far.
pub type Words = BTreeMap<String, String>;

/// Puts the words that are known into a text.
pub fn fill(text: &str, words: &Words) -> String {
    words
        .iter()
        .fold(text.to_owned(), |text, (name, word)| text.replace(&format!("{{{name}}}"), word))
}

/// Whether the line fits; keeps the words that are new.
pub fn fits(pattern: &str, line: &str, words: &mut Words) -> bool {
    let pattern = fill(pattern, words);
    let mut found = Vec::new();
    // The `* ` of an untagged IMAP response is no hole.
    let fitting = match (pattern.strip_prefix("* "), line.strip_prefix("* ")) {
        (Some(pattern), Some(line)) => go(pattern, line, &mut found),
        (Some(_), None) => false,
        (None, _) => go(&pattern, line, &mut found),
    };
    if fitting {
        words.extend(found);
    }
    fitting
}

fn go(pattern: &str, line: &str, found: &mut Vec<(String, String)>) -> bool {
    if let Some(rest) = pattern.strip_prefix('*') {
        return ends(line).any(|at| go(rest, &line[at..], found));
    }
    if let Some((name, rest)) = hole(pattern) {
        let word = line.find([' ', ')', ']', '"']).unwrap_or(line.len());
        found.push((name.to_owned(), line[..word].to_owned()));
        if word > 0 && go(rest, &line[word..], found) {
            return true;
        }
        found.pop();
        return false;
    }
    let (mut wanted, mut given) = (pattern.chars(), line.chars());
    match (wanted.next(), given.next()) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => go(wanted.as_str(), given.as_str(), found),
        _ => false,
    }
}

/// The places between the characters of a line, its ends included.
fn ends(line: &str) -> impl Iterator<Item = usize> + '_ {
    line.char_indices().map(|(at, _)| at).chain([line.len()])
}

/// The name of the hole that a pattern begins with, and the rest. `{310}` is a literal of IMAP, no hole.
fn hole(pattern: &str) -> Option<(&str, &str)> {
    let (name, rest) = pattern.strip_prefix('{')?.split_once('}')?;
    let lower = |c: char| c.is_ascii_lowercase() || c == '_';
    (!name.is_empty() && name.chars().all(lower)).then_some((name, rest))
}

#[test]
fn patterns_fit_lines() {
    let mut words = Words::new();
    assert!(fits("250 2.1.0 *", "250 2.1.0 ok", &mut words));
    assert!(!fits("250 2.1.0 *", "250-2.1.0 ok", &mut words));
    assert!(fits("* OK [UIDVALIDITY {v}] *", "* OK [UIDVALIDITY 12] fine", &mut words));
    assert!(fits("{v} is kept", "12 is kept", &mut words));
    assert!(!fits("{v} is kept", "13 is kept", &mut words));
    assert!(!fits("* 1 EXISTS", "x 1 EXISTS", &mut words));
    assert!(fits("* 1 FETCH (BODY[] {310}", "* 1 FETCH (BODY[] {310}", &mut words));
}
