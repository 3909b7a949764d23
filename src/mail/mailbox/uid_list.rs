//! The UIDs of a mailbox in a file beside its messages, for when the database is lost or put back to an older one.
//!
//! `posthouse-uidlist` has the form of Dovecot's `dovecot-uidlist`, and `posthouse-keywords` that of `dovecot-keywords`; those are read too,
//! where there are none of ours, so that a folder which Dovecot left keeps its UIDs. They are written in the background, of mailboxes that
//! somebody uses (a UID that no client has seen is no loss): what comes is added at the end, and now and then the list is written anew.
//!
//! A mailbox that is entered into the database again takes its UIDVALIDITY, UIDs and keywords from there (RFC 3501 §2.3.1.1). Its modseqs
//! begin above all that it can have had, and what was expunged counts as forgotten, so that clients with modseqs look at everything
//! (RFC 7162 §3.1.2.2).

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::flags::is_keyword;
use super::hints::Hints;
use super::view::View;
use super::{Inner, Mailbox, blocking, locked};
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::mailboxes::{self, Counters, MailboxRow};
use crate::store::db::{Tx, messages, recoveries};
use crate::store::maildir::{FileName, Found, Maildir, read_beside};
use crate::wire::dovecot::keywords;
use crate::wire::dovecot::uidlist::UidList;

const LIST: &str = "posthouse-uidlist";
const KEYWORDS: &str = "posthouse-keywords";
const FOREIGN_LIST: &str = "dovecot-uidlist";
const FOREIGN_KEYWORDS: &str = "dovecot-keywords";

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_secs(1);
/// So many UIDs are passed over in a mailbox whose list is ours: what was given after it was last written, a client may have seen.
const RESERVE: u32 = 100_000;
/// So many new messages are written with all others, a piece at a time.
const MANY: usize = 10_000;
/// A list of more octets than these, and so many for each message, is mostly of messages that are gone, and is written anew.
const SPARE: u64 = 65_536;
const OCTETS: u64 = 128;
/// The most octets of a list and of names of keywords that are read.
const MAX_LIST: u64 = 268_435_456;
const MAX_KEYWORDS: u64 = 65_536;

/// The way to who writes the lists.
#[derive(Default)]
pub(super) struct UidLists {
    hints: Arc<Hints>,
}

impl Drop for UidLists {
    fn drop(&mut self) {
        self.hints.end();
    }
}

impl UidLists {
    /// The mailbox has changed. Never waits.
    pub(super) fn hint(&self, mailbox: MailboxId) {
        self.hints.add(mailbox);
    }

    /// Begins to write them, as long as there is a house.
    pub(super) fn start(&self, house: Weak<Inner>) {
        tokio::spawn(keep(house, Arc::clone(&self.hints)));
    }
}

async fn keep(house: Weak<Inner>, hints: Arc<Hints>) {
    let mut written: HashMap<MailboxId, Written> = HashMap::new();
    while let Some(open) = house.upgrade() {
        written.retain(|id, _| locked(&open.views).contains_key(id));
        drop(open);
        for id in hints.gather(GATHER).await {
            let Some(mailbox) = house.upgrade().and_then(|house| house.open_view(id)) else {
                continue;
            };
            match mailbox.write_uids(written.remove(&id)).await {
                Ok(now) => written.extend(now.map(|now| (id, now))),
                Err(error) => tracing::warn!(%error, mailbox = %id, "the list of UIDs is not written"),
            }
        }
    }
}

/// What a list has of its mailbox.
struct Written {
    /// The messages up to this one.
    last: Uid,
    /// So many of them were there.
    count: usize,
    /// Octets.
    length: u64,
    /// The names that were written beside it.
    keywords: Arc<[String]>,
}

impl Mailbox {
    /// Brings the list up to date; none if it is not the time for it.
    async fn write_uids(&self, written: Option<Written>) -> Result<Option<Written>, store::Error> {
        // What is in the list and not in the database yet must not be lost.
        if self.known_below().is_some() {
            return Ok(None);
        }
        let (maildir, view, uidvalidity) = (self.maildir(), self.view().clone(), self.home().info.uidvalidity);
        blocking(move || {
            if !maildir.exists() {
                return Ok(None);
            }
            let written = match written {
                Some(written) => Some(written),
                None => Written::found(&maildir, uidvalidity, &view)?,
            };
            write(&maildir, &view, uidvalidity, written).map(Some)
        })
        .await
    }

