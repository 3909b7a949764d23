//! `ihave` (RFC 5463 §4).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::control::require::is_offered;
use crate::wire::sieve::extension::Extension;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("capabilities")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let mut found = Vec::new();
    let mut all = true;
    for name in arguments.texts(0) {
        let Some(name) = name.literal() else {
            return arguments.problem_at(name.at, "the names of capabilities must be constant");
        };
        let name = String::from_utf8_lossy(name).into_owned();
        match Extension::named(&name).filter(|extension| is_offered(arguments.compiler, *extension)) {
            Some(extension) if may_come_late(extension) || arguments.has(extension) => found.push(extension),
            _ => all &= Extension::is_built_in(&name),
        }
    }
    if all {
        found.into_iter().for_each(|extension| arguments.compiler.enable(extension));
    }
    Some(Box::new(Ihave(all)))
}

/// RFC 5463 §4: what changes how all of the script is read cannot come in the middle of it.
fn may_come_late(extension: Extension) -> bool {
    !matches!(extension, Extension::Variables | Extension::EncodedCharacter)
}

#[derive(Debug)]
struct Ihave(bool);

impl Test for Ihave {
    fn holds(&self, _: &mut Run<'_>) -> Result<bool, Fault> {
        Ok(self.0)
    }

    fn is_missing(&self) -> bool {
        !self.0
    }
}
