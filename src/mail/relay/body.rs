//! The octets of a queued message: read in portions off the network threads; converted for a server that takes 7 bits only.

use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::wire::message::downgrade::{NotConvertible, to_seven_bits};

/// How much is read at a time.
const PORTION: usize = 65_536;
/// How many KiB of messages are held converted at a time. A message that is larger by itself is not converted.
const MOST_CONVERTED: u32 = 65_536;

/// The memory that is left for conversions, in KiB.
static ROOM: Semaphore = Semaphore::const_new(MOST_CONVERTED as usize);

/// The content of a message.
pub(in crate::mail) struct Body {
    file: File,
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
    /// Opens the file.
    pub(in crate::mail) async fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(PORTION);
        Ok(Self {
            file,
            portion: Vec::new(),
            converted: None,
        })
    }

    /// Goes back to the begin.
    pub(super) async fn rewind(&mut self) -> std::io::Result<()> {
        if let Some(converted) = &mut self.converted {
            converted.at = 0;
        }
        self.file.rewind().await.map(drop)
    }

    /// The next portion; empty at the end.
    pub(in crate::mail) async fn next(&mut self) -> std::io::Result<&[u8]> {
        if let Some(Converted { octets, at, .. }) = &mut self.converted {
            let rest = octets.get(*at..).unwrap_or_default();
            let portion = rest.get(..PORTION).unwrap_or(rest);
            *at = at.saturating_add(portion.len());
            return Ok(portion);
        }
        self.portion.clear();
        self.portion.reserve(PORTION);
        self.file.read_buf(&mut self.portion).await?;
        Ok(&self.portion)
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
        (&mut self.file).take(size).read_to_end(&mut octets).await?;
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
        self.rewind().await?;
        let is_ascii = loop {
            let portion = self.next().await?;
            if portion.is_empty() || !portion.is_ascii() {
                break portion.is_empty();
            }
        };
        self.rewind().await?;
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
        self.rewind().await?;
        Ok(!header.is_ascii())
    }
}
