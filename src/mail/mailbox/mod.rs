//! The only door to stored mail: list, open, append, fetch, flags, copy, expunge, changes.
//!
//! A mailbox that somebody uses is in memory once ([`Mailbox`]), shared by its sessions. Maildir is the truth for messages and flags,
//! SQL for UIDs and modseqs. A change is on disk and in SQL before it is announced. All changes of the index go through one writer
//! (`index`), which stores what comes at the same moment together.
//!
//! RFC 3501 §2.3.1.1 (UIDs), RFC 7162 §3.1 (modseqs), RFC 6154 §2 (special use), RFC 4315 §3 (COPYUID).

mod access;
mod adopt;
mod blocks;
mod chunks;
mod derived;
mod draft;
mod examine;
mod flags;
mod folders;
mod full_text;
mod hints;
mod index;
mod listed;
mod load;
mod metadata;
mod moving_in;
mod names;
mod place;
mod quota;
mod read;
mod reopen;
mod resorted;
mod scan;
mod search;
mod snapshot;
#[cfg(test)]
mod tests;
mod transfer;
mod uid_list;
mod verify;
mod view;
mod watch;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch::{Receiver, Sender};

pub use access::{ANYONE, Access, OTHERS, Shared};
pub use adopt::Coming;
pub use chunks::{Chunks, Iter};
pub use derived::{ObjectIds, PREVIEW};
pub use draft::{Draft, LineEnds, Pieces};
pub use examine::Shown;
pub use folders::Contents;
pub use full_text::Lookup;
pub use listed::{Kept, Summary};
pub use metadata::{Annotated, AnnotationVersions};
pub use moving_in::{Arrival, MovingIn, Origin, Parcel};
pub(super) use names::directory as directory_of;
pub use place::{Placed, Slot};
pub use quota::{MaildropLock, Usage};
pub use read::StoredMessage;
pub use resorted::Resorted;
pub use scan::ReindexReport;
pub use search::{Search, Test};
pub use transfer::Copied;
pub use verify::{Found, Misfit};
pub use watch::{Glance, Watched, Watcher};

use crate::config;
use crate::mail::events::Events;
use crate::model::account::User;
use crate::model::clock::Clock;
use crate::model::ids::{MailId, MailboxId, ModSeq, Uid, UserId};
use crate::model::mailbox::{Flags, MailboxInfo, MailboxName, MailboxStatus, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store::db::Database;
use crate::store::maildir::{FileName, Maildir, NameMaker};
use crate::store::spool::Spool;
use crate::store::{self};
use crate::wire::message::downgrade::without_binary;

/// What the mailboxes stand on.
pub struct Ground {
    /// The index.
    pub database: Database,
    /// Where large messages lie while they come in.
    pub spool: Spool,
    /// `mail/` of the data directory.
    pub root: PathBuf,
    /// For the names of files.
    pub hostname: String,
    /// The largest message.
    pub max_message_bytes: u64,
    /// The settings.
    pub settings: config::Mail,
    /// Who wants to hear of full mailboxes.
    pub events: Events,
    /// The time.
    pub clock: Clock,
}

/// From so many messages on a mailbox is large. A smaller one is listed, read and opened as quickly without anything kept for it.
const LARGE: usize = 1_000;

/// All mailboxes of all users. Cheap to clone.
#[derive(Clone)]
pub struct Mailboxes {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    ledger: Arc<index::Ledger>,
    names: NameMaker,
    views: Mutex<HashMap<MailboxId, Arc<Mailbox>>>,
    /// What was opened by its name a moment ago.
    named_lately: moka::sync::Cache<(UserId, MailboxName), ()>,
    /// One at a time loads a view; mailboxes are spread over these by their id.
    loading: Vec<tokio::sync::Mutex<()>>,
    /// Names of files that are on their way into the index, so that a scan leaves them alone.
    in_flight: Mutex<HashSet<FileName>>,
    inboxes: Mutex<HashMap<UserId, Target>>,
    maildrops: Arc<Mutex<HashSet<UserId>>>,
    full_text: full_text::FullText,
    listed: listed::Listed,
    readers: tokio::sync::Semaphore,
    uid_lists: uid_list::UidLists,
    watches: watch::Watches,
    resorted: resorted::Listener,
    quotas_told: quota::Told,
}

/// A folder that messages are put into.
#[derive(Debug, Clone)]
struct Target {
    mailbox: MailboxId,
    maildir: Maildir,
    /// Whether it is an INBOX, which is always there: a folder that is not is made anew.
    is_inbox: bool,
}

/// Whose mailbox it is, for quotas and replies.
#[derive(Debug, Clone)]
struct Owner {
    id: UserId,
    login: String,
}

impl From<&User> for Owner {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            login: user.login.clone(),
        }
    }
}

