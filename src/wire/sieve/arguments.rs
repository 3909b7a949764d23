//! The arguments of one command or test, as its own file asks for them.

use super::compiler::{Block, Compiler};
use super::extension::Extension;
use super::problem::Position;
use super::run::Test;
use super::signature::{Bound, Named};
use super::syntax::{Argument, Value};
use super::text::Text;

/// What a command or test was given, of the right kinds.
pub(super) struct Arguments<'c, 'a, 'n> {
    pub compiler: &'c mut Compiler<'a>,
    pub named: Named<'n>,
    bound: Bound<'n>,
    pub tests: Vec<Box<dyn Test>>,
}

impl<'c, 'a, 'n> Arguments<'c, 'a, 'n> {
    pub fn new(compiler: &'c mut Compiler<'a>, named: Named<'n>, bound: Bound<'n>, tests: Vec<Box<dyn Test>>) -> Self {
        Self {
            compiler,
            named,
            bound,
            tests,
        }
    }

    /// Where the command or test is.
    pub fn at(&self) -> Position {
        self.named.node.at
    }

    /// Complains about the command or test; gives nothing, so that it can end its compilation.
    pub fn problem<T>(&mut self, message: impl Into<String>) -> Option<T> {
        self.problem_at(self.at(), message)
    }

    pub fn problem_at<T>(&mut self, at: Position, message: impl Into<String>) -> Option<T> {
        self.compiler.problem(at, message);
        None
    }

    pub fn has(&self, extension: Extension) -> bool {
        self.compiler.has(extension)
    }

    /// Whether the tag is given.
    pub fn flag(&self, name: &str) -> bool {
        self.bound.tags.iter().any(|(tag, _)| *tag == name)
    }

    fn value(&self, name: &str) -> Option<&'n Argument> {
        self.bound.tags.iter().find(|(tag, _)| *tag == name).and_then(|(_, value)| *value)
    }

    /// The string that follows the tag.
    pub fn tag_text(&mut self, name: &str) -> Option<Text> {
        let argument = self.value(name)?;
        Some(self.read_text(argument))
    }

    /// The strings that follow the tag; none if it is absent.
    pub fn tag_texts(&mut self, name: &str) -> Vec<Text> {
        self.value(name).map(|argument| self.read_texts(argument)).unwrap_or_default()
    }

    /// The number that follows the tag.
    pub fn tag_number(&self, name: &str) -> Option<u64> {
        match self.value(name)?.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether there is a positional argument of this index.
    pub fn is_given(&self, index: usize) -> bool {
        self.positional(index).is_some()
    }

    fn positional(&self, index: usize) -> Option<&'n Argument> {
        self.bound.positional.get(index).copied().flatten()
    }

    /// The positional argument of this index, a string.
    pub fn text(&mut self, index: usize) -> Text {
        self.positional(index).map(|argument| self.read_text(argument)).unwrap_or_default()
    }

    /// The positional argument of this index, strings.
    pub fn texts(&mut self, index: usize) -> Vec<Text> {
        self.positional(index).map(|argument| self.read_texts(argument)).unwrap_or_default()
    }

    /// The positional argument of this index, a number.
    pub fn number(&self, index: usize) -> u64 {
        match self.positional(index).map(|argument| &argument.value) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// The string that must be known before the script runs; complains if it is not.
    pub fn constant(&mut self, index: usize) -> Option<String> {
        let text = self.text(index);
        self.as_constant(&text)
    }

    /// The same of a tag; `None` inside where the tag is absent.
    pub fn tag_constant(&mut self, name: &str) -> Option<Option<String>> {
        match self.tag_text(name) {
            Some(text) => self.as_constant(&text).map(Some),
            None => Some(None),
        }
    }

    fn as_constant(&mut self, text: &Text) -> Option<String> {
        match text.literal().map(|text| String::from_utf8_lossy(text).into_owned()) {
            Some(text) => Some(text),
            None => {
                let named = self.named.to_string();
                self.problem_at(
                    text.at,
                    format!("this string of the {named} must be constant: it cannot hold variables"),
                )
            }
        }
    }

    fn read_text(&mut self, argument: &Argument) -> Text {
        match &argument.value {
            Value::Text(text) => self.compiler.text(text, argument.at),
            _ => Text::default(),
        }
    }

    fn read_texts(&mut self, argument: &Argument) -> Vec<Text> {
        match &argument.value {
            Value::Text(text) => vec![self.compiler.text(text, argument.at)],
            Value::List(list) => list.iter().map(|(at, text)| self.compiler.text(text, *at)).collect(),
            Value::Number(_) | Value::Tag(_) => Vec::new(),
        }
    }

    /// Compiles the block of the command.
    pub fn block(&mut self) -> Block {
        let nodes = self.named.node.block.as_deref().unwrap_or_default();
        self.compiler.block(nodes)
    }
}
