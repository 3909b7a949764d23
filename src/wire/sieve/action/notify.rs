//! `notify` (RFC 5435 §3).

use crate::wire::sieve::address::outgoing;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::notify_method::Method;
use crate::wire::sieve::outcome::{Action, Notification};
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("method")]).tagged(&[&[
    tag("from").with(Kind::Text),
    tag("importance").with(Kind::Text),
    tag("options").with(Kind::Texts),
    tag("message").with(Kind::Text),
]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    if arguments.compiler.settings.notify.most == 0 {
        return arguments.problem("local policy prohibits the use of a notify action");
    }
    let notify = Notify {
        from: arguments.tag_text("from"),
        importance: arguments.tag_text("importance"),
        options: arguments.tag_texts("options"),
        message: arguments.tag_text("message"),
        method: arguments.text(0),
    };
    for (text, check) in [
        (Some(&notify.method), check_method as fn(&str) -> Result<(), String>),
        (notify.from.as_ref(), check_from),
        (notify.importance.as_ref(), check_importance),
    ] {
        check_literal(arguments, text, check)?;
    }
    for option in &notify.options {
        check_literal(arguments, Some(option), check_option)?;
    }
    Some(Box::new(notify))
}

/// Checks a text that is known before the script runs.
fn check_literal(arguments: &mut Arguments<'_, '_, '_>, text: Option<&Text>, check: fn(&str) -> Result<(), String>) -> Option<()> {
    let Some(text) = text else { return Some(()) };
    let literal = text.literal().map(String::from_utf8_lossy);
    match literal.map(|literal| check(&literal)) {
        Some(Err(message)) => arguments.problem_at(text.at, message),
        _ => Some(()),
    }
}

fn check_method(uri: &str) -> Result<(), String> {
    Method::parse(uri)
        .map(|_| ())
        .map_err(|reason| format!("invalid notification method '{uri}': {reason}"))
}

fn check_from(from: &str) -> Result<(), String> {
    outgoing(from)
        .map(|_| ())
        .map_err(|reason| format!("specified :from address '{from}' is invalid for the mailto method: {reason}"))
}

/// RFC 5435 §3.4.
fn check_importance(importance: &str) -> Result<(), String> {
    match importance {
        "1" | "2" | "3" => Ok(()),
        _ => Err(format!("invalid :importance '{importance}': right would be \"1\", \"2\" or \"3\"")),
    }
}

/// RFC 5435 §3.5: `name=value` on one line.
fn check_option(option: &str) -> Result<(), String> {
    let is_name = |name: &str| {
        let first = name.bytes().next().is_some_and(|octet| octet.is_ascii_alphanumeric());
        first && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"._-".contains(&octet))
    };
    match option.split_once('=') {
        Some((name, value)) if is_name(name) && !value.contains(['\r', '\n']) => Ok(()),
        _ => Err(format!("invalid :options '{}': right would be name=value", option.escape_default())),
    }
}

#[derive(Debug)]
struct Notify {
    from: Option<Text>,
    importance: Option<Text>,
    options: Vec<Text>,
    message: Option<Text>,
    method: Text,
}

impl Command for Notify {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let method = self.method.expand_text(run);
        check_method(&method)?;
        let from = self.from.as_ref().map(|text| text.expand_text(run));
        if let Some(from) = &from {
            check_from(from)?;
        }
        let importance = self
            .importance
            .as_ref()
            .map(|text| text.expand_text(run))
            .and_then(|text| text.parse().ok());
        run.act(Action::Notify(Notification {
            method,
            from,
            importance: importance.filter(|number| (1..=3).contains(number)).unwrap_or(2),
            message: self.message.as_ref().map(|text| text.expand_text(run)),
            options: self.options.iter().map(|text| text.expand_text(run)).collect(),
        }))?;
        Ok(Flow::Next)
    }
}
