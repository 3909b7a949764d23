//! Mailboxes of many messages in one file (RFC 4155 and its relatives).

use std::collections::HashMap;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, BufReader};

use super::{BATCH, Extent, FolderReport, Progress};
use crate::mail::mailbox::{Arrival, Draft, LineEnds, Mailboxes, MovingIn, Origin};
use crate::model::account::User;
use crate::model::mailbox::{Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::store::maildir::FileName;
use crate::wire::mbox::{Piece, Splitter, State, state};
use crate::wire::message::header::{Fields, sent_at};

pub use crate::wire::mbox::Dialect;

/// How much of a file is read at a time; a longer line comes in parts.
const PORTION: usize = 1 << 18;
/// The most octets of a header: what follows is taken as the body.
const MAX_HEADER: usize = 1 << 20;

/// Brings the messages of a file into a mailbox. Errors: Invalid (the file cannot be read, or is no mbox).
pub async fn bring(
    mailboxes: &Mailboxes,
    (user, mailbox): (&User, &MailboxName),
    (path, dialect): (&Path, Dialect),
    progress: &dyn Progress,
) -> Result<FolderReport, Refusal> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let origin = Origin {
        source: format!("mbox:{}", absolute.display()),
        uidvalidity: 0,
        uid_next: 1,
    };
    let reader = Reader::open(path.to_owned(), dialect).await?;
    let moving = mailboxes.moving_in(user, mailbox, &origin).await?;
    progress.begin(&path.display().to_string(), Extent::Octets(reader.length));
    let bringing = Bringing {
        mailboxes,
        moving,
        progress,
        arrivals: Vec::new(),
        same: HashMap::new(),
        report: FolderReport::new(path.display().to_string(), mailbox),
    };
    bringing.run(reader).await
}

/// A file, line by line.
struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    /// How many octets were read.
    at: u64,
    length: u64,
    dialect: Dialect,
    splitter: Splitter,
    /// The body under way, or the message's rest, goes to here.
    body_end: u64,
}

impl Reader {
    async fn open(path: PathBuf, dialect: Dialect) -> Result<Self, Refusal> {
        let open = async {
            let file = File::open(&path).await?;
            let length = file.metadata().await?.len();
            Ok((file, length))
        };
        let (file, length) = open.await.map_err(|error| unreadable(&path, &error))?;
        Ok(Self {
            file: BufReader::with_capacity(PORTION, file),
            path,
            at: 0,
            length,
            dialect,
            splitter: Splitter::new(dialect),
            body_end: 0,
        })
    }

    /// The next line, or a part of it; empty at the end of the file.
    async fn line(&mut self, line: &mut Vec<u8>) -> Result<(), Refusal> {
        line.clear();
        while line.len() < PORTION && !line.ends_with(b"\n") {
            let read = self.file.fill_buf().await;
            let octets = read.map_err(|error| unreadable(&self.path, &error))?;
            if octets.is_empty() {
                break;
            }
            let count = memchr::memchr(b'\n', octets).map_or(octets.len(), |at| at.saturating_add(1));
            line.extend_from_slice(octets.get(..count).unwrap_or_default());
            self.file.consume(count);
            self.at = self.at.saturating_add(count as u64);
        }
        Ok(())
    }

    /// Believes in the length of a body that begins here, if a message begins behind it, or the file ends.
    async fn expect(&mut self, length: u64) -> Result<(), Refusal> {
        let end = self.at.saturating_add(length);
        if end > self.length {
            return Ok(());
        }
        let mut behind = Vec::new();
        let look = async {
            let mut file = File::open(&self.path).await?;
            file.seek(SeekFrom::Start(end)).await?;
            file.take(8).read_to_end(&mut behind).await
        };
        look.await.map_err(|error| unreadable(&self.path, &error))?;
        let rest = behind.trim_ascii_start();
        if rest.is_empty() || rest.starts_with(b"From ") {
            self.body_end = end;
        }
        Ok(())
    }
}

/// A message under way.
struct Message {
    draft: Result<Draft, Refusal>,
    digest: Sha256,
    date: Option<Timestamp>,
    state: State,
    /// The header so far; none once it is over.
    header: Option<Vec<u8>>,
}

impl Message {
    async fn write(&mut self, octets: &[u8]) {
        self.digest.update(octets);
        if let Ok(draft) = &mut self.draft
            && let Err(refusal) = draft.write(octets).await
        {
            self.draft = Err(refusal);
        }
    }

    /// The header is over.
    async fn end_header(&mut self, dialect: Dialect) {
        if let Some(header) = self.header.take() {
            let (state, kept) = state(&header, dialect);
            self.date = self.date.or_else(|| sent(&kept));
            self.state = state;
            self.write(&kept).await;
        }
    }
}

