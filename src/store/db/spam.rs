//! The tables `spam_classes`, `spam_tokens` and `spam_lessons`: what was learned of spam and of other mail, by user; user 0 is the server.

use super::{Error, Row, Tx, Value};

/// How many tokens go into one statement.
const CHUNK: usize = 500;

/// A number for either kind of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classes {
    /// Of spam.
    pub spam: i64,
    /// Of other mail.
    pub ham: i64,
}

/// What an owner has learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taught {
    /// How many messages.
    pub messages: Classes,
    /// How much they count together.
    pub weights: Classes,
}

/// As what a message was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lesson {
    /// Whether it was spam.
    pub is_spam: bool,
    /// How much it counts.
    pub weight: i64,
}

/// In how many messages a token was, each as much as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Which.
    pub token: i64,
    /// Of spam.
    pub spam: i64,
    /// Of other mail.
    pub ham: i64,
}

const SELECT_TAUGHT: &str = "SELECT spam, ham, spam_weight, ham_weight FROM spam_classes WHERE owner = ?";

/// What an owner has learned.
pub async fn classes(tx: &mut Tx, owner: i64) -> Result<Taught, Error> {
    let query = tx.query(SELECT_TAUGHT).bind(owner);
    Ok(query.optional(taught).await?.unwrap_or_default())
}

fn taught(row: &Row<'_>) -> Result<Taught, Error> {
    let classes = |at: usize| -> Result<Classes, Error> {
        Ok(Classes {
            spam: row.integer(at)?,
            ham: row.integer(at + 1)?,
        })
    };
    Ok(Taught {
        messages: classes(0)?,
        weights: classes(2)?,
    })
}

/// The same, and nobody else learns for this owner until the end of the transaction.
pub async fn lock_classes(tx: &mut Tx, owner: i64) -> Result<Taught, Error> {
    let insert = tx
        .dialect()
        .insert_or_ignore("INTO spam_classes (owner, spam, ham, spam_weight, ham_weight) VALUES (?, 0, 0, 0, 0)");
    tx.query_built(insert).bind(owner).execute().await?;
    let select = format!("{SELECT_TAUGHT}{}", tx.for_update());
    let query = tx.query_built(select).bind(owner);
    Ok(query.optional(taught).await?.unwrap_or_default())
}

/// Sets what an owner has learned.
pub async fn set_classes(tx: &mut Tx, owner: i64, taught: Taught) -> Result<(), Error> {
    let update = tx.query("UPDATE spam_classes SET spam = ?, ham = ?, spam_weight = ?, ham_weight = ? WHERE owner = ?");
    let update = update.bind(taught.messages.spam).bind(taught.messages.ham);
    let update = update.bind(taught.weights.spam).bind(taught.weights.ham);
    update.bind(owner).execute().await.map(drop)
}

/// As what a message was learned; none if it was not.
pub async fn lesson(tx: &mut Tx, owner: i64, mark: &[u8]) -> Result<Option<Lesson>, Error> {
    let query = tx.query("SELECT spam, weight FROM spam_lessons WHERE owner = ? AND mark = ?");
    let found = query.bind(owner).bind(mark).optional(|row| {
        Ok(Lesson {
            is_spam: row.integer(0)? != 0,
            weight: row.integer(1)?,
        })
    });
    found.await
}

/// Remembers as what a message was learned; it is not remembered yet.
pub async fn insert_lesson(tx: &mut Tx, owner: i64, mark: &[u8], (lesson, at_ms): (Lesson, i64)) -> Result<(), Error> {
    let insert = tx.query("INSERT INTO spam_lessons (owner, mark, spam, weight, learned_at) VALUES (?, ?, ?, ?, ?)");
    let insert = insert.bind(owner).bind(mark).bind(i64::from(lesson.is_spam)).bind(lesson.weight);
    insert.bind(at_ms).execute().await.map(drop)
}

/// Remembers that a message was learned as something else.
pub async fn update_lesson(tx: &mut Tx, owner: i64, mark: &[u8], (lesson, at_ms): (Lesson, i64)) -> Result<(), Error> {
    let update = tx.query("UPDATE spam_lessons SET spam = ?, weight = ?, learned_at = ? WHERE owner = ? AND mark = ?");
    let update = update.bind(i64::from(lesson.is_spam)).bind(lesson.weight).bind(at_ms);
    update.bind(owner).bind(mark).execute().await.map(drop)
}

