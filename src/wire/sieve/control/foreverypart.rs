//! `foreverypart`: commands for each part of the message, or of the part that the loop around is at (RFC 5703 §3).

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::compiler::Block;
use crate::wire::sieve::limits;
use crate::wire::sieve::run::{Command, Fault, Flow, Run};
use crate::wire::sieve::signature::{Kind, Signature, tag};

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::NOTHING.tagged(&[&[tag("name").with(Kind::Text)]]).with_block();

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Command>> {
    let name = arguments.tag_constant("name")?;
    let loops = arguments.compiler.loops();
    if loops.len() >= limits::LOOPS {
        return arguments.problem(format!(
            "foreverypart commands are nested too deeply: at most {} are allowed",
            limits::LOOPS
        ));
    }
    loops.push(name.map(String::into_bytes));
    let block = arguments.block();
    arguments.compiler.loops().pop();
    Some(Box::new(ForEveryPart { block }))
}

#[derive(Debug)]
struct ForEveryPart {
    block: Block,
}

impl Command for ForEveryPart {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault> {
        if run.loops.len() >= limits::LOOPS {
            return Err(format!("foreverypart commands are nested too deeply: at most {} are allowed", limits::LOOPS).into());
        }
        let parts = run.state.message.parts();
        let (mut index, mut end) = match run.loops.last() {
            None => (0, parts.len()),
            Some(index) => (index.saturating_add(1), parts.get(*index).map_or(0, |part| part.end)),
        };
        while index < end {
            run.step(1)?;
            let before = run.state.message.parts().len();
            run.loops.push(index);
            let flow = run.block(&self.block);
            run.loops.pop();
            match flow? {
                Flow::Next => {}
                Flow::Break(levels) if levels > 1 => return Ok(Flow::Break(levels.saturating_sub(1))),
                Flow::Break(_) => break,
                flow => return Ok(flow),
            }
            // A part that was replaced may have had more parts inside of it, or fewer (RFC 5703 §5).
            end = end.saturating_add(run.state.message.parts().len()).saturating_sub(before);
            index = index.saturating_add(1);
        }
        Ok(Flow::Next)
    }
}
