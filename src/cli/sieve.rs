//! `posthouse sieve`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::Global;
use super::failure::Failure;
use super::filter_scripts::Kept;
use super::output::{Output, Show};
use crate::mail::filter::{self, Envelope, Problem, TestResult, TrialDecision};
use crate::model::clock::Clock;

/// The commands of `posthouse sieve`.
#[derive(Debug, Subcommand)]
pub(super) enum Sieve {
    /// Check scripts; say all their mistakes, with line and column
    Check {
        /// The scripts
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Show what a script would do with a message, without doing it
    Run(Run),
    /// Run test scripts in the dialect vnd.dovecot.testsuite, a line for each test
    Test {
        /// The test scripts
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    #[command(flatten)]
    Kept(Kept),
}

/// The arguments of `posthouse sieve run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The script
    script: PathBuf,
    /// The message, as it came
    message: PathBuf,
    /// The sender in the envelope; empty for the null sender
    #[arg(long, value_name = "ADDRESS", default_value = "sender@example.org")]
    from: String,
    /// The recipient in the envelope
    #[arg(long, value_name = "ADDRESS", default_value = "recipient@example.org")]
    to: String,
}

impl Sieve {
    pub(super) async fn run(self, global: &Global, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Kept(kept) => kept.run(&global.house().await?, out).await,
            Self::Check { files } => check(&files, out),
            Self::Run(run) => run.run(out),
            Self::Test { files } => test(&files, out),
        }
    }
}

fn unreadable(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::Unusable(format!("{} cannot be read: {cause}", path.display()))
}

fn check(files: &[PathBuf], out: &mut Output) -> Result<(), Failure> {
    let mut wrong = 0_usize;
    for path in files {
        let problems = filter::check(path)
            .map_err(|cause| unreadable(path, &cause))?
            .err()
            .unwrap_or_default();
        wrong += usize::from(!problems.is_empty());
        report(path, &problems, out)?;
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::Incomplete(format!("{wrong} of {} scripts are wrong", files.len()))),
    }
}

/// Says whether the script is right, and what is wrong with it.
fn report(path: &Path, problems: &[Problem], out: &mut Output) -> Result<(), Failure> {
    let name = path.display().to_string();
    let document = json!({
        "script": name,
        "right": problems.is_empty(),
        "problems": problems.iter().map(Mistake::from).collect::<Vec<_>>(),
    });
    if problems.is_empty() {
        return out.done(&format!("{name}: right"), &document);
    }
    out.lines(problems.iter().map(Problem::to_string), &document)
}

/// A mistake, as it is printed.
#[derive(Serialize)]
struct Mistake<'a> {
    script: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
}

impl<'a> From<&'a Problem> for Mistake<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self {
            script: &problem.script,
            line: problem.at.line,
            column: problem.at.column,
            message: &problem.message,
        }
    }
}

impl Run {
    fn run(self, out: &mut Output) -> Result<(), Failure> {
        let envelope = Envelope {
            from: self.from,
            to: self.to,
            ..Envelope::default()
        };
        // Whichever of the two it is, the cause says so.
        let tried = filter::try_out(&self.script, &self.message, envelope, &Clock::System);
        let tried = tried.map_err(|cause| {
            let (script, message) = (self.script.display(), self.message.display());
            Failure::Unusable(format!("{script} or {message} cannot be read: {cause}"))
        })?;
        let trial = match tried {
            Ok(trial) => trial,
            Err(problems) => {
                report(&self.script, &problems, out)?;
                return Err(Failure::Incomplete("the script is wrong".into()));
            }
        };
        out.rows(&trial.decisions.into_iter().map(View::from).collect::<Vec<_>>())?;
        for problem in &trial.problems {
            out.done(&problem.to_string(), &json!({ "problem": Mistake::from(problem) }))?;
        }
        match trial.is_broken {
            true => Err(Failure::Incomplete("an error ended the script: the message is kept".into())),
            false => Ok(()),
        }
    }
}

/// What a script would do, as it is printed.
#[derive(Serialize)]
struct View {
    action: &'static str,
    target: String,
    flags: Vec<String>,
    note: Option<String>,
}

impl From<TrialDecision> for View {
    fn from(decision: TrialDecision) -> Self {
        Self {
            action: decision.action,
            target: decision.target,
            flags: decision.flags,
            note: decision.note,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Action", "Target", "Flags", "Note"];
    fn cells(&self) -> Vec<String> {
        // A reason may have many lines.
        let target = self.target.lines().next().unwrap_or_default().to_owned();
        vec![
            self.action.into(),
            target,
            self.flags.join(" "),
            self.note.clone().unwrap_or_default(),
        ]
    }
}

fn test(files: &[PathBuf], out: &mut Output) -> Result<(), Failure> {
    let (mut tests, mut failed) = (0_usize, 0_usize);
    let clock = Clock::System;
    for path in files {
        let name = path.display().to_string();
        let results = match filter::test(path, &clock).map_err(|cause| unreadable(path, &cause))? {
            Ok(results) => results,
            Err(problems) => problems.into_iter().map(not_compiled).collect(),
        };
        for result in &results {
            tests += 1;
            failed += usize::from(result.failure.is_some());
            tell(&name, result, out)?;
        }
    }
    let summary = format!(
        "{tests} tests in {} scripts: {} passed, {failed} failed",
        files.len(),
        tests - failed
    );
    out.done(&summary, &json!({ "scripts": files.len(), "tests": tests, "failed": failed }))?;
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Incomplete(format!("{failed} of {tests} tests failed"))),
    }
}

/// A script that cannot be compiled is a test that failed.
fn not_compiled(problem: Problem) -> TestResult {
    TestResult {
        name: "(the script itself)".into(),
        failure: Some(problem),
    }
}

fn tell(script: &str, result: &TestResult, out: &mut Output) -> Result<(), Failure> {
    let document = json!({
        "script": script,
        "test": result.name,
        "passed": result.failure.is_none(),
        "failure": result.failure.as_ref().map(Mistake::from),
    });
    let line = match &result.failure {
        None => format!("ok      {script}: {}", result.name),
        Some(problem) => format!("FAILED  {script}: {}: line {}: {}", result.name, problem.at.line, problem.message),
    };
    out.done(&line, &document)
}
