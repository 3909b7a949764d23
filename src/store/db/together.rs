//! Writes that come at the same moment, in one transaction and one sync: for a database that has one writer.
//!
//! What a busy server writes is small, and most of its cost is the sync at the end, and then the way to the database and back for each
//! statement. [`Work`] of one kind is written together, and can be written again, so that one that fails harms no other: then each is
//! written alone.

use std::any::{Any, TypeId};

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

    /// Writes one or several; an answer for each, in their order. If the transaction fails, each comes once more in another one.
    fn write(works: &[&Self], tx: &mut Tx) -> impl Future<Output = Result<Vec<Self::Answer>, Error>> + Send;
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
trait Job: Any + Send {
    fn is_wanted(&self) -> bool;
    fn kind(&self) -> TypeId;
    fn as_any(&mut self) -> &mut dyn Any;
    /// Writes this one and others of its kind.
    fn write<'t>(&'t mut self, others: &'t mut [Box<dyn Job>], tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>>;
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

    fn kind(&self) -> TypeId {
        TypeId::of::<W>()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn write<'t>(&'t mut self, others: &'t mut [Box<dyn Job>], tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(async {
            let mut all = vec![self];
            all.extend(others.iter_mut().filter_map(|other| other.as_any().downcast_mut::<Self>()));
            let works: Vec<&W> = all.iter().map(|waiting| &waiting.work).collect();
            let answers = W::write(&works, tx).await?;
            for (waiting, answer) in all.into_iter().zip(answers) {
                waiting.answer = Some(answer);
            }
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
        jobs.sort_by_key(|job| job.kind());
        match write_all(&pools, &mut jobs).await {
            Ok(()) => jobs.into_iter().for_each(|job| job.tell(Ok(()))),
            // Each alone would wait as long for the same answer.
            Err(Error::Away(reason)) => jobs.into_iter().for_each(|job| job.tell(Err(Error::Away(reason.clone())))),
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

/// The jobs come kind by kind.
async fn write_all(pools: &Pools, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut tx = Tx {
        inner: pools.begin_write().await?,
    };
    for kind in jobs.chunk_by_mut(|a, b| a.kind() == b.kind()) {
        if let Some((first, others)) = kind.split_first_mut() {
            first.write(others, &mut tx).await?;
        }
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::store::db::Database;

    /// Writes a number, once; a second time is an error.
    struct Number {
        number: i64,
    }

    /// The same, as another kind.
    struct Other(Number);

    impl Work for Other {
        type Answer = i64;

        async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<i64>, Error> {
            let numbers: Vec<&Number> = works.iter().map(|work| &work.0).collect();
            Number::write(&numbers, tx).await
        }
    }

    impl Work for Number {
        type Answer = i64;

        async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<i64>, Error> {
            for work in works {
                tx.query("INSERT INTO uidvalidities (user_id, last) VALUES (?, 0)")
                    .bind(work.number)
                    .execute()
                    .await?;
            }
            Ok(works.iter().map(|work| work.number).collect())
        }
    }

    #[tokio::test]
    async fn one_that_fails_harms_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&crate::config::Database::default(), dir.path()).await.unwrap();
        let numbers = [1, 2, 1, 3].map(|number| database.write_together(Number { number }));
        let others = [4, 3].map(|number| database.write_together(Other(Number { number })));
        let (numbers, others) = tokio::join!(join_all(numbers), join_all(others));
        let shown = |outcomes: Vec<Result<i64, Error>>| outcomes.into_iter().map(Result::ok).collect::<Vec<_>>();
        let (numbers, others) = (shown(numbers), shown(others));
        assert_eq!(numbers[..3], [Some(1), Some(2), None]);
        assert_eq!(others[0], Some(4));
        // Which of the two that write the same number comes first is open.
        assert!(numbers[3].is_some() != others[1].is_some());
        let mut tx = database.read().await.unwrap();
        let kept = tx
            .query("SELECT user_id FROM uidvalidities ORDER BY user_id")
            .all(|row| row.integer(0));
        assert_eq!(kept.await.unwrap(), [1, 2, 3, 4]);
    }
}
