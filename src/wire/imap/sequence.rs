//! Sets of sequence numbers and of UIDs (RFC 3501 §9 sequence-set, RFC 4315 §4 uid-set).

use std::ops::RangeInclusive;

use super::cursor::{Cursor, Malformed};

/// The most ranges of a set.
const MAX_RANGES: usize = 32_768;

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A number, never 0.
    Number(u32),
    /// `*`: the largest in use.
    Largest,
}

impl Bound {
    fn resolve(self, largest: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Largest => largest,
        }
    }
}

/// A set as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceSet {
    ranges: Vec<(Bound, Bound)>,
    /// `$`: what the last search with SAVE found (RFC 5182 §2.1). Then there are no ranges.
    saved: bool,
}

impl SequenceSet {
    /// The set in ascending ranges that neither touch nor overlap. `largest` is what `*` stands for; without any message it is 0,
    /// and every range with a `*` in it is empty.
    pub fn resolve(&self, largest: u32) -> Vec<RangeInclusive<u32>> {
        let mut ranges: Vec<(u32, u32)> = self
            .ranges
            .iter()
            .filter(|(a, b)| largest > 0 || (*a != Bound::Largest && *b != Bound::Largest))
            .map(|(a, b)| (a.resolve(largest), b.resolve(largest)))
            .map(|(a, b)| (a.min(b), a.max(b)))
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        merged.into_iter().map(|(first, last)| first..=last).collect()
    }

    /// A set of one range.
    pub fn between(first: Bound, last: Bound) -> Self {
        Self::written(vec![(first, last)])
    }

    /// A set of one.
    pub fn one(bound: Bound) -> Self {
        Self::written(vec![(bound, bound)])
    }

    /// A set of these numbers, ascending.
    pub fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
                _ => ranges.push((number, number)),
            }
        }
        let bound = |(first, last)| (Bound::Number(first), Bound::Number(last));
        Self::written(ranges.into_iter().map(bound).collect())
    }

    fn written(ranges: Vec<(Bound, Bound)>) -> Self {
        Self { ranges, saved: false }
    }

    /// Whether it is `$`, which stands for messages that the session knows.
    pub fn is_saved(&self) -> bool {
        self.saved
    }

    /// Whether a number without `*` beside it is above `largest` (RFC 3501 §9 seq-number: that is an error, but not for UIDs).
    pub fn exceeds(&self, largest: u32) -> bool {
        self.ranges
            .iter()
            .filter(|(a, b)| *a != Bound::Largest && *b != Bound::Largest)
            .any(|(a, b)| a.resolve(largest).max(b.resolve(largest)) > largest)
    }

    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let mut ranges = Vec::new();
        if cursor.eat(b'$') {
            return Ok(Self { ranges, saved: true });
        }
        loop {
            if ranges.len() >= MAX_RANGES {
                return cursor.wrong("a set of fewer ranges");
            }
            let first = bound(cursor)?;
            let last = if cursor.eat(b':') { bound(cursor)? } else { first };
            ranges.push((first, last));
            if !cursor.eat(b',') {
                return Ok(Self::written(ranges));
            }
        }
    }

    /// A set without `*` and `$`.
    pub(super) fn read_definite(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let start = cursor.clone();
        let set = Self::read(cursor)?;
        if set.saved || set.ranges.iter().any(|(a, b)| *a == Bound::Largest || *b == Bound::Largest) {
            return start.wrong("a set without '*' and '$'");
        }
        Ok(set)
    }

    /// Whether a set begins here.
    pub(super) fn begins(cursor: &Cursor<'_>) -> bool {
        cursor.peek().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'*' | b'$'))
    }
}

/// A number or `*`.
pub(super) fn bound(cursor: &mut Cursor<'_>) -> Result<Bound, Malformed> {
    if cursor.eat(b'*') {
        return Ok(Bound::Largest);
    }
    let start = cursor.clone();
    match cursor.number32()? {
        0 => start.wrong("a number above 0"),
        number => Ok(Bound::Number(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_resolved_in_order() {
        for (text, largest, want) in [
            ("1", 9, vec![1..=1]),
            ("*", 9, vec![9..=9]),
            ("1:*", 9, vec![1..=9]),
            ("*:1", 9, vec![1..=9]),
            ("12:*", 9, vec![9..=12]),
            ("5,3,4,1:2,9:7", 9, vec![1..=5, 7..=9]),
            ("1:*", 0, vec![]),
            ("*,3", 0, vec![3..=3]),
            ("4294967295,1", 3, vec![1..=1, 4294967295..=4294967295]),
        ] {
            assert_eq!(
                SequenceSet::read(&mut Cursor::new(text.as_bytes())).unwrap().resolve(largest),
                want,
                "{text}"
            );
        }
        for text in ["", "0", "1:", ":1", "1,,2", "a", "1,", "4294967296"] {
            assert!(SequenceSet::read(&mut Cursor::new(text.as_bytes())).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_past_the_end_are_noticed() {
        let exceeds = |text: &str, largest| SequenceSet::read(&mut Cursor::new(text.as_bytes())).unwrap().exceeds(largest);
        assert!(exceeds("1,4", 3));
        assert!(exceeds("1:4", 3));
        assert!(!exceeds("4:*", 3));
        assert!(!exceeds("1:3", 3));
        assert!(!exceeds("1:*", 0));
        assert!(exceeds("1", 0));
    }
}
