//! What is made from the octets of a message once and then kept in the database: its structure, and the fields of its header that lists show.

use std::sync::Arc;

use bytes::Bytes;

use super::index::Write;
use super::read::{Entry, StoredMessage, open};
use super::{Mailbox, blocking};
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::derived::{self, Derived};
use crate::store::maildir::Maildir;
use crate::wire::message::header;
use crate::wire::message::structure::Structure;

/// The most octets of a message that are parsed for its structure: what comes after belongs to the last part.
const MAX_PARSED: u64 = 128 * 1024 * 1024;
/// The most octets of a message in which the fields of its header are looked for.
const MAX_HEADER: u64 = 1_048_576;
/// Fields that are longer together are read from the file each time.
const MAX_KEPT_HEADER: usize = 16_384;

/// Something that is made from a message.
trait Make: Sized + Send + 'static {
    const KIND: Derived;

    fn make(message: &StoredMessage) -> Result<Self, store::Error>;

    /// For the database; none if it is not to be kept.
    fn encode(&self) -> Option<Vec<u8>>;

    /// None if it must be made anew.
    fn decode(data: Vec<u8>) -> Option<Self>;
}

impl Make for Arc<Structure> {
    const KIND: Derived = Derived::Structure;

    fn make(message: &StoredMessage) -> Result<Self, store::Error> {
        Ok(Self::new(Structure::parse(&message.read_begin(MAX_PARSED)?)))
    }

    fn encode(&self) -> Option<Vec<u8>> {
        Some(Structure::encode(self))
    }

    fn decode(data: Vec<u8>) -> Option<Self> {
        Structure::decode(&data).map(Self::new)
    }
}

impl Make for Bytes {
    const KIND: Derived = Derived::Header;

    fn make(message: &StoredMessage) -> Result<Self, store::Error> {
        if header::is_whole(message.begin()) {
            return Ok(header::listed_fields(message.begin()).into());
        }
        Ok(header::listed_fields(&message.read_begin(MAX_HEADER)?).into())
    }

    fn encode(&self) -> Option<Vec<u8>> {
        (self.len() <= MAX_KEPT_HEADER).then(|| self.to_vec())
    }

    fn decode(data: Vec<u8>) -> Option<Self> {
        Some(data.into())
    }
}

impl Mailbox {
    /// The structures of messages (ascending), parsed once and then kept in the database. A message that is gone is left out. Ask in
    /// ranges of at most some hundred.
    pub async fn structures(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Structure>)>, Refusal> {
        self.derived(uids).await
    }

    /// The fields [`header::is_listed`] of messages (ascending) as they stand, with a blank line behind them; for the rest as
    /// [`Mailbox::structures`].
    pub async fn listed_fields(&self, uids: &[Uid]) -> Result<Vec<(Uid, Bytes)>, Refusal> {
        self.derived(uids).await
    }

    async fn derived<T: Make>(&self, uids: &[Uid]) -> Result<Vec<(Uid, T)>, Refusal> {
        let (Some(&first), Some(&last)) = (uids.first(), uids.last()) else {
            return Ok(Vec::new());
        };
        let mut tx = self.house.ledger.database.read().await?;
        let kept = derived::between(&mut tx, T::KIND, self.id, (first, last)).await?;
        drop(tx);
        let mut known: Vec<(Uid, T)> = Vec::with_capacity(uids.len());
        for (uid, data) in kept {
            if uids.binary_search(&uid).is_ok()
                && let Some(value) = T::decode(data)
            {
                known.push((uid, value));
            }
        }
        let is_missing = |uid: &Uid| known.binary_search_by_key(uid, |it| it.0).is_err();
        let missing: Vec<Uid> = uids.iter().copied().filter(is_missing).collect();
        if !missing.is_empty() {
            known.extend(self.make(&missing).await?);
            known.sort_by_key(|it| it.0);
        }
        Ok(known)
    }

    async fn make<T: Make>(&self, uids: &[Uid]) -> Result<Vec<(Uid, T)>, Refusal> {
        let entries = self.entries(uids);
        let maildir = self.maildir();
        let (made, encoded) = blocking(move || make_all::<T>(&maildir, entries)).await?;
        if !encoded.is_empty() {
            self.house.ledger.index.hint(Write::Derived(T::KIND, self.id, encoded));
        }
        Ok(made)
    }
}

/// What was made, and what of it is to be kept.
type Made<T> = (Vec<(Uid, T)>, Vec<(Uid, Vec<u8>)>);

fn make_all<T: Make>(maildir: &Maildir, entries: Vec<Entry>) -> Result<Made<T>, store::Error> {
    let (mut made, mut encoded) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for (uid, file, flags) in entries {
        if let Some(message) = open(maildir, &file, flags)? {
            let value = T::make(&message)?;
            encoded.extend(value.encode().map(|data| (uid, data)));
            made.push((uid, value));
        }
    }
    Ok((made, encoded))
}
