//! Filters: scripts in the Sieve language, kept for users, and run on the mail that comes for them.
//!
//! [`Filters`] keeps the scripts of users for ManageSieve, the API and the command line, and says `intake` what becomes of a message
//! ([`Filters::decide`]); `intake` does it. The language itself is [`crate::wire::sieve`]; here it meets files, mailboxes and the clock.
//! Nothing here changes a mailbox, but for the one message by which a user is told that their script went wrong.
//!
//! Promised: a script that goes wrong leaves the message in the INBOX as it came; compiled scripts are kept in memory, bounded, and a
//! change of a script is heard of by all nodes as a change of the directory is; scripts run off the network threads, a few at a time.
//!
//! RFC 5228 §2.10 (actions and errors), RFC 5230 §4.2 (replies are remembered), RFC 5804 §1.4 (one script is active),
//! RFC 6785 §2 (scripts that run on stored mail), RFC 7352 §3 (duplicates)

mod absence;
mod decide;
mod globals;
mod keep;
mod lists;
mod programs;
mod seen;
mod stored;
mod surroundings;
mod tell;
mod trial;

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config;
use crate::mail::directory::Directory;
use crate::mail::mailbox::Mailboxes;
use crate::model::account::User;
use crate::model::audit::Actor;
use crate::model::clock::Clock;
use crate::model::refusal::Refusal;
use crate::store::db::Database;
pub use crate::wire::sieve::testsuite::TestResult;
use crate::wire::sieve::testsuite::run_suite;
pub use crate::wire::sieve::{Effect, Envelope, Extension, Message, Outgoing, Problem, Purpose, Seen, Store};
use crate::wire::sieve::{Library, Location, Settings, compile, is_script_name};

pub use decide::{Case, Decision, Mail};
pub use keep::NoRoom;
pub use stored::{Cause, Event};
pub use trial::{Trial, TrialDecision, try_out};

/// What the filters stand on.
pub struct Ground {
    /// Where the scripts are.
    pub database: Database,
    /// Whose they are.
    pub directory: Directory,
    /// What they file into.
    pub mailboxes: Mailboxes,
    /// The limits.
    pub settings: config::Sieve,
    /// The characters between a user and a detail.
    pub detail_separators: String,
    /// The name of this server.
    pub hostname: String,
    /// The time.
    pub clock: Clock,
}

/// The filters of all users. Cheap to clone.
#[derive(Clone)]
pub struct Filters {
    inner: Arc<Inner>,
    /// Who changes scripts through this handle.
    actor: Arc<Actor>,
}

struct Inner {
    ground: Ground,
    globals: globals::Globals,
    programs: programs::Cache,
    /// So many run at a time.
    running: Semaphore,
}

/// A turn to run scripts: only so many messages are in memory for that at a time, each of which may be as large as the largest. To be taken
/// before the message is read.
pub struct Turn<'f> {
    _permit: Option<SemaphorePermit<'f>>,
}

/// Why a script was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotKept {
    /// It has these mistakes.
    Wrong(Vec<Problem>),
    /// There is no room for it.
    NoRoom(NoRoom),
    /// Something else is against it.
    Refused(Refusal),
}

impl<E: Into<Refusal>> From<E> for NotKept {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl Filters {
    /// Opens the filters. An error says which script of the server is wrong.
    pub fn open(ground: Ground) -> Result<Self, String> {
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        let globals = globals::Globals::open(&ground.settings, &ground.settings())?;
        let programs = programs::cache(ground.settings.cache_users);
        let inner = Arc::new(Inner {
            ground,
            globals,
            programs,
            running: Semaphore::new(at_once),
        });
        tokio::spawn(seen::forget(Arc::downgrade(&inner)));
        let actor = Arc::new(Actor::server());
        Ok(Self { inner, actor })
    }

    /// The same for changes by somebody: what they do is in the audit log under their name.
    #[must_use]
    pub fn acting(&self, actor: &Arc<Actor>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            actor: Arc::clone(actor),
        }
    }

    /// The directory, for a change of scripts.
    fn directory(&self) -> Directory {
        self.inner.ground.directory.acting(&self.actor)
    }

    /// Waits for a turn.
    pub async fn turn(&self) -> Turn<'_> {
        Turn {
            _permit: self.inner.running.acquire().await.ok(),
        }
    }

    /// Whether mail for the user goes through any script.
    pub fn concern(&self, user: &User) -> bool {
        user.filter.is_some() || self.inner.globals.are_there()
    }
}

impl Ground {
    /// What is the same for all users.
    fn settings(&self) -> Settings {
        let limits = &self.settings;
        let mut settings = Settings {
            hostname: self.hostname.clone(),
            recipient_delimiters: self.detail_separators.clone(),
            most_actions: limits.max_actions,
            most_redirects: limits.max_redirects,
            most_steps: limits.max_steps,
            ..Settings::default()
        };
        settings.notify.most = limits.max_notifications;
        settings.vacation.least_seconds = limits.vacation_min_seconds;
        settings.vacation.default_seconds = limits.vacation_default_seconds;
        settings.vacation.most_seconds = limits.vacation_max_seconds;
        settings.vacation.use_original_recipient = true;
        settings
    }
}

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
        in_folder(self.folder, name)
    }
}

/// The script of this name in the folder. The name is no path: it has no slash.
fn in_folder(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let name = is_script_name(name).then(|| format!("{name}.sieve"))?;
    std::fs::read(folder.join(name)).ok()
}
