//! Filters: scripts in the Sieve language, checked, tried out and tested.
//!
//! Called by `cli`. The language itself is [`crate::wire::sieve`]; here it meets files and the clock. Nothing here changes a mailbox.
//!
//! RFC 5228 §2.10 (actions and errors)

mod trial;

use std::io;
use std::path::Path;

use crate::model::clock::Clock;
pub use crate::wire::sieve::testsuite::TestResult;
use crate::wire::sieve::testsuite::run_suite;
pub use crate::wire::sieve::{Envelope, Problem};
use crate::wire::sieve::{Library, Location, Settings, compile, is_script_name};

pub use trial::{Decision, Trial, try_out};

/// Whether the script is right; all its mistakes if not. Scripts that it includes are looked for beside it.
pub fn check(path: &Path) -> io::Result<Result<(), Vec<Problem>>> {
    let script = std::fs::read(path)?;
    let name = path.display().to_string();
    Ok(compile(&name, &script, &Settings::default(), &Beside::new(path)).map(|_| ()))
}

/// Runs a script of the test suite: its tests, or why it cannot be run.
pub fn test(path: &Path, clock: &Clock) -> io::Result<Result<Vec<TestResult>, Vec<Problem>>> {
    let script = std::fs::read(path)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let files = |name: &str| std::fs::read(folder.join(name)).ok();
    let name = path.display().to_string();
    Ok(run_suite(&name, &script, &folder.display().to_string(), clock.now(), &files))
}

/// The scripts in the folder of another, for `include`.
struct Beside<'p> {
    folder: &'p Path,
}

impl<'p> Beside<'p> {
    fn new(path: &'p Path) -> Self {
        Self {
            folder: path.parent().unwrap_or(Path::new("")),
        }
    }
}

impl Library for Beside<'_> {
    fn script(&self, _: Location, name: &str) -> Option<Vec<u8>> {
        // The name is no path: it has no slash.
        let name = is_script_name(name).then(|| format!("{name}.sieve"))?;
        std::fs::read(self.folder.join(name)).ok()
    }
}