/// One mailbox in memory, shared by its sessions.
pub struct Mailbox {
    house: Arc<Inner>,
    id: MailboxId,
    home: RwLock<Home>,
    view: RwLock<view::View>,
    changes: Sender<ModSeq>,
    /// Who changes files of the folder holds this, so that they do it one after the other.
    work: Arc<tokio::sync::Mutex<()>>,
    scanned: Mutex<scan::Scanned>,
    /// When its counters were last read from the database.
    counters_read: store::LastRead,
    /// When the folder was last asked for its time of change.
    folder_read: store::LastRead,
    /// The snapshot that the database has of it.
    kept: Mutex<Option<snapshot::Kept>>,
    /// The UIDs below are not all in the database: see `uid_list`.
    known_below: Mutex<Option<Uid>>,
    /// What was last found to be the first message that is unseen.
    first_unseen: Mutex<Option<FirstUnseen>>,
    /// What the first who opened it did not wait for.
    coming: Mutex<Option<Coming>>,
    used_at: AtomicI64,
    /// When somebody last looked for changes of others.
    refreshed_at: AtomicI64,
}

/// The first message that was unseen, in a picture with this modseq and so many messages: what is `coming` changes only their number.
#[derive(Debug, Clone, Copy)]
struct FirstUnseen {
    modseq: ModSeq,
    messages: usize,
    sequence: Option<u32>,
}

/// What of a mailbox can be renamed, and whose it is.
struct Home {
    info: MailboxInfo,
    maildir: Maildir,
    owner: Owner,
}

/// A mailbox at one moment.
pub struct Picture {
    /// All messages.
    pub messages: Messages,
    /// RFC 7162 §3.1.2.1.
    pub highest_modseq: ModSeq,
    /// The UID that the next message gets.
    pub uid_next: Uid,
    /// The names of the keywords.
    pub keywords: Arc<[String]>,
    /// The messages that nobody has seen as \Recent, ascending.
    pub recent: Vec<Uid>,
}

/// The messages at one moment, ascending by UID. Holding it costs a copy of some hundred of them at a change.
pub type Messages = Chunks<MessageMeta>;

/// Where the index of words is: of this machine's own where several may share the data directory, since an index is mapped into memory, and
/// a file that another machine takes away under it would end the server.
fn index_dir(ground: &Ground) -> PathBuf {
    let search = ground.root.with_file_name("search");
    if ground.database.dialect().serves_one_node() {
        return search;
    }
    let machine = rustix::system::uname().nodename().to_string_lossy().replace(['/', '.'], "_");
    search.join(format!("at-{machine}"))
}

impl Mailboxes {
    /// Opens the mailboxes and starts their writer and their housekeeper.
    pub fn open_all(ground: Ground) -> Self {
        let inner = Arc::new_cyclic(|house: &Weak<Inner>| Inner {
            ledger: index::Ledger::start(ground.database.clone(), house, ground.settings.keep_expunged),
            names: NameMaker::new(&ground.hostname),
            views: Mutex::default(),
            named_lately: moka::sync::Cache::builder().max_capacity(10_000).time_to_live(store::FRESH).build(),
            loading: (0..64).map(|_| tokio::sync::Mutex::new(())).collect(),
            in_flight: Mutex::default(),
            inboxes: Mutex::default(),
            maildrops: Arc::default(),
            full_text: full_text::FullText::new(index_dir(&ground)),
            listed: listed::Listed::new(&ground.settings),
            readers: examine::readers(),
            uid_lists: uid_list::UidLists::default(),
            watches: watch::Watches::default(),
            resorted: resorted::Listener::default(),
            quotas_told: quota::Told::default(),
            ground,
        });
        inner.uid_lists.start(Arc::downgrade(&inner));
        tokio::spawn(close_unused(Arc::downgrade(&inner)));
        Self { inner }
    }

    /// Begins a message.
    pub fn draft(&self, line_ends: LineEnds) -> Draft {
        let ground = &self.inner.ground;
        let path = ground.spool.incoming(MailId::fresh());
        Draft::new(path, ground.max_message_bytes, ground.settings.memory_bytes_per_message, line_ends)
    }

