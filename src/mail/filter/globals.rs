//! The scripts of the server: those that all mail goes through, and those that others include.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::{Beside, in_folder};
use crate::config;
use crate::wire::sieve::{Library, Location, Program, Settings, compile};

/// How often it is looked whether a file was changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The scripts of the server as they are now.
pub(super) struct Around {
    pub before: Vec<Program>,
    pub after: Vec<Program>,
    /// Another one after each change of a file.
    pub edition: Edition,
}

/// Which state of the files it is: the times of their last changes and their sizes.
pub(super) type Edition = Arc<Vec<(PathBuf, Option<(SystemTime, u64)>)>>;

/// The scripts of the server, read again when their files are changed.
pub(super) struct Globals {
    before: Vec<PathBuf>,
    after: Vec<PathBuf>,
    folder: PathBuf,
    settings: Settings,
    now: Mutex<(Instant, Arc<Around>)>,
}

impl Globals {
    /// Reads them all; what is wrong with the first that is.
    pub fn open(sieve: &config::Sieve, settings: &Settings) -> Result<Self, String> {
        let (before, after, folder) = (sieve.before.clone(), sieve.after.clone(), sieve.global.clone());
        let edition = edition([&before, &after], &folder);
        let around = Around {
            before: programs("sieve.before", &before, settings, &folder)?,
            after: programs("sieve.after", &after, settings, &folder)?,
            edition,
        };
        Ok(Self {
            before,
            after,
            folder,
            settings: settings.clone(),
            now: Mutex::new((Instant::now(), Arc::new(around))),
        })
    }

    /// Whether all mail goes through any.
    pub fn are_there(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }

    /// The scripts as they are now. Blocks, now and then.
    pub fn now(&self) -> Arc<Around> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let is_bare = !self.are_there() && self.folder.as_os_str().is_empty();
        if is_bare || now.0.elapsed() < LOOK_EVERY {
            return Arc::clone(&now.1);
        }
        now.0 = Instant::now();
        let edition = edition([&self.before, &self.after], &self.folder);
        if now.1.edition != edition {
            match self.read(edition) {
                Ok(around) => now.1 = Arc::new(around),
                Err(problem) => tracing::error!(problem, "a script of the server is wrong: it stays as it was"),
            }
        }
        Arc::clone(&now.1)
    }

    fn read(&self, edition: Edition) -> Result<Around, String> {
        Ok(Around {
            before: programs("sieve.before", &self.before, &self.settings, &self.folder)?,
            after: programs("sieve.after", &self.after, &self.settings, &self.folder)?,
            edition,
        })
    }

    /// The folder of the scripts that others include.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn edition(lists: [&Vec<PathBuf>; 2], folder: &Path) -> Edition {
    let included = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut included: Vec<PathBuf> = included.filter(|path| path.extension().is_some_and(|it| it == "sieve")).collect();
    included.sort();
    let all = lists.into_iter().flatten().cloned().chain(included);
    let facts = |path: PathBuf| {
        let facts = std::fs::metadata(&path).ok();
        let facts = facts.and_then(|facts| Some((facts.modified().ok()?, facts.len())));
        (path, facts)
    };
    Arc::new(all.map(facts).collect())
}

fn programs(key: &str, paths: &[PathBuf], settings: &Settings, folder: &Path) -> Result<Vec<Program>, String> {
    let program = |path: &PathBuf| {
        let text = std::fs::read(path).map_err(|error| format!("{key}: cannot read {}: {error}", path.display()))?;
        let library = Included {
            beside: Beside::new(path),
            folder,
        };
        compile(&path.display().to_string(), &text, settings, &library).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            format!("{key}: {first}")
        })
    };
    paths.iter().map(program).collect()
}

/// What a script of the server includes: those beside it, and the global ones.
struct Included<'p> {
    beside: Beside<'p>,
    folder: &'p Path,
}

impl Library for Included<'_> {
    fn script(&self, location: Location, name: &str) -> Option<Vec<u8>> {
        match location {
            Location::Personal => self.beside.script(location, name),
            Location::Global => in_folder(self.folder, name),
        }
    }
}
