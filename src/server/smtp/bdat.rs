//! BDAT: a message in chunks of known size (RFC 3030 §2). Its line ends are held to the same rule as those of DATA.

use bytes::Buf;

use super::body::Body;
use super::session::Session;
use super::stage::{Envelope, Hello, Next, Stage};
use crate::server::pace::Pace;
use crate::server::stream::Gone;
use crate::wire::smtp::body::ChunkChecker;
use crate::wire::smtp::command::Chunk;
use crate::wire::smtp::reply;

/// The message so far: its body, the line ends over the borders of the chunks, and the time for all of them.
pub(super) struct Chunked {
    body: Body,
    checker: ChunkChecker,
    pace: Pace,
}

/// What became of octets that nobody wants.
pub(super) enum Swallowed {
    /// They are read and gone.
    All,
    /// They are too many to read.
    Never,
}

impl Session {
    /// The first chunk begins the body.
    pub(super) async fn first_chunk(&mut self, hello: Hello, envelope: Envelope, chunk: Chunk) -> Result<(Stage, Next), Gone> {
        let chunked = Box::new(Chunked {
            body: Body::begin(&self.door.intake, self.door.settings.max_received),
            checker: ChunkChecker::default(),
            pace: self.pace(),
        });
        self.further_chunk(hello, envelope, chunked, chunk).await
    }

    /// Reads a chunk; hands the message in after the last.
    pub(super) async fn further_chunk(
        &mut self,
        hello: Hello,
        envelope: Envelope,
        mut chunked: Box<Chunked>,
        chunk: Chunk,
    ) -> Result<(Stage, Next), Gone> {
        if !self.read_chunk(&mut chunked, chunk.size).await? {
            return Ok((Stage::Greeted(hello), Next::HangUp(reply::FAR_TOO_LARGE)));
        }
        if chunk.last {
            let Chunked { mut body, mut checker, .. } = *chunked;
            match checker.end() {
                Ok(missing) => body.take(missing).await,
                Err(fault) => body.refuse(reply::bad_body(fault)),
            }
            return Ok(self.hand_in(hello, envelope, body).await);
        }
        // RFC 3030 §2: after a chunk that failed the transaction is over, and further chunks hear 503.
        if chunked.body.is_refused() {
            return Ok(match chunked.body.end() {
                Err(no) => (Stage::Greeted(hello), Next::Say(no)),
                Ok(_) => (Stage::Greeted(hello), Next::Say(reply::RCPT_FIRST)),
            });
        }
        let stage = Stage::Chunks { hello, envelope, chunked };
        Ok((stage, Next::Say(reply::chunk_ok(chunk.size))))
    }

    /// False when the client has sent far too much.
    async fn read_chunk(&mut self, chunked: &mut Chunked, size: u64) -> Result<bool, Gone> {
        let mut left = size;
        while left > 0 {
            let input = self.stream.input();
            let Some(octets) = input.get(..portion(input.len(), left)).filter(|octets| !octets.is_empty()) else {
                chunked.pace.fill_unfinished(&mut self.stream).await?;
                continue;
            };
            match chunked.checker.check(octets) {
                None => chunked.body.take(octets).await,
                Some(fault) => chunked.body.refuse(reply::bad_body(fault)),
            }
            let length = octets.len();
            self.stream.input().advance(length);
            left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
            if !chunked.body.bear(length) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads and throws away the octets of a chunk that came out of order.
    pub(super) async fn swallow(&mut self, size: u64) -> Result<Swallowed, Gone> {
        if size > self.door.intake.max_size() {
            return Ok(Swallowed::Never);
        }
        let (mut left, mut pace) = (size, self.pace());
        while left > 0 {
            if self.stream.input().is_empty() {
                pace.fill_unfinished(&mut self.stream).await?;
            }
            let length = portion(self.stream.input().len(), left);
            self.stream.input().advance(length);
            left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok(Swallowed::All)
    }
}

/// How much of the octets that are there belongs to the chunk.
fn portion(there: usize, left: u64) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}
