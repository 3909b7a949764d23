//! What is asked of the values that come in, whoever brings them.

use super::MOST_OF_PAGE;
use crate::model::address::EmailAddress;
use crate::model::refusal::Refusal;

/// A text for people: no control characters but line breaks, at most `most` characters.
pub(super) fn text(field: &'static str, value: &str, most: usize) -> Result<(), Refusal> {
    let problem = if value.chars().count() > most {
        format!("longer than {most} characters")
    } else if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid { field, problem })
}

/// The key of a login name: an address in lower case and A-labels, or a bare name in lower case. None if it is neither.
pub(super) fn login_key(login: &str) -> Option<String> {
    if login.contains('@') {
        return EmailAddress::parse(login).ok().map(|address| address.canonical());
    }
    let fits = !login.is_empty() && login.len() <= 64 && login.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    fits.then(|| login.to_ascii_lowercase())
}

/// The size of a page in the bounds of what is sensible.
pub(super) fn page_size(limit: usize) -> usize {
    limit.clamp(1, MOST_OF_PAGE)
}

/// One more than the page has was asked for: cuts it off and gives the key of the last item, if there was one more.
pub(super) fn page<T>(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> super::Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(key) } else { None };
    super::Page { items, next }
}

/// How many rows to ask for, to know whether there are more than `limit`.
pub(super) fn and_one(limit: usize) -> i64 {
    i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)
}

pub(super) fn not_found(what: &'static str, name: impl ToString) -> Refusal {
    Refusal::NotFound {
        what,
        name: name.to_string(),
    }
}

/// A taken key is the caller's matter.
pub(super) fn is_there(what: &'static str, name: impl ToString) -> Refusal {
    Refusal::Exists {
        what,
        name: name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_names_have_one_spelling() {
        for (login, key) in [
            ("Ada@Bücher.Example", Some("ada@xn--bcher-kva.example")),
            ("ADMIN", Some("admin")),
            ("", None),
            ("a b", None),
            ("ä", None),
            ("a@", None),
        ] {
            assert_eq!(login_key(login).as_deref(), key, "{login}");
        }
    }

    #[test]
    fn texts_for_people_have_no_control_characters() {
        assert!(text("description", "two\nlines", 20).is_ok());
        assert!(text("description", "nul\0", 20).is_err());
        assert!(text("description", "long", 3).is_err());
    }
}
