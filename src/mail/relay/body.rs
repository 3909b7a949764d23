//! The octets of a queued message: read in portions off the network threads.

use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How much is read at a time.
const PORTION: usize = 65_536;

/// The file of a message.
pub(in crate::mail) struct Body {
    file: File,
    portion: Vec<u8>,
}

impl Body {
    /// Opens the file.
    pub(in crate::mail) async fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(PORTION);
        Ok(Self { file, portion: Vec::new() })
    }

    /// Goes back to the begin.
    pub(super) async fn rewind(&mut self) -> std::io::Result<()> {
        self.file.rewind().await.map(drop)
    }

    /// The next portion; empty at the end.
    pub(in crate::mail) async fn next(&mut self) -> std::io::Result<&[u8]> {
        self.portion.clear();
        self.portion.reserve(PORTION);
        self.file.read_buf(&mut self.portion).await?;
        Ok(&self.portion)
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
