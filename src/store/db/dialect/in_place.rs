//! SQLite in the thread that asks.
//!
//! sqlx has a thread for each connection of SQLite: a question wakes that thread, and then the one that asks. These connections have none,
//! for questions that are asked all the time and take some microseconds. They only read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::Connections;
use super::pools::{BUSY, STATEMENTS};
use super::statement::Statement;
use super::value::Row;
use crate::store::{Asked, Error, in_place};

/// How many there are at most.
const MOST: u32 = 4;
/// How many KiB of the database each keeps: the system has the rest.
const CACHE_KIB: i64 = 512;

/// The connections. Cheap to clone.
#[derive(Clone)]
pub(in crate::store::db) struct InPlace {
    path: Arc<Path>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    idle: Vec<Connection>,
    open: u32,
    is_closed: bool,
}

/// A connection for as long as it is used.
pub(in crate::store::db) struct Lent {
    /// Absent after an error: it is not used again.
    connection: Option<Connection>,
    asked: Asked,
    kept: Arc<Mutex<Kept>>,
}

impl InPlace {
    /// None is open yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path: path.into(),
            kept: Arc::default(),
        }
    }

    /// One of them; none if all are in use, or if this thread cannot wait for the disk.
    pub(super) fn lend(&self, asked: Asked) -> Option<Lent> {
        if !in_place::is_possible() {
            return None;
        }
        let mut kept = locked(&self.kept);
        let idle = kept.idle.pop();
        if idle.is_none() {
            if kept.is_closed || kept.open >= MOST {
                return None;
            }
            kept.open += 1;
        }
        drop(kept);
        let mut lent = Lent {
            connection: idle,
            asked,
            kept: Arc::clone(&self.kept),
        };
        if lent.connection.is_none() {
            let opened = in_place::here(Asked::First, || open(&self.path));
            // Others that are open will do.
            let opened = opened.inspect_err(|error| tracing::debug!(%error, "no more connections in place"));
            lent.connection = Some(opened.ok()?);
        }
        Some(lent)
    }

    /// Opens the first, so that nobody waits for it.
    pub(super) async fn warm_up(&self) -> Result<(), Error> {
        let path = Arc::clone(&self.path);
        let opening = tokio::task::spawn_blocking(move || open(&path));
        let connection = opening
            .await
            .map_err(|error| Error::Unusable(format!("SQLite was broken off: {error}")))??;
        let mut kept = locked(&self.kept);
        kept.open += 1;
        kept.idle.push(connection);
        Ok(())
    }

    pub(super) fn connections(&self) -> Connections {
        let kept = locked(&self.kept);
        Connections {
            open: kept.open,
            idle: u32::try_from(kept.idle.len()).unwrap_or(u32::MAX),
            most: MOST,
        }
    }

    /// Closes those that nobody uses, and the others when they come back.
    pub(super) fn close(&self) {
        let mut kept = locked(&self.kept);
        kept.is_closed = true;
        let idle = std::mem::take(&mut kept.idle);
        kept.open = kept.open.saturating_sub(u32::try_from(idle.len()).unwrap_or(u32::MAX));
        // Closing takes its time.
        drop(kept);
        drop(idle);
    }
}

impl Lent {
    /// The first row, if there is one.
    pub(super) fn optional<T>(&mut self, statement: Statement, map: impl FnOnce(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
        let (mut map, mut found) = (Some(map), None);
        self.rows(statement, |row| {
            found = map.take().map(|map| map(row)).transpose()?;
            Ok(false)
        })?;
        Ok(found)
    }

    /// Calls `map` with each row.
    pub(super) fn each(&mut self, statement: Statement, mut map: impl FnMut(&Row<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.rows(statement, |row| map(row).map(|()| true))
    }

    /// Runs what gives no rows, and here can change none.
    pub(super) fn execute(&mut self, statement: Statement) -> Result<u64, Error> {
        self.rows(statement, |_| Ok(true)).map(|()| 0)
    }

    /// Calls `map` with each row for as long as it says `true`.
    fn rows(&mut self, statement: Statement, map: impl FnMut(&Row<'_>) -> Result<bool, Error>) -> Result<(), Error> {
        let connection = self.connection.take().ok_or(Error::Corrupt("a connection after an error"))?;
        in_place::here(self.asked, || ask(&connection, &statement, map))?;
        self.connection = Some(connection);
        Ok(())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut kept = locked(&self.kept);
        if !kept.is_closed
            && let Some(connection) = self.connection.take()
        {
            kept.idle.push(connection);
            return;
        }
        kept.open = kept.open.saturating_sub(1);
        // What is left is closed when nobody waits for this any longer.
        drop(kept);
    }
}

fn open(path: &Path) -> Result<Connection, Error> {
    // What only reads shares the index of the log with those who write, for which it must be able to write that.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn ask(connection: &Connection, statement: &Statement, mut map: impl FnMut(&Row<'_>) -> Result<bool, Error>) -> Result<(), Error> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let mut rows = prepared.query(params_from_iter(&statement.values))?;
    while let Some(row) = rows.next()? {
        if !map(&Row::from(row))? {
            break;
        }
    }
    Ok(())
}

/// The lock, also after a panic of another holder: what it guards is whole after every statement.
fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
