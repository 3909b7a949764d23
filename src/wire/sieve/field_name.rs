//! Names of header fields (RFC 5322 §2.2).

/// Whether the text is the name of a field: printable characters without the colon.
pub(super) fn is_field_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':')
}
