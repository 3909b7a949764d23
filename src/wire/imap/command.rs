//! The commands of IMAP as values.

use crate::model::mailbox::SpecialUse;
use crate::model::rights::Rights;
use crate::model::secret::Secret;
use crate::wire::sasl::Mechanism;

use super::fetch::{Fetch, Item};
use super::flag::Flag;
use super::notify::Notify;
use super::search::{Key, Search};
use super::sequence::SequenceSet;
use super::sort::{Sort, Thread};

/// What a client calls its command, repeated in the answer (RFC 3501 §2.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(pub(super) Box<str>);

impl Tag {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A command with its tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged {
    /// The client's name for it.
    pub tag: Tag,
    /// What is wanted.
    pub command: Command,
}

/// What a client wants. Mailbox names are in Unicode, not yet checked: a bad one is refused like one that is not there.
/// APPEND and REPLACE are not here: their messages are not read whole, see [`super::append`].
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// ID, with what the client says of itself.
    Id(Vec<(String, Option<String>)>),
    /// STARTTLS
    StartTls,
    /// AUTHENTICATE
    Authenticate(Authenticate),
    /// LOGIN
    Login(Login),
    /// ENABLE, with the capabilities named, in capitals.
    Enable(Vec<String>),
    /// SELECT or EXAMINE
    Select(Select),
    /// CREATE
    Create(Create),
    /// DELETE
    Delete(String),
    /// RENAME
    Rename {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// SUBSCRIBE
    Subscribe(String),
    /// UNSUBSCRIBE
    Unsubscribe(String),
    /// LIST
    List(List),
    /// LSUB
    Lsub {
        /// Where the pattern begins.
        reference: String,
        /// The pattern.
        pattern: String,
    },
    /// NAMESPACE
    Namespace,
    /// STATUS
    Status {
        /// The mailbox.
        mailbox: String,
        /// What is asked of it.
        items: Vec<StatusItem>,
    },
    /// GETQUOTA, with the quota root.
    GetQuota(String),
    /// GETQUOTAROOT, with the mailbox.
    GetQuotaRoot(String),
    /// SETQUOTA: nobody may, whatever it says.
    SetQuota,
    /// IDLE
    Idle,
    /// COMPRESS DEFLATE
    Compress,
    /// UNAUTHENTICATE
    Unauthenticate,
    /// NOTIFY
    Notify(Notify),
    /// GETMETADATA
    GetMetadata(GetMetadata),
    /// GETACL, with the mailbox.
    GetAcl(String),
    /// MYRIGHTS, with the mailbox.
    MyRights(String),
    /// LISTRIGHTS
    ListRights {
        /// The mailbox.
        mailbox: String,
        /// Whose rights.
        identifier: String,
    },
    /// SETACL, and DELETEACL, which takes all.
    SetAcl(SetAcl),
    /// SETMETADATA
    SetMetadata {
        /// The mailbox; empty is the server.
        mailbox: String,
        /// Entries in small letters, and their new values.
        values: Vec<(String, Option<Vec<u8>>)>,
    },
    /// CHECK
    Check,
    /// CLOSE
    Close,
    /// UNSELECT
    Unselect,
    /// EXPUNGE, or UID EXPUNGE of these.
    Expunge(Option<SequenceSet>),
    /// SEARCH or UID SEARCH
    Search(Search),
    /// CANCELUPDATE, with the tags of the searches (RFC 5267 §4.5)
    CancelUpdate(Vec<String>),
    /// SORT or UID SORT
    Sort(Sort),
    /// THREAD or UID THREAD
    Thread(Thread),
    /// FETCH or UID FETCH
    Fetch(Fetch),
    /// STORE or UID STORE
    Store(Store),
    /// COPY or UID COPY
    Copy(Transfer),
    /// MOVE or UID MOVE
    Move(Transfer),
}

impl Command {
    /// Its name, without the UID before it; EXAMINE is a SELECT, and DELETEACL a SETACL.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Capability => "CAPABILITY",
            Self::Noop => "NOOP",
            Self::Logout => "LOGOUT",
            Self::Id(_) => "ID",
            Self::StartTls => "STARTTLS",
            Self::Authenticate(_) => "AUTHENTICATE",
            Self::Login(_) => "LOGIN",
            Self::Enable(_) => "ENABLE",
            Self::Select(_) => "SELECT",
            Self::Create(_) => "CREATE",
            Self::Delete(_) => "DELETE",
            Self::Rename { .. } => "RENAME",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Unsubscribe(_) => "UNSUBSCRIBE",
            Self::List(_) => "LIST",
            Self::Lsub { .. } => "LSUB",
            Self::Namespace => "NAMESPACE",
            Self::Status { .. } => "STATUS",
            Self::GetQuota(_) => "GETQUOTA",
            Self::GetQuotaRoot(_) => "GETQUOTAROOT",
            Self::SetQuota => "SETQUOTA",
            Self::Idle => "IDLE",
            Self::Compress => "COMPRESS",
            Self::Unauthenticate => "UNAUTHENTICATE",
            Self::Notify(_) => "NOTIFY",
            Self::GetMetadata(_) => "GETMETADATA",
            Self::GetAcl(_) => "GETACL",
            Self::MyRights(_) => "MYRIGHTS",
            Self::ListRights { .. } => "LISTRIGHTS",
            Self::SetAcl(_) => "SETACL",
            Self::SetMetadata { .. } => "SETMETADATA",
            Self::Check => "CHECK",
            Self::Close => "CLOSE",
            Self::Unselect => "UNSELECT",
            Self::Expunge(_) => "EXPUNGE",
            Self::Search(_) => "SEARCH",
            Self::CancelUpdate(_) => "CANCELUPDATE",
            Self::Sort(_) => "SORT",
            Self::Thread(_) => "THREAD",
            Self::Fetch(_) => "FETCH",
            Self::Store(_) => "STORE",
            Self::Copy(_) => "COPY",
            Self::Move(_) => "MOVE",
        }
    }

    /// Whether the mailbox that is selected is left with it, and nothing else is done there.
    pub fn leaves_mailbox(&self) -> bool {
        matches!(self, Self::Select(_) | Self::Unselect | Self::Logout | Self::Unauthenticate)
    }

    /// Whether it asks for UIDs and flags of messages, and nothing else is done.
    pub fn asks_flags_alone(&self) -> bool {
        let Self::Fetch(fetch) = self else { return false };
        let is_known = |item: &Item| matches!(item, Item::Uid | Item::Flags);
        fetch.changed_since.is_none() && !fetch.vanished && fetch.items.iter().all(is_known)
    }

    /// Whether it names messages by sequence numbers, or is answered with such (RFC 9586 §3).
    pub fn uses_sequence(&self) -> bool {
        match self {
            Self::Fetch(fetch) => !fetch.uid,
            Self::Store(store) => !store.uid,
            Self::Copy(transfer) | Self::Move(transfer) => !transfer.uid,
            Self::Search(search) => !search.uid || search.key.as_ref().is_ok_and(Key::asks_sequence),
            Self::Sort(sort) => !sort.uid || sort.key.as_ref().is_ok_and(Key::asks_sequence),
            Self::Thread(thread) => !thread.uid || thread.key.as_ref().is_ok_and(Key::asks_sequence),
            Self::Select(select) => select.resync.as_ref().is_some_and(|resync| resync.matches.is_some()),
            _ => false,
        }
    }
}

