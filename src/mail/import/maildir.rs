//! Maildirs of other programs, with the UIDs, keywords and subscriptions that Dovecot and Courier keep beside the messages.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{BATCH, Extent, FolderReport, Progress, mailbox_name};
use crate::mail::mailbox::{self, Arrival, Mailboxes, MovingIn, Origin, Parcel};
use crate::model::account::User;
use crate::model::mailbox::{Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::maildir::{FileName, Folder, Letter, Tree, letters, read_beside};
use crate::wire::dovecot::{keywords, subscriptions, uidlist::UidList};
use crate::wire::imap::utf7;

pub use crate::store::maildir::Carriage;

/// The most octets of a list of UIDs: some millions of messages.
const MAX_UIDLIST: u64 = 1 << 29;
/// The most octets of the other files.
const MAX_BESIDE: u64 = 1 << 22;

/// A user's Maildir elsewhere.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is.
    pub root: PathBuf,
    /// How the messages get here.
    pub how: Carriage,
}

/// A folder there, and the mailbox that it becomes.
struct Wanted {
    folder: Folder,
    shown: String,
    name: MailboxName,
}

/// What lies in a folder.
struct Contents {
    letters: Vec<(Option<u32>, Letter)>,
    keywords: Vec<String>,
    uidvalidity: u32,
    uid_next: u32,
    problem: Option<String>,
}

/// Brings all folders; a report for each. [`Refusal::NotFound`] if there is no Maildir.
pub async fn bring(mailboxes: &Mailboxes, user: &User, source: &Source, progress: &dyn Progress) -> Result<Vec<FolderReport>, Refusal> {
    let tree = tree(&source.root).await?;
    let (wanted, mut reports) = wanted(&tree);
    for it in &wanted {
        reports.push(bring_folder(mailboxes, user, (it, source.how), progress).await?);
    }
    subscribe(mailboxes, user, (&source.root, &tree), &wanted).await?;
    note_filters(&source.root, &mut reports);
    Ok(reports)
}

/// Dovecot's Sieve lies in the Maildir or beside it, and is not brought.
fn note_filters(root: &Path, reports: &mut [FolderReport]) {
    let places = [Some(root), root.parent()].into_iter().flatten();
    let script = places.map(|place| place.join(".dovecot.sieve")).find(|path| path.exists());
    if let (Some(script), Some(report)) = (script, reports.first_mut()) {
        report.note(format!("the Sieve script {} is not brought", script.display()));
    }
}

/// Says what [`bring`] would look at, and does nothing.
pub async fn look(source: &Source) -> Result<Vec<FolderReport>, Refusal> {
    let tree = tree(&source.root).await?;
    let (wanted, mut reports) = wanted(&tree);
    for it in &wanted {
        let contents = contents(it.folder.path.clone()).await?;
        let mut report = FolderReport::new(it.shown.clone(), &it.name);
        report.messages = contents.letters.len() as u64;
        contents.problem.into_iter().for_each(|problem| report.note(problem));
        reports.push(report);
    }
    note_filters(&source.root, &mut reports);
    Ok(reports)
}

/// Makes the mailboxes and keeps the UIDs that the messages have there, before the first message comes: mail that is delivered here
/// meanwhile does not take them.
pub async fn prepare(mailboxes: &Mailboxes, user: &User, root: &Path) -> Result<(), Refusal> {
    for it in wanted(&tree(root).await?).0 {
        let path = it.folder.path.clone();
        let (list, _) = blocking(move || uids(&path)).await?;
        mailboxes.moving_in(user, &it.name, &origin(&it.folder, list.as_ref())).await?;
    }
    Ok(())
}

async fn tree(root: &Path) -> Result<Tree, Refusal> {
    let path = root.to_owned();
    let tree = blocking(move || Tree::of(&path)).await?;
    if !tree.folders.is_empty() {
        return Ok(tree);
    }
    if tree.is_other_format {
        return Err(Refusal::Invalid {
            field: "maildir",
            problem: format!("{} holds dbox, not Maildir; copy it over IMAP (import imap)", root.display()),
        });
    }
    Err(Refusal::NotFound {
        what: "Maildir",
        name: format!("in {}", root.display()),
    })
}

