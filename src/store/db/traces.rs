//! The tables `trace_chapters` and `trace_words`: what happened to messages, and the words by which they are found.

use super::{Error, Tx, Value};
use crate::model::ids::MailId;

/// The most characters of a word; what is longer is kept, and looked for, cut short.
const MOST_WORD: usize = 400;

/// Some steps of a message's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    pub id: MailId,
    /// When its first step happened, in milliseconds since 1970.
    pub at: i64,
    /// Tells it from others of the moment.
    pub serial: i64,
    /// A JSON array.
    pub steps: String,
}

/// Keeps chapters, and words with the messages that they lead to, each of these once.
pub async fn insert(tx: &mut Tx, chapters: &[&Chapter], words: &[&(String, MailId)]) -> Result<(), Error> {
    let values = chapters.iter().flat_map(|chapter| {
        let steps = Value::from(chapter.steps.as_str());
        [chapter.id.0.into(), chapter.at.into(), chapter.serial.into(), steps]
    });
    let into = "INSERT INTO trace_chapters (message_id, at, serial, steps) VALUES";
    tx.insert_many(into, 4, values.collect()).await?;
    let values = words.iter().flat_map(|(word, id)| [Value::from(cut(word)), id.0.into()]);
    let into = "INSERT INTO trace_words (word, message_id) VALUES";
    tx.insert_many(into, 2, values.collect()).await.map(drop)
}

/// The messages that a word leads to, the newest first, older than the one named.
pub async fn find(tx: &mut Tx, word: &str, before: Option<MailId>, limit: i64) -> Result<Vec<MailId>, Error> {
    tx.query("SELECT message_id FROM trace_words WHERE word = ? AND message_id < ? ORDER BY message_id DESC LIMIT ?")
        .bind(cut(word))
        .bind(before.map_or(i64::MAX, |id| id.0))
        .bind(limit)
        .all(|row| row.integer(0).map(MailId))
        .await
}

/// The chapters of a message.
pub async fn chapters(tx: &mut Tx, id: MailId) -> Result<Vec<Chapter>, Error> {
    tx.query("SELECT at, serial, steps FROM trace_chapters WHERE message_id = ? ORDER BY at, serial")
        .bind(id.0)
        .all(|row| {
            Ok(Chapter {
                id,
                at: row.integer(0)?,
                serial: row.integer(1)?,
                steps: row.text(2)?,
            })
        })
        .await
}

/// Forgets some of the messages older than the one named; true if there are more.
pub async fn forget(tx: &mut Tx, before: MailId, at_once: i64) -> Result<bool, Error> {
    let oldest = "SELECT message_id FROM trace_chapters WHERE message_id < ? ORDER BY message_id LIMIT 1 OFFSET ?";
    let stop = tx.query(oldest).bind(before.0).bind(at_once).optional(|row| row.integer(0)).await?;
    // One message may have more chapters than that; then it goes alone.
    let before = stop.map_or(before.0, |last| last.saturating_add(1));
    for sql in [
        "DELETE FROM trace_words WHERE message_id < ?",
        "DELETE FROM trace_chapters WHERE message_id < ?",
    ] {
        tx.query(sql).bind(before).execute().await?;
    }
    Ok(stop.is_some())
}

/// Forgets every message that a word leads to.
pub async fn forget_word(tx: &mut Tx, word: &str) -> Result<(), Error> {
    // MariaDB does not take a table in the condition from which it deletes, unless it is read before.
    let found = "SELECT message_id FROM (SELECT message_id FROM trace_words WHERE word = ?) AS found";
    for sql in [
        format!("DELETE FROM trace_chapters WHERE message_id IN ({found})"),
        format!("DELETE FROM trace_words WHERE message_id IN ({found})"),
    ] {
        tx.query_built(sql).bind(cut(word)).execute().await?;
    }
    Ok(())
}

fn cut(word: &str) -> &str {
    word.char_indices()
        .nth(MOST_WORD)
        .and_then(|(end, _)| word.get(..end))
        .unwrap_or(word)
}
