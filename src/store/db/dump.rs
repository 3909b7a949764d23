//! All rows as text, the same whichever database they come from: what a backup keeps, and what is put back, into another kind of database
//! too.
//!
//! Each line is JSON. The first says the format and the step of the schema; a table is a line with its name and columns, then an array for
//! each row: numbers, texts, `null`, and `{"base64":…}` for octets. The last line counts the rows, so that a part is not taken for the
//! whole. What can be made again from the messages is left out.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Row, Tx, Value, migrations};
use crate::store::Error;

/// The form of the lines.
const FORMAT: u32 = 1;
/// Tables that others refer to, in the order in which they must be filled.
const FIRST: [&str; 4] = ["domains", "users", "aliases", "webhooks"];
/// What is made again from the messages and directories, and the account of the schema, which the target has itself.
const LEFT_OUT: [&str; 7] = [
    "structures",
    "previews",
    "objects",
    "headers",
    "looks",
    "snapshots",
    "posthouse_schema",
];
/// So many rows are put back at a time.
const PORTION: usize = 500;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    posthouse_rows: u32,
    schema: i64,
}

/// What begins a table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    table: String,
    columns: Vec<String>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    rows: u64,
}

/// A line of a table or beside it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Vec<Json>),
    Table(Table),
    End(End),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Blob,
}

impl Kind {
    /// By what a database calls the type.
    fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_lowercase();
        let is = |names: &[&str]| names.iter().any(|name| declared.contains(name));
        match () {
            () if is(&["int"]) => Self::Integer,
            () if is(&["blob", "bytea", "binary"]) => Self::Blob,
            () => Self::Text,
        }
    }

    fn json(self, row: &Row<'_>, column: usize) -> Result<Json, Error> {
        Ok(match self {
            Self::Integer => row.integer_or_null(column)?.map_or(Json::Null, Json::from),
            Self::Text => row.text_or_null(column)?.map_or(Json::Null, Json::from),
            Self::Blob => row
                .blob_or_null(column)?
                .map_or(Json::Null, |octets| serde_json::json!({"base64": BASE64_STANDARD.encode(octets)})),
        })
    }

    fn value(self, json: &Json) -> Option<Value> {
        Some(match (self, json) {
            (Self::Integer, Json::Null) => Value::Integer(None),
            (Self::Text, Json::Null) => Value::Text(None),
            (Self::Blob, Json::Null) => Value::Blob(None),
            (Self::Integer, Json::Number(number)) => Value::Integer(Some(number.as_i64()?)),
            (Self::Text, Json::String(text)) => Value::Text(Some(text.clone())),
            (Self::Blob, Json::Object(octets)) => {
                let text = octets.get("base64").and_then(Json::as_str)?;
                Value::Blob(Some(BASE64_STANDARD.decode(text).ok()?))
            }
            _ => return None,
        })
    }
}

/// A table of the schema: its name, its columns and what they hold.
type Described = (String, Vec<(String, Kind)>);

/// Writes all rows, as of the moment at which `tx` sees the database; how many. `take` gets whole lines, some at a time, and may block.
pub async fn write(tx: &mut Tx, take: &mut (dyn FnMut(&[u8]) -> Result<(), Error> + Send)) -> Result<u64, Error> {
    let schema = migrations::applied(tx).await?;
    take(&line(&Head {
        posthouse_rows: FORMAT,
        schema,
    })?)?;
    let mut rows = 0_u64;
    for (table, columns) in tables(tx).await? {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let select = format!("SELECT {} FROM {table}", names.join(", "));
        take(&line(&Table { table, columns: names })?)?;
        tx.query_built(select)
            .all(|row| {
                rows = rows.saturating_add(1);
                let cells = columns.iter().enumerate().map(|(at, (_, kind))| kind.json(row, at));
                take(&line(&cells.collect::<Result<Vec<Json>, Error>>()?)?)
            })
            .await?;
    }
    take(&line(&End { rows })?)?;
    Ok(rows)
}

fn line(of: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut line = serde_json::to_vec(of).map_err(|error| Error::Unusable(error.to_string()))?;
    line.push(b'\n');
    Ok(line)
}

/// All tables that are kept, those first that others refer to.
async fn tables(tx: &mut Tx) -> Result<Vec<Described>, Error> {
    let sql = tx.dialect().columns();
    let columns = tx
        .query(sql)
        .all(|row| Ok((row.text(0)?, row.text(1)?, Kind::of(&row.text(2)?))))
        .await?;
    let mut tables: Vec<Described> = Vec::new();
    for (table, column, kind) in columns.into_iter().filter(|(table, ..)| !LEFT_OUT.contains(&&**table)) {
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push((column, kind)),
            _ => tables.push((table, vec![(column, kind)])),
        }
    }
    tables.sort_by_key(|(table, _)| FIRST.iter().position(|first| first == table).unwrap_or(FIRST.len()));
    Ok(tables)
}

