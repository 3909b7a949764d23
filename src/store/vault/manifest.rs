//! What a snapshot is made of: a line for each file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Digest, Found};
use crate::store::Error;
use crate::store::maildir::at;

/// The form of the lines.
const FORM: u32 = 1;

/// A file of the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Below the data directory.
    pub path: PathBuf,
    /// Its octets.
    pub size: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Its content.
    pub digest: Digest,
}

impl Entry {
    /// Whether a file that was found under the same name is taken for the same.
    pub fn is_still(&self, found: &Found) -> bool {
        (self.size, self.modified_ms) == (found.size, found.modified_ms)
    }
}

/// What a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The form of the lines.
    posthouse_backup: u32,
    /// When it was taken, in milliseconds since 1970.
    pub taken_ms: i64,
    /// The program that took it.
    pub version: String,
    /// The rows of the database: how many, and the SHA-256 of their file.
    pub rows: u64,
    pub rows_sha256: String,
}

impl Head {
    /// Of a snapshot that is taken now.
    pub fn new(taken_ms: i64, rows: u64, digest: Digest) -> Self {
        Self {
            posthouse_backup: FORM,
            taken_ms,
            version: env!("CARGO_PKG_VERSION").into(),
            rows,
            rows_sha256: digest.to_string(),
        }
    }
}

/// How much a snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Files.
    pub files: u64,
    /// Their octets.
    pub octets: u64,
}

/// All of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub head: Head,
    pub entries: Vec<Entry>,
}

/// An entry as it is spelled. A path that is no UTF-8 is spelled in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    size: u64,
    modified: i64,
    sha256: String,
}

impl Spelled {
    fn of(entry: &Entry) -> Self {
        let path = entry.path.to_str().map(ToOwned::to_owned);
        let octets = entry.path.as_os_str().as_bytes();
        Self {
            path_base64: path.is_none().then(|| BASE64_STANDARD.encode(octets)),
            path,
            size: entry.size,
            modified: entry.modified_ms,
            sha256: entry.digest.to_string(),
        }
    }

    /// None: it is nothing that we write, such as a path that leads out of the data directory.
    fn entry(self) -> Option<Entry> {
        let path: PathBuf = match (self.path, self.path_base64) {
            (Some(path), None) => path.into(),
            (None, Some(octets)) => OsString::from_vec(BASE64_STANDARD.decode(octets).ok()?).into(),
            _ => return None,
        };
        let stays_below = path.components().all(|part| matches!(part, Component::Normal(_)));
        Some(Entry {
            digest: Digest::parse(&self.sha256)?,
            size: self.size,
            modified_ms: self.modified,
            path: Some(path).filter(|_| stays_below)?,
        })
    }
}

impl Manifest {
    /// How much it has.
    pub fn summary(&self) -> Summary {
        Summary {
            files: self.entries.len() as u64,
            octets: self.entries.iter().map(|entry| entry.size).sum(),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let file = File::create(path).map_err(at(path))?;
        let mut out = BufWriter::new(file);
        let mut lines = || -> std::io::Result<()> {
            line(&mut out, &self.head)?;
            self.entries.iter().try_for_each(|entry| line(&mut out, &Spelled::of(entry)))?;
            line(&mut out, &self.summary())?;
            out.flush()
        };
        lines().map_err(at(path))
    }

    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let damaged = || Error::Unusable(format!("{}: it is damaged", path.display()));
        let file = File::open(path).map_err(at(path))?;
        let mut lines = BufReader::new(file).lines();
        let head = lines.next().transpose().map_err(at(path))?.ok_or_else(damaged)?;
        let head: Head = serde_json::from_str(&head).map_err(|_| damaged())?;
        if head.posthouse_backup != FORM {
            return Err(damaged());
        }
        let mut entries = Vec::new();
        let mut summary = None;
        for text in lines {
            let text = text.map_err(at(path))?;
            match serde_json::from_str::<Spelled>(&text) {
                Ok(spelled) if summary.is_none() => entries.push(spelled.entry().ok_or_else(damaged)?),
                _ => summary = Some(serde_json::from_str::<Summary>(&text).map_err(|_| damaged())?),
            }
        }
        let manifest = Self { head, entries };
        match summary == Some(manifest.summary()) {
            true => Ok(manifest),
            false => Err(damaged()),
        }
    }
}

fn line(out: &mut impl Write, of: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, of)?;
    out.write_all(b"\n")
}
