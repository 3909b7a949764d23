//! `:regex`: the extended regular expressions of POSIX (draft-ietf-sieve-regex-01 §3), spelled for the `regex` crate, which takes no
//! more than linear time.
//!
//! Of several ways to match, the first is taken as in Perl, not the longest one as in POSIX.

use regex::bytes::{Regex, RegexBuilder};

use super::Comparator;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::limits;
use crate::wire::sieve::run::{Fault, Run};

/// Steps of work that compiling an expression counts as.
const COMPILING: u64 = 2_000;
/// Compiled expressions that one run keeps.
const KEPT: usize = 64;
/// What is wrong with an expression that would take too much memory; of those that a variable brings, this one ends the script.
const TOO_LARGE: &str = "it is too large";

/// The whole match and its groups, if the value matches. A wrong expression, which only a variable can bring, is told and matches nothing.
pub(super) fn matches(run: &mut Run<'_>, comparator: Comparator, value: &[u8], key: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Fault> {
    let mut name = comparator.name().as_bytes().to_vec();
    name.extend_from_slice(key);
    let expression = match run.expressions.get(&name).cloned() {
        Some(expression) => expression,
        None => {
            run.step(COMPILING)?;
            let expression = compile(key, comparator);
            if run.expressions.len() >= KEPT {
                run.expressions.clear();
            }
            run.expressions.insert(name, expression.clone());
            expression
        }
    };
    let expression = match expression {
        Ok(expression) => expression,
        Err(error) if error == TOO_LARGE => return Err(format!("a regular expression takes too much: {error}").into()),
        Err(error) => {
            run.warn(format!("invalid regular expression '{}': {error}", String::from_utf8_lossy(key)));
            return Ok(None);
        }
    };
    run.step(expression.work(value.len()))?;
    // Where no variable can name a group, none is looked for: that is much faster.
    if !run.program.uses(Extension::Variables) {
        return Ok(expression.regex.is_match(value).then(Vec::new));
    }
    let Some(captures) = expression.regex.captures(value) else {
        return Ok(None);
    };
    let groups = captures.iter().map(|group| group.map(|group| group.as_bytes().to_vec()));
    Ok(Some(groups.map(Option::unwrap_or_default).collect()))
}

/// An expression that was compiled.
#[derive(Debug, Clone)]
pub(in crate::wire::sieve) struct Expression {
    regex: Regex,
    /// KiB of its program, rounded up: at worst each octet of a value costs time in proportion to it.
    size: usize,
}

impl Expression {
    /// Units of work of looking at so many octets.
    fn work(&self, octets: usize) -> u64 {
        u64::try_from(octets.saturating_mul(self.size) / 64).unwrap_or(u64::MAX)
    }
}

