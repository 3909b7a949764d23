//! Every difference between SQLite, PostgreSQL and MariaDB. No other file of the house names a database.
//!
//! `pools` opens and begins, `schema_lock` keeps starters apart, `statement` runs, `in_place` asks SQLite without leaving the thread,
//! `failure` says what went wrong, `value` takes values in and out, and this page spells the pieces of SQL.

mod failure;
mod in_place;
mod pools;
mod schema_lock;
mod statement;
mod value;

pub use pools::Connections;
pub(super) use pools::Pools;
pub(super) use schema_lock::lock_file;
pub(super) use statement::{Held, Inner, Statement};
pub use value::{Row, Value};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL, or what speaks like it.
    Postgres,
    /// MariaDB.
    MySql,
}

impl Dialect {
    /// Its name.
    pub const fn name(self) -> &'static str {
        self.pick("SQLite", "PostgreSQL", "MariaDB")
    }

    /// The milliseconds since 1970 by the database; none where it is in this process.
    pub(super) const fn clock(self) -> Option<&'static str> {
        self.pick(
            None,
            Some("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
            Some("CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"),
        )
    }

    /// What stands at this database's place.
    pub(super) const fn pick<T: Copy>(self, sqlite: T, postgres: T, mysql: T) -> T {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
            Self::MySql => mysql,
        }
    }

    /// The most `?` in one statement.
    pub(super) const fn max_values(self) -> usize {
        match self {
            Self::Sqlite => 32_766,
            Self::Postgres | Self::MySql => 65_535,
        }
    }

    /// Whether no other node can be at work on the same database.
    pub const fn serves_one_node(self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Whether there is one transaction that writes at a time.
    pub(super) const fn has_one_writer(self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Whether an UPDATE can give back what it has changed.
    pub(super) const fn has_returning(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres)
    }

    /// See [`super::Tx::for_update`].
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres | Self::MySql => " FOR UPDATE",
        }
    }

    /// See [`super::Tx::skip_locked`].
    pub const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres | Self::MySql => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// The sum of an integer column as an integer, 0 for no rows.
    pub fn sum(self, column: &'static str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"),
            Self::MySql => format!("CAST(COALESCE(SUM({column}), 0) AS SIGNED)"),
        }
    }

    /// All columns of all tables: table, column, declared type, in the order of tables and then of columns.
    pub(super) const fn columns(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT t.name, c.name, c.type FROM sqlite_master t JOIN pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid"
            }
            Self::Postgres => {
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns \
                 WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
            }
            Self::MySql => {
                "SELECT table_name, column_name, CAST(data_type AS CHAR(64)) FROM information_schema.columns \
                 WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
            }
        }
    }

    /// An insert that leaves a row alone that is there already, and then has touched 0 rows. `rest` is what follows `INSERT `:
    /// `INTO table (columns) VALUES (?)`.
    pub fn insert_or_ignore(self, rest: &'static str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("INSERT {rest} ON CONFLICT DO NOTHING"),
            Self::MySql => format!("INSERT IGNORE {rest}"),
        }
    }

    /// The end of an INSERT that changes the `columns` of a row whose unique `keys` are there already.
    pub fn or_update(self, keys: &[&'static str], columns: &[&'static str]) -> String {
        let (head, old, new) = match self {
            Self::Sqlite | Self::Postgres => (format!(" ON CONFLICT ({}) DO UPDATE SET ", keys.join(", ")), "excluded.", ""),
            Self::MySql => (" ON DUPLICATE KEY UPDATE ".to_owned(), "VALUES(", ")"),
        };
        let sets: Vec<String> = columns.iter().map(|column| format!("{column} = {old}{column}{new}")).collect();
        head + &sets.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_spelled_for_each_database() {
        let update = |dialect: Dialect| dialect.or_update(&["k"], &["a", "b"]);
        assert_eq!(
            update(Dialect::Postgres),
            " ON CONFLICT (k) DO UPDATE SET a = excluded.a, b = excluded.b"
        );
        assert_eq!(update(Dialect::MySql), " ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES(b)");
        assert_eq!(Dialect::Sqlite.for_update(), "");
    }
}
