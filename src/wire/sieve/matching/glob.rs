//! `:matches`: `*` is any text, `?` one character (RFC 5228 §2.7.1), and what they stood for (RFC 5229 §3.2).

use super::Comparator;
use crate::wire::sieve::run::{Fault, Run};

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Octet(u8),
    /// `?`
    One,
    /// `*`
    Any,
}

/// The whole value and what each wildcard stood for, if the value matches.
pub(super) fn matches(run: &mut Run<'_>, comparator: Comparator, value: &[u8], pattern: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Fault> {
    let pieces = pieces(comparator, pattern);
    // Folding keeps the places of octets where it is for ASCII; another one is looked at in its own form.
    let folded = comparator.fold(value);
    let shown = if comparator == Comparator::UnicodeCasemap {
        &*folded
    } else {
        value
    };
    let work = folded.len().saturating_mul(pieces.len());
    run.step(u64::try_from(work / 512).unwrap_or(u64::MAX))?;
    let found = Walk::new(&folded, comparator != Comparator::Octet).run(&pieces);
    Ok(found.map(|ranges| {
        let pieces = ranges
            .into_iter()
            .map(|(from, to)| shown.get(from..to).unwrap_or_default().to_vec());
        std::iter::once(value.to_vec()).chain(pieces).collect()
    }))
}

/// RFC 5228 §2.7.1: a backslash takes their meaning from `*`, `?` and itself.
fn pieces(comparator: Comparator, pattern: &[u8]) -> Vec<Piece> {
    let folded = comparator.fold(pattern);
    let mut pieces = Vec::new();
    let mut octets = folded.iter().copied();
    while let Some(octet) = octets.next() {
        pieces.push(match octet {
            b'*' => Piece::Any,
            b'?' => Piece::One,
            b'\\' => Piece::Octet(octets.next().unwrap_or(b'\\')),
            octet => Piece::Octet(octet),
        });
    }
    pieces
}

/// A way through value and pattern at once. Each `*` stands for as little as it can; only the last one is ever made longer, which is
/// enough: what stood between two of them was found at its first place.
struct Walk<'v> {
    value: &'v [u8],
    /// `?` is a character, else an octet.
    characters: bool,
    /// What each wildcard stands for.
    ranges: Vec<(usize, usize)>,
}

impl<'v> Walk<'v> {
    fn new(value: &'v [u8], characters: bool) -> Self {
        Self {
            value,
            characters,
            ranges: Vec::new(),
        }
    }

    fn run(mut self, pieces: &[Piece]) -> Option<Vec<(usize, usize)>> {
        let (mut at, mut piece) = (0, 0);
        // The last `*`: the piece behind it, how many wildcards there were with it.
        let mut star: Option<(usize, usize)> = None;
        loop {
            let step = match pieces.get(piece) {
                None if at == self.value.len() => return Some(self.ranges),
                None => None,
                Some(Piece::Any) => {
                    self.ranges.push((at, at));
                    star = Some((piece.saturating_add(1), self.ranges.len()));
                    Some(at)
                }
                Some(Piece::One) => self.after(at).inspect(|end| self.ranges.push((at, *end))),
                Some(Piece::Octet(octet)) => (self.value.get(at) == Some(octet)).then(|| at.saturating_add(1)),
            };
            if let Some(next) = step {
                (at, piece) = (next, piece.saturating_add(1));
                continue;
            }
            let (behind, count) = star?;
            self.ranges.truncate(count);
            let end = self.ranges.last().map(|(_, end)| *end)?;
            let end = self.after(end)?;
            if let Some(last) = self.ranges.last_mut() {
                last.1 = end;
            }
            (at, piece) = (end, behind);
        }
    }

    /// The place behind the character at this place.
    fn after(&self, at: usize) -> Option<usize> {
        self.value.get(at)?;
        let mut end = at.saturating_add(1);
        while self.characters && self.value.get(end).is_some_and(|octet| octet & 0xc0 == 0x80) {
            end = end.saturating_add(1);
        }
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &str, pattern: &str) -> Option<Vec<String>> {
        let pieces = pieces(Comparator::Octet, pattern.as_bytes());
        let ranges = Walk::new(value.as_bytes(), true).run(&pieces)?;
        Some(ranges.into_iter().map(|(from, to)| value[from..to].to_owned()).collect())
    }

    #[test]
    fn wildcards_stand_for_as_little_as_they_can() {
        for (value, pattern, ranges) in [
            ("", "", Some(vec![])),
            ("", "*", Some(vec![""])),
            ("a", "", None),
            ("frop", "f?op", Some(vec!["r"])),
            ("frop", "f*", Some(vec!["rop"])),
            ("ababab", "*ab", Some(vec!["abab"])),
            ("ababab", "*b*", Some(vec!["a", "abab"])),
            ("fümf", "f?mf", Some(vec!["ü"])),
            ("a*b", "a\\*b", Some(vec![])),
            ("axb", "a\\*b", None),
            ("a\\b", "a\\\\b", Some(vec![])),
            (
                "[acme-users] [fwd] version 1.0 is out",
                "[*] *",
                Some(vec!["acme-users", "[fwd] version 1.0 is out"]),
            ),
            ("xyz", "**?", Some(vec!["", "xy", "z"])),
            ("xyz", "*?*", Some(vec!["", "x", "yz"])),
        ] {
            let ranges: Option<Vec<String>> = ranges.map(|ranges| ranges.into_iter().map(str::to_owned).collect());
            assert_eq!(found(value, pattern), ranges, "{value} {pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let value = "a".repeat(10_000);
        assert_eq!(found(&value, &format!("{}b", "*a".repeat(100))), None);
    }
}
