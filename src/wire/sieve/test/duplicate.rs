//! `duplicate` (RFC 7352).
//!
//! Beyond the RFC: its older name `vnd.dovecot.duplicate`, in which `:value` is `:uniqueid`.

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Kind, Signature, tag};
use crate::wire::sieve::text::Text;
use crate::wire::sieve::world::Seen;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING.tagged(&[&[
    tag("handle").with(Kind::Text),
    tag("header").with(Kind::Text).among("unique value"),
    tag("uniqueid").with(Kind::Text).among("unique value"),
    tag("value").with(Kind::Text).of(Extension::DovecotDuplicate).among("unique value"),
    tag("seconds").with(Kind::Number),
    tag("last"),
]]);

/// Seven days (RFC 7352 §3.1).
const DEFAULT: u64 = 604_800;

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let header = arguments.tag_text("header");
    let is_wrong = |name: &[u8]| !crate::wire::sieve::field_name::is_field_name(name);
    if header.as_ref().and_then(Text::literal).is_some_and(is_wrong) {
        return arguments.problem("the :header tag expects the name of a header field");
    }
    Some(Box::new(Duplicate {
        handle: arguments.tag_text("handle").unwrap_or_default(),
        header,
        unique: arguments.tag_text("uniqueid").or_else(|| arguments.tag_text("value")),
        seconds: arguments.tag_number("seconds").unwrap_or(DEFAULT).min(DEFAULT),
        last: arguments.flag("last"),
    }))
}

#[derive(Debug)]
struct Duplicate {
    handle: Text,
    header: Option<Text>,
    unique: Option<Text>,
    seconds: u64,
    last: bool,
}

impl Test for Duplicate {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let id = match (&self.unique, &self.header) {
            (Some(id), _) => Some(id.expand(run)),
            (None, header) => {
                let name = header
                    .as_ref()
                    .map_or_else(|| "Message-ID".to_owned(), |name| name.expand_text(run));
                run.state.message.values(&name).into_iter().next().map(String::into_bytes)
            }
        };
        // RFC 7352 §3: a message without the field is no duplicate.
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Ok(false);
        };
        let seen = Seen {
            handle: self.handle.expand_text(run),
            id,
            seconds: self.seconds,
            last: self.last,
        };
        let known = run.world.was_seen(&seen);
        if !run.state.seen.contains(&seen) {
            run.state.seen.push(seen);
        }
        Ok(known)
    }
}
