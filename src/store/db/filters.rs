//! The tables `filter_scripts` and `filter_seen`.

use super::{Error, Row, Tx};
use crate::model::clock::timestamp;
use crate::model::filter::Script;
use crate::model::ids::UserId;

macro_rules! columns {
    () => {
        "name, size, active, created_at, updated_at"
    };
}

fn script(row: &Row<'_>) -> Result<Script, Error> {
    Ok(Script {
        name: row.text(0)?,
        size: u64::try_from(row.integer(1)?).unwrap_or_default(),
        active: row.integer(2)? != 0,
        created_at: timestamp(row.integer(3)?),
        updated_at: timestamp(row.integer(4)?),
    })
}

fn size(row: &Script) -> i64 {
    i64::try_from(row.size).unwrap_or(i64::MAX)
}

/// The scripts of a user, by name.
pub async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<Script>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM filter_scripts WHERE user_id = ? ORDER BY name"
    ))
    .bind(user.0)
    .all(script)
    .await
}

/// The same with their texts.
pub async fn list_with_content(tx: &mut Tx, user: UserId) -> Result<Vec<(Script, Vec<u8>)>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        ", content FROM filter_scripts WHERE user_id = ? ORDER BY name"
    ))
    .bind(user.0)
    .all(|row| Ok((script(row)?, row.blob(5)?)))
    .await
}

/// The script of this name, with its text.
pub async fn find(tx: &mut Tx, user: UserId, name: &str) -> Result<Option<(Script, Vec<u8>)>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        ", content FROM filter_scripts WHERE user_id = ? AND name = ?"
    ))
    .bind(user.0)
    .bind(name)
    .optional(|row| Ok((script(row)?, row.blob(5)?)))
    .await
}

/// Adds a script. Conflict: the name is taken.
pub async fn insert(tx: &mut Tx, user: UserId, row: &Script, content: &[u8]) -> Result<(), Error> {
    tx.query("INSERT INTO filter_scripts (user_id, name, content, size, active, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(user.0)
        .bind(&*row.name)
        .bind(content)
        .bind(size(row))
        .bind(i64::from(row.active))
        .bind(row.created_at.as_millisecond())
        .bind(row.updated_at.as_millisecond())
        .execute()
        .await
        .map(drop)
}

/// Puts another text in the place of a script's.
pub async fn update(tx: &mut Tx, user: UserId, row: &Script, content: &[u8]) -> Result<(), Error> {
    tx.query("UPDATE filter_scripts SET content = ?, size = ?, updated_at = ? WHERE user_id = ? AND name = ?")
        .bind(content)
        .bind(size(row))
        .bind(row.updated_at.as_millisecond())
        .bind(user.0)
        .bind(&*row.name)
        .execute()
        .await
        .map(drop)
}

/// Gives a script another name. Conflict: it is taken.
pub async fn rename(tx: &mut Tx, user: UserId, from: &str, (to, at_ms): (&str, i64)) -> Result<(), Error> {
    tx.query("UPDATE filter_scripts SET name = ?, updated_at = ? WHERE user_id = ? AND name = ?")
        .bind(to)
        .bind(at_ms)
        .bind(user.0)
        .bind(from)
        .execute()
        .await
        .map(drop)
}

/// Makes this script the active one, or none.
pub async fn activate(tx: &mut Tx, user: UserId, name: Option<&str>, at_ms: i64) -> Result<(), Error> {
    let off = "UPDATE filter_scripts SET active = 0, updated_at = ? WHERE user_id = ? AND active = 1";
    tx.query(off).bind(at_ms).bind(user.0).execute().await?;
    if let Some(name) = name {
        let on = "UPDATE filter_scripts SET active = 1, updated_at = ? WHERE user_id = ? AND name = ?";
        tx.query(on).bind(at_ms).bind(user.0).bind(name).execute().await?;
    }
    Ok(())
}

/// Removes a script; whether it was there.
pub async fn delete(tx: &mut Tx, user: UserId, name: &str) -> Result<bool, Error> {
    let delete = tx.query("DELETE FROM filter_scripts WHERE user_id = ? AND name = ?");
    Ok(delete.bind(user.0).bind(name).execute().await? == 1)
}

/// Whether the mark is remembered at this time.
pub async fn is_seen(tx: &mut Tx, user: UserId, mark: &[u8], now_ms: i64) -> Result<bool, Error> {
    let query = tx.query("SELECT ends_at FROM filter_seen WHERE user_id = ? AND mark = ? AND ends_at > ?");
    let found = query.bind(user.0).bind(mark).bind(now_ms).optional(|row| row.integer(0)).await?;
    Ok(found.is_some())
}

/// Remembers a mark until `ends_ms`; whether it was not remembered before. Of two who ask at the same moment one is told so.
pub async fn claim(tx: &mut Tx, user: UserId, mark: &[u8], (now_ms, ends_ms): (i64, i64)) -> Result<bool, Error> {
    // One after the other for a user: two who meet a row that is there would wait for each other.
    let lock = format!("SELECT id FROM users WHERE id = ?{}", tx.for_update());
    tx.query_built(lock).bind(user.0).optional(|row| row.integer(0)).await?;
    let insert = tx
        .dialect()
        .insert_or_ignore("INTO filter_seen (user_id, mark, ends_at) VALUES (?, ?, ?)");
    let insert = tx.query_built(insert).bind(user.0).bind(mark).bind(ends_ms);
    if insert.execute().await? == 1 {
        return Ok(true);
    }
    let renew = tx.query("UPDATE filter_seen SET ends_at = ? WHERE user_id = ? AND mark = ? AND ends_at <= ?");
    Ok(renew.bind(ends_ms).bind(user.0).bind(mark).bind(now_ms).execute().await? == 1)
}

/// Remembers a mark that is remembered already until this time.
pub async fn prolong(tx: &mut Tx, user: UserId, mark: &[u8], ends_ms: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE filter_seen SET ends_at = ? WHERE user_id = ? AND mark = ?");
    update.bind(ends_ms).bind(user.0).bind(mark).execute().await.map(drop)
}

/// Drops marks whose time is over.
pub async fn forget_seen(tx: &mut Tx, now_ms: i64) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM filter_seen WHERE ends_at <= ?");
    delete.bind(now_ms).execute().await.map(drop)
}

/// The addresses of enabled aliases that lead to this address directly, at most `limit`.
pub async fn aliases_to(tx: &mut Tx, address: &str, limit: i64) -> Result<Vec<String>, Error> {
    tx.query(
        "SELECT a.shown FROM aliases a JOIN alias_destinations d ON d.alias_id = a.id WHERE d.address = ? AND a.enabled = 1 ORDER BY a.address \
         LIMIT ?",
    )
    .bind(address)
    .bind(limit)
    .all(|row| row.text(0))
    .await
}