/// The step of the schema of these rows, by their first line.
///
/// # Errors
/// [`Error::Unusable`]: no rows of ours, or those of a newer program.
pub(super) fn schema(first: &str) -> Result<i64, Error> {
    let head: Head = serde_json::from_str(first).map_err(|_| damaged("the first line"))?;
    if head.posthouse_rows != FORMAT || head.schema > migrations::latest() {
        return Err(Error::Unusable(format!(
            "the rows were written by a newer posthouse (its schema is {}, this program knows {}); use that one instead",
            head.schema,
            migrations::latest()
        )));
    }
    Ok(head.schema)
}

/// Puts rows back, in the place of those that are there; how many. `lines` are those after the first.
pub(super) async fn read(tx: &mut Tx, lines: impl Iterator<Item = Result<String, Error>>) -> Result<u64, Error> {
    let known = tables(tx).await?;
    for (table, _) in known.iter().rev() {
        tx.query_built(format!("DELETE FROM {table}")).execute().await?;
    }
    let mut filling: Option<Filling> = None;
    let mut rows = 0_u64;
    for line in lines {
        match serde_json::from_str(&line?).map_err(|_| damaged("a line"))? {
            Line::Row(cells) => {
                rows = rows.saturating_add(1);
                let filling = filling.as_mut().ok_or_else(|| damaged("a row of no table"))?;
                filling.add(&cells)?;
                if filling.count >= PORTION {
                    filling.flush(tx).await?;
                }
            }
            Line::Table(table) => {
                if let Some(mut last) = filling.replace(Filling::of(&known, table)?) {
                    last.flush(tx).await?;
                }
            }
            Line::End(end) => {
                if let Some(mut last) = filling.take() {
                    last.flush(tx).await?;
                }
                return if end.rows == rows {
                    Ok(rows)
                } else {
                    Err(damaged("the number of rows"))
                };
            }
        }
    }
    Err(damaged("the end"))
}

fn damaged(what: &str) -> Error {
    Error::Unusable(format!("the rows of the database are damaged: {what} is not as it was written"))
}

/// Rows on their way into a table.
struct Filling {
    insert: String,
    kinds: Vec<Kind>,
    values: Vec<Value>,
    count: usize,
}

impl Filling {
    /// Only tables and columns that the schema has: nothing of the text gets into a statement otherwise.
    fn of(known: &[Described], table: Table) -> Result<Self, Error> {
        let found = known.iter().find(|(name, _)| *name == table.table);
        let (name, columns) = found.ok_or_else(|| damaged("a table"))?;
        let kind = |column: &String| columns.iter().find(|(name, _)| name == column).map(|(_, kind)| *kind);
        let kinds: Option<Vec<Kind>> = table.columns.iter().map(kind).collect();
        Ok(Self {
            insert: format!("INSERT INTO {name} ({}) VALUES", table.columns.join(", ")),
            kinds: kinds.ok_or_else(|| damaged("a column"))?,
            values: Vec::new(),
            count: 0,
        })
    }

    fn add(&mut self, cells: &[Json]) -> Result<(), Error> {
        if cells.len() != self.kinds.len() {
            return Err(damaged("a row"));
        }
        for (kind, cell) in self.kinds.iter().zip(cells) {
            self.values.push(kind.value(cell).ok_or_else(|| damaged("a value"))?);
        }
        self.count += 1;
        Ok(())
    }

    async fn flush(&mut self, tx: &mut Tx) -> Result<(), Error> {
        self.count = 0;
        tx.insert_many_built(&self.insert, self.kinds.len(), std::mem::take(&mut self.values))
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_of_three_kinds() {
        for (declared, kind) in [
            ("BIGINT", Kind::Integer),
            ("bigint", Kind::Integer),
            ("character varying", Kind::Text),
            ("mediumtext", Kind::Text),
            ("MEDIUMBLOB", Kind::Blob),
            ("bytea", Kind::Blob),
            ("varbinary", Kind::Blob),
        ] {
            assert_eq!(Kind::of(declared), kind, "{declared}");
        }
    }

    #[test]
    fn rows_of_the_future_are_refused() {
        assert_eq!(schema(r#"{"posthouse_rows":1,"schema":3}"#).unwrap(), 3);
        let newer = schema(r#"{"posthouse_rows":1,"schema":9999}"#).unwrap_err();
        assert!(newer.to_string().contains("9999"), "{newer}");
        assert!(schema("{}").is_err());
    }
}
