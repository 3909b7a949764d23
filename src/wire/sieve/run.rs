//! A script at work: what it has in hand, and the limits of its work.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::compiler::{Block, Program};
use super::extension::Extension;
use super::limits;
use super::matching::Expression;
use super::message::Message;
use super::outcome::{Action, Outcome, Store};
use super::problem::{Position, Problem};
use super::settings::Settings;
use super::text::Variable;
use super::world::{Envelope, Seen, World};

/// What a script works on, and what comes of it.
#[derive(Debug, Clone)]
pub struct State {
    /// The message with its changes.
    pub message: Message,
    /// The message as it came, which an error brings back.
    pub original: Message,
    /// Its envelope.
    pub envelope: Envelope,
    /// What was decided.
    pub outcome: Outcome,
    /// What went wrong without ending the script.
    pub warnings: Vec<Problem>,
    /// What `duplicate` asked about, to be remembered once all has ended well (RFC 7352 §3).
    pub seen: Vec<Seen>,
    /// What is allowed and set.
    pub settings: Arc<Settings>,
}

impl State {
    /// At the begin.
    pub fn new(message: Message, envelope: Envelope, settings: Arc<Settings>) -> Self {
        Self {
            original: message.clone(),
            message,
            envelope,
            outcome: Outcome::default(),
            warnings: Vec::new(),
            seen: Vec::new(),
            settings,
        }
    }
}

/// Runs a script to its end. On an error the message is kept as it came, whatever was decided before (RFC 5228 §2.10.6).
pub fn run(program: &Program, world: &mut dyn World, state: &mut State) -> Result<(), Problem> {
    let mut run = Run {
        program,
        world,
        state,
        globals: HashMap::new(),
        frames: vec![Frame::default()],
        loops: Vec::new(),
        included: HashSet::new(),
        expressions: HashMap::new(),
        steps: 0,
        replacements: 0,
        at: Position::default(),
    };
    match run.script(0) {
        Ok(Flow::Fail(text)) | Err(Fault(text)) => Err(run.problem(Fault(text))),
        Ok(_) => Ok(()),
    }
}

/// How a script goes on after a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    /// `stop`: no further command of any script.
    Stop,
    /// `return`: no further command of this script.
    Return,
    /// `break` out of so many loops.
    Break(usize),
    /// `test_fail` with its text.
    Fail(String),
}

/// Why a script ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub String);

impl<T: Into<String>> From<T> for Fault {
    fn from(message: T) -> Self {
        Self(message.into())
    }
}

/// A command of a compiled script.
pub(super) trait Command: fmt::Debug + Send + Sync {
    fn run(&self, run: &mut Run<'_>) -> Result<Flow, Fault>;
}

/// A test of a compiled script.
pub(super) trait Test: fmt::Debug + Send + Sync {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault>;

    /// Whether it is false because an extension is missing (RFC 5463 §4).
    fn is_missing(&self) -> bool {
        false
    }
}

/// What a script that is included has for itself.
#[derive(Debug, Default)]
struct Frame {
    script: usize,
    variables: HashMap<String, Vec<u8>>,
    matches: Vec<Vec<u8>>,
}

/// A script at work.
pub(super) struct Run<'a> {
    pub program: &'a Program,
    pub world: &'a mut dyn World,
    pub state: &'a mut State,
    globals: HashMap<String, Vec<u8>>,
    frames: Vec<Frame>,
    /// The part that each `foreverypart` is at, outermost first.
    pub loops: Vec<usize>,
    included: HashSet<usize>,
    /// Regular expressions by comparator and text.
    pub(super) expressions: HashMap<Vec<u8>, Result<Expression, String>>,
    steps: u64,
    replacements: usize,
    pub at: Position,
}