/// AUTHENTICATE (RFC 3501 §6.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// The mechanism; none if it is not known.
    pub mechanism: Option<Mechanism>,
    /// The first message in base64, where the client sent it at once (RFC 4959 §3); `=` is an empty one.
    pub initial: Option<Secret>,
}

/// LOGIN (RFC 3501 §6.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub login: String,
    /// Their password.
    pub password: Secret,
}

/// SELECT and EXAMINE (RFC 3501 §6.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The mailbox.
    pub mailbox: String,
    /// EXAMINE.
    pub read_only: bool,
    /// The parameter CONDSTORE (RFC 7162 §3.1.8).
    pub condstore: bool,
    /// The parameter QRESYNC (RFC 7162 §3.2.5).
    pub resync: Option<Resync>,
}

/// What a client knows of a mailbox that it comes back to (RFC 7162 §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    /// UIDVALIDITY: with another one, nothing that it knows holds.
    pub uidvalidity: u32,
    /// The modseq up to which it knows all changes.
    pub since: u64,
    /// The UIDs that it knows; all if it does not say.
    pub known: Option<SequenceSet>,
    /// Some sequence numbers and the UIDs that they belonged to.
    pub matches: Option<(SequenceSet, SequenceSet)>,
}

/// CREATE (RFC 3501 §6.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The mailbox.
    pub mailbox: String,
    /// `(USE (\Sent))` (RFC 6154 §3), or why it cannot be.
    pub special_use: Result<Option<SpecialUse>, BadUse>,
}

