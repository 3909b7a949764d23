//! Values on their way in and out of the three databases.

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Encode, Row as _, Type};

use crate::store::Error;

/// A value for a `?`.
#[derive(Debug, Clone)]
pub enum Value {
    /// A BIGINT, or NULL in its place.
    Integer(Option<i64>),
    /// A text, or NULL in its place.
    Text(Option<String>),
    /// Octets, or NULL in their place.
    Blob(Option<Vec<u8>>),
}

macro_rules! value {
    ($($from:ty => $variant:ident $(. $conv:ident)?),*) => { $(
        impl From<$from> for Value { fn from(v: $from) -> Self { Self::$variant(Some(v $(.$conv())?)) } }
        impl From<Option<$from>> for Value { fn from(v: Option<$from>) -> Self { Self::$variant(v.map(|v| v $(.$conv())?)) } }
    )* };
}
value!(i64 => Integer, String => Text, &str => Text.to_owned, Vec<u8> => Blob, &[u8] => Blob.to_vec);

/// The values as the arguments of one database's statement.
pub(super) fn arguments<DB>(values: Vec<Value>) -> Result<DB::Arguments, sqlx::Error>
where
    DB: sqlx::Database,
    for<'q> Option<i64>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<String>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<Vec<u8>>: Encode<'q, DB> + Type<DB>,
{
    use sqlx::Arguments;
    let mut arguments = DB::Arguments::default();
    for value in values {
        match value {
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Blob(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Integer(value) => value.to_sql(),
            Self::Text(value) => value.to_sql(),
            Self::Blob(value) => value.to_sql(),
        }
    }
}

/// A row of a result; columns are counted from 0 in the order of the SELECT.
pub struct Row<'r>(Native<'r>);

enum Native<'r> {
    Sqlite(&'r SqliteRow),
    InPlace(&'r rusqlite::Row<'r>),
    Postgres(&'r PgRow),
    MySql(&'r MySqlRow),
}

impl<'r> From<&'r SqliteRow> for Row<'r> {
    fn from(row: &'r SqliteRow) -> Self {
        Self(Native::Sqlite(row))
    }
}
impl<'r> From<&'r rusqlite::Row<'r>> for Row<'r> {
    fn from(row: &'r rusqlite::Row<'r>) -> Self {
        Self(Native::InPlace(row))
    }
}
impl<'r> From<&'r PgRow> for Row<'r> {
    fn from(row: &'r PgRow) -> Self {
        Self(Native::Postgres(row))
    }
}
impl<'r> From<&'r MySqlRow> for Row<'r> {
    fn from(row: &'r MySqlRow) -> Self {
        Self(Native::MySql(row))
    }
}

impl<'r> Row<'r> {
    /// An integer.
    pub fn integer(&self, column: usize) -> Result<i64, Error> {
        self.integer_or_null(column)?.ok_or(NULL)
    }
    /// A text.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        self.text_or_null(column)?.ok_or(NULL)
    }
    /// Octets.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, Error> {
        self.blob_or_null(column)?.ok_or(NULL)
    }
    /// A text, without a copy of it.
    pub fn str(&self, column: usize) -> Result<&'r str, Error> {
        self.unchecked(column, utf8)?.ok_or(NULL)
    }
    /// An integer. Its type is checked, since a decimal's octets (as of an uncast SUM) would be read as a wrong number.
    pub fn integer_or_null(&self, column: usize) -> Result<Option<i64>, Error> {
        Ok(match self.0 {
            Native::Sqlite(row) => row.try_get(column)?,
            Native::InPlace(row) => row.get(column)?,
            // A literal in a SELECT is an INT4 there.
            Native::Postgres(row) => row
                .try_get::<Option<i64>, _>(column)
                .or_else(|_| row.try_get::<Option<i32>, _>(column).map(|value| value.map(i64::from)))?,
            Native::MySql(row) => row.try_get(column)?,
        })
    }
    /// A text or NULL.
    pub fn text_or_null(&self, column: usize) -> Result<Option<String>, Error> {
        self.unchecked(column, |octets| utf8(octets).map(str::to_owned))
    }
    /// Octets or NULL.
    pub fn blob_or_null(&self, column: usize) -> Result<Option<Vec<u8>>, Error> {
        self.unchecked(column, |octets| Ok(octets.to_vec()))
    }

    /// MariaDB gives text of a binary collation the type of octets, so text and octets are not told apart by type.
    /// Always into an Option: SQLite would read NULL as empty.
    fn unchecked<T>(&self, column: usize, of: impl FnOnce(&'r [u8]) -> Result<T, Error>) -> Result<Option<T>, Error>
    where
        Option<T>: Decode<'r, sqlx::Sqlite> + Decode<'r, sqlx::Postgres> + Decode<'r, sqlx::MySql>,
    {
        Ok(match self.0 {
            Native::Sqlite(row) => row.try_get_unchecked(column)?,
            Native::InPlace(row) => {
                let octets = row.get_ref(column)?.as_bytes_or_null().map_err(rusqlite::Error::from)?;
                octets.map(of).transpose()?
            }
            Native::Postgres(row) => row.try_get_unchecked(column)?,
            Native::MySql(row) => row.try_get_unchecked(column)?,
        })
    }
}

fn utf8(octets: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(octets).map_err(|_| Error::Corrupt("a text, which is not UTF-8"))
}

const NULL: Error = Error::Corrupt("a column that must not be NULL");