/// What can be brought, and reports of what cannot.
fn wanted(tree: &Tree) -> (Vec<Wanted>, Vec<FolderReport>) {
    let (mut wanted, mut reports) = (Vec::new(), Vec::new());
    for folder in &tree.folders {
        let levels = decoded(&folder.levels);
        let shown = if levels.is_empty() { "INBOX".to_owned() } else { levels.join("/") };
        match mailbox_name(&levels) {
            Ok(name) => wanted.push(Wanted {
                folder: folder.clone(),
                shown,
                name,
            }),
            Err(problem) => reports.push(FolderReport {
                folder: shown,
                failed: 1,
                problems: vec![problem],
                ..FolderReport::default()
            }),
        }
    }
    (wanted, reports)
}

/// The levels of a name in Unicode: on disk they are in modified UTF-7, or in UTF-8.
fn decoded(levels: &[String]) -> Vec<String> {
    let decode = |level: &String| utf7::decode(level.as_bytes()).unwrap_or_else(|| level.clone());
    levels.iter().map(decode).collect()
}

fn origin(folder: &Folder, list: Option<&UidList>) -> Origin {
    let path = std::path::absolute(&folder.path).unwrap_or_else(|_| folder.path.clone());
    Origin {
        source: format!("maildir:{}", path.display()),
        uidvalidity: list.map_or(0, |list| list.uidvalidity),
        uid_next: list.map_or(1, |list| list.uid_next),
    }
}

/// The list of UIDs, or why there is none.
fn uids(folder: &Path) -> Result<(Option<UidList>, Option<String>), store::Error> {
    for name in ["dovecot-uidlist", "courierimapuiddb"] {
        // An empty file is what Dovecot leaves of a folder that nobody opened.
        let Some(octets) = read_beside(folder, name, MAX_UIDLIST)?.filter(|octets| !octets.is_empty()) else {
            continue;
        };
        return Ok(match UidList::parse(&octets) {
            Ok(list) => (Some(list), None),
            Err(error) => (None, Some(format!("{name}: {error}; the messages get new UIDs"))),
        });
    }
    Ok((None, None))
}

async fn contents(folder: PathBuf) -> Result<Contents, Refusal> {
    let read = move || {
        let (list, problem) = uids(&folder)?;
        let keywords = read_beside(&folder, "dovecot-keywords", MAX_BESIDE)?.unwrap_or_default();
        let uid_of = |letter: &Letter| list.as_ref()?.uids.get(&letter.base).copied();
        let mut letters: Vec<(Option<u32>, Letter)> = letters(&folder)?.into_iter().map(|letter| (uid_of(&letter), letter)).collect();
        // By UID; what has none comes last, the oldest first.
        letters.sort_by_cached_key(|(uid, letter)| (uid.unwrap_or(u32::MAX), letter.base.clone()));
        Ok(Contents {
            letters,
            keywords: keywords::parse(&keywords),
            uidvalidity: list.as_ref().map_or(0, |list| list.uidvalidity),
            uid_next: list.as_ref().map_or(1, |list| list.uid_next),
            problem,
        })
    };
    blocking(read).await
}

