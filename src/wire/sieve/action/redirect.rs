//! `redirect` (RFC 5228 §4.2) with `:copy` (RFC 3894) and `:list` (RFC 6134 §2.3).

use crate::wire::sieve::address::outgoing;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::matching::list_name;
use crate::wire::sieve::outcome::Action;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, tag, text};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature =
    Signature::of(&[text("address")]).tagged(&[&[tag("copy").of(Extension::Copy), tag("list").of(Extension::Extlists)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let address = arguments.text(0);
    let copy = arguments.flag("copy");
    if arguments.flag("list") {
        return Some(Box::new(RedirectToList { list: address, copy }));
    }
    if let Some(literal) = address.literal() {
        let literal = String::from_utf8_lossy(literal).into_owned();
        if let Err(reason) = outgoing(&literal) {
            return arguments.problem_at(address.at, format!("specified redirect address '{literal}' is invalid: {reason}"));
        }
    }
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
        redirect(run, to)?;
        run.state.outcome.keep_is_cancelled |= !self.copy;
        Ok(Flow::Next)
    }
}

fn redirect(run: &mut Run<'_>, to: String) -> Result<(), Fault> {
    let message = run.state.message.clone();
    run.act(Action::Redirect { to, message })
}

/// To everybody on a list outside of the script.
#[derive(Debug)]
struct RedirectToList {
    list: Text,
    copy: bool,
}

impl Command for RedirectToList {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let list = self.list.expand_text(run);
        let Some(members) = run.world.listed(list_name(&list)) else {
            return Err(format!("the list '{list}' to redirect to does not exist").into());
        };
        // A list may hold values that are no addresses, such as whole domains.
        for to in members.iter().filter_map(|member| outgoing(member).ok()) {
            redirect(run, to)?;
        }
        run.state.outcome.keep_is_cancelled |= !self.copy;
        Ok(Flow::Next)
    }
}
