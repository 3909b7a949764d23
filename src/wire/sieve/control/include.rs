//! `include` (RFC 6609 §3.2).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::compiler::Include as Tags;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, tag, text};
use crate::wire::sieve::world::Location;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("script")]).tagged(&[&[
    tag("personal").among("location"),
    tag("global").among("location"),
    tag("once"),
    tag("optional"),
]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let location = if arguments.flag("global") {
        Location::Global
    } else {
        Location::Personal
    };
    let tags = Tags {
        once: arguments.flag("once"),
        optional: arguments.flag("optional"),
    };
    // RFC 6609 §3.2: the name is constant.
    let name = arguments.constant(0)?;
    if !is_script_name(&name) {
        return arguments.problem(format!("invalid name of a script: '{}'", name.escape_default()));
    }
    let at = arguments.at();
    let index = arguments.compiler.include(location, &name, at, tags);
    Some(Box::new(Include { index, once: tags.once }))
}

/// RFC 5804 §1.6: no control characters and no line ends of Unicode; `/` would name a folder.
pub fn is_script_name(name: &str) -> bool {
    let is_wrong = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '/' | '\u{fffd}');
    (1..=128).contains(&name.chars().count()) && !name.starts_with('.') && !name.chars().any(is_wrong)
}

#[derive(Debug)]
struct Include {
    /// None is an optional script that is not there.
    index: Option<usize>,
    once: bool,
}

impl Command for Include {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        match self.index {
            Some(index) => run.include(index, self.once),
            None => Ok(Flow::Next),
        }
    }
}
