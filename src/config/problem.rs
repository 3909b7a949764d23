//! What is wrong with a configuration, said in one line that names the place, the key, and what would be right.

use std::fmt;
use std::path::PathBuf;

/// What a section found wrong with itself: the key without its section, and a sentence that goes on after the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) text: String,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            text: text.into(),
        }
    }

    /// The same problem, its key with the section before it.
    pub(super) fn within(mut self, section: &str) -> Self {
        self.key = format!("{section}.{}", self.key);
        self
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file, and the line where the key stands, if that is known.
    File(PathBuf, Option<usize>),
    /// An environment variable.
    Variable(String),
    /// Neither set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, Some(line)) => write!(f, "{} line {line}", path.display()),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Why a configuration cannot be used. Prints as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where the mistake stands.
    pub origin: Origin,
    /// The key with its section, such as `smtp.max_message_bytes`; none where the text as a whole is wrong.
    pub key: Option<String>,
    /// What was wrong and what would be right.
    pub text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
