//! ClamAV's daemon, over its socket.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::mail::mailbox::Draft;
use crate::mail::neighbour::{Connection, Neighbour};
use crate::model::refusal::Refusal;
use crate::wire::clamd::{self, Answer, BadAnswer};

/// How many octets go to it at a time.
const PIECE: usize = 65_536;

/// Why it has not answered, in words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It was not reached, or broke off.
    #[error("clamd does not answer: {0}")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("clamd took longer than virus.timeout_seconds")]
    TimedOut,
    /// It could not.
    #[error("clamd says: {0}")]
    Failed(String),
    /// What it says cannot be read.
    #[error("what clamd says cannot be read: {0}")]
    Answer(#[from] BadAnswer),
    /// The message could not be read again.
    #[error("the message cannot be read: {0}")]
    Message(Refusal),
}

/// The way to it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Clamd {
    address: Neighbour,
    /// The most octets of a message that it is shown.
    most: u64,
}

impl Clamd {
    pub(super) fn new(address: Neighbour, most: u64) -> Self {
        Self { address, most }
    }

    pub(super) fn address(&self) -> &Neighbour {
        &self.address
    }

    /// Shows it a message; the name of the virus, if there is one.
    pub(super) async fn scan(&self, draft: &Draft) -> Result<Option<String>, Error> {
        let mut connection = self.address.connect().await?;
        let sent = match self.show(&mut connection, draft).await {
            Err(Error::Io(error)) => Err(error),
            sent => Ok(sent?),
        };
        // It may have had enough before the end, and said why.
        let answer = match (sent, answer(&mut connection).await) {
            (_, Ok(answer)) => clamd::parse(&answer)?,
            (Err(error), Err(_)) | (Ok(()), Err(error)) => return Err(error.into()),
        };
        match answer {
            Answer::Clean => Ok(None),
            Answer::Found(name) => Ok(Some(name)),
            Answer::Failed(why) => Err(Error::Failed(why)),
        }
    }

    /// Its version, if it is alive.
    pub(super) async fn version(&self) -> Result<String, Error> {
        let pong = self.ask(clamd::PING).await?;
        if pong != "PONG" {
            return Err(Error::Answer(BadAnswer::Unknown));
        }
        self.ask(clamd::VERSION).await
    }

    async fn ask(&self, command: &[u8]) -> Result<String, Error> {
        let mut connection = self.address.connect().await?;
        connection.write_all(command).await?;
        Ok(clamd::text(&answer(&mut connection).await?)?)
    }

    async fn show(&self, connection: &mut Box<dyn Connection>, draft: &Draft) -> Result<(), Error> {
        connection.write_all(clamd::INSTREAM).await?;
        let mut pieces = draft.pieces(0).await.map_err(Error::Message)?;
        let mut left = self.most;
        while left > 0 {
            let most = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
            let piece = pieces.next(most).await.map_err(Error::Message)?;
            if piece.is_empty() {
                break;
            }
            left = left.saturating_sub(piece.len() as u64);
            connection.write_all(&clamd::piece(piece.len())).await?;
            connection.write_all(piece).await?;
        }
        Ok(connection.write_all(&clamd::piece(0)).await?)
    }
}

/// All that it says.
async fn answer(connection: &mut Box<dyn Connection>) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    connection.take(clamd::MOST as u64).read_to_end(&mut octets).await?;
    Ok(octets)
}
