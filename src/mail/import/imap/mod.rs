//! An account of any IMAP server: all folders, with flags, keywords, dates and subscriptions, and with their UIDs where the mailbox here is
//! new. Nothing is changed there.
//!
//! RFC 3501 §6.3.2 (EXAMINE), §6.4.5 (FETCH), RFC 6154 §2 (special use), RFC 2342 §5 (NAMESPACE).

mod connection;
mod folders;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Extent, FolderReport, Progress};
use crate::mail::mailbox::{Arrival, LineEnds, Mailboxes, MovingIn, Origin};
use crate::model::account::User;
use crate::model::mailbox::Flags;
use crate::model::refusal::Refusal;
use crate::store::maildir::FileName;
use crate::wire::imap::answer::{Answer, Code, Fetched, Listed};
use connection::{Heard, Part, Session};
use folders::{Choice, Wanted, choose};

pub use connection::{Failure, Login, Server, Tls};

/// Messages that are asked for together.
const CHUNK: usize = 50;
/// How often a folder is begun again, without a message in between, when the connection breaks.
const ATTEMPTS: u32 = 5;
/// The most names of keywords of a folder.
const MAX_KEYWORDS: usize = 1_000;

/// An account elsewhere.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where.
    pub server: Server,
    /// Who.
    pub login: Login,
    /// The folders to copy, as they are called there; none: all of the user's own.
    pub folders: Vec<String>,
}

impl Account {
    /// Always the same, whatever the password and however the connection is secured.
    fn source(&self, folder: &[u8]) -> String {
        let (Login::Password(user, _) | Login::Token(user, _)) = &self.login;
        let folder = String::from_utf8_lossy(folder);
        format!("imap://{user}@{}/{folder}", self.server.host.to_lowercase())
    }
}

/// Copies what is new there; a report for each folder.
pub async fn bring(mailboxes: &Mailboxes, user: &User, account: &Account, progress: &dyn Progress) -> Result<Vec<FolderReport>, Failure> {
    let mut copy = Copy {
        mailboxes,
        user,
        account,
        progress,
        session: None,
    };
    let (choice, subscribed) = copy.look().await?;
    let mut reports = Vec::new();
    for (folder, reason) in choice.left {
        reports.push(FolderReport {
            folder,
            problems: vec![reason],
            ..FolderReport::default()
        });
    }
    for wanted in &choice.wanted {
        reports.push(copy.folder(wanted).await?);
        if subscribed.contains(&wanted.raw) {
            mailboxes.subscribe(user, &wanted.name, true).await?;
        }
    }
    if let Some(session) = copy.session {
        session.log_out().await;
    }
    Ok(reports)
}

/// A copy under way.
struct Copy<'c> {
    mailboxes: &'c Mailboxes,
    user: &'c User,
    account: &'c Account,
    progress: &'c dyn Progress,
    session: Option<Session>,
}

/// What the server says of a folder.
#[derive(Default)]
struct Opened {
    uidvalidity: u32,
    uid_next: u32,
    messages: Vec<There>,
    keywords: Vec<String>,
}

/// A message there.
struct There {
    uid: u32,
    flags: Flags,
    /// By their number in the list of names.
    keywords: Vec<usize>,
    date: Timestamp,
    size: u64,
}

/// A message that is to be fetched, and what it is here.
struct Order {
    uid: u32,
    name: FileName,
    flags: Flags,
    date: Timestamp,
}

