//! Which senders are to be told that their mail is late.

use super::Queue;
use crate::model::ids::MailId;
use crate::store;
use crate::store::db::queue::{self as rows, Addressee, Message};

impl Queue {
    /// Messages of which somebody is to be told that they are late.
    pub async fn due_notices(&self, limit: usize) -> Result<Vec<MailId>, store::Error> {
        if self.inner.settings.delay_notice_seconds == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.inner.database.read().await?;
        rows::due_notices(&mut tx, self.inner.clock.now_ms(), limit).await
    }

    /// The late recipients of a message, each once and never again, whatever becomes of the notice: it is worth less than the certainty
    /// that nobody is told twice. None if there are none, or the message is gone.
    pub async fn take_notices(&self, id: MailId) -> Result<Option<(Message, Vec<Addressee>)>, store::Error> {
        let now = self.inner.clock.now_ms();
        let mut tx = self.inner.database.write().await?;
        rows::hold(&mut tx, id, now).await?;
        let Some(message) = rows::find(&mut tx, id).await? else {
            return Ok(None);
        };
        let late = rows::take_notices(&mut tx, id, now).await?;
        tx.commit().await?;
        Ok((!late.is_empty()).then_some((message, late)))
    }
}