/// Adds to the counts of tokens; what would fall below nothing is nothing. Tokens that are new are added where there is something to add.
/// With [`lock_classes`] before, so that two do not add the same.
pub async fn count(tx: &mut Tx, owner: i64, tokens: &[i64], change: Classes, at_ms: i64) -> Result<(), Error> {
    for chunk in tokens.chunks(CHUNK) {
        let marks = vec!["?"; chunk.len()].join(",");
        let values = || chunk.iter().map(|token| Value::from(*token));
        let select = format!("SELECT token FROM spam_tokens WHERE owner = ? AND token IN ({marks})");
        let known = tx
            .query_built(select)
            .bind(owner)
            .bind_all(values())
            .all(|row| row.integer(0))
            .await?;
        let update = format!(
            "UPDATE spam_tokens SET spam = CASE WHEN spam + ? < 0 THEN 0 ELSE spam + ? END, \
             ham = CASE WHEN ham + ? < 0 THEN 0 ELSE ham + ? END, updated_at = ? WHERE owner = ? AND token IN ({marks})"
        );
        let update = tx
            .query_built(update)
            .bind(change.spam)
            .bind(change.spam)
            .bind(change.ham)
            .bind(change.ham);
        update.bind(at_ms).bind(owner).bind_all(values()).execute().await?;
        let known: std::collections::HashSet<i64> = known.into_iter().collect();
        let row = |token: &i64| {
            let numbers = [owner, *token, change.spam.max(0), change.ham.max(0), at_ms];
            numbers.map(Value::from)
        };
        let new = chunk.iter().filter(|token| !known.contains(token)).flat_map(row).collect();
        tx.insert_many("INSERT INTO spam_tokens (owner, token, spam, ham, updated_at) VALUES", 5, new)
            .await?;
    }
    Ok(())
}

/// The tokens of an owner that were changed at this moment or later, the last changed first, at most so many.
pub async fn tokens_since(tx: &mut Tx, owner: i64, since_ms: i64, limit: i64) -> Result<Vec<(Token, i64)>, Error> {
    tx.query("SELECT token, spam, ham, updated_at FROM spam_tokens WHERE owner = ? AND updated_at >= ? ORDER BY updated_at DESC LIMIT ?")
        .bind(owner)
        .bind(since_ms)
        .bind(limit)
        .all(|row| {
            let token = Token {
                token: row.integer(0)?,
                spam: row.integer(1)?,
                ham: row.integer(2)?,
            };
            Ok((token, row.integer(3)?))
        })
        .await
}

/// Who has learned anything.
pub async fn owners(tx: &mut Tx) -> Result<Vec<i64>, Error> {
    tx.query("SELECT owner FROM spam_classes ORDER BY owner")
        .all(|row| row.integer(0))
        .await
}

/// How many tokens an owner has.
pub async fn count_tokens(tx: &mut Tx, owner: i64) -> Result<i64, Error> {
    let query = tx.query("SELECT COUNT(*) FROM spam_tokens WHERE owner = ?").bind(owner);
    Ok(query.optional(|row| row.integer(0)).await?.unwrap_or_default())
}

/// Drops the tokens of an owner that were not met since, and whose counts are not above `most` together; at most so many. How many were
/// dropped.
pub async fn forget_tokens(tx: &mut Tx, owner: i64, before_ms: i64, (most, limit): (i64, i64)) -> Result<u64, Error> {
    let query =
        tx.query("SELECT token FROM spam_tokens WHERE owner = ? AND updated_at < ? AND spam + ham <= ? ORDER BY updated_at LIMIT ?");
    let query = query.bind(owner).bind(before_ms).bind(most).bind(limit);
    let tokens = query.all(|row| row.integer(0)).await?;
    let mut dropped = 0;
    for chunk in tokens.chunks(CHUNK) {
        let marks = vec!["?"; chunk.len()].join(",");
        let delete = tx.query_built(format!("DELETE FROM spam_tokens WHERE owner = ? AND token IN ({marks})"));
        let values = chunk.iter().map(|token| Value::from(*token));
        dropped += delete.bind(owner).bind_all(values).execute().await?;
    }
    Ok(dropped)
}

/// Drops what was learned of a message before.
pub async fn forget_lessons(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM spam_lessons WHERE learned_at < ?");
    delete.bind(before_ms).execute().await.map(drop)
}

/// Drops all that an owner has learned.
pub async fn forget_owner(tx: &mut Tx, owner: i64) -> Result<(), Error> {
    for delete in [
        "DELETE FROM spam_tokens WHERE owner = ?",
        "DELETE FROM spam_lessons WHERE owner = ?",
        "DELETE FROM spam_classes WHERE owner = ?",
    ] {
        tx.query(delete).bind(owner).execute().await?;
    }
    Ok(())
}
