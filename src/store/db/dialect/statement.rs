//! Transactions and statements of the three databases.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, MySql, Postgres, Sqlite, Transaction};

use super::Dialect;
use super::in_place::Lent;
use super::value::{Row, Value, arguments};
use crate::store::Error;

/// A transaction of one of them.
pub(in crate::store::db) enum Inner {
    Sqlite(Held<Sqlite>),
    /// SQLite in this thread, for one statement.
    InPlace(Lent),
    Postgres(Held<Postgres>),
    MySql(Held<MySql>),
}

/// A connection as long as it is used.
pub(in crate::store::db) enum Held<DB: sqlx::Database> {
    /// In a transaction.
    Transaction(Transaction<'static, DB>),
    /// For one statement, which is a transaction of its own.
    Alone(PoolConnection<DB>),
}

impl<DB: sqlx::Database> Deref for Held<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Transaction(tx) => tx,
            Self::Alone(connection) => connection,
        }
    }
}

impl<DB: sqlx::Database> DerefMut for Held<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Transaction(tx) => tx,
            Self::Alone(connection) => connection,
        }
    }
}

impl<DB: sqlx::Database> Held<DB> {
    async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Transaction(tx) => tx.commit().await,
            Self::Alone(_) => Ok(()),
        }
    }
}

/// A statement, with `?` for each value.
pub(in crate::store::db) struct Statement {
    /// Its text.
    pub sql: Cow<'static, str>,
    /// Its values.
    pub values: Vec<Value>,
    /// Whether the connection is to keep it prepared.
    pub cached: bool,
}

/// `sqlx`'s query for a statement. A macro, because its bounds over a generic database are longer than its body.
macro_rules! native {
    ($db:ty, $statement:expr, $sql:expr) => {
        sqlx::query_with::<$db, _>(AssertSqlSafe($sql), arguments::<$db>($statement.values)?).persistent($statement.cached)
    };
}

/// Runs `$body` with `$tx` and `$query` of the database at hand, or `$there` with `$lent` and `$asked` where it is SQLite in this thread.
macro_rules! with {
    ($inner:expr, $statement:expr, |$tx:ident, $query:ident| $body:expr, |$lent:ident, $asked:ident| $there:expr) => {{
        let statement = $statement;
        match $inner {
            Inner::Sqlite(tx) => {
                let $query = native!(Sqlite, statement, statement.sql);
                let $tx = &mut **tx;
                $body
            }
            Inner::InPlace($lent) => {
                let $asked = statement;
                $there
            }
            Inner::Postgres(tx) => {
                let $query = native!(Postgres, statement, Cow::<'static, str>::Owned(numbered(&statement.sql)));
                let $tx = &mut **tx;
                $body
            }
            Inner::MySql(tx) => {
                let $query = native!(MySql, statement, statement.sql);
                let $tx = &mut **tx;
                $body
            }
        }
    }};
}

impl Inner {
    pub(in crate::store::db) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) | Self::InPlace(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
        }
    }

    pub(in crate::store::db) async fn execute(&mut self, statement: Statement) -> Result<u64, Error> {
        with!(
            self,
            statement,
            |tx, query| Ok(query.execute(tx).await?.rows_affected()),
            |lent, statement| lent.execute(statement)
        )
    }

    pub(in crate::store::db) async fn optional<T>(
        &mut self,
        statement: Statement,
        map: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        with!(
            self,
            statement,
            |tx, query| query.fetch_optional(tx).await?.map(|row| map(&Row::from(&row))).transpose(),
            |lent, statement| lent.optional(statement, map)
        )
    }

    /// Calls `map` with each row as it comes in.
    pub(in crate::store::db) async fn each(
        &mut self,
        statement: Statement,
        mut map: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        with!(
            self,
            statement,
            |tx, query| {
                let mut rows = query.fetch(tx);
                while let Some(row) = rows.try_next().await? {
                    map(&Row::from(&row))?;
                }
                Ok(())
            },
            |lent, statement| lent.each(statement, map)
        )
    }

    /// Runs a script of several statements without values.
    pub(in crate::store::db) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            Self::InPlace(_) => return Err(Error::Corrupt("a script for a connection that reads")),
            Self::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            Self::MySql(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
        }?;
        Ok(())
    }

    pub(in crate::store::db) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::InPlace(_) => Ok(()),
            Self::Postgres(tx) => tx.commit().await,
            Self::MySql(tx) => tx.commit().await,
        }?;
        Ok(())
    }
}

/// `?` becomes `$1`, `$2`, …, but not within quotes. One pass over the text: nothing beside the way to the server.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut number = 0_usize;
    let mut quoted = false;
    for c in sql.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                out.push(c);
            }
            '?' if !quoted => {
                number += 1;
                out.push('$');
                out.push_str(&number.to_string());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("a = ? AND b = ?", "a = $1 AND b = $2"),
            ("a = '?' AND b IN (?,?)", "a = '?' AND b IN ($1,$2)"),
        ] {
            assert_eq!(numbered(sql), expected);
        }
    }
}