/// The messages of a file on their way.
struct Bringing<'b> {
    mailboxes: &'b Mailboxes,
    moving: MovingIn,
    progress: &'b dyn Progress,
    arrivals: Vec<Arrival>,
    /// How often the same message came.
    same: HashMap<String, u32>,
    report: FolderReport,
}

impl Bringing<'_> {
    async fn run(mut self, mut reader: Reader) -> Result<FolderReport, Refusal> {
        let mut message: Option<Message> = None;
        let mut line = Vec::new();
        loop {
            let begin = reader.at;
            reader.line(&mut line).await?;
            if line.is_empty() {
                break;
            }
            self.progress.advance(reader.at.saturating_sub(begin));
            match (reader.splitter.take(&line, begin < reader.body_end), &mut message) {
                (Piece::Begin(date), _) => {
                    self.end(message.take(), reader.dialect).await?;
                    message = Some(self.begin(date));
                }
                (Piece::Content(octets), Some(message)) => content(message, octets, reader.dialect).await,
                (Piece::AfterEmptyLine(octets), Some(message)) => {
                    message.write(b"\n").await;
                    content(message, octets, reader.dialect).await;
                }
                (Piece::Nothing, Some(message)) if message.header.is_some() => {
                    message.end_header(reader.dialect).await;
                    if let Some(length) = message.state.length.filter(|_| reader.dialect.has_lengths()) {
                        reader.expect(length).await?;
                    }
                }
                _ => {}
            }
        }
        if !reader.splitter.has_begun() && reader.length > 0 {
            return Err(Refusal::Invalid {
                field: "file",
                problem: format!(
                    "{} is no mbox: it should begin with a line such as 'From a@b Thu Jan  1 00:00:00 1970'",
                    reader.path.display()
                ),
            });
        }
        self.end(message.take(), reader.dialect).await?;
        self.enter().await?;
        self.moving.finish(None).await?;
        Ok(self.report)
    }

    fn begin(&mut self, date: Option<Timestamp>) -> Message {
        Message {
            draft: Ok(self.mailboxes.draft(LineEnds::Mended)),
            digest: Sha256::new(),
            date,
            state: State::default(),
            header: Some(Vec::new()),
        }
    }

    /// Stores a message that is whole.
    async fn end(&mut self, message: Option<Message>, dialect: Dialect) -> Result<(), Refusal> {
        let Some(mut message) = message else { return Ok(()) };
        message.end_header(dialect).await;
        if message.state.is_none {
            return Ok(());
        }
        self.report.messages = self.report.messages.saturating_add(1);
        let digest: String = message
            .digest
            .finalize()
            .iter()
            .take(16)
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let copies = self.same.entry(digest.clone()).or_default();
        *copies = copies.saturating_add(1);
        let date = message.date.unwrap_or(Timestamp::UNIX_EPOCH);
        let name = FileName::imported(&format!("{}.{digest}N{copies}", date.as_second())).ok_or(Refusal::LATER)?;
        if self.moving.has(&name) {
            self.report.known = self.report.known.saturating_add(1);
            return Ok(());
        }
        let flags = self.flags(&message.state).await?;
        let stored = match message.draft {
            Ok(draft) => self.moving.store(draft, None, (name, flags, date)).await,
            Err(refusal) => Err(refusal),
        };
        match stored {
            Ok(arrival) => self.arrivals.push(arrival),
            Err(refusal) if refusal.is_of_the_house() => return Err(refusal),
            Err(refusal) => self.report.fail(format!("message {}: {refusal}", self.report.messages)),
        }
        if self.arrivals.len() >= BATCH { self.enter().await } else { Ok(()) }
    }

    async fn flags(&mut self, state: &State) -> Result<Flags, Refusal> {
        let mut flags = state.flags;
        for name in &state.keywords {
            match self.moving.keyword(name).await? {
                Some(flag) => flags = flags.with(flag),
                None => self
                    .report
                    .note(format!("the keyword {name} is left out: the mailbox has 26 others")),
            }
        }
        Ok(flags)
    }

    async fn enter(&mut self) -> Result<(), Refusal> {
        let arrivals = std::mem::take(&mut self.arrivals);
        let count = arrivals.len() as u64;
        self.moving.enter(arrivals).await?;
        self.report.added = self.report.added.saturating_add(count);
        Ok(())
    }
}

/// Octets of the header or the body.
async fn content(message: &mut Message, octets: &[u8], dialect: Dialect) {
    match &mut message.header {
        Some(header) if header.len().saturating_add(octets.len()) <= MAX_HEADER => header.extend_from_slice(octets),
        Some(_) => {
            message.end_header(dialect).await;
            message.write(octets).await;
        }
        None => message.write(octets).await,
    }
}

/// The Date field, for what the file has no time of.
fn sent(header: &[u8]) -> Option<Timestamp> {
    Fields::new(header)
        .find(|field| field.is("Date"))
        .and_then(|field| sent_at(field.value))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::Invalid {
        field: "file",
        problem: format!("{} cannot be read: {error}", path.display()),
    }
}
