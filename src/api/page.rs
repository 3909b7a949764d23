//! Lists come in pages: `?limit=` items, and a cursor to go on with.

use super::problem::{Kind, Problem};

/// How many items a page has if nothing is asked for.
const DEFAULT: usize = 100;

/// The most items a page may have.
const MOST: usize = 1000;

/// The longest cursor: a mail address, or an id and a number.
const CURSOR: usize = 400;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    /// At most so many items.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<String>,
}

/// Checks what was asked for.
pub(super) fn bounds(limit: Option<usize>, cursor: Option<String>) -> Result<Bounds, Problem> {
    let limit = limit.unwrap_or(DEFAULT);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::new(Kind::Malformed, format!("limit must be between 1 and {MOST}")).at("limit"));
    }
    if let Some(cursor) = &cursor
        && (cursor.is_empty() || cursor.len() > CURSOR || cursor.chars().any(char::is_control))
    {
        return Err(bad_cursor());
    }
    Ok(Bounds { limit, after: cursor })
}

/// The cursor is none that we gave.
pub(super) fn bad_cursor() -> Problem {
    Problem::new(Kind::Malformed, "the cursor is not the next_cursor of an earlier page").at("cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded() {
        assert_eq!(bounds(None, None).unwrap().limit, DEFAULT);
        assert_eq!(bounds(Some(1), Some("x".to_owned())).unwrap().after.as_deref(), Some("x"));
        for (limit, cursor) in [
            (Some(0), None),
            (Some(1001), None),
            (None, Some("")),
            (None, Some("a\0")),
            (None, Some(&*"x".repeat(401))),
        ] {
            assert!(bounds(limit, cursor.map(str::to_owned)).is_err());
        }
    }
}
