//! `envelope` (RFC 5228 §5.4).

use crate::wire::sieve::address::{AddressPart, TAGS as PARTS, envelope};
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[texts("envelope parts"), texts("key list")]).tagged(&[MATCHING, PARTS]);

const KNOWN: [&str; 4] = ["from", "to", "auth", "orig_to"];

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let part = AddressPart::compile(arguments);
    let fields = arguments.texts(0);
    for field in &fields {
        let name = field.literal().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
        if let Some(name) = name.filter(|name| !KNOWN.contains(&name.as_str())) {
            return arguments.problem_at(
                field.at,
                format!("unknown envelope part '{name}': right would be \"from\" or \"to\""),
            );
        }
    }
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(Envelope { fields, matcher, part }))
}

#[derive(Debug)]
struct Envelope {
    fields: Vec<Text>,
    matcher: Matcher,
    part: AddressPart,
}

impl Test for Envelope {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let mut values = Vec::new();
        for field in &self.fields {
            let known = &run.state.envelope;
            let value = match field.expand_text(run).to_ascii_lowercase().as_str() {
                "from" => Some(known.from.as_str()),
                "to" => Some(known.to.as_str()),
                "auth" => known.auth.as_deref(),
                "orig_to" => known.original_to.as_deref(),
                _ => None,
            };
            // RFC 5228 §5.4: the null sender is the empty string, whatever the part.
            let part = match value {
                None => None,
                Some("") => Some(String::new()),
                Some(value) => envelope(value).and_then(|address| self.part.of(&address, &run.state.settings)),
            };
            values.extend(part.map(String::into_bytes));
        }
        self.matcher.any(run, &values)
    }
}
