//! A message whose octets come in: in memory while it is small, in a file when it is not.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::blocking;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::maildir::Content;
use crate::wire::message::crlf::Crlf;

/// How a draft treats line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnds {
    /// The octets are kept as they come (the door has checked them).
    AsTheyAre,
    /// A bare LF becomes CRLF (RFC 9051 §6.3.12: what is appended should be in RFC 5322 form).
    Mended,
}

/// The message so far. What was not stored when it is dropped is gone.
#[derive(Debug)]
pub struct Draft {
    memory: Vec<u8>,
    spill: Option<File>,
    /// Whether a file was begun. After an error it may be there while `spill` is not.
    spilled: bool,
    path: PathBuf,
    size: u64,
    limit: u64,
    memory_limit: usize,
    line_ends: LineEnds,
    crlf: Crlf,
}

impl Draft {
    /// An empty draft that spills to `path` past `memory_limit` octets and refuses more than `limit`.
    pub(super) fn new(path: PathBuf, limit: u64, memory_limit: usize, line_ends: LineEnds) -> Self {
        Self {
            memory: Vec::new(),
            spill: None,
            spilled: false,
            path,
            size: 0,
            limit,
            memory_limit,
            line_ends,
            crlf: Crlf::default(),
        }
    }

    /// How many octets have come.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How the octets that come from here on are treated.
    pub fn set_line_ends(&mut self, line_ends: LineEnds) {
        self.line_ends = line_ends;
    }

    /// Adds octets. Past the limit: [`Refusal::TooLarge`], and what came is thrown away.
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.check()?;
        let before = self.memory.len();
        match self.line_ends {
            LineEnds::AsTheyAre => {
                self.memory.extend_from_slice(octets);
                self.crlf.pass(octets);
            }
            LineEnds::Mended => self.crlf.mend(octets, &mut self.memory),
        }
        self.size = self.size.saturating_add((self.memory.len() - before) as u64);
        if self.size > self.limit {
            self.memory = Vec::new();
            return Err(Refusal::TooLarge(self.limit));
        }
        if self.memory.len() > self.memory_limit {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// The begin of the message, as far as it is in memory: all of it when it is small.
    pub fn in_memory(&self) -> Option<&[u8]> {
        (!self.spilled).then_some(&*self.memory)
    }

    /// Makes sure that a message that went to a file is all there.
    pub(crate) async fn finish(&mut self) -> Result<(), Refusal> {
        self.check()?;
        if self.spilled { self.flush().await } else { Ok(()) }
    }

    /// The octets, with `prefix` before them. Only after [`Draft::finish`].
    pub(crate) fn content<'a>(&'a self, prefix: &'a [u8]) -> Content<'a> {
        Content {
            prefix,
            memory: &self.memory,
            file: self.spilled.then_some(&*self.path),
        }
    }

    /// A draft that lost octets, on a full disk or because its writer was broken off, stays of no use.
    fn check(&self) -> Result<(), Refusal> {
        if self.spilled && self.spill.is_none() {
            return Err(Refusal::LATER);
        }
        Ok(())
    }

    /// All octets. Only after [`Draft::finish`].
    pub(crate) async fn read_all(&self) -> Result<Vec<u8>, Refusal> {
        if !self.spilled {
            return Ok(self.memory.clone());
        }
        let path = self.path.clone();
        Ok(blocking(move || std::fs::read(&path).map_err(|source| store::Error::File { path, source })).await?)
    }

    /// The first octets, at most so many. Only after [`Draft::finish`].
    pub(crate) async fn read_begin(&self, most: usize) -> Result<Vec<u8>, Refusal> {
        if !self.spilled {
            return Ok(self.memory.get(..most).unwrap_or(&self.memory).to_vec());
        }
        let path = self.path.clone();
        let begin = blocking(move || begin(&path, most as u64));
        Ok(begin.await?)
    }

    /// Its octets from `skip` on, a piece after the other. Only after [`Draft::finish`].
    pub(crate) async fn pieces(&self, skip: u64) -> Result<Pieces<'_>, Refusal> {
        if !self.spilled {
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            return Ok(Pieces {
                memory: self.memory.get(skip..).unwrap_or_default(),
                file: None,
                piece: Vec::new(),
            });
        }
        let path = self.path.clone();
        let open = move || {
            let open = File::open(&path).and_then(|mut file| file.seek(SeekFrom::Start(skip)).map(|_| file));
            open.map_err(|source| store::Error::File { path, source })
        };
        Ok(Pieces {
            memory: &[],
            file: Some((blocking(open).await?, self.path.clone())),
            piece: Vec::new(),
        })
    }

