//! `redirect` (RFC 5228 §4.2) with `:copy` (RFC 3894).

use crate::wire::sieve::address::outgoing;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::outcome::Action;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, tag, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("address")]).tagged(&[&[tag("copy").of(Extension::Copy)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let address = arguments.text(0);
    if let Some(literal) = address.literal() {
        let literal = String::from_utf8_lossy(literal).into_owned();
        if let Err(reason) = outgoing(&literal) {
            return arguments.problem_at(address.at, format!("specified redirect address '{literal}' is invalid: {reason}"));
        }
    }
    let copy = arguments.flag("copy");
    Some(Box::new(Redirect { address, copy }))
}

#[derive(Debug)]
struct Redirect {
    address: Text,
    copy: bool,
}

impl Command for Redirect {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let address = self.address.expand_text(run);
        let to = outgoing(&address).map_err(|reason| format!("specified redirect address '{address}' is invalid: {reason}"))?;
        let message = run.state.message.clone();
        run.act(Action::Redirect { to, message })?;
        run.state.outcome.keep_is_cancelled |= !self.copy;
        Ok(Flow::Next)
    }
}