impl Run<'_> {
    /// Runs the script of the program.
    fn script(&mut self, index: usize) -> Result<Flow, Fault> {
        let program = self.program;
        match program.scripts.get(index) {
            Some(script) => self.block(&script.block),
            None => Ok(Flow::Next),
        }
    }

    /// Runs the commands up to one that says otherwise.
    pub fn block(&mut self, block: &Block) -> Result<Flow, Fault> {
        for (at, command) in block {
            self.at = *at;
            self.step(1)?;
            let flow = command.run(self)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Counts work.
    pub fn step(&mut self, units: u64) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(units);
        if self.steps > self.state.settings.most_steps {
            return Err(format!("the script takes too long: it may do {} steps", self.state.settings.most_steps).into());
        }
        Ok(())
    }

    /// Counts the work of looking at so many octets.
    pub fn look(&mut self, octets: usize) -> Result<(), Fault> {
        self.step(u64::try_from(octets / 256).unwrap_or(u64::MAX).saturating_add(1))
    }

    pub fn problem(&self, fault: Fault) -> Problem {
        let script = self.frames.last().map_or(0, |frame| frame.script);
        Problem {
            script: self
                .program
                .scripts
                .get(script)
                .map(|script| script.name.clone())
                .unwrap_or_default(),
            at: self.at,
            message: fault.0,
        }
    }

    /// Tells of something wrong that does not end the script.
    pub fn warn(&mut self, message: impl Into<String>) {
        let problem = self.problem(Fault(message.into()));
        if self.state.warnings.len() < limits::PROBLEMS {
            self.state.warnings.push(problem);
        }
    }

    /// Puts another message in the place of the one that is looked at.
    pub fn replace_message(&mut self, octets: Vec<u8>) -> Result<(), Fault> {
        self.replacements = self.replacements.saturating_add(1);
        if self.replacements > limits::REPLACEMENTS {
            return Err(format!("the message may be replaced {} times at most", limits::REPLACEMENTS).into());
        }
        self.look(octets.len())?;
        self.state.message = Message::new(octets);
        Ok(())
    }

    /// Adds an action.
    pub fn act(&mut self, action: Action) -> Result<(), Fault> {
        let settings = self.state.settings.clone();
        self.state.outcome.add(action, &settings).map_err(Fault)
    }

    /// The action of putting the message as it is now into a mailbox.
    pub fn store(&self, mailbox: String, flags: Option<Vec<String>>) -> Store {
        Store {
            mailbox,
            mailbox_id: None,
            special_use: None,
            create: false,
            flags: flags.unwrap_or_else(|| self.state.outcome.flags.clone()),
            message: self.state.message.clone(),
        }
    }

    /// Runs an included script; with `once`, unless it ran already (RFC 6609 §3.2).
    pub fn include(&mut self, index: usize, once: bool) -> Result<Flow, Fault> {
        if !self.included.insert(index) && once {
            return Ok(Flow::Next);
        }
        if self.frames.len() > self.state.settings.most_include_depth {
            return Err("includes are nested too deeply".into());
        }
        let at = self.at;
        self.frames.push(Frame {
            script: index,
            ..Frame::default()
        });
        let flow = self.script(index);
        // What ends the script is told at its own place.
        if flow.is_ok() {
            self.at = at;
        }
        self.frames.pop();
        Ok(match flow? {
            Flow::Return | Flow::Break(_) => Flow::Next,
            flow => flow,
        })
    }

    /// The value of a variable; empty where it has none (RFC 5229 §3).
    pub fn variable(&self, variable: &Variable) -> &[u8] {
        let values = match variable.global {
            true => Some(&self.globals),
            false => self.frames.last().map(|frame| &frame.variables),
        };
        values.and_then(|values| values.get(&variable.name)).map_or(b"", Vec::as_slice)
    }

    /// Gives a variable its value, cut off where it is too long (RFC 5229 §3).
    pub fn set(&mut self, variable: &Variable, mut value: Vec<u8>) {
        if value.len() > self.state.settings.most_variable_size {
            let end = character_boundary(&value, self.state.settings.most_variable_size);
            value.truncate(end);
        }
        let values = match variable.global {
            true => Some(&mut self.globals),
            false => self.frames.last_mut().map(|frame| &mut frame.variables),
        };
        if let Some(values) = values {
            values.insert(variable.name.clone(), value);
        }
    }

    pub fn match_value(&self, index: usize) -> &[u8] {
        let matches = self.frames.last().and_then(|frame| frame.matches.get(index));
        matches.map_or(b"", Vec::as_slice)
    }

    /// RFC 5229 §3.2: a match that succeeds sets them.
    pub fn set_match_values(&mut self, mut values: Vec<Vec<u8>>) {
        values.truncate(limits::MATCH_VALUES.saturating_add(1));
        if let Some(frame) = self.frames.last_mut()
            && self.program.uses(Extension::Variables)
        {
            frame.matches = values;
        }
    }

    /// An item of the environment (RFC 5183 §4.1).
    pub fn environment(&self, name: &str) -> Option<Vec<u8>> {
        super::test::environment::item(self, name)
    }

    pub fn suite_variable(&self, name: &str) -> Vec<u8> {
        self.world.testsuite_variable(name).unwrap_or_default().into_bytes()
    }

    /// The part that the innermost `foreverypart` is at; 0 is the message.
    pub fn part(&self) -> usize {
        self.loops.last().copied().unwrap_or(0)
    }
}

/// The last place at most `most` where a character of UTF-8 begins.
pub(super) fn character_boundary(text: &[u8], most: usize) -> usize {
    let mut end = most.min(text.len());
    while end > 0 && text.get(end).is_some_and(|octet| octet & 0xc0 == 0x80) {
        end = end.saturating_sub(1);
    }
    end
}
