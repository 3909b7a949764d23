//! `environment` (RFC 5183; RFC 6785 §4 for IMAP).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, text, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("name"), texts("key list")]).tagged(&[MATCHING]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let name = arguments.text(0);
    let matcher = Matcher::compile(arguments, 1)?;
    Some(Box::new(Environment { name, matcher }))
}

#[derive(Debug)]
struct Environment {
    name: Text,
    matcher: Matcher,
}

impl Test for Environment {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let name = self.name.expand_text(run).to_ascii_lowercase();
        match item(run, &name) {
            Some(value) => self.matcher.any(run, &[value]),
            // RFC 5183 §4: an unknown item matches nothing, not even by its count.
            None => Ok(false),
        }
    }
}

/// An item of this name in lower case: what the host says, or what is known here (RFC 5183 §4.1).
pub(in crate::wire::sieve) fn item(run: &Run<'_>, name: &str) -> Option<Vec<u8>> {
    if let Some(value) = run.world.environment(name) {
        return Some(value.into_bytes());
    }
    let settings = &run.state.settings;
    let value = match name {
        "name" => "Posthouse Sieve",
        "version" => env!("CARGO_PKG_VERSION"),
        "location" => "MS",
        "phase" => "during",
        "host" => settings.hostname.as_str(),
        "domain" => settings
            .hostname
            .split_once('.')
            .map_or(settings.hostname.as_str(), |(_, domain)| domain),
        "vnd.dovecot.default-mailbox" | "vnd.dovecot.default_mailbox" => settings.default_mailbox.as_str(),
        "vnd.dovecot.username" => settings.username.as_str(),
        _ => return None,
    };
    Some(value.as_bytes().to_vec())
}