    /// A message that came with octets of any kind, as one of lines: its binary parts are encoded, so that every door and every program
    /// that reads the file can take it. [`Refusal::BadMessage`] if that cannot be done.
    pub async fn without_binary(&self, mut draft: Draft) -> Result<Draft, Refusal> {
        draft.finish().await?;
        let octets = draft.read_all().await?;
        let converted = blocking(move || Ok(without_binary(&octets))).await?;
        let converted = converted.map_err(|problem| Refusal::BadMessage(problem.to_string()))?;
        let mut lines = self.draft(LineEnds::Mended);
        lines.write(&converted).await?;
        Ok(lines)
    }
}

impl Inner {
    fn open_view(&self, id: MailboxId) -> Option<Arc<Mailbox>> {
        locked(&self.views).get(&id).cloned()
    }

    fn user_dir(&self, user: &User) -> Result<PathBuf, Refusal> {
        let address = user
            .address
            .as_ref()
            .ok_or_else(|| Refusal::NotPermitted(format!("{} has no mailbox", user.login)))?;
        Ok(self.ground.root.join(store::maildir::user_directory(address)))
    }
}

impl Mailbox {
    /// Its id, name and the like.
    pub fn info(&self) -> MailboxInfo {
        self.home().info.clone()
    }

    /// The counts, as they are now.
    pub fn status(&self) -> MailboxStatus {
        let uidvalidity = self.home().info.uidvalidity;
        self.view().status(self.id, uidvalidity)
    }

    /// The UID that the next message gets.
    pub fn uid_next(&self) -> Uid {
        self.view().counters.uid_next
    }

    /// RFC 7162 §3.1.2.1.
    pub fn highest_modseq(&self) -> ModSeq {
        self.view().counters.modseq
    }

    /// The names of the keywords; the index in the list is the number in [`crate::model::mailbox::Flags::keyword`].
    pub fn keywords(&self) -> Arc<[String]> {
        Arc::clone(&self.view().keywords)
    }

    /// All messages now.
    pub fn messages(&self) -> Messages {
        self.view().messages.clone()
    }

    /// The message with this UID.
    pub fn message(&self, uid: Uid) -> Option<MessageMeta> {
        self.view().get(uid).map(|(message, _)| message.clone())
    }

    /// What SELECT tells, all of one moment: a message that comes later has a UID of at least `uid_next`, and is not among the recent.
    /// Whoever takes the recent ones is the only one who sees them as such. What is `coming` counts as there.
    pub fn picture(&self, takes_recent: bool, coming: Option<&Coming>) -> Picture {
        let mut view = self.view_mut();
        let mut picture = Picture {
            messages: view.messages.clone(),
            highest_modseq: view.counters.modseq,
            uid_next: view.counters.uid_next,
            keywords: Arc::clone(&view.keywords),
            recent: recent(&view, view.counters.uid_next),
        };
        if let Some(coming) = coming {
            picture.add(&coming.messages, view.counters.recent_from);
        }
        if takes_recent {
            self.unmark_recent_below(&mut view, picture.uid_next);
        }
        picture
    }

    /// The sequence number of the first message of the picture that is unseen. It is found by going through them, and remembered for who
    /// selects the mailbox next.
    pub fn first_unseen(&self, picture: &Picture) -> Option<u32> {
        let (modseq, messages) = (picture.highest_modseq, picture.messages.len());
        let known = *locked(&self.first_unseen);
        if let Some(known) = known.filter(|known| (known.modseq, known.messages) == (modseq, messages)) {
            return known.sequence;
        }
        let mut numbered = picture.messages.iter().zip(1_u32..);
        let found = numbered.find(|(message, _)| !message.flags.contains(Flags::SEEN));
        let sequence = found.map(|(_, sequence)| sequence);
        *locked(&self.first_unseen) = Some(FirstUnseen {
            modseq,
            messages,
            sequence,
        });
        sequence
    }

    /// When these messages (ascending) came into this mailbox; a file of another program whose name does not tell has no such time.
    pub fn saved_at(&self, uids: &[Uid]) -> Vec<(Uid, Timestamp)> {
        let view = self.view();
        let saved = |&uid: &Uid| Some((uid, view.get(uid)?.1.name.made_at()?));
        uids.iter().filter_map(saved).collect()
    }

