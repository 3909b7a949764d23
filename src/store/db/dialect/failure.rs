//! What a database says when something fails, and what it means for us.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use crate::store::Error;

/// SQLite: SQLITE_FULL, and SQLITE_IOERR_SHMSIZE, where what readers and writers share could not grow.
const SQLITE_FULL: [&str; 2] = ["13", "4874"];
/// SQLite: SQLITE_BUSY with its two kinds: another process wrote for longer than we wait.
const SQLITE_BUSY: [&str; 3] = ["5", "261", "517"];
/// PostgreSQL: disk_full.
const POSTGRES_FULL: &str = "53100";
/// PostgreSQL: admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections.
const POSTGRES_AWAY: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];
/// MariaDB: ER_DISK_FULL, ER_RECORD_FILE_FULL.
const MYSQL_FULL: [u16; 2] = [1021, 1114];
/// MariaDB: ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED.
const MYSQL_AWAY: [u16; 3] = [1040, 1053, 1927];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(said) if said.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(said) if says(&**said, &SQLITE_FULL, &[POSTGRES_FULL], &MYSQL_FULL) => Self::NoRoom(error.to_string()),
            sqlx::Error::Database(said) if says(&**said, &SQLITE_BUSY, &POSTGRES_AWAY, &MYSQL_AWAY) => Self::Away(error.to_string()),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Away(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|said| said.extended_code.to_string());
        let is_one_of = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
        if is_one_of(&SQLITE_FULL) {
            Self::NoRoom(error.to_string())
        } else if is_one_of(&SQLITE_BUSY) {
            Self::Away(error.to_string())
        } else {
            Self::Sqlite(error)
        }
    }
}

/// Whether it is one of these codes of its database. MariaDB's own numbers say more than its SQLSTATE. The codes of SQLite have no
/// five characters, so they are not mistaken for PostgreSQL's.
fn says(said: &dyn DatabaseError, sqlite: &[&str], postgres: &[&str], mysql: &[u16]) -> bool {
    if let Some(said) = said.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql.contains(&said.number());
    }
    said.code()
        .is_some_and(|code| sqlite.contains(&&*code) || postgres.contains(&&*code))
}
