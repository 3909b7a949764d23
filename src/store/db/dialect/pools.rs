//! The pools of connections, and how each database is told to keep what it promises.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, MySqlPool, PgPool, SqliteConnection, SqlitePool};

use super::in_place::InPlace;
use super::{Dialect, Held, Inner};
use crate::store::{Asked, Error};

/// How many prepared statements a connection keeps.
pub(super) const STATEMENTS: usize = 256;
/// How long a statement of SQLite waits for another process, such as the command line.
pub(super) const BUSY: Duration = Duration::from_secs(30);
/// How long it waits for those who read, where others wait meanwhile that want to write.
const BUSY_EMPTYING: Duration = Duration::from_millis(100);

/// The connections.
#[derive(Clone)]
pub(in crate::store::db) enum Pools {
    /// One connection that writes, so that writers queue here and not in SQLite's busy loop; several that read.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        in_place: InPlace,
        /// Held while the schema is brought up to date.
        lock: PathBuf,
    },
    Postgres(PgPool),
    MySql(MySqlPool),
}

impl Pools {
    pub(in crate::store::db) async fn open(settings: &crate::config::Database, data_dir: &Path) -> Result<Self, Error> {
        let (scheme, rest) = settings.url.split_once(':').unwrap_or((&settings.url, ""));
        match scheme {
            "sqlite" => open_sqlite(settings, rest, data_dir).await,
            "postgres" | "postgresql" => open_postgres(settings).await,
            "mysql" | "mariadb" => open_mysql(settings).await,
            _ => Err(Error::Unusable(
                "database.url: it must begin with sqlite:, postgres:// or mysql://".into(),
            )),
        }
    }

    pub(in crate::store::db) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
        }
    }

    /// What another process must not do at the same time on this machine: the file to lock, if the database has no lock of its own.
    pub(in crate::store::db) fn lock_file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite { lock, .. } => Some(lock),
            Self::Postgres(_) | Self::MySql(_) => None,
        }
    }

    pub(in crate::store::db) async fn begin_read(&self) -> Result<Inner, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Inner::Sqlite(Held::Transaction(readers.begin().await?)),
            Self::Postgres(pool) => Inner::Postgres(Held::Transaction(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            )),
            Self::MySql(pool) => Inner::MySql(Held::Transaction(
                pool.begin_with("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ ONLY")
                    .await?,
            )),
        })
    }

    pub(in crate::store::db) async fn read_alone(&self) -> Result<Inner, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Inner::Sqlite(Held::Alone(readers.acquire().await?)),
            Self::Postgres(pool) => Inner::Postgres(Held::Alone(pool.acquire().await?)),
            Self::MySql(pool) => Inner::MySql(Held::Alone(pool.acquire().await?)),
        })
    }

    /// The same in this thread, where the database is in this process.
    pub(in crate::store::db) async fn read_in_place(&self, asked: Asked) -> Result<Inner, Error> {
        if let Self::Sqlite { in_place, .. } = self
            && let Some(lent) = in_place.lend(asked)
        {
            return Ok(Inner::InPlace(lent));
        }
        self.read_alone().await
    }

    pub(in crate::store::db) async fn begin_write(&self) -> Result<Inner, Error> {
        Ok(match self {
            // Taking the lock at once rather than at the first write: a reader that turns writer could only fail.
            Self::Sqlite { writer, .. } => Inner::Sqlite(Held::Transaction(writer.begin_with("BEGIN IMMEDIATE").await?)),
            Self::Postgres(pool) => Inner::Postgres(Held::Transaction(pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?)),
            Self::MySql(pool) => Inner::MySql(Held::Transaction(pool.begin_with("START TRANSACTION").await?)),
        })
    }

    /// Gets ready what is slower the first time, once the schema is there.
    pub(in crate::store::db) async fn warm_up(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite { in_place, .. } => in_place.warm_up().await,
            Self::Postgres(_) | Self::MySql(_) => Ok(()),
        }
    }

    /// See [`super::super::Database::empty_log`].
    pub(in crate::store::db) async fn empty_log(&self) -> Result<bool, Error> {
        let Self::Sqlite { writer, .. } = self else { return Ok(true) };
        let options = writer.connect_options().as_ref().clone().busy_timeout(BUSY_EMPTYING);
        let mut connection = options.connect().await?;
        let is_busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(is_busy == 0)
    }

    pub(in crate::store::db) fn connections(&self) -> Connections {
        match self {
            Self::Sqlite {
                writer, readers, in_place, ..
            } => Connections::of(writer) + Connections::of(readers) + in_place.connections(),
            Self::Postgres(pool) => Connections::of(pool),
            Self::MySql(pool) => Connections::of(pool),
        }
    }

    pub(in crate::store::db) async fn close(&self) {
        match self {
            Self::Sqlite {
                writer, readers, in_place, ..
            } => {
                in_place.close();
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
            Self::MySql(pool) => pool.close().await,
        }
    }
}