impl Copy<'_> {
    async fn session(&mut self) -> Result<&mut Session, Failure> {
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.account.server, &self.account.login).await?,
        };
        Ok(self.session.insert(session))
    }

    /// The folders to copy, and the raw names of those that are subscribed to.
    async fn look(&mut self) -> Result<(Choice, HashSet<Vec<u8>>), Failure> {
        let ours = self.mailboxes.list(self.user).await?;
        let only = &self.account.folders;
        let session = self.session().await?;
        let namespaces = match session.can("NAMESPACE") {
            true => session.run(&[Part::Text("NAMESPACE")]).await?,
            false => Vec::new(),
        };
        let namespaces = namespaces.into_iter().find_map(|answer| match answer {
            Answer::Namespaces(found) => Some(found),
            _ => None,
        });
        let command = match session.can("SPECIAL-USE") && session.can("LIST-EXTENDED") {
            // RFC 6154 §3: else a server need not say what folders are for.
            true => "LIST \"\" \"*\" RETURN (SPECIAL-USE)",
            false => "LIST \"\" \"*\"",
        };
        let listed: Vec<Listed> = session.run(&[Part::Text(command)]).await?.into_iter().filter_map(list).collect();
        let subscribed = session.run(&[Part::Text("LSUB \"\" \"*\"")]).await;
        let subscribed = match subscribed {
            Ok(answers) => answers.into_iter().filter_map(list).map(|folder| folder.raw).collect(),
            // RFC 9051 has no LSUB any more.
            Err(Failure::Refused(_)) => HashSet::new(),
            Err(failure) => return Err(failure),
        };
        let mut choice = choose(&listed, &namespaces.unwrap_or_default(), only, &ours);
        for name in only
            .iter()
            .filter(|name| listed.iter().all(|folder| folder.name != **name && folder.raw != name.as_bytes()))
        {
            choice.left.push((name.clone(), "there is no such folder".into()));
        }
        Ok((choice, subscribed))
    }

    /// Copies a folder; when the connection breaks, goes on over another.
    async fn folder(&mut self, wanted: &Wanted) -> Result<FolderReport, Failure> {
        let mut report = FolderReport::new(wanted.shown.clone(), &wanted.name);
        let mut attempts = 0;
        loop {
            let before = report.added;
            match self.try_folder(wanted, &mut report).await {
                Ok(()) => return Ok(report),
                Err(Failure::Refused(text)) => {
                    report.fail(format!("the server answered: {text}"));
                    return Ok(report);
                }
                Err(Failure::Broken(text)) => {
                    attempts = if report.added > before { 1 } else { attempts + 1 };
                    if attempts >= ATTEMPTS {
                        return Err(Failure::Broken(text));
                    }
                    tracing::warn!(folder = %wanted.shown, error = %text, "it is tried again");
                    self.session = None;
                    tokio::time::sleep(Duration::from_secs(1 << attempts)).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn try_folder(&mut self, wanted: &Wanted, report: &mut FolderReport) -> Result<(), Failure> {
        let source = self.account.source(&wanted.raw);
        let opened = open(self.session().await?, &wanted.raw).await?;
        let origin = Origin {
            source: source.clone(),
            uidvalidity: opened.uidvalidity,
            uid_next: opened.uid_next,
        };
        let mut moving = self.mailboxes.moving_in(self.user, &wanted.name, &origin).await?;
        let flags = keywords(&opened, &moving, report).await?;
        report.messages = opened.messages.len() as u64;
        let (orders, known) = sort(&opened, &moving, (&source, &flags, report));
        self.progress.begin(&wanted.shown, Extent::Messages(report.messages));
        self.progress.advance(report.messages.saturating_sub(orders.len() as u64));
        report.updated = report.updated.saturating_add(moving.follow_flags(&known).await?);
        for chunk in orders.chunks(CHUNK) {
            self.chunk(&mut moving, chunk, report).await?;
            self.progress.advance(chunk.len() as u64);
        }
        Ok(moving.finish(opened.messages.last().map(|message| message.uid)).await?)
    }

    /// Fetches some messages; those that did not come once more, each alone.
    async fn chunk(&mut self, moving: &mut MovingIn, orders: &[Order], report: &mut FolderReport) -> Result<(), Failure> {
        let (missing, _) = self.fetch(moving, orders, report).await?;
        for order in orders.iter().filter(|order| missing.contains(&order.uid)) {
            let (missing, reason) = self.fetch(moving, std::slice::from_ref(order), report).await?;
            if !missing.is_empty() {
                let reason = reason.unwrap_or_else(|| "the server does not give it".into());
                report.fail(format!("the message with the UID {}: {reason}", order.uid));
                moving.note_failed(order.uid);
            }
        }
        Ok(())
    }

    /// Fetches messages in one command, and enters what comes; which did not, and why if the server says so.
    async fn fetch(
        &mut self,
        moving: &mut MovingIn,
        orders: &[Order],
        report: &mut FolderReport,
    ) -> Result<(Vec<u32>, Option<String>), Failure> {
        let mut missing: BTreeMap<u32, &Order> = orders.iter().map(|order| (order.uid, order)).collect();
        let set: Vec<String> = missing.keys().map(u32::to_string).collect();
        let command = format!("UID FETCH {} (UID BODY.PEEK[])", set.join(","));
        let mailboxes = self.mailboxes;
        let session = self.session().await?;
        let mut arrivals = Vec::new();
        session.begin(&[Part::Text(&command)]).await?;
        let end = loop {
            match session.next(Some(mailboxes)).await {
                Ok(Some(heard)) => {
                    if let Some((order, heard)) = asked(heard, &mut missing) {
                        arrivals.extend(store(mailboxes, moving, (order, heard), report).await?);
                    }
                }
                Ok(None) => break Ok(None),
                Err(Failure::Refused(text)) => break Ok(Some(text)),
                Err(failure) => break Err(failure),
            }
        };
        // What came is kept, also if the connection broke; what did not is to be asked for the next time.
        missing.keys().for_each(|&uid| moving.note_failed(uid));
        let count = arrivals.len();
        let kept = moving.enter(arrivals).await?;
        report.added = report.added.saturating_add(count as u64);
        report.renumbered = report.renumbered.saturating_add(count.saturating_sub(kept) as u64);
        Ok((missing.into_keys().collect(), end?))
    }
}

fn list(answer: Answer) -> Option<Listed> {
    match answer {
        Answer::List(listed) | Answer::Subscribed(listed) => Some(listed),
        _ => None,
    }
}

/// The order that an answer fulfils.
fn asked<'o>(heard: Heard, missing: &mut BTreeMap<u32, &'o Order>) -> Option<(&'o Order, Heard)> {
    let Answer::Fetch(Fetched {
        uid: Some(uid),
        has_body: true,
        ..
    }) = &heard.answer
    else {
        return None;
    };
    missing.remove(uid).map(|order| (order, heard))
}

/// Stores a message; none if it cannot be, which is told.
async fn store(
    mailboxes: &Mailboxes,
    moving: &mut MovingIn,
    (order, heard): (&Order, Heard),
    report: &mut FolderReport,
) -> Result<Option<Arrival>, Failure> {
    // A message without octets comes as an empty string.
    let draft = heard.body.unwrap_or_else(|| Ok(mailboxes.draft(LineEnds::Mended)));
    let stored = match draft {
        Ok(draft) => {
            moving
                .store(draft, Some(order.uid), (order.name.clone(), order.flags, order.date))
                .await
        }
        Err(refusal) => Err(refusal),
    };
    match stored {
        Ok(arrival) => Ok(Some(arrival)),
        Err(refusal) if refusal.is_of_the_house() => Err(refusal.into()),
        Err(refusal) => {
            report.fail(format!("the message with the UID {}: {refusal}", order.uid));
            moving.note_failed(order.uid);
            Ok(None)
        }
    }
}

/// Opens a folder to read (RFC 3501 §6.3.2) and lists its messages.
async fn open(session: &mut Session, raw: &[u8]) -> Result<Opened, Failure> {
    let mut opened = Opened::default();
    let mut count = 0;
    for answer in session.run(&[Part::Text("EXAMINE "), Part::Octets(raw)]).await? {
        match answer {
            Answer::Exists(exists) => count = exists,
            Answer::Status(status) => match status.code {
                Code::UidValidity(uidvalidity) => opened.uidvalidity = uidvalidity,
                Code::UidNext(uid_next) => opened.uid_next = uid_next,
                _ => {}
            },
            _ => {}
        }
    }
    if count > 0 {
        session
            .begin(&[Part::Text("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")])
            .await?;
        while let Some(heard) = session.next(None).await? {
            if let Answer::Fetch(fetched) = heard.answer {
                opened.take(fetched);
            }
        }
    }
    opened.messages.sort_by_key(|message| message.uid);
    opened.messages.dedup_by_key(|message| message.uid);
    let last = opened.messages.last().map_or(0, |message| message.uid);
    opened.uid_next = opened.uid_next.max(last.saturating_add(1));
    Ok(opened)
}

impl Opened {
    fn take(&mut self, fetched: Fetched) {
        let (Some(uid), Some(flags)) = (fetched.uid.filter(|&uid| uid > 0), fetched.flags) else {
            return;
        };
        let mut keywords = Vec::new();
        for name in fetched.keywords {
            let known = self.keywords.iter().position(|known| known.eq_ignore_ascii_case(&name));
            let number = known.unwrap_or(self.keywords.len());
            if known.is_none() {
                if self.keywords.len() >= MAX_KEYWORDS {
                    continue;
                }
                self.keywords.push(name);
            }
            keywords.push(number);
        }
        self.messages.push(There {
            uid,
            flags,
            keywords,
            date: fetched.date.unwrap_or(Timestamp::UNIX_EPOCH),
            size: fetched.size.unwrap_or(0),
        });
    }
}

/// The bits that the keywords have here, in the order of their names.
async fn keywords(opened: &Opened, moving: &MovingIn, report: &mut FolderReport) -> Result<Vec<Flags>, Refusal> {
    let mut flags = Vec::with_capacity(opened.keywords.len());
    for name in &opened.keywords {
        let flag = moving.keyword(name).await?;
        if flag.is_none() {
            report.note(format!("the keyword {name} is left out: the mailbox has 26 others"));
        }
        flags.push(flag.unwrap_or(Flags::NONE));
    }
    Ok(flags)
}

/// What is to be fetched, and what is here already with the flags that it has there.
fn sort(
    opened: &Opened,
    moving: &MovingIn,
    (source, keywords, report): (&str, &[Flags], &mut FolderReport),
) -> (Vec<Order>, Vec<(FileName, Flags)>) {
    let digest = Sha256::digest(source.as_bytes());
    let digest: String = digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
    let (mut orders, mut known) = (Vec::new(), Vec::new());
    let alike = moving.alike();
    report.removed = 0;
    let mut here = 0_u64;
    for message in &opened.messages {
        let base = format!("{}.{digest}V{}U{}", message.date.as_second(), opened.uidvalidity, message.uid);
        let Some(name) = FileName::imported(&base) else { continue };
        let named = message.keywords.iter().filter_map(|&number| keywords.get(number));
        let flags = named.fold(message.flags, |flags, flag| flags.with(*flag));
        if moving.has(&name) {
            here = here.saturating_add(1);
            known.push((name, flags));
        } else if moving.was_brought(message.uid) {
            report.removed = report.removed.saturating_add(1);
        } else if alike.contains(&(message.size, message.date.as_second())) {
            here = here.saturating_add(1);
        } else {
            orders.push(Order {
                uid: message.uid,
                name,
                flags,
                date: message.date,
            });
        }
    }
    // Those of an attempt before are not counted twice.
    report.known = here.saturating_sub(report.added);
    (orders, known)
}