/// Compiles an expression; what is wrong with it in one line.
pub(in crate::wire::sieve) fn compile(key: &[u8], comparator: Comparator) -> Result<Expression, String> {
    let key = std::str::from_utf8(key).map_err(|_| "it is not UTF-8".to_owned())?;
    let pattern = translate(key)?;
    // The crate does not tell how large a program is, but whether it is larger than a limit.
    for size in limits::REGEX {
        let built = RegexBuilder::new(&pattern)
            .case_insensitive(comparator != Comparator::Octet)
            .dot_matches_new_line(true)
            .size_limit(size.saturating_mul(1024))
            .build();
        match built {
            Ok(regex) => return Ok(Expression { regex, size }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => return Err(error.to_string().lines().last().unwrap_or("it cannot be read").trim().to_owned()),
        }
    }
    Err(TOO_LARGE.to_owned())
}

/// A POSIX expression in the spelling of the `regex` crate.
pub(in crate::wire::sieve) fn translate(key: &str) -> Result<String, String> {
    let mut out = String::with_capacity(key.len());
    let mut chars = key.chars().peekable();
    let mut groups = 0_usize;
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                // GNU's classes and word boundaries are widely used; they are of ASCII.
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str("[ \\t\\r\\n\\x0b\\x0c]"),
                Some('S') => out.push_str("[^ \\t\\r\\n\\x0b\\x0c]"),
                Some('b') => out.push_str("(?-u:\\b)"),
                Some('B') => out.push_str("(?-u:\\B)"),
                Some('<') => out.push_str("(?-u:\\b{start})"),
                Some('>') => out.push_str("(?-u:\\b{end})"),
                Some(char) => push_literal(&mut out, char),
                None => return Err("it ends with a backslash".into()),
            },
            '[' => bracket(&mut out, &mut chars)?,
            '(' if chars.peek() == Some(&'?') => return Err("'?' has nothing to repeat".into()),
            // What no variable can name need not be remembered.
            '(' => {
                groups = groups.saturating_add(1);
                out.push_str(if groups > limits::MATCH_VALUES { "(?:" } else { "(" });
            }
            // A brace that begins no interval is itself.
            '{' if !chars.peek().is_some_and(char::is_ascii_digit) => out.push_str("\\{"),
            // Two signs of repetition have no meaning of Perl's here: `a*?` repeats a repetition.
            '*' | '+' | '?' if chars.peek().is_some_and(|next| matches!(next, '?' | '+' | '*')) => {
                let mut all = vec![char];
                while let Some(next) = chars.next_if(|next| matches!(next, '?' | '+' | '*')) {
                    all.push(next);
                }
                out.push(if all.iter().all(|char| *char == '+') {
                    '+'
                } else if all.iter().all(|char| *char == '?') {
                    '?'
                } else {
                    '*'
                });
            }
            char => out.push(char),
        }
    }
    Ok(out)
}

fn push_literal(out: &mut String, char: char) {
    if char.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(char);
}

/// A bracket expression, whose `[` is read: a backslash is itself, `]` is itself where it comes first.
fn bracket(out: &mut String, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(), String> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        let Some(char) = chars.next() else {
            return Err("a '[' is never closed by ']'".into());
        };
        match char {
            ']' if !first => break,
            '[' if chars.peek() == Some(&':') => {
                out.push_str(&class(chars)?);
            }
            '-' => out.push('-'),
            char => push_literal(out, char),
        }
        first = false;
    }
    out.push(']');
    Ok(())
}

/// A class of characters, whose `[` is read, up to its `:]`.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    const NAMES: [&str; 12] = [
        "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit",
    ];
    chars.next();
    let mut name = String::new();
    while let Some(char) = chars.next_if(|char| char.is_ascii_alphabetic()) {
        name.push(char);
    }
    match (chars.next(), chars.next()) {
        (Some(':'), Some(']')) if NAMES.contains(&name.as_str()) => Ok(format!("[:{name}:]")),
        _ => Err(format!("there is no class of characters '[:{name}:]'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_posix_are_understood() {
        for (key, value, found) in [
            ("a.c", "xabcx", true),
            ("^a.c$", "xabcx", false),
            ("[]x]+", "]]", true),
            ("[^]x]", "]", false),
            ("[ \\t]", "t", true),
            ("[ \\t]", "\t", false),
            ("[[:alpha:]]+[[:digit:]]", "ab1", true),
            ("a\\.b", "axb", false),
            ("a{2}b", "aab", true),
            ("a{b", "a{b", true),
            ("(a|b)*c", "abc", true),
            ("\\<word\\>", "a word here", true),
            ("\\bword\\b", "swords", false),
            ("^\\w+\\s\\w+$", "two words", true),
            ("[a-c]-", "b-", true),
            ("a*?b", "aab", true),
            ("X", "x", true),
            ("a\nb", "a\nb", true),
            ("a.b", "a\nb", true),
        ] {
            let regex = compile(key.as_bytes(), Comparator::AsciiCasemap).unwrap();
            assert_eq!(regex.regex.is_match(value.as_bytes()), found, "{key} {value}");
        }
        for key in ["[", "(", "a(+b)", "(?i)a", "a\\", "[[:nosuch:]]", "x{99999}"] {
            assert!(compile(key.as_bytes(), Comparator::Octet).is_err(), "{key}");
        }
    }
}