/// Several special uses, or one that we do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadUse;

/// LIST, with the options of RFC 5258 §3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Where the patterns begin.
    pub reference: String,
    /// The patterns.
    pub patterns: Vec<String>,
    /// What to list.
    pub select: ListSelect,
    /// What to say of each.
    pub returns: ListReturn,
}

/// The selection options of LIST.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListSelect {
    /// Only what is subscribed to.
    pub subscribed: bool,
    /// Only what has a special use.
    pub special_use: bool,
    /// Also what has such a mailbox below it.
    pub recursive_match: bool,
}

/// The return options of LIST.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListReturn {
    /// `\Subscribed`
    pub subscribed: bool,
    /// The special use. A plain LIST says it too (RFC 6154 §2).
    pub special_use: bool,
    /// `\HasChildren`. A plain LIST says it too.
    pub children: bool,
    /// A MYRIGHTS response for each (RFC 8440 §3).
    pub my_rights: bool,
    /// A STATUS response for each (RFC 5819 §2).
    pub status: Option<Vec<StatusItem>>,
}

/// What STATUS can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusItem {
    /// MESSAGES
    Messages,
    /// RECENT
    Recent,
    /// UIDNEXT
    UidNext,
    /// UIDVALIDITY
    UidValidity,
    /// UNSEEN
    Unseen,
    /// DELETED (RFC 9051 §6.3.11)
    Deleted,
    /// DELETED-STORAGE (RFC 9208 §4.1.4)
    DeletedStorage,
    /// SIZE (RFC 8438 §2)
    Size,
    /// HIGHESTMODSEQ (RFC 7162 §3.1.7)
    HighestModSeq,
    /// MAILBOXID (RFC 8474 §4.3)
    MailboxId,
    /// APPENDLIMIT (RFC 7889 §3)
    AppendLimit,
}

impl StatusItem {
    /// All, with their names.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Messages, "MESSAGES"),
        (Self::Recent, "RECENT"),
        (Self::UidNext, "UIDNEXT"),
        (Self::UidValidity, "UIDVALIDITY"),
        (Self::Unseen, "UNSEEN"),
        (Self::Deleted, "DELETED"),
        (Self::DeletedStorage, "DELETED-STORAGE"),
        (Self::Size, "SIZE"),
        (Self::HighestModSeq, "HIGHESTMODSEQ"),
        (Self::MailboxId, "MAILBOXID"),
        (Self::AppendLimit, "APPENDLIMIT"),
    ];
}

/// SETACL and DELETEACL (RFC 4314 §3.1, §3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAcl {
    /// The mailbox.
    pub mailbox: String,
    /// Who.
    pub identifier: String,
    /// How the rights change.
    pub change: RightsChange,
}

/// How rights change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightsChange {
    /// These and no others.
    Replace(Rights),
    /// These too.
    Add(Rights),
    /// These no longer.
    Remove(Rights),
}

impl RightsChange {
    /// The rights after the change.
    pub fn apply(self, old: Rights) -> Rights {
        match self {
            Self::Replace(new) => new,
            Self::Add(more) => old.with(more),
            Self::Remove(less) => old.without(less),
        }
    }
}

/// GETMETADATA (RFC 5464 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetMetadata {
    /// The mailbox; empty is the server.
    pub mailbox: String,
    /// The entries, in small letters.
    pub entries: Vec<String>,
    /// MAXSIZE
    pub max_size: Option<u64>,
    /// DEPTH
    pub depth: Depth,
}

/// How far below an entry others are asked for (RFC 5464 §4.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// The entry alone.
    #[default]
    Zero,
    /// And those just below.
    One,
    /// And all below.
    Infinity,
}

/// STORE (RFC 3501 §6.4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// UID STORE.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet,
    /// How.
    pub mode: StoreMode,
    /// `.SILENT`
    pub silent: bool,
    /// The flags.
    pub flags: Vec<Flag>,
    /// UNCHANGEDSINCE (RFC 7162 §3.1.3).
    pub unchanged_since: Option<u64>,
}

/// What STORE does with its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMode {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// COPY and MOVE (RFC 3501 §6.4.7, RFC 6851 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The UID form.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet,
    /// Where to.
    pub mailbox: String,
}
