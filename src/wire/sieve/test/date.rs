//! `date` (RFC 5260 §4).

use crate::wire::message::header::sent_at_zone;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::index::{Index, TAGS as INDEX};
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::message::raw_values;
use crate::wire::sieve::moment::{Moment, PARTS, zone_minutes};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Kind, Signature, Tag, tag, text, texts};
use crate::wire::sieve::text::Text;

/// The tags of time zones.
const ZONE: &[Tag] = &[tag("zone").with(Kind::Text).among("zone"), tag("originalzone").among("zone")];

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("header name"), text("date part"), texts("key list")]).tagged(&[MATCHING, ZONE, INDEX]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let index = Index::compile(arguments)?;
    let zone = match arguments.flag("originalzone") {
        true => Zone::Original,
        false => Zone::compile(arguments)?,
    };
    let header = arguments.text(0);
    let part = part(arguments, 1)?;
    let matcher = Matcher::compile(arguments, 2)?;
    Some(Box::new(DateTest {
        header,
        part,
        zone,
        index,
        matcher,
    }))
}

/// The name of a part of a date, at this place of the arguments; complains if it is none.
pub(in crate::wire::sieve) fn part(arguments: &mut Arguments<'_, '_, '_>, index: usize) -> Option<Text> {
    let part = arguments.text(index);
    let name = part.literal().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    match name.filter(|name| !PARTS.contains(&name.as_str())) {
        Some(name) => arguments.problem_at(
            part.at,
            format!("unknown part of a date '{name}': right would be one of {}", PARTS.join(", ")),
        ),
        None => Some(part),
    }
}

/// The time zone in which a date is looked at.
#[derive(Debug)]
pub(in crate::wire::sieve) enum Zone {
    /// The server's.
    Local,
    /// This one.
    Given(Text),
    /// The one of the field.
    Original,
}

impl Zone {
    /// What the tag says; complains if it is no time zone.
    pub fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Self> {
        let Some(zone) = arguments.tag_text("zone") else {
            return Some(Self::Local);
        };
        let is_wrong = |zone: &[u8]| std::str::from_utf8(zone).ok().and_then(zone_minutes).is_none();
        if zone.literal().is_some_and(is_wrong) {
            return arguments.problem_at(zone.at, "this is no time zone: right would be such as \"+0100\"");
        }
        Some(Self::Given(zone))
    }

    /// Minutes east of UTC.
    pub fn minutes(&self, run: &Run<'_>, original: i32) -> i32 {
        match self {
            Self::Local => run.state.settings.zone_minutes,
            Self::Given(zone) => zone_minutes(&zone.expand_text(run)).unwrap_or(run.state.settings.zone_minutes),
            Self::Original => original,
        }
    }
}

#[derive(Debug)]
struct DateTest {
    header: Text,
    part: Text,
    zone: Zone,
    index: Index,
    matcher: Matcher,
}

impl Test for DateTest {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let part = self.part.expand_text(run).to_ascii_lowercase();
        let fields = raw_values(run.state.message.header(), &self.header.expand_text(run));
        let mut values = Vec::new();
        for field in self.index.pick(fields) {
            // RFC 5260 §4: of a Received field and its like, what stands behind the last semicolon.
            let date = field.rsplit(|octet| *octet == b';').next().unwrap_or(&field);
            if let Some((at, original)) = sent_at_zone(date) {
                let moment = Moment::new(at, self.zone.minutes(run, original));
                values.extend(moment.part(&part).map(String::into_bytes));
            }
        }
        self.matcher.any(run, &values)
    }
}
