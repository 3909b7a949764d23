//! Writes that come at the same moment, in one transaction and one sync: for a database that has one writer.
//!
//! What a busy server writes is small, and most of its cost is the sync at the end. [`Work`] says what is to be written in a form that
//! can be done again, so that one that fails harms no other: then each is done alone.

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::dialect::Pools;
use super::{Error, Tx};

/// The most works of one transaction.
const GROUP: usize = 256;

/// Something to be written.
pub trait Work: Send + Sync + 'static {
    /// What comes of it.
    type Answer: Send + 'static;

    /// Writes it. If the transaction fails this is called once more in another one.
    fn write(&self, tx: &mut Tx) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// The way to the writer. Cheap to clone; the writer ends with the last of them.
#[derive(Clone)]
pub(super) struct Together {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Together {
    /// Starts the writer.
    pub(super) fn start(pools: Pools) -> Self {
        let (jobs, inbox) = mpsc::channel(GROUP);
        tokio::spawn(work_off(pools, inbox));
        Self { jobs }
    }

    /// On stable storage when this returns. Once begun, it is done even if nobody waits for it any more.
    pub(super) async fn write<W: Work>(&self, work: W) -> Result<W::Answer, Error> {
        let (done, answer) = oneshot::channel();
        let waiting = Waiting { work, answer: None, done };
        let stopped = || Error::Unusable("the writer of the database has stopped".into());
        self.jobs.send(Box::new(waiting)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// A [`Work`] of any kind, with whoever waits for it.
trait Job: Send {
    fn is_wanted(&self) -> bool;
    fn write<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>>;
    fn tell(self: Box<Self>, outcome: Result<(), Error>);
}

struct Waiting<W: Work> {
    work: W,
    answer: Option<W::Answer>,
    done: oneshot::Sender<Result<W::Answer, Error>>,
}

impl<W: Work> Job for Waiting<W> {
    fn is_wanted(&self) -> bool {
        !self.done.is_closed()
    }

    fn write<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(async {
            self.answer = Some(self.work.write(tx).await?);
            Ok(())
        })
    }

    fn tell(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { answer, done, .. } = *self;
        let missing = || Error::Unusable("a write gave no answer".into());
        if done.send(outcome.and_then(|()| answer.ok_or_else(missing))).is_err() {
            tracing::debug!("a writer did not wait for the end");
        }
    }
}

async fn work_off(pools: Pools, mut inbox: mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(GROUP);
    while inbox.recv_many(&mut group, GROUP).await > 0 {
        let mut jobs: Vec<Box<dyn Job>> = group.drain(..).filter(|job| job.is_wanted()).collect();
        match write_all(&pools, &mut jobs).await {
            Ok(()) => jobs.into_iter().for_each(|job| job.tell(Ok(()))),
            Err(error) if jobs.len() > 1 => {
                tracing::debug!(%error, jobs = jobs.len(), "a group of writes failed; each is tried alone");
                for mut job in jobs {
                    let outcome = write_all(&pools, std::slice::from_mut(&mut job)).await;
                    job.tell(outcome);
                }
            }
            Err(error) => {
                if let Some(job) = jobs.pop() {
                    job.tell(Err(error));
                }
            }
        }
    }
}

async fn write_all(pools: &Pools, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut tx = Tx {
        inner: pools.begin_write().await?,
    };
    for job in jobs {
        job.write(&mut tx).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::store::db::Database;

    /// Writes a number, once; a second time is an error.
    struct Number {
        number: i64,
        written: Arc<AtomicUsize>,
    }

    impl Work for Number {
        type Answer = i64;

        async fn write(&self, tx: &mut Tx) -> Result<i64, Error> {
            self.written.fetch_add(1, Ordering::SeqCst);
            tx.query("INSERT INTO uidvalidities (user_id, last) VALUES (?, 0)")
                .bind(self.number)
                .execute()
                .await?;
            Ok(self.number)
        }
    }

    #[tokio::test]
    async fn one_that_fails_harms_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&crate::config::Database::default(), dir.path()).await.unwrap();
        let written = Arc::new(AtomicUsize::new(0));
        let write = |number| {
            database.write_together(Number {
                number,
                written: Arc::clone(&written),
            })
        };
        let outcomes = futures_util::future::join_all([1, 2, 1, 3].map(write)).await;
        let shown: Vec<Option<i64>> = outcomes.into_iter().map(Result::ok).collect();
        assert_eq!(shown, [Some(1), Some(2), None, Some(3)]);
        let mut tx = database.read().await.unwrap();
        let kept = tx
            .query("SELECT user_id FROM uidvalidities ORDER BY user_id")
            .all(|row| row.integer(0));
        assert_eq!(kept.await.unwrap(), [1, 2, 3]);
    }
}
