//! `break` (RFC 5703 §3).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING.tagged(&[&[tag("name").with(Kind::Text)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let name = arguments.tag_constant("name")?;
    let loops = arguments.compiler.loops();
    let levels = match &name {
        None => (!loops.is_empty()).then_some(1),
        Some(name) => {
            let found = loops.iter().rev().position(|it| it.as_deref() == Some(name.as_bytes()));
            found.map(|index| index.saturating_add(1))
        }
    };
    match (levels, name) {
        (Some(levels), _) => Some(Box::new(Break { levels })),
        (None, None) => arguments.problem("the break command stands inside of a foreverypart command only"),
        (None, Some(name)) => arguments.problem(format!("no foreverypart command around this break command has the name '{name}'")),
    }
}

#[derive(Debug)]
struct Break {
    /// Out of how many loops.
    levels: usize,
}

impl Command for Break {
    fn run(&self, _: &mut Run<'_>) -> Result<Flow, Fault> {
        Ok(Flow::Break(self.levels))
    }
}
