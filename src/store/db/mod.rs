//! The database: pools, transactions, migrations.
//!
//! One table family a file: free functions with `&mut Tx` first; nothing is stored before [`Tx::commit`].
//! Columns are BIGINT, VARCHAR/TEXT and blobs only, which the three databases treat alike; what differs between them
//! stands in `dialect` and nowhere else. Only `mail` (through these files) and `app` call this room.

pub mod access_lists;
pub mod acls;
pub mod acme;
pub mod acquaintances;
pub mod aliases;
pub mod api_keys;
pub mod app_passwords;
pub mod audit;
pub mod bans;
pub mod clock;
pub mod derived;
mod dialect;
pub mod dkim_keys;
pub mod dmarc_reports;
pub mod domains;
pub mod dump;
pub mod events;
pub mod filters;
pub mod greylist;
pub mod imports;
pub mod ispmail;
pub mod labels;
pub mod logins;
pub mod looks;
pub mod mailboxes;
pub mod message_counts;
pub mod messages;
pub mod metadata;
mod migrations;
pub mod mta_sts;
pub mod orphans;
pub mod queue;
pub mod received_reports;
pub mod recoveries;
pub mod replies;
pub mod reports;
pub mod reputation;
pub mod settings;
pub mod snapshots;
pub mod spam;
pub mod submissions;
pub mod tls_reports;
mod together;
pub mod token_keys;
pub mod tokens;
pub mod totp;
pub mod traces;
pub mod users;
pub mod webhooks;

pub use dialect::{Connections, Dialect, Row, Value};
pub use together::Work;

use std::borrow::Cow;
use std::path::Path;

use super::{Asked, Error};

/// The database, as everybody below `app` holds it. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pools: dialect::Pools,
    /// Absent where many write at a time.
    together: Option<together::Together>,
}

impl Database {
    /// Opens `settings.url` (`sqlite:…` relative to `data_dir`, `postgres://…`, `mysql://…`) and brings its schema up to date.
    /// Any number of processes and nodes may do so at the same time.
    ///
    /// # Errors
    /// [`Error::Unusable`] with a sentence that names `database.url`, never with its password.
    pub async fn open(settings: &crate::config::Database, data_dir: &Path) -> Result<Self, Error> {
        let pools = dialect::Pools::open(settings, data_dir).await?;
        let together = pools.dialect().has_one_writer().then(|| together::Together::start(pools.clone()));
        let database = Self { pools, together };
        migrations::run(&database).await?;
        database.pools.warm_up().await?;
        Ok(database)
    }

    /// Opens a database that must be empty, and fills it with rows of [`dump::write`], of this schema or of an earlier one, which is brought
    /// up to date; how many.
    ///
    /// # Errors
    /// [`Error::Unusable`]: it is not empty, or the rows are damaged or of a newer program. Nothing is left in it then, but for tables where
    /// the database takes them for granted.
    pub async fn restore(
        settings: &crate::config::Database,
        data_dir: &Path,
        mut lines: impl Iterator<Item = Result<String, Error>> + Send,
    ) -> Result<(Self, u64), Error> {
        let first = lines.next().transpose()?.unwrap_or_default();
        let schema = dump::schema(&first)?;
        let pools = dialect::Pools::open(settings, data_dir).await?;
        let database = Self { pools, together: None };
        let rows = migrations::fill(&database, schema, lines).await?;
        Ok((database, rows))
    }

    /// A transaction that reads: a consistent view.
    pub async fn read(&self) -> Result<Tx, Error> {
        Ok(Tx {
            inner: self.pools.begin_read().await?,
        })
    }

    /// The same for one statement and no more, without the way to the database and back at the begin and the end.
    pub async fn read_alone(&self) -> Result<Tx, Error> {
        Ok(Tx {
            inner: self.pools.read_alone().await?,
        })
    }

    /// The same for what is asked all the time and is found at once, such as one row by its key: where the database is in this process,
    /// the thread that asks looks itself.
    pub async fn read_in_place(&self, asked: Asked) -> Result<Tx, Error> {
        Ok(Tx {
            inner: self.pools.read_in_place(asked).await?,
        })
    }

    /// A transaction that writes. With SQLite there is one at a time and others wait.
    pub async fn write(&self) -> Result<Tx, Error> {
        Ok(Tx {
            inner: self.pools.begin_write().await?,
        })
    }

    /// Writes in a transaction, which is shared with others that come at the same moment where the database has one writer. On stable
    /// storage when this returns.
    pub async fn write_together<W: Work>(&self, work: W) -> Result<W::Answer, Error> {
        if let Some(together) = &self.together {
            return together.write(work).await;
        }
        let mut tx = self.write().await?;
        let answer = W::write(&[&work], &mut tx).await?.pop();
        tx.commit().await?;
        answer.ok_or_else(|| Error::Unusable("a write gave no answer".into()))
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.pools.dialect()
    }

