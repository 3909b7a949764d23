//! `require` (RFC 5228 §3.2).

use crate::wire::sieve::compiler::Compiler;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::problem::Position;
use crate::wire::sieve::signature::{Named, Signature, texts};
use crate::wire::sieve::syntax::{Node, Value};

const SIGNATURE: Signature = Signature::of(&[texts("extensions")]);

/// Makes the extensions known; complains about those that there are not.
pub(in crate::wire::sieve) fn compile(compiler: &mut Compiler<'_>, node: &Node) {
    let named = Named { node, is_test: false };
    let bound = compiler.bind(named, &SIGNATURE);
    let right = compiler.has_right_tests(named, &SIGNATURE) && bound.is_some() && compiler.has_right_block(named, &SIGNATURE);
    if !right {
        return;
    }
    if !compiler.may_require() {
        compiler.problem(node.at, "require commands stand at the begin of the script only, before all others");
        return;
    }
    let names = node.arguments.iter().flat_map(|argument| match &argument.value {
        Value::Text(name) => vec![(argument.at, name.clone())],
        Value::List(names) => names.clone(),
        _ => Vec::new(),
    });
    for (at, name) in names {
        let name = String::from_utf8_lossy(&name).into_owned();
        match Extension::named(&name) {
            Some(extension) if is_offered(compiler, extension) => enable(compiler, extension, at),
            _ if Extension::is_built_in(&name) => {}
            _ => compiler.problem(at, format!("unknown Sieve capability '{name}'")),
        }
    }
}

fn enable(compiler: &mut Compiler<'_>, extension: Extension, at: Position) {
    // An extension that brings its twin may be required again.
    let conflicting = extension
        .twin()
        .filter(|twin| compiler.has(*twin) && !(compiler.has(extension) && extension.brings() == Some(*twin)));
    match conflicting {
        Some(twin) => compiler.problem(
            at,
            format!(
                "the extension '{}' is another name of '{}': only one may be required",
                extension.name(),
                twin.name()
            ),
        ),
        None => compiler.enable(extension),
    }
}

/// Whether scripts may use it here.
pub(in crate::wire::sieve) fn is_offered(compiler: &Compiler<'_>, extension: Extension) -> bool {
    extension != Extension::DovecotTestsuite || compiler.settings.testsuite
}
