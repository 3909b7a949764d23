//! `fileinto` (RFC 5228 §4.1) with `:copy` (RFC 3894), `:create` (RFC 5490 §3.2), `:flags` (RFC 5232 §5), `:mailboxid`
//! (RFC 9042 §4) and `:specialuse` (RFC 8579 §4).

use super::keep::FLAGS;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::flags::collect;
use crate::wire::sieve::outcome::Action;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text};
use crate::wire::sieve::test::specialuse_exists::is_special_use;
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("mailbox")]).tagged(&[
    FLAGS,
    &[
        tag("copy").of(Extension::Copy),
        tag("create").of(Extension::Mailbox),
        tag("mailboxid").with(Kind::Text).of(Extension::Mailboxid),
        tag("specialuse").with(Kind::Text).of(Extension::SpecialUse),
    ],
]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let special_use = arguments.tag_text("specialuse");
    if let Some(flag) = special_use
        .as_ref()
        .filter(|flag| flag.literal().is_some_and(|flag| !is_special_use(flag)))
    {
        return arguments.problem_at(flag.at, "this is no special-use flag: right would be such as \"\\\\Sent\"");
    }
    let mailbox = arguments.text(0);
    if mailbox
        .literal()
        .is_some_and(|name| name.is_empty() || std::str::from_utf8(name).is_err())
    {
        return arguments.problem_at(mailbox.at, "invalid folder name: it must be UTF-8 and not empty");
    }
    Some(Box::new(Fileinto {
        mailbox,
        special_use,
        mailbox_id: arguments.tag_text("mailboxid"),
        create: arguments.flag("create"),
        copy: arguments.flag("copy"),
        flags: arguments.flag("flags").then(|| arguments.tag_texts("flags")),
    }))
}

#[derive(Debug)]
struct Fileinto {
    mailbox: Text,
    mailbox_id: Option<Text>,
    special_use: Option<Text>,
    create: bool,
    copy: bool,
    flags: Option<Vec<Text>>,
}

impl Command for Fileinto {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let name = String::from_utf8(self.mailbox.expand(run)).ok().filter(|name| !name.is_empty());
        let Some(name) = name else {
            return Err("invalid folder name: it must be UTF-8 and not empty".into());
        };
        let flags = self.flags.as_ref().map(|flags| collect(flags, run));
        let mut store = run.store(with_inbox(name), flags);
        store.create = self.create;
        store.mailbox_id = self.mailbox_id.as_ref().map(|id| id.expand_text(run));
        store.special_use = self.special_use.as_ref().map(|flag| flag.expand_text(run));
        run.act(Action::Fileinto(store))?;
        run.state.outcome.keep_is_cancelled |= !self.copy;
        Ok(Flow::Next)
    }
}

/// RFC 9051 §5.1: INBOX has no case; what is below it is written as the user wrote it.
pub(in crate::wire::sieve) fn with_inbox(name: String) -> String {
    match name.split_at_checked(5) {
        Some((inbox, rest)) if inbox.eq_ignore_ascii_case("INBOX") && (rest.is_empty() || rest.starts_with(['.', '/'])) => {
            format!("INBOX{rest}")
        }
        _ => name,
    }
}