    /// The UIDs below this one may be known beside the messages and not in the database; none if they all are.
    pub(super) fn known_below(&self) -> Option<Uid> {
        *locked(&self.known_below)
    }

    /// The UIDs that these files have had, of those that the database neither has nor has seen go.
    pub(super) async fn known_beside(&self, found: &[(FileName, Found)]) -> Result<HashMap<FileName, Uid>, Refusal> {
        let Some(below) = self.known_below().filter(|_| !found.is_empty()) else {
            return Ok(HashMap::new());
        };
        let maildir = self.maildir();
        let Some(list) = blocking(move || list(&maildir)).await? else {
            return Ok(HashMap::new());
        };
        let mut tx = self.house.ledger.database.read().await?;
        let expunged = messages::expunged_since(&mut tx, self.id, ModSeq(0)).await?;
        drop(tx);
        let view = self.view();
        let mut taken = HashSet::new();
        let is_free = |uid: Uid| {
            let run = expunged.partition_point(|(_, last)| *last < uid);
            uid < below && view.position(uid).is_none() && expunged.get(run).is_none_or(|(first, _)| *first > uid)
        };
        let known = found.iter().filter_map(|(name, _)| {
            let uid = Uid(*list.uids.get(name.as_str())?);
            (is_free(uid) && taken.insert(uid)).then(|| (name.clone(), uid))
        });
        Ok(known.collect())
    }

    /// All files of the folder are in the database.
    pub(super) async fn end_recovery(&self) -> Result<(), store::Error> {
        if self.known_below().is_none() {
            return Ok(());
        }
        let mut tx = self.house.ledger.database.write().await?;
        recoveries::end(&mut tx, self.id).await?;
        tx.commit().await?;
        *locked(&self.known_below) = None;
        self.house.uid_lists.hint(self.id);
        tracing::info!(mailbox = %self.id, "the UIDs that were known beside the messages are in the database again");
        Ok(())
    }
}

impl Inner {
    /// A database that was put back to an older one does not know of UIDs that were given since: they must not be given again.
    pub(super) async fn check_remains(&self, row: &MailboxRow, maildir: &Maildir) -> Result<(), store::Error> {
        let maildir = maildir.clone();
        let Some(remains) = blocking(move || Ok(Remains::of_ours(&maildir))).await? else {
            return Ok(());
        };
        let is_behind = |uid_next: Uid| remains.uidvalidity == row.info.uidvalidity && uid_next < remains.known_below;
        if !is_behind(row.counters.uid_next) {
            return Ok(());
        }
        let mut tx = self.ledger.database.write().await?;
        let now = mailboxes::current(&mut tx, row.info.id).await?;
        if now.is_some_and(|now| is_behind(now.uid_next)) {
            recoveries::begin(&mut tx, row.info.id, (remains.known_below, remains.uid_next), self.first_modseq()).await?;
            tx.commit().await?;
            tracing::warn!(mailbox = %row.info.id, "the database is older than the mailbox: UIDs are taken from beside the messages");
        }
        Ok(())
    }

    /// Enters what remains of a mailbox that has just been made: its counters from now on.
    pub(super) async fn restore(&self, tx: &mut Tx, id: MailboxId, remains: &Remains) -> Result<Counters, store::Error> {
        let (uid_next, modseq) = (remains.uid_next, self.first_modseq());
        recoveries::begin(tx, id, (remains.known_below, uid_next), modseq).await?;
        for (number, name) in remains.keywords.iter().enumerate().filter(|(_, name)| is_keyword(name)) {
            mailboxes::insert_keyword(tx, id, number, name).await?;
        }
        Ok(Counters {
            uid_next,
            recent_from: uid_next,
            modseq,
            forgotten: modseq,
        })
    }

    /// The modseq that a mailbox begins with which had others before: the milliseconds since 1970, which are more than any changes it had.
    fn first_modseq(&self) -> ModSeq {
        ModSeq(u64::try_from(self.ground.clock.now_ms()).unwrap_or(1))
    }
}

/// What a folder tells of the UIDs that its messages had.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remains {
    /// RFC 3501 §2.3.1.1.
    pub uidvalidity: u32,
    /// All UIDs of the list are below.
    pub known_below: Uid,
    /// One that was surely never given.
    pub uid_next: Uid,
    /// The names of the keywords, by number.
    pub keywords: Vec<String>,
}

