//! `keep` (RFC 5228 §4.3).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::flags::collect;
use crate::wire::sieve::outcome::Action;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, Tag, tag};
use crate::wire::sieve::text::Text;

/// The tag of RFC 5232 §5.
pub(in crate::wire::sieve) const FLAGS: &[Tag] = &[tag("flags").with(Kind::Texts).of(Extension::Imap4flags)];

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING.tagged(&[FLAGS]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let flags = arguments.flag("flags").then(|| arguments.tag_texts("flags"));
    Some(Box::new(Keep { flags }))
}

#[derive(Debug)]
struct Keep {
    flags: Option<Vec<Text>>,
}

impl Command for Keep {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let flags = self.flags.as_ref().map(|flags| collect(flags, run));
        let store = run.store(run.state.settings.default_mailbox.clone(), flags);
        run.act(Action::Keep(store))?;
        run.state.outcome.keep_is_cancelled = true;
        Ok(Flow::Next)
    }
}
