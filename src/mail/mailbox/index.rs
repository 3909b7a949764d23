//! The one writer of the index: changes of all mailboxes, stored in groups, then shown to the views.
//!
//! What many sessions want to write at the same moment becomes one transaction and one sync of the database. A change is shown to
//! the mailbox's view after it is stored and before its maker is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, oneshot};

use super::Inner;
use super::view::{Change, FileEntry};
use super::watch::Watched;
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::MessageMeta;
use crate::store::Error;
use crate::store::db::derived::{self, Derived};
use crate::store::db::imports::{self, Import};
use crate::store::db::looks::{self, Changed};
use crate::store::db::messages::{self, NewMessage, Run};
use crate::store::db::snapshots::{self, Part};
use crate::store::db::{Database, Tx, mailboxes};
use crate::store::maildir::{Maildir, Place};

/// A message that is to get a UID; its file is in place.
#[derive(Debug, Clone)]
pub(super) struct Addition {
    pub message: NewMessage,
    pub place: Place,
}

/// A message, with the UID that is kept for it, or none.
pub(super) type Arrival = (Option<Uid>, Addition);

/// One thing to write.
#[derive(Debug, Clone)]
pub(super) enum Write {
    /// Give these messages UIDs.
    Add(MailboxId, Vec<Addition>),
    /// Give the messages of the runs their flags.
    Flags(MailboxId, Vec<Run>),
    /// Correct the sizes of these messages. The octets of the mailbox are counted anew elsewhere.
    Sizes(MailboxId, Vec<(Uid, u64)>),
    /// Forget the messages of the runs: so many, so many octets.
    Remove(MailboxId, Vec<Run>, i64, i64),
    /// Nobody's first look: messages below are no longer recent.
    Recent(MailboxId, Uid),
    /// The folder and the messages agreed at this modseq, when the directories had last changed so.
    Looked(MailboxId, ModSeq, Changed),
    /// Keep a part of a snapshot of the mailbox.
    Snapshot(MailboxId, Part),
    /// Keep what was made from messages.
    Derived(Derived, MailboxId, Vec<(Uid, Vec<u8>)>),
    /// Enter messages with the UIDs that they have had, or that were set aside for them.
    Known(MailboxId, Vec<Arrival>),
    /// Take in messages from elsewhere.
    Import(MailboxId, Box<Batch>),
}

/// Messages from a folder elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// Each with the UID that is kept for it, or none.
    pub arrivals: Vec<Arrival>,
    /// How far the folder has come with them. Its modseq becomes that of the messages.
    pub import: Import,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Failure {
    /// The mailbox is no more.
    Gone,
    /// The store failed.
    Store(Error),
}

impl Failure {
    /// Disk work in this folder failed: perhaps because its mailbox was deleted.
    pub fn of_folder(folder: &Maildir, error: Error) -> Self {
        match folder.exists() {
            true => Self::Store(error),
            false => Self::Gone,
        }
    }
}

/// What a job gives: for each [`Write::Add`] the first of the UIDs.
type Answer = Result<Vec<Uid>, Failure>;

/// Writes that happen together or not at all.
struct Job {
    writes: Vec<Write>,
    done: Option<oneshot::Sender<Answer>>,
}

/// The most jobs of one transaction.
const GROUP: usize = 512;

/// What the writer writes to.
struct Store {
    database: Database,
    /// How many runs of expunged messages a mailbox keeps.
    keep_expunged: u32,
}

/// The way to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Index {
    jobs: mpsc::Sender<Job>,
}

impl Index {
    /// Starts the writer; it ends when the last `Index` is dropped.
    fn start(store: Store, house: Weak<Inner>) -> Self {
        let (jobs, inbox) = mpsc::channel(GROUP * 2);
        tokio::spawn(work(store, house, inbox));
        Self { jobs }
    }

