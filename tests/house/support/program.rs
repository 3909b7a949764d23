//! Running programs of other people against the server: swaks, curl, mbsync, mutt, Python.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// What a program did.
pub struct Ran {
    pub status: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Both outputs, for the message of a failed test.
    pub all: String,
}

/// Runs it to its end. It gets no input, no home, and at most a minute (by `timeout`, so that nothing is left behind).
pub fn run(program: &str, arguments: &[&str]) -> Ran {
    run_with_input(program, arguments, "")
}

/// The same with something to read.
pub fn run_with_input(program: &str, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("timeout");
    command.args(["60", program]).args(arguments);
    command.env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
    finish(&mut command, input)
}

/// Runs a command to its end with something to read.
pub fn finish(command: &mut Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    // A program that does not read its input closes it early; that is its right.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    finished(child.wait_with_output().expect("an end"))
}

/// Runs one of our own scripts under `tests/house/clients/`.
pub fn python(script: &str, arguments: &[&str]) -> Ran {
    let path = format!("{}/tests/house/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut all = vec!["-B", path.as_str()];
    all.extend(arguments);
    run("python3", &all)
}

fn finished(output: Output) -> Ran {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    Ran {
        status: output.status.code(),
        all: format!("{out}\n{err}"),
        out,
    }
}

impl Ran {
    /// Ends the test unless it succeeded; gives its output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{}", self.all);
        self.out
    }
}
