//! Dates of SEARCH and times of INTERNALDATE and APPEND (RFC 3501 §9 date, date-time).

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::cursor::{Cursor, Malformed};
use super::encode::number;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `1-Feb-1994`, quoted or not.
pub(super) fn date(cursor: &mut Cursor<'_>) -> Result<Date, Malformed> {
    let quoted = cursor.eat(b'"');
    let date = civil(cursor)?;
    if quoted {
        cursor.expect(b'"', "the closing quote")?;
    }
    Ok(date)
}

/// `" 7-Feb-1994 21:52:25 -0800"`.
pub(super) fn date_time(cursor: &mut Cursor<'_>) -> Result<Timestamp, Malformed> {
    let start = cursor.clone();
    cursor.expect(b'"', "a quoted date and time")?;
    cursor.eat(b' ');
    let date = civil(cursor)?;
    cursor.space()?;
    let hour = small(cursor, 2..=2)?;
    cursor.expect(b':', "':'")?;
    let minute = small(cursor, 2..=2)?;
    cursor.expect(b':', "':'")?;
    let second = small(cursor, 2..=2)?;
    cursor.space()?;
    let east = match cursor.peek() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return cursor.wrong("a zone such as +0100"),
    };
    cursor.eat(if east == 1 { b'+' } else { b'-' });
    let zone = i32::from(digits(cursor, 4..=4)?);
    cursor.expect(b'"', "the closing quote")?;
    let minutes = zone / 100 * 60 + zone % 100;
    // A leap second is kept as the second before it.
    let second = if second == 60 { 59 } else { second };
    let time = Time::new(hour, minute, second, 0).ok();
    let offset = minutes
        .checked_mul(60 * east)
        .and_then(|seconds| Offset::from_seconds(seconds).ok());
    match (time, offset) {
        (Some(time), Some(offset)) if zone < 2400 => offset
            .to_timestamp(date.to_datetime(time))
            .or_else(|_| start.wrong("a date and time")),
        _ => start.wrong("a date and time"),
    }
}

fn small(cursor: &mut Cursor<'_>, count: RangeInclusive<usize>) -> Result<i8, Malformed> {
    let start = cursor.clone();
    i8::try_from(digits(cursor, count)?).or_else(|_| start.wrong("two digits"))
}

/// A number of so many digits, at most four.
fn digits(cursor: &mut Cursor<'_>, count: RangeInclusive<usize>) -> Result<i16, Malformed> {
    let start = cursor.clone();
    let number = cursor.number()?;
    let length = cursor.passed().saturating_sub(start.passed());
    match i16::try_from(number) {
        Ok(number) if count.contains(&length) => Ok(number),
        _ => start.wrong("another number of digits"),
    }
}

fn civil(cursor: &mut Cursor<'_>) -> Result<Date, Malformed> {
    let start = cursor.clone();
    let day = small(cursor, 1..=2)?;
    cursor.expect(b'-', "'-'")?;
    let name = cursor.take_while(|b| b.is_ascii_alphabetic(), "a month such as Jan")?;
    let month = MONTHS
        .iter()
        .zip(1_i8..)
        .find(|(month, _)| month.as_bytes().eq_ignore_ascii_case(name));
    cursor.expect(b'-', "'-'")?;
    let year = digits(cursor, 4..=4)?;
    match month.map(|(_, month)| Date::new(year, month, day)) {
        Some(Ok(date)) => Ok(date),
        _ => start.wrong("a date such as 1-Feb-1994"),
    }
}

/// Writes `" 7-Feb-1994 21:52:25 +0000"` with its quotes.
pub fn write_date_time(out: &mut Vec<u8>, time: Timestamp) {
    let at = Offset::UTC.to_datetime(time);
    out.push(b'"');
    padded(out, at.day(), b' ');
    out.push(b'-');
    let month = usize::try_from(at.month()).unwrap_or(1).saturating_sub(1);
    out.extend_from_slice(MONTHS.get(month).copied().unwrap_or("Jan").as_bytes());
    out.push(b'-');
    let year = at.year().clamp(0, 9999).unsigned_abs();
    for place in [1000, 100, 10] {
        if year < place {
            out.push(b'0');
        }
    }
    number(out, u64::from(year));
    for (before, value) in [(b' ', at.hour()), (b':', at.minute()), (b':', at.second())] {
        out.push(before);
        padded(out, value, b'0');
    }
    out.extend_from_slice(b" +0000\"");
}

fn padded(out: &mut Vec<u8>, value: i8, pad: u8) {
    if value < 10 {
        out.push(pad);
    }
    number(out, u64::from(value.unsigned_abs()));
}

/// The day of a time, as SEARCH compares it (RFC 3501 §6.4.4: time and zone are disregarded).
pub fn day(time: Timestamp) -> Date {
    Offset::UTC.to_datetime(time).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_back() {
        for (text, want) in [
            ("\" 7-Feb-1994 21:52:25 -0800\"", "\" 8-Feb-1994 05:52:25 +0000\""),
            ("\"17-Jul-1996 02:44:25 -0700\"", "\"17-Jul-1996 09:44:25 +0000\""),
            ("\"01-jan-2024 00:00:60 +0530\"", "\"31-Dec-2023 18:30:59 +0000\""),
            ("\"1-Jan-0099 00:00:00 +0000\"", "\" 1-Jan-0099 00:00:00 +0000\""),
        ] {
            let time = date_time(&mut Cursor::new(text.as_bytes())).unwrap();
            let mut out = Vec::new();
            write_date_time(&mut out, time);
            assert_eq!(std::str::from_utf8(&out), Ok(want));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "\"",
            "\"31-Feb-2024 00:00:00 +0000\"",
            "\"1-Foo-2024 00:00:00 +0000\"",
            "\"1-Jan-2024 24:00:00 +0000\"",
            "\"1-Jan-2024 00:00:61 +0000\"",
            "\"1-Jan-2024 0:00:00 +0000\"",
            "\"1-Jan-2024 00:00:00 +100\"",
            "\"1-Jan-24 00:00:00 +0000\"",
            "\"1-Jan-2024 00:00:00 0000\"",
            "\"1-Jan-2024 00:00:00 +9999\"",
            "\"1-Jan-99999999999 00:00:00 +0000\"",
            "\"1-Jan-2024 00:00:00 +99999999999999\"",
        ] {
            assert!(date_time(&mut Cursor::new(text.as_bytes())).is_err(), "{text}");
        }
        assert_eq!(date(&mut Cursor::new(b"1-Feb-1994")), Ok(jiff::civil::date(1994, 2, 1)));
        assert_eq!(date(&mut Cursor::new(b"\"01-FEB-1994\"")), Ok(jiff::civil::date(1994, 2, 1)));
    }
}