    /// Writes, all or nothing; done and shown when this returns.
    pub async fn write(&self, writes: Vec<Write>) -> Answer {
        let (done, answer) = oneshot::channel();
        let closed = || Failure::Store(Error::Unusable("the index writer has stopped".into()));
        self.jobs.send(Job { writes, done: Some(done) }).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Writes some time soon; nobody waits, and it may be left out when there is much to do.
    pub fn hint(&self, write: Write) {
        // A hint that finds no room is not worth waiting for: it is made again.
        drop(self.jobs.try_send(Job {
            writes: vec![write],
            done: None,
        }));
    }
}

async fn work(store: Store, house: Weak<Inner>, mut inbox: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while inbox.recv_many(&mut group, GROUP).await > 0 {
        let jobs = std::mem::take(&mut group);
        if !write_group(&store, &house, &jobs).await.is_none_or(|answers| answer(jobs, answers)) {
            tracing::debug!("a maker of a change did not wait for it");
        }
    }
}

/// Tells each job its answer; whether all were still waiting.
fn answer(jobs: Vec<Job>, answers: Vec<Answer>) -> bool {
    jobs.into_iter().zip(answers).fold(true, |all, (job, answer)| match job.done {
        Some(done) => done.send(answer).is_ok() && all,
        None => all,
    })
}

/// All jobs in one transaction; if that fails and they are several, each in its own, so that one bad job does not harm the others.
async fn write_group(store: &Store, house: &Weak<Inner>, jobs: &[Job]) -> Option<Vec<Answer>> {
    let all: Vec<&[Write]> = jobs.iter().map(|job| &*job.writes).collect();
    match write_jobs(store, &all).await {
        Ok(written) => return Some(show(house, written).await),
        // Each alone would wait as long for the same answer.
        Err(Error::Away(reason)) => {
            let away = |_: &Job| Err(Failure::Store(Error::Away(reason.clone())));
            return Some(jobs.iter().map(away).collect());
        }
        Err(error) if jobs.len() == 1 => return Some(vec![Err(Failure::Store(error))]),
        Err(error) => tracing::debug!(%error, jobs = jobs.len(), "a group of index changes failed; each is tried alone"),
    }
    let mut answers = Vec::with_capacity(jobs.len());
    for job in all {
        match write_jobs(store, &[job]).await {
            Ok(written) => answers.append(&mut show(house, written).await),
            Err(error) => answers.push(Err(Failure::Store(error))),
        }
    }
    Some(answers)
}

/// What a transaction did.
struct Written {
    steps: Vec<(MailboxId, ModSeq, Change)>,
    answers: Vec<Answer>,
}

impl Written {
    /// The job's mailbox is gone.
    fn fail(&mut self, job: usize) {
        if let Some(answer) = self.answers.get_mut(job) {
            *answer = Err(Failure::Gone);
        }
    }
}

async fn write_jobs(store: &Store, jobs: &[&[Write]]) -> Result<Written, Error> {
    let mut tx = store.database.write().await?;
    let mut written = Written {
        steps: Vec::new(),
        answers: jobs.iter().map(|_| Ok(Vec::new())).collect(),
    };
    add_all(&mut tx, jobs, &mut written).await?;
    for (job, answer) in jobs.iter().zip(0..) {
        for write in *job {
            if written.answers.get(answer).is_some_and(Result::is_ok)
                && !other(&mut tx, write, (store.keep_expunged, &mut written.steps)).await?
            {
                written.fail(answer);
            }
        }
    }
    let spoilt = |(job, answer): (&&[Write], &Answer)| answer.is_err() && job.len() > 1;
    if jobs.iter().zip(&written.answers).any(spoilt) {
        // Something else of that job may be written already, and it is all or nothing: without a commit nothing is.
        if jobs.len() > 1 {
            return Err(Error::Unusable("one of several mailboxes is gone".into()));
        }
        written.steps.clear();
        return Ok(written);
    }
    tx.commit().await?;
    Ok(written)
}

/// The additions of all jobs, a mailbox at a time (in one order, so that nodes do not wait for each other in a circle): one
/// modseq and one range of UIDs for each mailbox.
async fn add_all(tx: &mut Tx, jobs: &[&[Write]], written: &mut Written) -> Result<(), Error> {
    let mut by_mailbox: BTreeMap<MailboxId, Vec<(usize, &[Addition])>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        for write in *job {
            if let Write::Add(mailbox, additions) = write {
                by_mailbox.entry(*mailbox).or_default().push((at, additions));
            }
        }
    }
    for (mailbox, parts) in by_mailbox {
        let messages: Vec<&NewMessage> = parts.iter().flat_map(|(_, part)| part.iter()).map(|it| &it.message).collect();
        let bytes = messages.iter().map(|it| it.size as i64).sum();
        let Some((first, modseq)) = messages::advance(tx, mailbox, messages.len() as i64, bytes).await? else {
            for (at, _) in parts {
                written.fail(at);
            }
            continue;
        };
        let numbered: Vec<(Uid, &NewMessage)> = (first.0..).map(Uid).zip(messages).collect();
        messages::insert(tx, mailbox, modseq, numbered.into_iter()).await?;
        let mut next = first;
        let mut added = Vec::new();
        for (at, part) in parts {
            if let Some(Ok(firsts)) = written.answers.get_mut(at) {
                firsts.push(next);
            }
            for addition in part {
                added.extend(entry(next, modseq, addition));
                next.0 += 1;
            }
        }
        written.steps.push((mailbox, modseq, Change::Added(added)));
    }
    Ok(())
}

fn entry(uid: Uid, modseq: ModSeq, addition: &Addition) -> Option<(MessageMeta, FileEntry)> {
    let message = &addition.message;
    let name = crate::store::maildir::FileName::parse(&message.name)?;
    let meta = MessageMeta {
        uid,
        flags: message.flags,
        modseq,
        size: message.size,
        internal_date: message.internal_date,
    };
    Some((
        meta,
        FileEntry {
            name,
            place: addition.place,
        },
    ))
}

