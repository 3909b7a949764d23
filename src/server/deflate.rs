//! A connection whose octets are compressed both ways (RFC 4978 §3, RFC 1951).
//!
//! It holds the two states of the algorithm, some hundred kilobytes together, and at most a piece of compressed octets each way: what a
//! peer sends is inflated no faster than it is asked for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read, inflated and compressed at a time.
const PIECE: usize = 16 * 1024;

/// Mail is mostly text: a low level takes off nearly as much as a high one (RFC 4978 §4).
const LEVEL: Compression = Compression::new(3);

/// A compressed connection over another.
pub(super) struct Deflate<S> {
    inner: S,
    inflate: Decompress,
    deflate: Compress,
    /// What came and is not inflated yet.
    came: BytesMut,
    /// Whether there may be more to inflate without anything more that came.
    is_full: bool,
    /// What is compressed and not sent yet.
    leaving: Vec<u8>,
    /// How many octets of that are sent.
    sent: usize,
    /// Whether the peer cannot read all of what was written so far.
    unflushed: bool,
}

impl<S> Deflate<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            inflate: Decompress::new(false),
            deflate: Compress::new(LEVEL, false),
            came: BytesMut::new(),
            is_full: false,
            leaving: Vec::new(),
            sent: 0,
            unflushed: false,
        }
    }

    /// What lies below.
    pub(super) fn inner(&self) -> &S {
        &self.inner
    }

    /// Inflates what came; how many octets it gave. None: the peer has ended its stream.
    fn inflate(&mut self, into: &mut ReadBuf<'_>) -> io::Result<Option<usize>> {
        let room = into.remaining().min(PIECE);
        let room = into.initialize_unfilled_to(room);
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(&self.came, room, FlushDecompress::None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let taken = to_length(self.inflate.total_in(), before_in).min(self.came.len());
        let given = to_length(self.inflate.total_out(), before_out);
        self.is_full = given == room.len();
        self.came.advance(taken);
        into.advance(given);
        if given == 0 && status == Status::StreamEnd {
            return Ok(None);
        }
        Ok(Some(given))
    }

    /// Compresses octets, all of them.
    fn compress(&mut self, mut octets: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            self.leaving.reserve(PIECE / 4);
            let before = self.deflate.total_in();
            self.deflate
                .compress_vec(octets, &mut self.leaving, flush)
                .map_err(|error| io::Error::other(error.to_string()))?;
            let taken = to_length(self.deflate.total_in(), before);
            octets = octets.get(taken..).unwrap_or_default();
            if octets.is_empty() && self.leaving.len() < self.leaving.capacity() {
                return Ok(());
            }
        }
    }
}

fn to_length(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

impl<S: AsyncWrite + Unpin> Deflate<S> {
    /// Sends what is compressed.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.leaving.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(context, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent = self.sent.saturating_add(sent);
        }
        // Given back, so that a connection that waits holds no more than it must.
        (self.leaving, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deflate<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.came.is_empty() || this.is_full {
                match this.inflate(into)? {
                    Some(0) => {}
                    Some(_) | None => return Poll::Ready(Ok(())),
                }
            }
            this.came = BytesMut::new();
            let mut room = [std::mem::MaybeUninit::<u8>::uninit(); PIECE];
            let mut read = ReadBuf::uninit(&mut room);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.came.extend_from_slice(read.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deflate<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.leaving.len() >= PIECE {
            ready!(this.poll_send(context))?;
        }
        let piece = octets.get(..PIECE).unwrap_or(octets);
        this.compress(piece, FlushCompress::None)?;
        this.unflushed = true;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unflushed {
            // The peer waits for these octets: all of them must be readable, the next ones may be compressed with them in mind.
            this.compress(&[], FlushCompress::Sync)?;
            this.unflushed = false;
        }
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_is_flushed_can_be_read() {
        let (here, there) = duplex(1000);
        let (mut here, mut there) = (Deflate::new(here), Deflate::new(there));
        for text in ["* OK one\r\n", "* OK two\r\n"] {
            here.write_all(text.as_bytes()).await.unwrap();
            here.flush().await.unwrap();
            let mut read = vec![0; text.len()];
            there.read_exact(&mut read).await.unwrap();
            assert_eq!(read, text.as_bytes());
        }
    }

    #[tokio::test]
    async fn much_goes_through_a_narrow_way() {
        let (here, there) = duplex(500);
        let (mut here, mut there) = (Deflate::new(here), Deflate::new(there));
        let much: Vec<u8> = (0..400_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 17) as u8 & (n >> 12) as u8)
            .collect();
        let sent = much.clone();
        let sender = tokio::spawn(async move {
            here.write_all(&sent).await.unwrap();
            here.shutdown().await.unwrap();
        });
        let mut read = Vec::new();
        there.read_to_end(&mut read).await.unwrap();
        sender.await.unwrap();
        assert!(read == much);
    }

    #[tokio::test]
    async fn noise_is_an_error_and_little_can_become_much_only_as_it_is_asked_for() {
        let (mut here, there) = duplex(100_000);
        let mut there = Deflate::new(there);
        let mut bomb = Vec::with_capacity(100_000);
        Compress::new(Compression::best(), false)
            .compress_vec(&vec![0; 10_000_000], &mut bomb, FlushCompress::Sync)
            .unwrap();
        here.write_all(&bomb).await.unwrap();
        let mut read = vec![1; 1_000_000];
        let count = there.read(&mut read).await.unwrap();
        assert!(count <= PIECE && there.came.len() <= PIECE);
        let (mut here, there) = duplex(1000);
        let mut there = Deflate::new(there);
        here.write_all(b"a NOOP\r\n").await.unwrap();
        drop(here);
        assert!(there.read(&mut read).await.is_err());
    }
}
