//! The commands and tests of the dialect.

use super::Request;
use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::compiler::Block;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::run::{Command, Fault, Flow, Run, Test};
use crate::wire::sieve::signature::{Kind, Signature, number, tag, text, texts};
use crate::wire::sieve::text::{Text, expand_all};

pub(in crate::wire::sieve) const TEST: Signature = Signature::of(&[text("name")]).with_block();
pub(in crate::wire::sieve) const ONE: Signature = Signature::of(&[text("value")]);
pub(in crate::wire::sieve) const TWO: Signature = Signature::of(&[text("name"), text("value")]);
pub(in crate::wire::sieve) const MANY: Signature = Signature::of(&[texts("scripts")]);
pub(in crate::wire::sieve) const MESSAGE: Signature =
    Signature::of(&[number("index")]).tagged(&[&[tag("smtp").among("source"), tag("folder").with(Kind::Text).among("source")]]);
pub(in crate::wire::sieve) const RUN: Signature = Signature::NOTHING.tagged(&[&[tag("append_result")]]);
pub(in crate::wire::sieve) const RELOAD: Signature = Signature::NOTHING.tagged(&[&[tag("extension").with(Kind::Text)]]);
pub(in crate::wire::sieve) const METADATA: Signature =
    Signature::of(&[text("annotation"), text("value")]).tagged(&[&[tag("mailbox").with(Kind::Text)]]);
pub(in crate::wire::sieve) const VALUES: Signature =
    Signature::of(&[texts("key list")]).tagged(&[MATCHING, &[tag("index").with(Kind::Number)]]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(Ask::of(arguments)))
}

pub(in crate::wire::sieve) fn compile_test(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(Ask::of(arguments)))
}

/// A request to the suite.
#[derive(Debug)]
struct Ask {
    name: String,
    texts: Vec<Text>,
    number: Option<u64>,
    tagged: Option<Text>,
    flag: bool,
}

impl Ask {
    fn of(arguments: &mut Arguments<'_, '_, '_>) -> Self {
        let tagged = ["folder", "extension", "mailbox"]
            .into_iter()
            .find_map(|tag| arguments.tag_text(tag));
        let mut all = Vec::new();
        for index in 0..2 {
            all.extend(arguments.texts(index));
        }
        Self {
            name: arguments.named.node.name.clone(),
            texts: all,
            number: Some(arguments.number(0)),
            tagged,
            flag: arguments.flag("append_result"),
        }
    }

    fn ask(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let request = Request {
            name: self.name.clone(),
            texts: expand_all(&self.texts, run),
            number: self.number,
            tagged: self.tagged.as_ref().map(|text| text.expand(run)),
            flag: self.flag,
        };
        match run.world.testsuite(run.state, request) {
            Some(answer) => answer.map_err(|problem| Fault(problem.message)),
            None => Err("this is no run of the test suite".into()),
        }
    }
}

impl Command for Ask {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        match self.ask(run)? {
            true => Ok(Flow::Next),
            false => Ok(Flow::Fail(format!("{} failed", self.name))),
        }
    }
}

impl Test for Ask {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        self.ask(run)
    }
}

pub(in crate::wire::sieve) fn compile_fail(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    Some(Box::new(Fail(arguments.text(0))))
}

/// `test_fail`
#[derive(Debug)]
struct Fail(Text);

impl Command for Fail {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        Ok(Flow::Fail(self.0.expand_text(run)))
    }
}

pub(in crate::wire::sieve) fn compile_block(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let name = arguments.text(0);
    let block = arguments.block();
    Some(Box::new(TestBlock { name, block }))
}

/// `test`: what goes wrong in it ends it, and the script goes on behind it.
#[derive(Debug)]
struct TestBlock {
    name: Text,
    block: Block,
}

impl Command for TestBlock {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        let name = self.name.expand_text(run);
        let (failure, flow) = match run.block(&self.block) {
            Ok(Flow::Fail(text)) => (Some(run.problem(Fault(text))), Flow::Next),
            Err(fault) => (Some(run.problem(fault)), Flow::Next),
            Ok(flow) => (None, flow),
        };
        run.world.test_done(&name, failure);
        Ok(flow)
    }
}

pub(in crate::wire::sieve) fn compile_values(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    Some(Box::new(Values {
        name: arguments.named.node.name.clone(),
        index: arguments.tag_number("index"),
        matcher: Matcher::compile(arguments, 0)?,
    }))
}

/// `test_error`, `test_result_action`
#[derive(Debug)]
struct Values {
    name: String,
    index: Option<u64>,
    matcher: Matcher,
}

impl Test for Values {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let request = Request {
            name: self.name.clone(),
            texts: Vec::new(),
            number: self.index,
            tagged: None,
            flag: false,
        };
        let values = run.world.testsuite_values(run.state, &request);
        self.matcher.any(run, &values)
    }
}
