//! The octets of a queued message: read in portions off the network threads; converted for a server that takes 7 bits only.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::mail::queue::Content;
use crate::wire::message::downgrade::{NotConvertible, to_seven_bits};

/// How much is read at a time.
const PORTION: usize = 65_536;
/// How many KiB of messages are held converted at a time. A message that is larger by itself is not converted.
const MOST_CONVERTED: u32 = 65_536;

/// The memory that is left for conversions, in KiB.
static ROOM: Semaphore = Semaphore::const_new(MOST_CONVERTED as usize);

/// The content of a message.
pub(in crate::mail) struct Body {
    /// The first portion, which is read with the opening: of most messages there is no other.
    begin: Bytes,
    /// Absent where the begin is all.
    file: Option<Arc<File>>,
    /// How much was given out.
    at: u64,
    portion: Vec<u8>,
    /// Stands for the file once it is there.
    converted: Option<Converted>,
}

struct Converted {
    octets: Vec<u8>,
    /// How much of it was given out.
    at: usize,
    _room: SemaphorePermit<'static>,
}

/// Why a message is not in 7 bits.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSevenBits {
    #[error("{0}")]
    NotConvertible(#[from] NotConvertible),
    #[error("it is too large to be converted")]
    TooLarge,
    /// Others are being converted.
    #[error("too many messages are being converted")]
    Busy,
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
}

impl Body {
    /// Opens a message.
    pub(in crate::mail) async fn open(content: &Content) -> io::Result<Self> {
        let (begin, file) = match content {
            Content::Octets(octets) => (octets.clone(), None),
            Content::File(path) => Self::read_begin(path.clone()).await?,
        };
        Ok(Self {
            begin,
            file,
            at: 0,
            portion: Vec::new(),
            converted: None,
        })
    }

    /// The first portion of a file, and the file if there is more.
    async fn read_begin(path: PathBuf) -> io::Result<(Bytes, Option<Arc<File>>)> {
        off_the_network(move || {
            let file = File::open(path)?;
            let mut begin = Vec::new();
            (&file).take(PORTION as u64).read_to_end(&mut begin)?;
            let is_all = begin.len() < PORTION;
            Ok((begin.into(), (!is_all).then(|| Arc::new(file))))
        })
        .await
    }

    /// Goes back to the begin.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
        if let Some(converted) = &mut self.converted {
            converted.at = 0;
        }
    }

    /// The next portion; empty at the end.
    pub(in crate::mail) async fn next(&mut self) -> std::io::Result<&[u8]> {
        if let Some(Converted { octets, at, .. }) = &mut self.converted {
            let rest = octets.get(*at..).unwrap_or_default();
            let portion = rest.get(..PORTION).unwrap_or(rest);
            *at = at.saturating_add(portion.len());
            return Ok(portion);
        }
        if self.at == 0 {
            self.at = self.begin.len() as u64;
            return Ok(&self.begin);
        }
        let Some(file) = &self.file else { return Ok(&[]) };
        let (file, at, mut portion) = (Arc::clone(file), self.at, std::mem::take(&mut self.portion));
        self.portion = off_the_network(move || {
            portion.resize(PORTION, 0);
            let count = read_at(&file, &mut portion, at)?;
            portion.truncate(count);
            Ok(portion)
        })
        .await?;
        self.at = self.at.saturating_add(self.portion.len() as u64);
        Ok(&self.portion)
    }

    /// All of it, if it is not more than `most` octets; else goes back to the begin.
    pub(super) async fn whole(&mut self, most: u64) -> std::io::Result<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        loop {
            let portion = self.next().await?;
            if portion.is_empty() {
                return Ok(Some(whole));
            }
            whole.extend_from_slice(portion);
            if whole.len() as u64 > most {
                self.rewind();
                return Ok(None);
            }
        }
    }

    /// How many octets it has, if it was converted.
    pub(super) fn converted_size(&self) -> Option<u64> {
        self.converted.as_ref().map(|converted| converted.octets.len() as u64)
    }

    /// Makes it a message of 7 bits, if it is not one (RFC 6152 §3). Goes back to the begin.
    pub(super) async fn make_seven_bits(&mut self, size: u64) -> Result<(), NotSevenBits> {
        if self.converted.is_some() || self.is_ascii().await? {
            return Ok(());
        }
        let room = u32::try_from(size / 1024 + 1).unwrap_or(u32::MAX);
        if room > MOST_CONVERTED {
            return Err(NotSevenBits::TooLarge);
        }
        let room = ROOM.try_acquire_many(room).map_err(|_| NotSevenBits::Busy)?;
        let mut octets = Vec::new();
        while let portion = self.next().await?
            && !portion.is_empty()
        {
            octets.extend_from_slice(portion);
        }
        let work = tokio::task::spawn_blocking(move || to_seven_bits(&octets));
        let octets = work.await.map_err(std::io::Error::other)??;
        self.converted = Some(Converted {
            octets,
            at: 0,
            _room: room,
        });
        Ok(())
    }

    async fn is_ascii(&mut self) -> std::io::Result<bool> {
        self.rewind();
        let is_ascii = loop {
            let portion = self.next().await?;
            if portion.is_empty() || !portion.is_ascii() {
                break portion.is_empty();
            }
        };
        self.rewind();
        Ok(is_ascii)
    }

    /// The header, with the CRLF of its last line but without the empty line; at most about so many octets of it.
    pub(in crate::mail) async fn header(&mut self, most: usize) -> std::io::Result<Vec<u8>> {
        let mut header = Vec::new();
        loop {
            let portion = self.next().await?;
            let is_last = portion.is_empty();
            // The end may lie across two portions.
            let from = header.len().saturating_sub(3);
            header.extend_from_slice(portion);
            let end = header
                .get(from..)
                .and_then(|tail| tail.windows(4).position(|four| four == b"\r\n\r\n"));
            if let Some(end) = end {
                header.truncate(from + end + 2);
                return Ok(header);
            }
            if is_last || header.len() >= most {
                header.truncate(most);
                return Ok(header);
            }
        }
    }

    /// Whether the header has octets outside of ASCII, as far as the first portion goes. Goes back to the begin.
    pub(super) async fn has_utf8_header(&mut self) -> std::io::Result<bool> {
        let header = self.header(PORTION).await?;
        self.rewind();
        Ok(!header.is_ascii())
    }
}

/// Fills the portion, but for the end of the file.
fn read_at(file: &File, portion: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = portion.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

async fn off_the_network<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