impl Remains {
    /// Of a list of ours, or of one of Dovecot's. A list that cannot be read is none.
    pub(super) fn of(maildir: &Maildir) -> Option<Self> {
        Self::of_ours(maildir).or_else(|| Self::of_list(maildir, (FOREIGN_LIST, FOREIGN_KEYWORDS), 0))
    }

    fn of_ours(maildir: &Maildir) -> Option<Self> {
        Self::of_list(maildir, (LIST, KEYWORDS), RESERVE)
    }

    fn of_list(maildir: &Maildir, (list, names): (&str, &str), reserve: u32) -> Option<Self> {
        let list = ends(maildir, list)?.0;
        let names = read_beside(maildir.path(), names, MAX_KEYWORDS).unwrap_or_else(|error| {
            tracing::warn!(%error, "names of keywords cannot be read");
            None
        });
        Some(Self {
            uidvalidity: list.uidvalidity,
            known_below: Uid(list.uid_next),
            uid_next: Uid(list.uid_next.saturating_add(reserve)),
            keywords: names.map_or_else(Vec::new, |names| keywords::parse(&names)),
        })
    }
}

/// What the first and the last lines of a list tell, and how long it is.
fn ends(maildir: &Maildir, name: &str) -> Option<(UidList, u64)> {
    let ends = maildir.ends_beside(name).unwrap_or_else(|error| {
        tracing::warn!(%error, "a list of UIDs cannot be read");
        None
    })?;
    Some((UidList::parse(&ends.lines).ok()?, ends.length))
}

/// The whole list, ours or Dovecot's.
fn list(maildir: &Maildir) -> Result<Option<UidList>, store::Error> {
    for name in [LIST, FOREIGN_LIST] {
        let octets = read_beside(maildir.path(), name, MAX_LIST)?;
        if let Some(list) = octets.and_then(|octets| UidList::parse(&octets).ok()) {
            return Ok(Some(list));
        }
    }
    Ok(None)
}

impl Written {
    /// By an earlier run of the server; none if there is no list of this mailbox.
    fn found(maildir: &Maildir, uidvalidity: u32, view: &View) -> Result<Option<Self>, store::Error> {
        let Some((list, length)) = ends(maildir, LIST).filter(|(list, _)| list.uidvalidity == uidvalidity) else {
            return Ok(None);
        };
        let names = read_beside(maildir.path(), KEYWORDS, MAX_KEYWORDS)?;
        let last = Uid(list.uid_next.saturating_sub(1));
        Ok(Some(Self {
            last,
            count: after(view, last),
            length,
            keywords: names.map_or_else(Vec::new, |names| keywords::parse(&names)).into(),
        }))
    }
}

/// How many messages there are up to this one.
fn after(view: &View, last: Uid) -> usize {
    view.messages.partition_point(|message| message.uid <= last)
}

fn write(maildir: &Maildir, view: &View, uidvalidity: u32, written: Option<Written>) -> Result<Written, store::Error> {
    if written
        .as_ref()
        .map_or(!view.keywords.is_empty(), |written| written.keywords != view.keywords)
    {
        maildir.replace_beside(KEYWORDS, |out| write_keywords(out, &view.keywords))?;
    }
    let len = view.messages.len();
    let most = SPARE.saturating_add(OCTETS.saturating_mul(len as u64));
    // More than there were of those that are in the list: an import has brought some with UIDs of their own.
    let goes_on = |it: &Written| after(view, it.last) <= it.count && it.length <= most && len.saturating_sub(after(view, it.last)) <= MANY;
    let last = Uid(view.counters.uid_next.0.saturating_sub(1));
    let length = match written.filter(goes_on) {
        Some(before) => {
            let mut lines = Vec::new();
            let from = after(view, before.last);
            write_lines(&mut lines, view, from).map_err(|source| store::Error::File {
                path: maildir.path().join(LIST),
                source,
            })?;
            if !lines.is_empty() {
                maildir.add_beside(LIST, &lines)?;
            }
            before.length.saturating_add(lines.len() as u64)
        }
        None => {
            let mut length = 0;
            maildir.replace_beside(LIST, |out| {
                let head = format!("3 V{uidvalidity} N{}\n", view.counters.uid_next);
                out.write_all(head.as_bytes())?;
                length = write_lines(out, view, 0)?.saturating_add(head.len() as u64);
                Ok(())
            })?;
            length
        }
    };
    Ok(Written {
        last,
        count: len,
        length,
        keywords: Arc::clone(&view.keywords),
    })
}