/// How many connections to the database a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// All that are open.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// The most that there may be.
    pub most: u32,
}

impl Connections {
    fn of<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> Self {
        Self {
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
            most: pool.options().get_max_connections(),
        }
    }
}

impl std::ops::Add for Connections {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            open: self.open.saturating_add(other.open),
            idle: self.idle.saturating_add(other.idle),
            most: self.most.saturating_add(other.most),
        }
    }
}

async fn open_sqlite(settings: &crate::config::Database, file: &str, data_dir: &Path) -> Result<Pools, Error> {
    let file = file.strip_prefix("//").unwrap_or(file);
    if file.is_empty() || file.starts_with(':') || file.contains('?') {
        return Err(Error::Unusable(
            "database.url: sqlite: must be followed by the name of a file, and nothing else".into(),
        ));
    }
    let path = data_dir.join(file);
    let failed = |error: &dyn std::fmt::Display| Error::Unusable(format!("database.url: cannot use the file {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(|error| failed(&error))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL syncs the log at each commit: a promise that was given holds after a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is deleted is written over, also where a whole page becomes free. That is seldom, and then costs a page more in the log.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .row_buffer_size(1024)
        .disable_statement_logging();
    let lock = lock_path(&path);
    // Turning the log on is the one thing for which SQLite does not wait for others: it is done under the lock.
    let guard = super::lock_file(&lock).await.map_err(|error| failed(&error))?;
    let mut first = options.connect().await.map_err(|error| failed(&reason(&error)))?;
    // Opening a file that may not be written succeeds; only writing tells.
    let tried = first.execute("BEGIN IMMEDIATE; ROLLBACK").await;
    tried.map_err(|error| failed(&reason(&error)))?;
    drop(guard);
    let pool = |most: u32| {
        SqlitePoolOptions::new()
            .max_connections(most)
            .acquire_timeout(Duration::from_secs(settings.acquire_timeout_seconds))
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(async move { Ok(is_fit(connection)) }))
    };
    let writer = pool(1).idle_timeout(None).max_lifetime(None).connect_lazy_with(options.clone());
    let readers = pool(settings.max_connections.saturating_sub(1).clamp(1, 8)).connect_lazy_with(options);
    first.close().await.map_err(|error| failed(&reason(&error)))?;
    Ok(Pools::Sqlite {
        writer,
        readers,
        in_place: InPlace::new(path),
        lock,
    })
}

/// Whether it is between transactions. After some errors, such as a full disk, SQLite has ended the transaction itself, and then neither
/// COMMIT nor ROLLBACK bring sqlx to believe that: it would begin no other, ever again. Such a connection is closed, and another opened.
fn is_fit(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

async fn open_postgres(settings: &crate::config::Database) -> Result<Pools, Error> {
    let options = PgConnectOptions::from_str(&settings.url)
        .map_err(|_| bad_url("postgres://user:password@host/name"))?
        .application_name("posthouse")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    try_out(settings, options.connect()).await?;
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections.max(2))
        .acquire_timeout(Duration::from_secs(settings.acquire_timeout_seconds))
        .connect_lazy_with(options);
    Ok(Pools::Postgres(pool))
}

async fn open_mysql(settings: &crate::config::Database) -> Result<Pools, Error> {
    let url = settings.url.replacen("mariadb:", "mysql:", 1);
    let options = MySqlConnectOptions::from_str(&url)
        .map_err(|_| bad_url("mysql://user:password@host/name"))?
        .charset("utf8mb4")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    try_out(settings, options.connect()).await?;
    let pool = MySqlPoolOptions::new()
        .max_connections(settings.max_connections.max(2))
        .acquire_timeout(Duration::from_secs(settings.acquire_timeout_seconds))
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    Ok(Pools::MySql(pool))
}

/// One connection outside of the pool, which would try again and again: at the start one clear sentence is better.
async fn try_out<C: Connection>(
    settings: &crate::config::Database,
    connecting: impl Future<Output = sqlx::Result<C>>,
) -> Result<(), Error> {
    let limit = Duration::from_secs(settings.acquire_timeout_seconds.max(1));
    let failed =
        |what: &dyn std::fmt::Display| Error::Unusable(format!("database.url: cannot connect to {}: {what}", redacted(&settings.url)));
    match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(connection)) => connection.close().await.map_err(|error| failed(&reason(&error))),
        Ok(Err(error)) => Err(failed(&reason(&error))),
        Err(_) => Err(failed(&format!("no answer within {} seconds", limit.as_secs()))),
    }
}

fn bad_url(right: &str) -> Error {
    Error::Unusable(format!(
        "database.url: not a valid address of a database; it should look like {right}"
    ))
}

/// The URL without user, password and parameters (which may hold a password as well).
fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{rest}")
}

/// What went wrong, in the words of the database or the system and without sqlx's frame.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://u:p@ss@db.test/posthouse?password=x", "postgres://db.test/posthouse"),
            ("mysql://db.test:3307/x", "mysql://db.test:3307/x"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
