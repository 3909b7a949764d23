//! Files whose messages are done, removed by the dozen: what many workers end at the same moment is one piece of disk work.

use std::io;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

/// The most files that are removed together.
const GROUP: usize = 256;

/// A file to be removed, and whom to tell.
type Job = (PathBuf, oneshot::Sender<io::Result<()>>);

/// The way to the remover, which ends with it.
pub(super) struct Removal {
    jobs: mpsc::Sender<Job>,
}

impl Removal {
    /// Starts the remover.
    pub(super) fn start() -> Self {
        let (jobs, inbox) = mpsc::channel(GROUP);
        tokio::spawn(work_off(inbox));
        Self { jobs }
    }

    /// Removes a file; it is no error if there is none.
    pub(super) async fn remove(&self, path: PathBuf) -> io::Result<()> {
        let (done, outcome) = oneshot::channel();
        self.jobs.send((path, done)).await.map_err(io::Error::other)?;
        outcome.await.map_err(io::Error::other)?
    }
}

async fn work_off(mut inbox: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while inbox.recv_many(&mut group, GROUP).await > 0 {
        let jobs = std::mem::take(&mut group);
        let removing = tokio::task::spawn_blocking(move || jobs.into_iter().for_each(remove));
        if let Err(error) = removing.await {
            tracing::error!(%error, "the files of some messages were not removed");
        }
    }
}

fn remove((path, done): Job) {
    let outcome = match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    if done.send(outcome).is_err() {
        tracing::debug!("nobody waited for the removal of a file");
    }
}