    /// The messages that came into this mailbox at such a time, ascending.
    pub fn saved(&self, when: impl Fn(Timestamp) -> bool) -> Vec<Uid> {
        let view = self.view();
        let of = view.messages.iter().zip(&view.files);
        let saved = of.filter(|(_, file)| file.name.made_at().is_some_and(&when));
        saved.map(|(message, _)| message.uid).collect()
    }

    /// The time, for what is younger or older than so much.
    pub fn now(&self) -> Timestamp {
        self.house.ground.clock.now()
    }

    /// Rises with each change; wait on it for IDLE.
    pub fn watch(&self) -> Receiver<ModSeq> {
        self.changes.subscribe()
    }

    /// The UIDs up to `last` that are \Recent to whoever asks first (they are not recent to the next who asks).
    pub fn take_recent(&self, last: Uid) -> Vec<Uid> {
        let mut view = self.view_mut();
        let below = Uid(last.0.saturating_add(1));
        let recent = recent(&view, below);
        self.unmark_recent_below(&mut view, below);
        recent
    }

    fn unmark_recent_below(&self, view: &mut view::View, below: Uid) {
        if view.counters.recent_from < below {
            view.counters.recent_from = below;
            self.house.ledger.index.hint(index::Write::Recent(self.id, below));
        }
    }

    /// Takes in a change that the index has stored, and announces it. `false`: others come before it.
    fn apply(&self, modseq: ModSeq, change: view::Change) -> bool {
        let gone = match &change {
            view::Change::Gone(runs) => runs.iter().map(|run| (run.first, run.last)).collect(),
            _ => Vec::new(),
        };
        let known = self.view_mut().apply(modseq, change);
        if known {
            self.house.listed.forget(self.id, &gone);
            self.announce();
        }
        known
    }

    fn announce(&self) {
        let now = self.highest_modseq();
        self.changes.send_if_modified(|last| {
            let newer = now > *last;
            *last = now;
            newer
        });
        self.house.full_text.hint(self.id);
        self.house.uid_lists.hint(self.id);
    }

    fn maildir(&self) -> Maildir {
        self.home().maildir.clone()
    }

    fn target(&self) -> Target {
        let home = self.home();
        Target {
            mailbox: self.id,
            maildir: home.maildir.clone(),
            is_inbox: home.info.name.is_inbox(),
        }
    }

    fn home(&self) -> RwLockReadGuard<'_, Home> {
        self.home.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> RwLockReadGuard<'_, view::View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn view_mut(&self) -> RwLockWriteGuard<'_, view::View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Picture {
    /// Adds messages; nobody has seen those from `recent_from` on. Some may have arrived by now.
    fn add(&mut self, coming: &[MessageMeta], recent_from: Uid) {
        let mut messages: Vec<MessageMeta> = self.messages.iter().chain(coming).cloned().collect();
        // What has arrived stands before what was told of it.
        messages.sort_by_key(|message| message.uid);
        messages.dedup_by_key(|message| message.uid);
        self.messages = messages.into_iter().collect();
        self.recent
            .extend(coming.iter().map(|message| message.uid).filter(|uid| *uid >= recent_from));
        self.recent.sort_unstable();
        self.recent.dedup();
    }
}

/// The messages below a UID that nobody has seen as \Recent, ascending.
fn recent(view: &view::View, below: Uid) -> Vec<Uid> {
    let first = view.messages.partition_point(|it| it.uid < view.counters.recent_from);
    let recent = view.messages.iter_from(first).map(|it| it.uid);
    recent.take_while(|uid| *uid < below).collect()
}

/// The lock, also after a panic of another holder: what it guards is whole after every statement.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does disk work off the network threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, store::Error> + Send + 'static,
) -> Result<T, store::Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(store::Error::Unusable(format!("disk work was broken off: {error}"))),
    }
}

/// Lets go of views that nobody used for a while.
async fn close_unused(house: Weak<Inner>) {
    let mut tick = tokio::time::interval(Duration::from_secs(30));
    loop {
        tick.tick().await;
        let Some(house) = house.upgrade() else { return };
        let keep = i64::try_from(house.ground.settings.keep_views_seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        let oldest = house.ground.clock.now_ms().saturating_sub(keep);
        // A view that a session holds has more than the one owner here.
        locked(&house.views).retain(|_, mailbox| Arc::strong_count(mailbox) > 1 || mailbox.used_at.load(Ordering::Relaxed) > oldest);
    }
}
