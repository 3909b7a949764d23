//! `currentdate` (RFC 5260 §5).

use super::date::{Zone, part};
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::moment::Moment;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Kind, Signature, tag, text, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("date part"), texts("key list")]).tagged(&[MATCHING, &[tag("zone").with(Kind::Text)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let zone = Zone::compile(arguments)?;
    let part = part(arguments, 0)?;
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(CurrentDate { part, zone, matcher }))
}

#[derive(Debug)]
struct CurrentDate {
    part: Text,
    zone: Zone,
    matcher: Matcher,
}

impl Test for CurrentDate {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let moment = Moment::new(run.state.settings.now, self.zone.minutes(run, run.state.settings.zone_minutes));
        let part = moment.part(&self.part.expand_text(run).to_ascii_lowercase());
        let values: Vec<Vec<u8>> = part.into_iter().map(String::into_bytes).collect();
        self.matcher.any(run, &values)
    }
}
