//! The Date field, read leniently: words in any order, obsolete years and zones, comments (RFC 5322 §3.3, §4.3).

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::wire::message::lexer::Lexer;

/// The day that stands in a Date field, whatever the time and zone: what SENTBEFORE, SENTON and SENTSINCE compare
/// (RFC 3501 §6.4.4). None if there is no such day.
pub fn sent_date(raw: &[u8]) -> Option<Date> {
    Words::read(raw).date()
}

/// The moment that a Date field names; without a time, midnight; without a zone, UTC. None if there is no such moment.
pub fn sent_at(raw: &[u8]) -> Option<Timestamp> {
    sent_at_zone(raw).map(|(at, _)| at)
}

/// The same with the minutes east of UTC of the zone that the field names.
pub fn sent_at_zone(raw: &[u8]) -> Option<(Timestamp, i32)> {
    let words = Words::read(raw);
    let minutes = words.zone_minutes.unwrap_or(0);
    let (hour, minute, second) = words.time.unwrap_or_default();
    // RFC 5322 §3.3 allows the leap second.
    let time = Time::new(hour, minute, second.min(59), 0).ok()?;
    let there = Offset::UTC.to_timestamp(words.date()?.to_datetime(time)).ok()?;
    let at = there.checked_sub(SignedDuration::from_mins(minutes)).ok()?;
    Some((at, i32::try_from(minutes).unwrap_or(0)))
}

/// What messages are sorted by (RFC 5256 §2.2): the moment, or midnight of the day where there is no such time of day.
pub fn sorted_at(raw: &[u8]) -> Option<Timestamp> {
    sent_at(raw).or_else(|| Offset::UTC.to_timestamp(sent_date(raw)?.to_datetime(Time::midnight())).ok())
}

/// What the words of the field say.
#[derive(Default)]
struct Words {
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    time: Option<(i8, i8, i8)>,
    zone_minutes: Option<i64>,
}

impl Words {
    fn read(raw: &[u8]) -> Self {
        let mut words = Self::default();
        let mut lexer = Lexer::new(raw.get(..200).unwrap_or(raw));
        while lexer.skip_comments().peek().is_some() {
            let word = lexer.run(|octet| !octet.is_ascii_whitespace() && !matches!(octet, b',' | b'('));
            if word.is_empty() {
                lexer.skip(1);
            } else if let Ok(word) = std::str::from_utf8(word) {
                words.add(word);
            }
        }
        words
    }

    fn add(&mut self, word: &str) {
        let digits = word.bytes().all(|octet| octet.is_ascii_digit());
        if digits && word.len() <= 2 && self.day.is_none() {
            self.day = word.parse().ok();
        } else if digits && self.year.is_none() {
            self.year = year(word);
        } else if word.contains(':') {
            self.time = self.time.or_else(|| time(word));
        } else if self.month.is_none() && self.zone_minutes.is_none() && month(word).is_some() {
            self.month = month(word);
        } else if self.zone_minutes.is_none() && self.time.is_some() {
            self.zone_minutes = zone(word);
        }
    }

    fn date(&self) -> Option<Date> {
        Date::new(self.year?, self.month?, self.day?).ok()
    }
}

/// RFC 5322 §4.3: two digits are 1950 to 2049, three count from 1900.
fn year(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok()?;
    match word.len() {
        2 if year < 50 => year.checked_add(2000),
        2 | 3 => year.checked_add(1900),
        4 => Some(year),
        _ => None,
    }
}

fn time(word: &str) -> Option<(i8, i8, i8)> {
    let mut numbers = word.split(':').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?))
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = word.get(..3)?;
    MONTHS
        .iter()
        .zip(1..)
        .find(|(name, _)| name.eq_ignore_ascii_case(start))
        .map(|(_, number)| number)
}

/// Minutes east of UTC. A name that says nothing certain is UTC (RFC 5322 §4.3: `-0000`).
fn zone(word: &str) -> Option<i64> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return Some(named_zone(word)),
    };
    let number: i64 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    Some((number / 100 * 60 + number % 100) * sign)
}

fn named_zone(word: &str) -> i64 {
    const ZONES: [(&str, i64); 8] = [
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    ZONES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map_or(0, |(_, hours)| hours * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let table = [
            ("Tue, 3 Feb 2026 10:00:00 +0100", Some("2026-02-03T09:00:00Z"), Some("2026-02-03")),
            (
                "Tue,\r\n 3 Feb 2026 23:30 -0130 (comment)",
                Some("2026-02-04T01:00:00Z"),
                Some("2026-02-03"),
            ),
            ("21 Nov 97 09:55:06 GMT", Some("1997-11-21T09:55:06Z"), Some("1997-11-21")),
            ("Fri Nov 21 09:55:06 1997", Some("1997-11-21T09:55:06Z"), Some("1997-11-21")),
            ("1 January 2001 00:00:60 PST", Some("2001-01-01T08:00:59Z"), Some("2001-01-01")),
            ("3 Feb 2026", Some("2026-02-03T00:00:00Z"), Some("2026-02-03")),
            ("Thu, 31 Feb 2026 25:61:61 +9999", None, None),
            ("1 Feb 2026 25:61:61 +0000", None, Some("2026-02-01")),
            ("", None, None),
            ("yesterday", None, None),
            ("1 Jan 99999 10:00", None, None),
        ];
        for (raw, at, on) in table {
            assert_eq!(sent_at(raw.as_bytes()).map(|it| it.to_string()).as_deref(), at, "{raw}");
            assert_eq!(sent_date(raw.as_bytes()).map(|it| it.to_string()).as_deref(), on, "{raw}");
            let sorted = at.map(str::to_owned).or_else(|| Some(format!("{}T00:00:00Z", on?)));
            assert_eq!(sorted_at(raw.as_bytes()).map(|it| it.to_string()), sorted, "{raw}");
        }
    }
}
