//! Parts of dates, as scripts compare them (RFC 5260 §4.2).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// A moment in a time zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    local: DateTime,
    zone_minutes: i32,
}

/// The names of the parts.
pub(super) const PARTS: [&str; 13] = [
    "year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601", "std11", "zone", "weekday",
];

impl Moment {
    pub fn new(at: Timestamp, zone_minutes: i32) -> Self {
        let offset = Offset::from_seconds(zone_minutes.saturating_mul(60)).unwrap_or(Offset::UTC);
        Self {
            local: offset.to_datetime(at),
            zone_minutes: offset.seconds() / 60,
        }
    }

    /// The part of this name, in lower case; none if there is no such part.
    pub fn part(&self, name: &str) -> Option<String> {
        let local = self.local;
        let zone = |colon: &str| {
            let minutes = self.zone_minutes.unsigned_abs();
            let sign = if self.zone_minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
        };
        Some(match name {
            "year" => format!("{:04}", local.year()),
            "month" => format!("{:02}", local.month()),
            "day" => format!("{:02}", local.day()),
            "date" => local.strftime("%Y-%m-%d").to_string(),
            "julian" => julian(local.date()).to_string(),
            "hour" => format!("{:02}", local.hour()),
            "minute" => format!("{:02}", local.minute()),
            "second" => format!("{:02}", local.second()),
            "time" => local.strftime("%H:%M:%S").to_string(),
            "iso8601" => format!("{}{}", local.strftime("%Y-%m-%dT%H:%M:%S"), zone(":")),
            "std11" => format!("{} {}", local.strftime("%a, %d %b %Y %H:%M:%S"), zone("")),
            "zone" => zone(""),
            "weekday" => local.weekday().to_sunday_zero_offset().to_string(),
            _ => return None,
        })
    }
}

/// The Modified Julian Day: days since 17 November 1858.
fn julian(date: Date) -> i64 {
    let begin = jiff::civil::date(1858, 11, 17);
    date.since(begin).map_or(0, |span| i64::from(span.get_days()))
}

/// Minutes of a time zone such as `+0100`.
pub(super) fn zone_minutes(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i32 = digits
        .parse()
        .ok()
        .filter(|_| digits.len() == 4 && digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    (number % 100 < 60 && number < 2400).then_some((number / 100 * 60 + number % 100) * sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_parts() {
        let moment = Moment::new("2009-07-20T18:30:05Z".parse().unwrap(), 150);
        for (name, value) in [
            ("year", "2009"),
            ("month", "07"),
            ("day", "20"),
            ("date", "2009-07-20"),
            ("julian", "55032"),
            ("hour", "21"),
            ("minute", "00"),
            ("second", "05"),
            ("time", "21:00:05"),
            ("iso8601", "2009-07-20T21:00:05+02:30"),
            ("std11", "Mon, 20 Jul 2009 21:00:05 +0230"),
            ("zone", "+0230"),
            ("weekday", "1"),
        ] {
            assert_eq!(moment.part(name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(
            (zone_minutes("-0130"), zone_minutes("0130"), zone_minutes("+1h00")),
            (Some(-90), None, None)
        );
    }
}
