//! What is wrong with a script, and where.

use std::fmt;

/// A place in a script. Lines and columns count from 1; a column is an octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The octet in the line.
    pub column: u32,
}

/// One mistake of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name of the script.
    pub script: String,
    /// Where in it.
    pub at: Position,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, line {}, column {}: {}",
            self.script, self.at.line, self.at.column, self.message
        )
    }
}
