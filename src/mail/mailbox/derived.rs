//! What is made from the octets of a message once and then kept in the database: its structure, the fields of its header that lists
//! show, the begin of its text, and its object ids.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use sha2::{Digest, Sha256};

use super::Mailbox;
use super::examine::note_unreadable;
use super::index::Write;
use super::listed;
use super::read::{Entry, StoredMessage, open};
use crate::model::ids::{EmailId, ThreadId, Uid};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::derived::{self, Derived};
use crate::store::maildir::Maildir;
use crate::wire::message::header;
use crate::wire::message::structure::Structure;
use crate::wire::message::view;

/// The most octets of a message that are parsed for its structure: what comes after belongs to the last part.
const MAX_PARSED: u64 = 128 * 1024 * 1024;
/// The most octets of a message in which the fields of its header are looked for.
const MAX_HEADER: u64 = 1_048_576;

/// What is kept is read together as far as it lies together: no more than so many UIDs that nobody asked for between two, and so many in all.
const GAP: u32 = 64;
const SPAN: u32 = 1_024;

/// So many messages are read one after the other, and so many times as many at the same time.
const TOGETHER: usize = 32;
const AT_ONCE: usize = 4;
/// The most octets of a message in which text for its preview is looked for.
const MAX_PREVIEWED: u64 = 262_144;
/// The most characters of a preview (RFC 8970 §3.1).
pub const PREVIEW: usize = 200;
/// Octets that are read at a time of a message whose digest is made.
const PIECE: usize = 65_536;

/// The ids of a message (RFC 8474 §5): of its content, so that equal messages have the same EMAILID
/// wherever they lie and whatever becomes of the index, and of the Message-ID that its thread began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectIds {
    /// EMAILID.
    pub email: EmailId,
    /// THREADID.
    pub thread: ThreadId,
}

/// Something that is made from a message.
pub(super) trait Make: Sized + Send + 'static {
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
        Some(self.to_vec())
    }

    fn decode(data: Vec<u8>) -> Option<Self> {
        Some(data.into())
    }
}

/// The begin of a message's text, on one line.
struct Preview(String);

impl Make for Preview {
    const KIND: Derived = Derived::Preview;

    fn make(message: &StoredMessage) -> Result<Self, store::Error> {
        let begin = message.read_begin(MAX_PREVIEWED)?;
        Ok(Self(view::preview(&begin, &Structure::parse(&begin), PREVIEW)))
    }

    fn encode(&self) -> Option<Vec<u8>> {
        Some(self.0.clone().into_bytes())
    }

    fn decode(data: Vec<u8>) -> Option<Self> {
        String::from_utf8(data).ok().map(Self)
    }
}

impl Make for ObjectIds {
    const KIND: Derived = Derived::Object;

    fn make(message: &StoredMessage) -> Result<Self, store::Error> {
        let mut digest = Sha256::new();
        let mut at = 0;
        while at < message.size() {
            let piece = message.read_piece(at, PIECE)?;
            if piece.is_empty() {
                break;
            }
            digest.update(&piece);
            at += piece.len() as u64;
        }
        let email = half(digest);
        let header = match header::is_whole(message.begin()) {
            true => message.begin().clone(),
            false => message.read_begin(MAX_HEADER)?,
        };
        Ok(Self {
            email: EmailId(email),
            thread: listed::thread(&header).unwrap_or(ThreadId(email)),
        })
    }

    fn encode(&self) -> Option<Vec<u8>> {
        Some([self.email.0.to_be_bytes(), self.thread.0.to_be_bytes()].concat())
    }

    fn decode(data: Vec<u8>) -> Option<Self> {
        let (email, thread) = data.split_at_checked(16)?;
        Some(Self {
            email: EmailId(u128::from_be_bytes(email.try_into().ok()?)),
            thread: ThreadId(u128::from_be_bytes(thread.try_into().ok()?)),
        })
    }
}

/// The first half of a digest: enough that no two of all messages ever written share it.
pub(super) fn half(digest: Sha256) -> u128 {
    let octets = digest.finalize();
    octets.iter().take(16).fold(0, |half, octet| half << 8 | u128::from(*octet))
}

impl Mailbox {
    /// The structures of messages (ascending), parsed once and then kept in the database. A message that is gone is left out. Ask in
    /// ranges of at most some hundred.
    pub async fn structures(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Structure>)>, Refusal> {
        self.derived(uids).await
    }

    /// The begins of the texts of messages (ascending), decoded and on one line; for the rest as [`Mailbox::structures`].
    pub async fn previews(&self, uids: &[Uid]) -> Result<Vec<(Uid, String)>, Refusal> {
        let previews = self.derived::<Preview>(uids).await?;
        Ok(previews.into_iter().map(|(uid, preview)| (uid, preview.0)).collect())
    }

    /// The same, of those alone that were made already.
    pub async fn kept_previews(&self, uids: &[Uid]) -> Result<Vec<(Uid, String)>, Refusal> {
        let previews = self.kept::<Preview>(uids).await?;
        Ok(previews.into_iter().map(|(uid, preview)| (uid, preview.0)).collect())
    }

    /// What the object ids of messages (ascending) are written from; for the rest as [`Mailbox::structures`].
    pub async fn object_ids(&self, uids: &[Uid]) -> Result<Vec<(Uid, ObjectIds)>, Refusal> {
        self.derived(uids).await
    }

