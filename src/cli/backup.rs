//! `posthouse backup` and `posthouse restore`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Global;
use super::failure::Failure;
use super::output::{Output, Show};
use crate::app::Services;
use crate::mail::backup::{self, Options, Restored, Snapshot, Taken};
use crate::model::clock::Clock;

/// Arguments of `posthouse backup`.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A directory for nothing but backups; best on another disk
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Remove all but so many of the last snapshots afterwards; without it all stay
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
    /// Link files instead of copying them, where the directory is on the same file system: quick and small, but no help when the disk fails
    #[arg(long)]
    link: bool,
}

impl Backup {
    pub(super) async fn run(self, global: &Global, out: &mut Output) -> Result<(), Failure> {
        let config = global.load()?.config;
        let services: Services = global.services().await?;
        let options = Options {
            keep: self.keep.map_or(0, |keep| keep as usize),
            links: self.link,
        };
        let taken = backup::take(&services.database, &config.data_dir, &self.directory, (options, &Clock::System)).await?;
        out.card(&Done::from(taken))
    }
}

/// Arguments of `posthouse restore`.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The directory that `posthouse backup` was given
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The snapshot; without it the last
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    /// Show the snapshots that there are, and do nothing else
    #[arg(long, conflicts_with_all = ["snapshot", "check", "send_queued"])]
    list: bool,
    /// Look whether the snapshot is undamaged, and do nothing else
    #[arg(long, conflicts_with = "send_queued")]
    check: bool,
    /// Send what was queued at that time; without this it is held, since it may have been delivered meanwhile
    #[arg(long)]
    send_queued: bool,
}

impl Restore {
    pub(super) async fn run(self, global: &Global, out: &mut Output) -> Result<(), Failure> {
        global.only_here()?;
        if self.list {
            let snapshots = backup::snapshots(&self.directory).await?;
            return out.rows(&snapshots.into_iter().map(Listed::from).collect::<Vec<_>>());
        }
        if self.check {
            let wrong = backup::check(&self.directory, self.snapshot).await?;
            let sentences = wrong
                .iter()
                .cloned()
                .chain(wrong.is_empty().then(|| "the snapshot is undamaged".to_owned()));
            out.lines(sentences, &Checked { damaged: &wrong })?;
            return damaged(wrong.len());
        }
        let config = global.load()?.config;
        let from = (&*self.directory, self.snapshot);
        let restored = backup::restore(&config.database, &config.data_dir, from, self.send_queued).await?;
        let count = restored.damaged.len();
        out.card(&Back::from(restored))?;
        damaged(count)
    }
}

fn damaged(count: usize) -> Result<(), Failure> {
    match count {
        0 => Ok(()),
        1 => Err(Failure::Incomplete("1 thing is damaged or missing".into())),
        count => Err(Failure::Incomplete(format!("{count} things are damaged or missing"))),
    }
}

impl From<backup::Failure> for Failure {
    fn from(failure: backup::Failure) -> Self {
        Self::Unusable(failure.to_string())
    }
}

/// A snapshot that was taken, as it is printed.
#[derive(Serialize)]
struct Done {
    snapshot: String,
    files: u64,
    bytes: u64,
    new_files: u64,
    new_bytes: u64,
    rows: u64,
    removed_snapshots: usize,
}

impl From<Taken> for Done {
    fn from(taken: Taken) -> Self {
        Self {
            snapshot: taken.name,
            files: taken.files,
            bytes: taken.octets,
            new_files: taken.new_files,
            new_bytes: taken.new_octets,
            rows: taken.rows,
            removed_snapshots: taken.removed,
        }
    }
}

impl Show for Done {
    const HEADINGS: &'static [&'static str] = &["Snapshot", "Files", "New", "Rows", "Removed"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.snapshot.clone(),
            of_bytes(self.files, self.bytes),
            of_bytes(self.new_files, self.new_bytes),
            self.rows.to_string(),
            match self.removed_snapshots {
                0 => String::new(),
                count => format!("{count} snapshots"),
            },
        ]
    }
}

fn of_bytes(files: u64, bytes: u64) -> String {
    format!("{files} of {bytes} bytes")
}

/// A snapshot in the list.
#[derive(Serialize)]
struct Listed {
    snapshot: String,
    taken_at: String,
    files: u64,
    bytes: u64,
    rows: u64,
}

impl From<Snapshot> for Listed {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            snapshot: snapshot.name,
            taken_at: snapshot.taken_at.to_string(),
            files: snapshot.files,
            bytes: snapshot.octets,
            rows: snapshot.rows,
        }
    }
}

impl Show for Listed {
    const HEADINGS: &'static [&'static str] = &["Snapshot", "Taken", "Files", "Bytes", "Rows"];
    fn cells(&self) -> Vec<String> {
        let numbers = [self.files, self.bytes, self.rows].map(|number| number.to_string());
        [self.snapshot.clone(), self.taken_at.clone()].into_iter().chain(numbers).collect()
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    damaged: &'a [String],
}

/// A snapshot that was put back.
#[derive(Serialize)]
struct Back {
    snapshot: String,
    files: u64,
    bytes: u64,
    rows: u64,
    held: u64,
    damaged: Vec<String>,
}

impl From<Restored> for Back {
    fn from(restored: Restored) -> Self {
        Self {
            snapshot: restored.name,
            files: restored.files,
            bytes: restored.octets,
            rows: restored.rows,
            held: restored.held,
            damaged: restored.damaged.iter().map(|path| path.display().to_string()).collect(),
        }
    }
}

impl Show for Back {
    const HEADINGS: &'static [&'static str] = &["Snapshot", "Files", "Rows", "Held", "Damaged"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.snapshot.clone(),
            of_bytes(self.files, self.bytes),
            self.rows.to_string(),
            match self.held {
                0 => String::new(),
                count => format!("{count} recipients in the queue; posthouse queue release --all sends to them"),
            },
            self.damaged.join(", "),
        ]
    }
}
