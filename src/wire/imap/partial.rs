//! `PARTIAL 1:100` and `PARTIAL -1:-100`: a window on what was found (RFC 9394 §3.1, §3.3, RFC 5267 §4.4).

use std::ops::Range;

use super::cursor::{Cursor, Malformed};
use super::encode::number;

/// Places from 1 on, counted from the begin or from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// As it was written first.
    first: u32,
    /// As it was written last; may be the smaller one.
    last: u32,
    /// `-1` is the last of all.
    from_end: bool,
}

impl Partial {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let from_end = cursor.eat(b'-');
        let first = place(cursor)?;
        cursor.expect(b':', "':'")?;
        if from_end {
            cursor.expect(b'-', "'-' on both sides")?;
        }
        let last = place(cursor)?;
        Ok(Self { first, last, from_end })
    }

    /// Which of so many that is.
    pub fn window(self, count: usize) -> Range<usize> {
        let (from, to) = (self.first.min(self.last) as usize, self.first.max(self.last) as usize);
        let (start, end) = (from.saturating_sub(1).min(count), to.min(count));
        match self.from_end {
            false => start..end,
            true => count.saturating_sub(end)..count.saturating_sub(start),
        }
    }

    /// Writes it as it was asked for.
    pub fn write(self, out: &mut Vec<u8>) {
        for (before, place) in [("", self.first), (":", self.last)] {
            out.extend_from_slice(before.as_bytes());
            if self.from_end {
                out.push(b'-');
            }
            number(out, u64::from(place));
        }
    }
}

fn place(cursor: &mut Cursor<'_>) -> Result<u32, Malformed> {
    let start = cursor.clone();
    match cursor.number32()? {
        0 => start.wrong("a place above 0"),
        place => Ok(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_and_written_back() {
        for (text, count, want) in [
            ("1:3", 10, 0..3),
            ("3:1", 10, 0..3),
            ("9:20", 10, 8..10),
            ("11:20", 10, 10..10),
            ("-1:-3", 10, 7..10),
            ("-3:-1", 10, 7..10),
            ("-9:-20", 10, 0..2),
            ("-11:-20", 10, 0..0),
            ("1:1", 0, 0..0),
            ("-1:-1", 0, 0..0),
        ] {
            let partial = Partial::read(&mut Cursor::new(text.as_bytes())).unwrap();
            assert_eq!(partial.window(count), want, "{text}");
            let mut out = Vec::new();
            partial.write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
        for text in ["", "1", "0:1", "1:0", "-1:2", "1:-2", "1:*", "--1:-2"] {
            assert!(Partial::read(&mut Cursor::new(text.as_bytes())).is_err(), "{text}");
        }
    }
}
