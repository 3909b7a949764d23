//! The octets of small messages, which lie beside their rows.

use super::marks;
use crate::model::ids::MailId;
use crate::store::Error;
use crate::store::db::{Tx, Value};

/// Keeps the octets of messages.
pub(super) async fn insert(tx: &mut Tx, contents: impl Iterator<Item = (MailId, &[u8])>) -> Result<(), Error> {
    let values = contents.flat_map(|(id, octets)| [Value::from(id.0), octets.into()]).collect();
    tx.insert_many("INSERT INTO queue_contents (message_id, octets) VALUES", 2, values)
        .await
        .map(drop)
}

/// The octets of a message; none if they lie in the spool.
pub async fn content(tx: &mut Tx, id: MailId) -> Result<Option<Vec<u8>>, Error> {
    tx.query("SELECT octets FROM queue_contents WHERE message_id = ?")
        .bind(id.0)
        .optional(|row| row.blob(0))
        .await
}

/// Forgets the octets of messages; their number should be one of a few.
pub(super) async fn remove(tx: &mut Tx, ids: impl ExactSizeIterator<Item = MailId>) -> Result<(), Error> {
    let sql = format!("DELETE FROM queue_contents WHERE message_id IN ({})", marks(ids.len()));
    tx.query_built(sql)
        .bind_all(ids.map(|id| Value::from(id.0)))
        .execute()
        .await
        .map(drop)
}
