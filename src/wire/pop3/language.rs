//! The languages of our replies (RFC 6856 §3).

/// The language of all texts.
pub const TAG: &str = "en";
/// Its name, in itself.
pub const NAME: &str = "English";

/// Whether a language range of a client finds it (RFC 4647 §3.3.1, basic filtering); `*` asks for whatever is the default.
pub fn finds(range: &str) -> bool {
    range == "*" || range.eq_ignore_ascii_case(TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_language() {
        for (range, found) in [
            ("*", true),
            ("en", true),
            ("EN", true),
            ("en-GB", false),
            ("de", false),
            ("", false),
        ] {
            assert_eq!(finds(range), found, "{range}");
        }
    }
}