async fn bring_folder(
    mailboxes: &Mailboxes,
    user: &User,
    (wanted, how): (&Wanted, Carriage),
    progress: &dyn Progress,
) -> Result<FolderReport, Refusal> {
    let mut report = FolderReport::new(wanted.shown.clone(), &wanted.name);
    let mut contents = contents(wanted.folder.path.clone()).await?;
    contents.problem.take().into_iter().for_each(|problem| report.note(problem));
    report.messages = contents.letters.len() as u64;
    progress.begin(&wanted.shown, Extent::Messages(report.messages));
    let origin = Origin {
        uidvalidity: contents.uidvalidity,
        uid_next: contents.uid_next,
        ..origin(&wanted.folder, None)
    };
    let mut moving = mailboxes.moving_in(user, &wanted.name, &origin).await?;
    let seen = contents
        .letters
        .iter()
        .rev()
        .find(|(_, letter)| !letter.is_new)
        .and_then(|(uid, _)| *uid);
    let keywords = Keywords::of(&contents, &moving, &mut report).await?;
    let (parcels, known) = sort(&contents, &moving, (&keywords, &mut report));
    progress.advance(known.len() as u64);
    let flags: Vec<(FileName, Flags)> = known.iter().map(|parcel| (parcel.name.clone(), parcel.flags)).collect();
    report.updated = moving.follow_flags(&flags).await?;
    if how == Carriage::Move {
        remove(known).await?;
    }
    let mut left = Vec::new();
    for part in parcels.chunks(BATCH) {
        left.extend(bring_batch(&mut moving, part, (how, &mut report)).await?);
        progress.advance(part.len() as u64);
    }
    if !left.is_empty() {
        let again = self::contents(wanted.folder.path.clone()).await?;
        let again = found_again(&again, left, &keywords);
        for (_, problem) in bring_batch(&mut moving, &again, (how, &mut report)).await? {
            report.fail(problem);
        }
    }
    moving.finish(seen).await?;
    Ok(report)
}

/// What could not be carried, as it is called by now: somebody may have changed its flags there. What is no longer there is gone.
fn found_again(contents: &Contents, left: Vec<(Parcel, String)>, keywords: &Keywords) -> Vec<Parcel> {
    let names = contents
        .letters
        .iter()
        .map(|(_, letter)| (FileName::imported(&letter.base), letter));
    let by_name: HashMap<FileName, &Letter> = names.filter_map(|(name, letter)| Some((name?, letter))).collect();
    let again = left.into_iter().filter_map(|(parcel, _)| {
        let letter = by_name.get(&parcel.name)?;
        Some(Parcel {
            from: letter.path.clone(),
            flags: keywords.translated(letter.flags),
            ..parcel
        })
    });
    again.collect()
}

/// What is to be carried, and what is here already.
fn sort(contents: &Contents, moving: &MovingIn, (keywords, report): (&Keywords, &mut FolderReport)) -> (Vec<Parcel>, Vec<Parcel>) {
    let (mut parcels, mut known) = (Vec::new(), Vec::new());
    let mut names = HashSet::new();
    for (uid, letter) in &contents.letters {
        let Some(name) = FileName::imported(&letter.base) else {
            report.fail(format!("{}: it has no name of a message", letter.path.display()));
            continue;
        };
        if !names.insert(name.clone()) {
            report.note(format!("{}: the message is there twice", letter.path.display()));
            continue;
        }
        let parcel = Parcel {
            from: letter.path.clone(),
            uid: *uid,
            flags: keywords.translated(letter.flags),
            name,
        };
        if moving.has(&parcel.name) {
            report.known = report.known.saturating_add(1);
            known.push(parcel);
        } else if uid.is_some_and(|uid| moving.was_brought(uid)) {
            report.removed = report.removed.saturating_add(1);
        } else {
            parcels.push(parcel);
        }
    }
    (parcels, known)
}

/// Brings some messages; those that could not be carried, and why.
async fn bring_batch(
    moving: &mut MovingIn,
    parcels: &[Parcel],
    (how, report): (Carriage, &mut FolderReport),
) -> Result<Vec<(Parcel, String)>, Refusal> {
    let mut arrivals: Vec<Arrival> = Vec::with_capacity(parcels.len());
    let mut failed = Vec::new();
    for carried in moving.carry(parcels.to_vec(), how).await? {
        match carried {
            Ok(arrival) => arrivals.push(arrival),
            Err((parcel, problem)) => {
                parcel.uid.into_iter().for_each(|uid| moving.note_failed(uid));
                failed.push((parcel, problem));
            }
        }
    }
    let count = arrivals.len();
    let kept = moving.enter(arrivals).await?;
    report.added = report.added.saturating_add(count as u64);
    report.renumbered = report.renumbered.saturating_add(count.saturating_sub(kept) as u64);
    if how == Carriage::Move {
        let names: HashSet<&FileName> = failed.iter().map(|(parcel, _)| &parcel.name).collect();
        let brought = parcels.iter().filter(|parcel| !names.contains(&parcel.name));
        remove(brought.cloned().collect()).await?;
    }
    Ok(failed)
}

