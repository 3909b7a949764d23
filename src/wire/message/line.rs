//! Lines: they end with CRLF or, in files of other programs, with LF alone.

/// The first line with its end; all of it if there is no line end.
pub(super) fn first(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1));
    text.get(..end).unwrap_or(text)
}

/// The line without its end.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether nothing stands on the line but its end, which it must have.
pub(super) fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

/// Ends the last line of a text that is not empty, with what it lacks of CRLF; LF alone is an end.
pub(super) fn end(text: &mut Vec<u8>) {
    match text.last() {
        Some(b'\n') => {}
        Some(b'\r') => text.push(b'\n'),
        _ => text.extend_from_slice(b"\r\n"),
    }
}
