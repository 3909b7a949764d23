//! Lists come in pages: `?limit=` items, and a cursor to go on with.

use actix_web::HttpRequest;

use super::problem::{Kind, Problem};

/// How many items a page has if nothing is asked for.
const DEFAULT: usize = 100;

/// The most items a page may have.
const MOST: usize = 1000;

/// The longest cursor: a mail address, or an id and a number.
const CURSOR: usize = 400;

/// What stands before the cursor of a list.
const NEXT: &[u8] = b",\"next_cursor\":";

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

/// Where the next page of a list is (RFC 8288 §3), if it has one: every list that goes on ends with its `next_cursor`.
pub(super) fn next_link(request: &HttpRequest, list: &[u8]) -> Option<String> {
    let cursor = next_cursor(list)?;
    let pairs = form_urlencoded::parse(request.query_string().as_bytes()).filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("cursor", &cursor)
        .finish();
    Some(format!("<{}?{query}>; rel=\"next\"", request.path()))
}

/// A text that ends a document has no quotes but its own after the name of its field.
fn next_cursor(list: &[u8]) -> Option<String> {
    let end = list.get(list.len().saturating_sub(CURSOR * 2)..)?;
    let end = end.strip_suffix(b"}")?;
    let at = memchr::memmem::rfind(end, NEXT)?;
    serde_json::from_slice(end.get(at.saturating_add(NEXT.len())..)?).ok()
}

/// The cursor is none that we gave.
pub(super) fn bad_cursor() -> Problem {
    Problem::new(Kind::Malformed, "the cursor is not the next_cursor of an earlier page").at("cursor")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_list_that_goes_on_has_a_link() {
        let request = TestRequest::get().uri("/api/v1/users?limit=2&cursor=a%40x.test").to_http_request();
        let link = |list: &str| next_link(&request, list.as_bytes());
        assert_eq!(
            link(r#"{"items":[{"a":"b"}],"next_cursor":"b+\"c@x.test"}"#).as_deref(),
            Some(r#"</api/v1/users?limit=2&cursor=b%2B%22c%40x.test>; rel="next""#)
        );
        for last in [
            r#"{"items":[]}"#,
            r#"{"items":[{"a":"","next_cursor":"b"}]}"#,
            r#"{"items":[{"a":",\"next_cursor\":\"b"}]}"#,
            "[]",
            "",
        ] {
            assert_eq!(link(last), None, "{last}");
        }
    }

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
