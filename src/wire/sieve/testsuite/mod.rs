//! The dialect of test scripts, `vnd.dovecot.testsuite`: scripts that set a message, run scripts or their own commands, and look at what
//! came of it. In it are the tests of this language's implementations, ours and another's.
//!
//! Called by `posthouse sieve test` and the tests of the house. Nothing here touches a real mailbox: a [`Suite`] has its own.

pub(super) mod commands;
mod options;
mod suite;

use super::problem::Problem;

pub use suite::{Suite, TestResult, run_suite};

/// What a test script asks of the suite.
#[derive(Debug, Clone)]
pub struct Request {
    /// The command's name.
    pub(super) name: String,
    /// Its positional strings.
    pub(super) texts: Vec<Vec<u8>>,
    /// Its number.
    pub(super) number: Option<u64>,
    /// The string of its tag.
    pub(super) tagged: Option<Vec<u8>>,
    /// Whether its tag without a string is given.
    pub(super) flag: bool,
}

impl Request {
    /// The positional string of this index.
    fn text(&self, index: usize) -> String {
        self.texts
            .get(index)
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    }
}

/// How a test ended: none is well.
pub type Failure = Option<Problem>;
