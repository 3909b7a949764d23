//! `if`, `elsif`, `else` (RFC 5228 §3.1).

use crate::wire::sieve::compiler::{Block, Compiler};
use crate::wire::sieve::problem::Position;
use crate::wire::sieve::run::{Command, Fault, Flow, Run, Test};
use crate::wire::sieve::signature::{Named, Signature, Subtests};
use crate::wire::sieve::syntax::Node;

const TESTED: Signature = Signature::NOTHING.testing(Subtests::One).with_block();
const ELSE: Signature = Signature::NOTHING.with_block();

/// A chain of branches that may go on with the next command.
#[derive(Default)]
pub(in crate::wire::sieve) struct Branches {
    begin: Option<Position>,
    has_else: bool,
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    /// None is `else`.
    test: Option<Box<dyn Test>>,
    block: Block,
}

impl Branches {
    /// Whether the command goes on with a chain, right or wrong.
    pub fn goes_on(node: &Node) -> bool {
        matches!(node.name.as_str(), "elsif" | "else")
    }

    /// Compiles the command if it is one of a chain.
    pub fn takes(&mut self, compiler: &mut Compiler<'_>, node: &Node) -> bool {
        let is_if = node.name == "if";
        if !is_if && !Self::goes_on(node) {
            return false;
        }
        let named = Named { node, is_test: false };
        if !is_if && (self.begin.is_none() || self.has_else) {
            compiler.problem(node.at, format!("the {named} must follow an if or elsif command"));
        }
        self.begin.get_or_insert(node.at);
        self.has_else |= node.name == "else";
        let signature = if node.name == "else" { ELSE } else { TESTED };
        let bound = compiler.bind(named, &signature);
        let right = compiler.has_right_tests(named, &signature) && bound.is_some();
        if right {
            compiler.has_right_block(named, &signature);
        }
        let test = match (right, node.tests.as_slice()) {
            (true, [test]) => compiler.test(test),
            _ => None,
        };
        // RFC 5463 §4: what an absent extension would have to understand is not looked at.
        if test.as_ref().is_some_and(|test| test.is_missing()) {
            return true;
        }
        let block = compiler.block(node.block.as_deref().unwrap_or_default());
        self.branches.push(Branch { test, block });
        true
    }

    /// The chain as a command, if there is one; the next begins anew.
    pub fn finish(&mut self) -> Option<(Position, Box<dyn Command>)> {
        let chain = std::mem::take(self);
        let command: Box<dyn Command> = Box::new(If { branches: chain.branches });
        Some((chain.begin?, command))
    }
}

#[derive(Debug)]
struct If {
    branches: Vec<Branch>,
}

impl Command for If {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        for branch in &self.branches {
            let holds = match &branch.test {
                Some(test) => test.holds(run)?,
                None => true,
            };
            if holds {
                return run.block(&branch.block);
            }
        }
        Ok(Flow::Next)
    }
}
