//! What an import has done, as it is printed, and how far it is.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::output::{Output, Show};
use crate::mail::import::{Extent, FolderReport, Progress};

/// A bar on standard error, if that is a terminal: the folder or file under way.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        Self(ProgressBar::new(0))
    }

    /// An account begins.
    pub(super) fn account(&self, login: &str) {
        self.0.set_prefix(login.to_owned());
    }

    /// Prints while the bar is out of the way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begin(&self, folder: &str, extent: Extent) {
        let (length, template) = match extent {
            Extent::Messages(count) => (count, "{prefix} {bar:30} {pos}/{len} messages, {eta} left  {wide_msg}"),
            Extent::Octets(count) => (count, "{prefix} {bar:30} {bytes}/{total_bytes}, {eta} left  {wide_msg}"),
        };
        self.0
            .set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_length(length);
        self.0.set_position(0);
        self.0.reset_eta();
        self.0.set_message(folder.to_owned());
    }

    fn advance(&self, count: u64) {
        self.0.inc(count);
    }
}

/// A folder, as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct View {
    address: String,
    folder: String,
    mailbox: String,
    messages: u64,
    added: u64,
    known: u64,
    updated: u64,
    removed: u64,
    failed: u64,
    renumbered: u64,
    problems: Vec<String>,
}

impl View {
    fn new(address: &str, report: FolderReport) -> Self {
        Self {
            address: address.to_owned(),
            folder: report.folder,
            mailbox: report.mailbox,
            messages: report.messages,
            added: report.added,
            known: report.known,
            updated: report.updated,
            removed: report.removed,
            failed: report.failed,
            renumbered: report.renumbered,
            problems: report.problems,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &[
        "Address", "Folder", "Messages", "Added", "Known", "Updated", "Removed", "Failed", "New UIDs",
    ];
    fn cells(&self) -> Vec<String> {
        let folder = match self.folder == self.mailbox || self.mailbox.is_empty() {
            true => self.folder.clone(),
            false => format!("{} as {}", self.folder, self.mailbox),
        };
        let numbers = [
            self.messages,
            self.added,
            self.known,
            self.updated,
            self.removed,
            self.failed,
            self.renumbered,
        ];
        let mut cells = vec![self.address.clone(), folder];
        cells.extend(numbers.map(|number| number.to_string()));
        cells
    }
}

/// Prints what became of an account's folders; how many messages or folders failed.
pub(super) fn print(out: &mut Output, address: &str, folders: Vec<FolderReport>) -> Result<u64, Failure> {
    let failed = folders.iter().map(|folder| folder.failed).sum();
    let views: Vec<View> = folders.into_iter().map(|folder| View::new(address, folder)).collect();
    out.rows(&views)?;
    let of = |view: &View| {
        view.problems
            .iter()
            .map(|problem| format!("{}: {problem}", view.folder))
            .collect::<Vec<_>>()
    };
    problems(out, views.iter().flat_map(of))?;
    out.flush()?;
    Ok(failed)
}

/// Says what went wrong, a line each, to people; programs find it in the documents.
pub(super) fn problems(out: &mut Output, problems: impl Iterator<Item = String>) -> Result<(), Failure> {
    match out.is_for_people() {
        true => out.lines(problems, &()),
        false => Ok(()),
    }
}

/// The end of an import: a failure if something was left behind.
pub(super) fn end(failed: u64) -> Result<(), Failure> {
    if failed == 0 {
        return Ok(());
    }
    let what = if failed == 1 { "thing was" } else { "things were" };
    Err(Failure::Incomplete(format!(
        "{failed} {what} not brought; see above, and do it again after they are mended"
    )))
}
