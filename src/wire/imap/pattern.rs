//! The patterns of LIST and LSUB (RFC 3501 §6.3.8).

use crate::model::mailbox::SEPARATOR;

/// Whether `name` fits `pattern`: `*` is any text, `%` any text without a separator. INBOX fits in any case.
///
/// The work is bounded by the length of the pattern and the square of that of the name.
pub fn matches(pattern: &str, name: &str) -> bool {
    // RFC 3501 §5.1: INBOX is that name in any case, so a part of it in a pattern is too. What is below it is like other names.
    let caseless = if name == "INBOX" || name.starts_with("INBOX/") { 5 } else { 0 };
    let name: Vec<char> = name.chars().collect();
    let is_wild = |wanted: &char| matches!(wanted, '*' | '%');
    if pattern.chars().filter(|wanted| !is_wild(wanted)).count() > name.len() {
        return false;
    }
    // reached[i]: the pattern so far can end before the i-th character of the name.
    let mut reached = vec![false; name.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut before = ' ';
    for wanted in pattern.chars() {
        // One wildcard behind another that stands for as much adds nothing.
        if is_wild(&wanted) && (before == wanted || before == '*') {
            continue;
        }
        before = wanted;
        let mut next = vec![false; name.len() + 1];
        let mut open = false;
        for (index, slot) in next.iter_mut().enumerate() {
            let here = reached.get(index).copied().unwrap_or(false);
            let last = index.checked_sub(1);
            let passed = last.and_then(|last| name.get(last).copied());
            *slot = match wanted {
                '*' | '%' => {
                    open = (open && (wanted == '*' || passed != Some(SEPARATOR))) || here;
                    open
                }
                wanted => {
                    let same = passed.is_some_and(|passed| passed == wanted || (index <= caseless && passed.eq_ignore_ascii_case(&wanted)));
                    same && last.is_some_and(|last| reached.get(last) == Some(&true))
                }
            };
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

/// The pattern that is matched for a reference and a pattern: one after the other.
pub fn join(reference: &str, pattern: &str) -> String {
    format!("{reference}{pattern}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_should() {
        for (pattern, name, want) in [
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("%", "a", true),
            ("%/%", "a/b", true),
            ("a*", "abc/d", true),
            ("a%", "abc/d", false),
            ("a%d", "abc/d", false),
            ("*d", "abc/d", true),
            ("a", "a", true),
            ("a", "b", false),
            ("", "", true),
            ("", "a", false),
            ("%%%", "a", true),
            ("*%", "a/b", true),
            ("%*", "a/b", true),
            ("a/%", "a/", true),
            ("日%", "日本", true),
            ("a%*%*%/%%c", "a/b/c", true),
            ("a%%/%*b", "a/c/d", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
        assert!(matches(&join("", "inbox"), "INBOX"));
        assert!(matches(&join("inBox/", "%"), "INBOX/x"));
        assert!(!matches(&join("", "inboxes"), "INBOX"));
        assert!(matches(&join("", "inboxes"), "inboxes"));
    }

    #[test]
    fn many_wildcards_cost_little() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(240)));
        let wild = "%*".repeat(30_000);
        for _ in 0..1_000 {
            assert!(matches(&wild, "a/b") && !matches(&format!("{wild}x"), "a/b"));
        }
    }
}