/// Everything but additions. `false`: the mailbox is gone.
async fn other(tx: &mut Tx, write: &Write, context: (u32, &mut Vec<(MailboxId, ModSeq, Change)>)) -> Result<bool, Error> {
    let (keep_expunged, steps) = context;
    match write {
        Write::Add(..) => {}
        Write::Flags(mailbox, runs) => {
            let Some((_, modseq)) = messages::advance(tx, *mailbox, 0, 0).await? else {
                return Ok(false);
            };
            for run in runs {
                messages::set_flags(tx, *mailbox, modseq, *run).await?;
            }
            steps.push((*mailbox, modseq, Change::Flags(runs.clone())));
        }
        Write::Sizes(mailbox, sizes) => {
            let Some((_, modseq)) = messages::advance(tx, *mailbox, 0, 0).await? else {
                return Ok(false);
            };
            for size in sizes {
                messages::set_size(tx, *mailbox, modseq, *size).await?;
            }
            steps.push((*mailbox, modseq, Change::Sizes(sizes.clone())));
        }
        Write::Remove(mailbox, runs, count, bytes) => {
            let Some((_, modseq)) = messages::advance(tx, *mailbox, -count, -bytes).await? else {
                return Ok(false);
            };
            for run in runs {
                messages::expunge(tx, *mailbox, modseq, *run).await?;
            }
            if is_time_to_prune(modseq, runs.len()) {
                messages::prune_expunged(tx, *mailbox, keep_expunged).await?;
            }
            steps.push((*mailbox, modseq, Change::Gone(runs.clone())));
        }
        Write::Looked(mailbox, modseq, changed) => looks::note(tx, *mailbox, *modseq, *changed).await?,
        Write::Snapshot(mailbox, part) => snapshots::put(tx, *mailbox, part).await?,
        Write::Recent(mailbox, from) => mailboxes::set_recent(tx, *mailbox, *from).await?,
        Write::Derived(kind, mailbox, made) => derived::insert(tx, *kind, *mailbox, made.clone()).await?,
        Write::Known(mailbox, arrivals) => match enter(tx, *mailbox, arrivals).await? {
            Some((modseq, change)) => steps.push((*mailbox, modseq, change)),
            None => return Ok(false),
        },
        Write::Import(mailbox, batch) => {
            let Some((modseq, change)) = enter(tx, *mailbox, &batch.arrivals).await? else {
                return Ok(false);
            };
            let import = Import {
                modseq,
                ..batch.import.clone()
            };
            imports::put(tx, *mailbox, &import).await?;
            steps.push((*mailbox, modseq, change));
        }
    }
    Ok(true)
}

/// Messages of which some have UIDs already, with one modseq. None if the mailbox is gone.
async fn enter(tx: &mut Tx, mailbox: MailboxId, arrivals: &[Arrival]) -> Result<Option<(ModSeq, Change)>, Error> {
    let taken = arrivals.iter().filter(|(uid, _)| uid.is_none()).count() as i64;
    let bytes = arrivals.iter().map(|(_, it)| it.message.size as i64).sum();
    let Some((next, modseq)) = messages::advance_taking(tx, mailbox, taken, (arrivals.len() as i64, bytes)).await? else {
        return Ok(None);
    };
    let mut next = next.0..;
    let uids: Vec<Uid> = arrivals
        .iter()
        .filter_map(|(uid, _)| uid.or_else(|| next.next().map(Uid)))
        .collect();
    let additions = || uids.iter().copied().zip(arrivals.iter().map(|(_, it)| it));
    messages::insert(tx, mailbox, modseq, additions().map(|(uid, it)| (uid, &it.message))).await?;
    let added = additions().filter_map(|(uid, it)| entry(uid, modseq, it)).collect();
    Ok(Some((modseq, Change::Added(added))))
}

/// Whether to look for runs of expunged messages that are too old: now and then, without a memory of when it was done last. The modseqs
/// are mixed, for those of removals alone may follow a pattern.
fn is_time_to_prune(modseq: ModSeq, runs: usize) -> bool {
    runs >= 64 || modseq.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58 == 0
}

/// Shows the changes to the views that are open.
async fn show(house: &Weak<Inner>, written: Written) -> Vec<Answer> {
    if let Some(house) = house.upgrade() {
        for (id, modseq, change) in written.steps {
            house.watches.wake(Watched::Messages(id));
            let Some(mailbox) = house.open_view(id) else { continue };
            if !mailbox.apply(modseq, change) {
                // Another node wrote between: read what it did, which includes what was just written.
                if let Err(error) = mailbox.catch_up().await {
                    tracing::warn!(%error, mailbox = %id, "the view could not catch up; the next look will");
                }
            }
        }
    }
    written.answers
}

impl From<Failure> for crate::model::refusal::Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Gone => Self::NotFound {
                what: "mailbox",
                name: "(it was deleted)".into(),
            },
            Failure::Store(error) => error.into(),
        }
    }
}

/// Keeps the writer's handle and the database together for those who need both.
pub(super) struct Ledger {
    pub database: Database,
    pub index: Index,
}

impl Ledger {
    /// Starts the writer.
    pub fn start(database: Database, house: &Weak<Inner>, keep_expunged: u32) -> Arc<Self> {
        let store = Store {
            database: database.clone(),
            keep_expunged,
        };
        Arc::new(Self {
            index: Index::start(store, house.clone()),
            database,
        })
    }
}