    /// The version of the schema that a database has once it is open.
    pub const fn schema() -> usize {
        migrations::newest()
    }

    /// How many connections this process has.
    pub fn connections(&self) -> Connections {
        self.pools.connections()
    }

    /// Takes what a log of changes has into the database itself and empties it, where the database leaves that to us: until then, what was
    /// deleted can be read in it. `false`: somebody reads an older state at this moment.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        self.pools.empty_log().await
    }

    /// Closes all connections, after those in use have come back.
    pub async fn close(&self) {
        self.pools.close().await;
    }
}

/// A transaction. Dropped without [`Tx::commit`], it never happened. After an error only dropping it is of use.
pub struct Tx {
    inner: dialect::Inner,
}

impl Tx {
    /// A statement with `?` for each value, whatever the database.
    pub fn query<'t>(&'t mut self, sql: &'static str) -> Query<'t> {
        Query::new(self, Cow::Borrowed(sql))
    }

    /// A statement whose text was put together by this room from constants (never from input), such as one with [`Tx::for_update`].
    pub fn query_built<'t>(&'t mut self, sql: String) -> Query<'t> {
        Query::new(self, Cow::Owned(sql))
    }

    /// Inserts any number of rows: `prefix` is `INSERT INTO table (columns) VALUES`, `values` the values of all rows, one row of
    /// `columns` values after another. The rows go in statements of as many as the database takes; how many rows were touched.
    pub async fn insert_many(&mut self, prefix: &'static str, columns: usize, values: Vec<Value>) -> Result<u64, Error> {
        self.insert_many_built(prefix, columns, values).await
    }

    /// The same with a text that was put together from constants, or from what the database calls its own.
    async fn insert_many_built(&mut self, prefix: &str, columns: usize, values: Vec<Value>) -> Result<u64, Error> {
        let rows_per_statement = (self.dialect().max_values() / columns.max(1)).clamp(1, 500);
        let mut values = values.into_iter().peekable();
        let mut touched = 0;
        while values.peek().is_some() {
            let chunk: Vec<Value> = values.by_ref().take(rows_per_statement * columns.max(1)).collect();
            let rows = chunk.len() / columns.max(1);
            let mut query = self.query_built(many_rows(prefix, columns, rows));
            // Texts of odd length would only push useful statements out of the connection's cache.
            query.cached = rows == rows_per_statement || rows <= 4;
            query.values = chunk;
            touched += query.execute().await?;
        }
        Ok(touched)
    }

    /// Which database it is: for the pieces of SQL that they spell differently.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    /// The end of a SELECT whose rows are locked until the end of the transaction; empty where writers wait for one another anyway.
    pub fn for_update(&self) -> &'static str {
        self.dialect().for_update()
    }

    /// The same, but rows that others have locked are left out of the result.
    pub fn skip_locked(&self) -> &'static str {
        self.dialect().skip_locked()
    }

    /// Makes it so, on stable storage.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await
    }
}

/// `prefix (?,?),(?,?)…`
fn many_rows(prefix: &str, columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    let mut sql = String::with_capacity(prefix.len() + (row.len() + 1) * rows + 1);
    sql.push_str(prefix);
    for n in 0..rows {
        sql.push(if n == 0 { ' ' } else { ',' });
        sql.push_str(&row);
    }
    sql
}

/// A statement on its way.
pub struct Query<'t> {
    tx: &'t mut Tx,
    sql: Cow<'static, str>,
    values: Vec<Value>,
    cached: bool,
}

impl<'t> Query<'t> {
    fn new(tx: &'t mut Tx, sql: Cow<'static, str>) -> Self {
        Self {
            tx,
            sql,
            values: Vec::new(),
            cached: true,
        }
    }

    /// The value of the next `?`: i64, &str, String, Vec<u8>, &[u8], or an Option of these.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The values of the next `?`s.
    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    fn statement(self) -> (&'t mut Tx, dialect::Statement) {
        let statement = dialect::Statement {
            sql: self.sql,
            values: self.values,
            cached: self.cached,
        };
        (self.tx, statement)
    }

    /// Runs it; how many rows it touched (for an UPDATE: how many it found, changed or not). A uniqueness rule that says no is
    /// [`Error::Conflict`].
    pub async fn execute(self) -> Result<u64, Error> {
        let (tx, statement) = self.statement();
        tx.inner.execute(statement).await
    }

    /// The first row, if there is one.
    pub async fn optional<T>(self, map: impl FnOnce(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
        let (tx, statement) = self.statement();
        tx.inner.optional(statement, map).await
    }

    /// All rows, each mapped as it comes in.
    pub async fn all<T>(self, mut map: impl FnMut(&Row<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let (tx, statement) = self.statement();
        let mut rows = Vec::new();
        tx.inner
            .each(statement, |row| {
                rows.push(map(row)?);
                Ok(())
            })
            .await?;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
