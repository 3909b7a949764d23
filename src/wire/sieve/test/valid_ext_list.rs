//! `valid_ext_list` (RFC 6134 §2.7).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::list_name;
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Signature, texts};
use crate::wire::sieve::text::Text;

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("list names")]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(ValidExtList(arguments.texts(0))))
}

#[derive(Debug)]
struct ValidExtList(Vec<Text>);

impl Test for ValidExtList {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let names: Vec<String> = self.0.iter().map(|name| name.expand_text(run)).collect();
        Ok(names.iter().all(|name| run.world.has_list(list_name(name))))
    }
}