/// The messages from this place on; the octets that were written.
fn write_lines(out: &mut dyn io::Write, view: &View, from: usize) -> io::Result<u64> {
    let mut length: u64 = 0;
    for (message, file) in view.messages.iter_from(from).zip(view.files.iter_from(from)) {
        let line = format!("{} :{}\n", message.uid, file.name);
        out.write_all(line.as_bytes())?;
        length = length.saturating_add(line.len() as u64);
    }
    Ok(length)
}

fn write_keywords(out: &mut dyn io::Write, names: &[String]) -> io::Result<()> {
    for (number, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        writeln!(out, "{number} {name}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::model::mailbox::{Flags, MessageMeta};
    use crate::store::db::messages::MessageRow;

    fn view(uids: &[u32], uid_next: u32, keywords: &[&str]) -> View {
        let row = |&uid: &u32| MessageRow {
            name: FileName::parse(&format!("{uid}.x.y")).unwrap(),
            meta: MessageMeta {
                uid: Uid(uid),
                flags: Flags::NONE,
                modseq: ModSeq(1),
                size: 10,
                internal_date: jiff::Timestamp::UNIX_EPOCH,
            },
        };
        let counters = Counters {
            uid_next: Uid(uid_next),
            recent_from: Uid(1),
            modseq: ModSeq(5),
            forgotten: ModSeq(0),
        };
        let keywords = keywords.iter().map(|&name| name.to_owned()).collect();
        View::new(uids.iter().map(row).collect(), counters, keywords)
    }

    /// What comes is added; what cannot be added at the end makes the list anew.
    #[test]
    fn a_list_grows_at_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let maildir = Maildir::at(dir.path().join("m"));
        maildir.create(false).unwrap();
        let path = maildir.path().join(LIST);
        let state = || (std::fs::metadata(&path).unwrap().ino(), std::fs::read_to_string(&path).unwrap());
        assert_eq!(Remains::of(&maildir), None);

        let written = write(&maildir, &view(&[1, 3], 4, &["One", "", "Three"]), 7, None).unwrap();
        let (first, text) = state();
        assert_eq!(text, "3 V7 N4\n1 :1.x.y\n3 :3.x.y\n");
        let written = write(&maildir, &view(&[1, 3, 4, 9], 10, &["One", "", "Three"]), 7, Some(written)).unwrap();
        let (second, text) = state();
        assert_eq!((second, &*text), (first, "3 V7 N4\n1 :1.x.y\n3 :3.x.y\n4 :4.x.y\n9 :9.x.y\n"));
        assert_eq!(written.length, text.len() as u64);
        let remains = Remains::of(&maildir).unwrap();
        assert_eq!(
            (remains.uidvalidity, remains.known_below, remains.uid_next),
            (7, Uid(10), Uid(10 + RESERVE))
        );
        assert_eq!(remains.keywords, ["One", "", "Three"]);

        // Another run goes on where this one ended, and what went is left in the list.
        let found = Written::found(&maildir, 7, &view(&[4, 9], 10, &[])).unwrap().unwrap();
        assert_eq!((found.last, found.count, found.length), (Uid(9), 2, written.length));
        let written = write(&maildir, &view(&[4, 9, 10], 11, &[]), 7, Some(found)).unwrap();
        assert_eq!(state(), (first, format!("{text}10 :10.x.y\n")));
        assert!(
            Written::found(&maildir, 8, &view(&[], 1, &[])).unwrap().is_none(),
            "of another mailbox"
        );

        // An import has brought one with a UID of its own.
        write(&maildir, &view(&[2, 4, 9, 10], 11, &[]), 7, Some(written)).unwrap();
        let (third, text) = state();
        assert_ne!(third, first);
        assert_eq!(text, "3 V7 N11\n2 :2.x.y\n4 :4.x.y\n9 :9.x.y\n10 :10.x.y\n");
        std::fs::write(&path, text.trim_end()).unwrap();
        assert_eq!(Remains::of(&maildir), None, "a line that is not whole");
    }
}
