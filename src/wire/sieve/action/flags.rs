//! `setflag`, `addflag`, `removeflag` (RFC 5232 §3).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::flags::{add, collect, split, variables};
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, text, texts};
use crate::wire::sieve::text::{Text, Variable};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("variable").optional(), texts("flags")]);

pub(in crate::wire::sieve) fn compile_set(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    compile(arguments, Change::Set)
}

pub(in crate::wire::sieve) fn compile_add(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    compile(arguments, Change::Add)
}

pub(in crate::wire::sieve) fn compile_remove(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    compile(arguments, Change::Remove)
}

fn compile(arguments: &mut Arguments<'_, '_, '_>, change: Change) -> Option<Box<dyn Command>> {
    let variable = variables(arguments)?.pop();
    let flags = arguments.texts(1);
    Some(Box::new(Flags { variable, flags, change }))
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Set,
    Add,
    Remove,
}

#[derive(Debug)]
struct Flags {
    /// None is the internal variable.
    variable: Option<Variable>,
    flags: Vec<Text>,
    change: Change,
}

impl Command for Flags {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let given = collect(&self.flags, run);
        run.step(u64::try_from(given.len()).unwrap_or(u64::MAX))?;
        let mut flags = match &self.variable {
            Some(variable) => split(run.variable(variable)),
            None => run.state.outcome.flags.clone(),
        };
        match self.change {
            Change::Set => flags = given,
            Change::Add => add(&mut flags, given),
            Change::Remove => flags.retain(|flag| !given.iter().any(|it| it.eq_ignore_ascii_case(flag))),
        }
        match &self.variable {
            Some(variable) => run.set(variable, flags.join(" ").into_bytes()),
            None => run.state.outcome.flags = flags,
        }
        Ok(Flow::Next)
    }
}
