//! A script as it is written: commands with their arguments, tests and blocks, before anything is known of what they mean
//! (RFC 5228 §8.2).

use super::problem::Position;

/// A command or a test.
#[derive(Debug)]
pub(super) struct Node {
    /// Its name in lower case (RFC 5228 §2.3).
    pub name: String,
    pub at: Position,
    pub arguments: Vec<Argument>,
    pub tests: Vec<Node>,
    /// Whether the tests stand in parentheses.
    pub is_list: bool,
    pub block: Option<Vec<Node>>,
}

/// An argument of a command or a test.
#[derive(Debug)]
pub(super) struct Argument {
    pub at: Position,
    pub value: Value,
}

/// What an argument is.
#[derive(Debug)]
pub(super) enum Value {
    Number(u64),
    Text(Vec<u8>),
    List(Vec<(Position, Vec<u8>)>),
    /// The name in lower case, without the colon.
    Tag(String),
}

impl Value {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a string list",
            Self::Tag(_) => "a tag",
        }
    }
}
