//! `vacation` (RFC 5230 §4) with `:seconds` (RFC 6131).

use crate::wire::sieve::address::outgoing;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::outcome::{Action, Reply};
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("reason")]).tagged(&[&[
    tag("days").with(Kind::Number).among("period"),
    tag("seconds").with(Kind::Number).of(Extension::VacationSeconds).among("period"),
    tag("subject").with(Kind::Text),
    tag("from").with(Kind::Text),
    tag("addresses").with(Kind::Texts),
    tag("mime"),
    tag("handle").with(Kind::Text),
]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let from = arguments.tag_text("from");
    if let Some(from) = &from
        && let Some(literal) = from.literal()
    {
        let literal = String::from_utf8_lossy(literal).into_owned();
        if let Err(reason) = outgoing(&literal) {
            return arguments.problem_at(
                from.at,
                format!("specified :from address '{literal}' is invalid for vacation action: {reason}"),
            );
        }
    }
    let days = arguments.tag_number("days").map(|days| days.saturating_mul(86_400));
    Some(Box::new(Vacation {
        seconds: arguments.tag_number("seconds").or(days),
        subject: arguments.tag_text("subject"),
        from,
        addresses: arguments.tag_texts("addresses"),
        mime: arguments.flag("mime"),
        handle: arguments.tag_text("handle"),
        reason: arguments.text(0),
    }))
}

#[derive(Debug)]
struct Vacation {
    seconds: Option<u64>,
    subject: Option<Text>,
    from: Option<Text>,
    addresses: Vec<Text>,
    mime: bool,
    handle: Option<Text>,
    reason: Text,
}

impl Command for Vacation {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let settings = run.state.settings.vacation.clone();
        let seconds = self.seconds.unwrap_or(settings.default_seconds);
        // RFC 5230 §4.1: what is out of bounds is moved to them.
        let seconds = seconds.clamp(settings.least_seconds, settings.most_seconds.max(settings.least_seconds));
        let reason = self.reason.expand(run);
        let subject = self.subject.as_ref().map(|text| text.expand_text(run));
        let from = self.from.as_ref().map(|text| text.expand_text(run));
        if let Some(from) = &from {
            outgoing(from).map_err(|reason| format!("specified :from address '{from}' is invalid for vacation action: {reason}"))?;
        }
        // RFC 5230 §4.2: without a handle, what the reply says tells it from others. Spelled as it is written, so that a variable in it
        // makes no new one.
        let handle = match &self.handle {
            Some(handle) => handle.expand_text(run),
            None => [
                self.reason.written(),
                self.subject.as_ref().map(Text::written).unwrap_or_default(),
                self.from.as_ref().map(Text::written).unwrap_or_default(),
                format!("{}", self.mime),
            ]
            .join("\u{0}"),
        };
        run.act(Action::Vacation(Reply {
            seconds,
            subject,
            from,
            addresses: self.addresses.iter().map(|text| text.expand_text(run)).collect(),
            mime: self.mime,
            handle,
            reason,
        }))?;
        Ok(Flow::Next)
    }
}
