//! How the queue stands, in numbers.

use jiff::Timestamp;

use super::{Queue, rows};
use crate::model::refusal::Refusal;

/// The recipients that are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its name: `waiting`, `deferred` (a delivery was tried), `held`.
    pub state: &'static str,
    /// How many.
    pub recipients: u64,
    /// When the oldest message of them came in.
    pub oldest_at: Option<Timestamp>,
}

impl Queue {
    /// The recipients that wait, by their states: also those that nobody is in.
    pub async fn standing(&self) -> Result<[Standing; 3], Refusal> {
        let found = rows::standing(&mut self.inner.database.read_alone().await?).await?;
        Ok(["waiting", "deferred", "held"].map(|state| {
            let those = found.iter().filter(|row| name(row) == Some(state));
            Standing {
                state,
                recipients: those.clone().map(|row| row.recipients).sum(),
                oldest_at: those.map(|row| row.oldest.at()).min(),
            }
        }))
    }
}

const fn name(row: &rows::Standing) -> Option<&'static str> {
    match (row.state, row.is_tried) {
        (rows::State::Waiting, false) => Some("waiting"),
        (rows::State::Waiting, true) => Some("deferred"),
        (rows::State::Held, _) => Some("held"),
        (rows::State::Done | rows::State::FailedUnreported | rows::State::RelayedUnreported | rows::State::Failed, _) => None,
    }
}
