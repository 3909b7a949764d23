//! `set` (RFC 5229 §4).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::modifier::{Modifier, TAGS};
use crate::wire::sieve::run::character_boundary;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, text};
use crate::wire::sieve::text::{Text, Variable, is_name};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[text("name"), text("value")]).tagged(&[TAGS]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let modifiers = Modifier::compile(arguments);
    let variable = variable(arguments, 0)?;
    let value = arguments.text(1);
    Some(Box::new(Set {
        variable,
        value,
        modifiers,
    }))
}

/// The variable that the argument of this index names; complains if it is none that can be set.
pub(in crate::wire::sieve) fn variable(arguments: &mut Arguments<'_, '_, '_>, index: usize) -> Option<Variable> {
    let text = arguments.text(index);
    let name = text.literal().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    let Some(name) = name else {
        return arguments.problem_at(text.at, "the name of a variable must be constant");
    };
    let is_long = name.split('.').any(|part| part.len() > crate::wire::sieve::limits::VARIABLE_NAME);
    if is_long || name.split('.').count() > crate::wire::sieve::limits::NAMESPACES {
        return arguments.problem_at(text.at, format!("the name of the variable '{name}' is too long"));
    }
    match name.split_once('.') {
        None if is_name(&name) => {
            arguments.compiler.declare(&name, text.at);
            Some(arguments.compiler.variable(&name))
        }
        Some(("global", rest)) if is_name(rest) && arguments.has(Extension::Include) => Some(Variable {
            name: rest.to_owned(),
            global: true,
        }),
        Some((namespace, _)) if is_name(namespace) => arguments.problem_at(
            text.at,
            format!("cannot set the variable '{name}': there is no namespace '{namespace}' for it"),
        ),
        _ => arguments.problem_at(text.at, format!("invalid name of a variable: '{name}'")),
    }
}

/// Applies modifiers; the result is no longer than a variable may be.
pub(in crate::wire::sieve) fn modified(run: &Run<'_>, modifiers: &[Modifier], value: Vec<u8>) -> Vec<u8> {
    let most = run.state.settings.most_variable_size;
    let mut value = value;
    value.truncate(character_boundary(&value, most));
    for modifier in modifiers {
        value = modifier.apply(value, most);
    }
    value
}

#[derive(Debug)]
struct Set {
    variable: Variable,
    value: Text,
    modifiers: Vec<Modifier>,
}

impl Command for Set {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let value = self.value.expand(run);
        run.look(value.len())?;
        let value = modified(run, &self.modifiers, value);
        run.set(&self.variable, value);
        Ok(Flow::Next)
    }
}
