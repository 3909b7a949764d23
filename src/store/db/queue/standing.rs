//! How the queue stands, in numbers.

use super::State;
use crate::model::ids::MailId;
use crate::store::db::{Error, Tx};

/// How many recipients are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    /// Whether a delivery was tried.
    pub is_tried: bool,
    pub recipients: u64,
    /// The oldest message of them.
    pub oldest: MailId,
}

/// All states that recipients are in.
pub async fn standing(tx: &mut Tx) -> Result<Vec<Standing>, Error> {
    tx.query(
        "SELECT state, CASE WHEN attempts > 0 THEN 1 ELSE 0 END AS tried, COUNT(*), MIN(message_id) FROM queue_recipients \
         GROUP BY state, CASE WHEN attempts > 0 THEN 1 ELSE 0 END",
    )
    .all(|row| {
        Ok(Standing {
            state: State::read(row.integer(0)?)?,
            is_tried: row.integer(1)? == 1,
            recipients: u64::try_from(row.integer(2)?).unwrap_or_default(),
            oldest: MailId(row.integer(3)?),
        })
    })
    .await
}
