//! `address` (RFC 5228 §5.1).

use crate::wire::sieve::address::{AddressPart, TAGS as PARTS, mailboxes};
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::index::{Index, TAGS as INDEX};
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::message::raw_values;
use crate::wire::sieve::mime::{Scope, TAGS as MIME};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[texts("header list"), texts("key list")]).tagged(&[MATCHING, PARTS, INDEX, MIME]);

/// The fields that hold addresses (RFC 5228 §5.1: an implementation must refuse those that it knows to hold none).
const FIELDS: [&str; 33] = [
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-sender",
    "resent-reply-to",
    "mail-followup-to",
    "mail-reply-to",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "return-path",
    "apparently-to",
    "apparently-from",
    "disposition-notification-to",
    "return-receipt-to",
    "errors-to",
    "x-sender",
    "list-post",
    "abuse-reports-to",
    "for-approval",
    "for-comment",
    "for-handling",
    "read-receipt-to",
    "registered-mail-reply-requested-by",
    "return-receipt-requested",
    // RFC 5703 §4.2 looks at this one in parts.
    "content-from",
];

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let scope = Scope::compile(arguments)?;
    let index = Index::compile(arguments)?;
    let part = AddressPart::compile(arguments);
    let headers = arguments.texts(0);
    for header in &headers {
        let name = header.literal().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
        let wrong = name.filter(|name| !FIELDS.contains(&name.as_str()) && !name.starts_with("x-"));
        if let Some(name) = wrong {
            return arguments.problem_at(
                header.at,
                format!("specified header '{name}' is not allowed for the address test: it holds no addresses"),
            );
        }
    }
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(Address {
        headers,
        matcher,
        part,
        index,
        scope,
    }))
}

#[derive(Debug)]
struct Address {
    headers: Vec<Text>,
    matcher: Matcher,
    part: AddressPart,
    index: Index,
    scope: Scope,
}

impl Test for Address {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        self.scope.count_work(run, self.headers.len())?;
        let mut values = Vec::new();
        for header in self.scope.headers(run) {
            for name in &self.headers {
                let fields = raw_values(header, &name.expand_text(run));
                for value in self.index.pick(fields) {
                    let value = String::from_utf8_lossy(&value).into_owned();
                    if value.trim().is_empty() && self.part == AddressPart::All {
                        values.push(Vec::new());
                    }
                    let parts = mailboxes(&value)
                        .into_iter()
                        .filter_map(|address| self.part.of(&address, &run.state.settings));
                    values.extend(parts.map(String::into_bytes));
                }
            }
        }
        self.matcher.any(run, &values)
    }
}
