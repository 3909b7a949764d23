//! `global`: variables that scripts which include each other share (RFC 6609 §3.4.1).
//!
//! Beyond the RFC: `import` and `export`, by which drafts of it had one of two scripts name what both share. Old scripts of other servers have
//! them; they mean the same here.

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::is_name;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("variables")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    if !arguments.has(Extension::Variables) {
        return arguments.problem("the global command needs require \"variables\"");
    }
    for text in arguments.texts(0) {
        let name = text.literal().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
        let Some(name) = name.filter(|name| is_name(name)) else {
            return arguments.problem_at(text.at, "the global command expects the name of a variable");
        };
        // RFC 6609 §3.4.1: a variable that the script has set is its own.
        if !arguments.compiler.declare_global(&name, text.at) {
            return arguments.problem_at(text.at, format!("the variable '{name}' is known already and cannot be made global"));
        }
    }
    Some(Box::new(Global))
}

/// `import` and `export`: at the top of a script.
pub(in crate::wire::sieve) fn compile_old(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    if !arguments.compiler.may_share() {
        return arguments.problem("import and export stand at the top of a script, behind require; right would be global");
    }
    compile(arguments)
}

/// All was said when the script was compiled.
#[derive(Debug)]
struct Global;

impl Command for Global {
    fn run(&self, _: &mut Run<'_>) -> Result<Flow, Fault> {
        Ok(Flow::Next)
    }
}