    /// Puts `new` in the place of the first `count` octets. Only after [`Draft::finish`].
    pub(crate) async fn replace_begin(&mut self, count: usize, new: Vec<u8>) -> Result<(), Refusal> {
        self.check()?;
        self.size = (self.size.saturating_sub(count as u64)).saturating_add(new.len() as u64);
        if !self.spilled {
            let rest = self.memory.get(count..).unwrap_or_default();
            self.memory = [&*new, rest].concat();
            return Ok(());
        }
        let path = self.path.clone();
        self.spill = Some(blocking(move || rewrite(&path, count as u64, &new)).await?);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Refusal> {
        let piece = std::mem::take(&mut self.memory);
        let (spill, path) = (self.spill.take(), self.path.clone());
        self.spilled = true;
        self.spill = Some(blocking(move || append(spill, &path, &piece)).await?);
        Ok(())
    }
}

/// A draft that is read piece by piece, so that no more of it is in memory than there was.
pub struct Pieces<'d> {
    memory: &'d [u8],
    file: Option<(File, PathBuf)>,
    piece: Vec<u8>,
}

impl Pieces<'_> {
    /// The next octets, at most so many; none at the end.
    pub(crate) async fn next(&mut self, most: usize) -> Result<&[u8], Refusal> {
        let Some((file, path)) = self.file.take() else {
            let (piece, rest) = self.memory.split_at(most.min(self.memory.len()));
            self.memory = rest;
            return Ok(piece);
        };
        let mut piece = std::mem::take(&mut self.piece);
        let read = blocking(move || {
            piece.clear();
            match (&file).take(most as u64).read_to_end(&mut piece) {
                Ok(_) => Ok((piece, file, path)),
                Err(source) => Err(store::Error::File { path, source }),
            }
        });
        let (piece, file, path) = read.await?;
        self.file = Some((file, path));
        self.piece = piece;
        Ok(&self.piece)
    }
}

fn append(spill: Option<File>, path: &Path, piece: &[u8]) -> Result<File, store::Error> {
    let write = || {
        let mut file = match spill {
            Some(file) => file,
            None => File::create_new(path)?,
        };
        file.write_all(piece)?;
        Ok(file)
    };
    write().map_err(|source| store::Error::File {
        path: path.to_owned(),
        source,
    })
}

fn begin(path: &Path, most: u64) -> Result<Vec<u8>, store::Error> {
    let mut octets = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut octets));
    read.map(|_| octets).map_err(|source| store::Error::File {
        path: path.to_owned(),
        source,
    })
}

/// Writes the file anew beside itself, then puts it in its place.
fn rewrite(path: &Path, skip: u64, begin: &[u8]) -> Result<File, store::Error> {
    let write = || {
        let beside = path.with_extension("new");
        let mut old = File::open(path)?;
        old.seek(SeekFrom::Start(skip))?;
        let mut file = File::create(&beside)?;
        file.write_all(begin)?;
        std::io::copy(&mut old, &mut file)?;
        std::fs::rename(&beside, path)?;
        Ok(file)
    };
    write().map_err(|source| store::Error::File {
        path: path.to_owned(),
        source,
    })
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.spilled {
            // What is left over after a crash is removed at the next start.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_draft_spills_mends_and_refuses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("draft");
        let mut draft = Draft::new(path.clone(), 20, 8, LineEnds::Mended);
        for piece in ["a\n", "b\r", "\nc\r\nlong line", "\n"] {
            draft.write(piece.as_bytes()).await.unwrap();
        }
        draft.finish().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a\r\nb\r\nc\r\nlong line\r\n");
        assert_eq!(draft.size(), 20);
        assert_eq!(draft.read_begin(4).await.unwrap(), b"a\r\nb");
        assert_eq!(draft.read_begin(100).await.unwrap().len(), 20);
        let mut pieces = draft.pieces(3).await.unwrap();
        assert_eq!(pieces.next(4).await.unwrap(), b"b\r\nc");
        assert_eq!(pieces.next(100).await.unwrap().len(), 13);
        assert_eq!(pieces.next(100).await.unwrap(), b"");
        draft.replace_begin(3, b"A\r\n".to_vec()).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"A\r\nb\r\nc\r\nlong line\r\n");
        assert_eq!(draft.write(b"x").await, Err(Refusal::TooLarge(20)));
        drop(draft);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_draft_that_lost_octets_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::new(dir.path().join("no such directory/draft"), 100, 8, LineEnds::AsTheyAre);
        assert_eq!(draft.write(b"more than eight octets").await, Err(Refusal::LATER));
        assert_eq!(draft.write(b"more").await, Err(Refusal::LATER));
        assert_eq!(draft.finish().await, Err(Refusal::LATER));
        assert_eq!(draft.in_memory(), None);
    }
}