/// Takes away what is here by now.
async fn remove(brought: Vec<Parcel>) -> Result<(), Refusal> {
    let removed = blocking(move || {
        for parcel in brought {
            if let Err(error) = std::fs::remove_file(&parcel.from) {
                tracing::warn!(%error, path = %parcel.from.display(), "a message that was moved is still there");
            }
        }
        Ok(())
    });
    removed.await
}

/// The keywords of a folder, and what they are here.
struct Keywords(HashMap<u8, Flags>);

impl Keywords {
    /// Those that its messages have. A letter without a name is told and left out.
    async fn of(contents: &Contents, moving: &MovingIn, report: &mut FolderReport) -> Result<Self, Refusal> {
        let used = contents
            .letters
            .iter()
            .fold(Flags::NONE, |used, (_, letter)| used.with(letter.flags));
        let mut here = HashMap::new();
        for number in used.keywords() {
            let letter = char::from(b'a'.saturating_add(number));
            let Some(name) = contents.keywords.get(usize::from(number)).filter(|name| !name.is_empty()) else {
                report.note(format!("the keyword {letter} has no name in dovecot-keywords and is left out"));
                continue;
            };
            match moving.keyword(name).await? {
                Some(flag) => drop(here.insert(number, flag)),
                None => report.note(format!("the keyword {name} is left out: the mailbox has 26 others")),
            }
        }
        Ok(Self(here))
    }

    fn translated(&self, flags: Flags) -> Flags {
        let plain = flags.keywords().filter_map(Flags::keyword).fold(flags, Flags::without);
        let here = flags.keywords().filter_map(|number| self.0.get(&number));
        here.fold(plain, |flags, flag| flags.with(*flag))
    }
}

/// Subscribes to what is subscribed to there. Courier, and Dovecot with a prefix, write the INBOX before each name.
async fn subscribe(mailboxes: &Mailboxes, user: &User, (root, tree): (&Path, &Tree), wanted: &[Wanted]) -> Result<(), Refusal> {
    let root = root.to_owned();
    let read = move || {
        let files = ["subscriptions", "courierimapsubscribed"].map(|name| read_beside(&root, name, MAX_BESIDE));
        files.into_iter().collect::<Result<Vec<_>, _>>()
    };
    let separator = if tree.is_nested { '/' } else { '.' };
    let names: HashSet<&MailboxName> = wanted.iter().map(|it| &it.name).collect();
    for octets in blocking(read).await?.into_iter().flatten() {
        for levels in subscriptions::parse(&octets, separator) {
            let levels = decoded(&levels);
            let below = levels
                .split_first()
                .filter(|(first, _)| first.eq_ignore_ascii_case("INBOX"))
                .map(|(_, rest)| rest);
            let all = [Some(&*levels), below]
                .into_iter()
                .flatten()
                .filter_map(|levels| mailbox_name(levels).ok());
            if let Some(name) = all.into_iter().find(|name| names.contains(name)) {
                mailboxes.subscribe(user, &name, true).await?;
            }
        }
    }
    Ok(())
}

fn unreadable(error: &store::Error) -> Refusal {
    Refusal::Invalid {
        field: "maildir",
        problem: format!("it cannot be read: {error}"),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, store::Error> + Send + 'static) -> Result<T, Refusal> {
    mailbox::blocking(work).await.map_err(|error| unreadable(&error))
}