    pub(super) async fn derived<T: Make>(&self, uids: &[Uid]) -> Result<Vec<(Uid, T)>, Refusal> {
        let mut known = self.kept::<T>(uids).await?;
        let is_missing = |uid: &Uid| known.binary_search_by_key(uid, |it| it.0).is_err();
        let missing: Vec<Uid> = uids.iter().copied().filter(is_missing).collect();
        if !missing.is_empty() {
            known.extend(self.make(&missing).await?);
            known.sort_by_key(|it| it.0);
        }
        Ok(known)
    }

    async fn kept<T: Make>(&self, uids: &[Uid]) -> Result<Vec<(Uid, T)>, Refusal> {
        let mut known: Vec<(Uid, T)> = Vec::with_capacity(uids.len());
        if uids.is_empty() {
            return Ok(known);
        }
        let mut tx = self.house.ledger.database.read().await?;
        for ends in together(uids) {
            for (uid, data) in derived::between(&mut tx, T::KIND, self.id, ends).await? {
                if uids.binary_search(&uid).is_ok()
                    && let Some(value) = T::decode(data)
                {
                    known.push((uid, value));
                }
            }
        }
        Ok(known)
    }

    async fn make<T: Make>(&self, uids: &[Uid]) -> Result<Vec<(Uid, T)>, Refusal> {
        let (mut made, mut encoded) = (Vec::with_capacity(uids.len()), Vec::with_capacity(uids.len()));
        let mut headers = Vec::new();
        let parts: Vec<_> = uids.chunks(TOGETHER).map(|part| self.make_some(part)).collect();
        let all: Vec<(Uid, Made<T>)> = iter(parts).buffered(AT_ONCE).try_concat().await?;
        for (uid, Made { value, data, header }) in all {
            encoded.extend(data.map(|data| (uid, data)));
            headers.extend(header.map(|header| (uid, header)));
            made.push((uid, value));
        }
        self.keep(T::KIND, encoded);
        self.house.listed.keep_headers(self.id, &headers);
        self.keep(Derived::Header, encode_all(&headers));
        Ok(made)
    }

    /// Puts what was made into the database, some time soon.
    fn keep(&self, kind: Derived, encoded: Vec<(Uid, Vec<u8>)>) {
        if !encoded.is_empty() {
            self.house.ledger.index.hint(Write::Derived(kind, self.id, encoded));
        }
    }

    async fn make_some<T: Make>(&self, uids: &[Uid]) -> Result<Vec<(Uid, Made<T>)>, Refusal> {
        let _one_of_some = self.house.readers.acquire().await;
        self.with_files(uids, make_all::<T>).await
    }
}

/// The first and the last of those of these UIDs (ascending) that lie together.
fn together(uids: &[Uid]) -> Vec<(Uid, Uid)> {
    let mut all: Vec<(Uid, Uid)> = Vec::new();
    for &uid in uids {
        match all.last_mut() {
            Some((first, last)) if uid.0.saturating_sub(last.0) <= GAP && uid.0.saturating_sub(first.0) < SPAN => *last = uid,
            _ => all.push((uid, uid)),
        }
    }
    all
}

/// What was made of a message.
struct Made<T> {
    value: T,
    /// How it is kept, if it is.
    data: Option<Vec<u8>>,
    /// The fields that lists show, if they are something else: who opens a message for one thing is asked for them next.
    header: Option<Bytes>,
}

fn made_of<T: Make>(message: &StoredMessage) -> Result<Made<T>, store::Error> {
    let value = T::make(message)?;
    let data = value.encode();
    let header = (T::KIND != Derived::Header).then(|| Bytes::make(message)).transpose()?;
    Ok(Made { value, data, header })
}

fn make_all<T: Make>(maildir: &Maildir, entries: Vec<Entry>) -> Result<Vec<(Uid, Made<T>)>, store::Error> {
    let mut made = Vec::with_capacity(entries.len());
    for (uid, file, flags) in entries {
        match open(maildir, &file, flags).and_then(|message| message.map(|message| made_of(&message)).transpose()) {
            Ok(Some(of_one)) => made.push((uid, of_one)),
            Ok(None) => {}
            // The others are not to suffer from it.
            Err(error) => note_unreadable(uid, &error),
        }
    }
    Ok(made)
}

fn encode_all<T: Make>(made: &[(Uid, T)]) -> Vec<(Uid, Vec<u8>)> {
    made.iter().filter_map(|(uid, value)| Some((*uid, value.encode()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_together_is_read_together() {
        let ends = |uids: &[u32]| -> Vec<(u32, u32)> {
            let uids: Vec<Uid> = uids.iter().copied().map(Uid).collect();
            together(&uids).into_iter().map(|(first, last)| (first.0, last.0)).collect()
        };
        assert_eq!(ends(&[]), []);
        assert_eq!(ends(&[7]), [(7, 7)]);
        assert_eq!(ends(&[1, 2, 66, 131, 140]), [(1, 66), (131, 140)]);
        assert_eq!(ends(&(1..=2_000).collect::<Vec<_>>()), [(1, 1_024), (1_025, 2_000)]);
        assert_eq!(ends(&[5, u32::MAX]), [(5, 5), (u32::MAX, u32::MAX)]);
    }
}
