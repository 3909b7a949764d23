//! A snapshot is taken.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{DIRECTORIES, Failure};
use crate::mail::mailbox::blocking;
use crate::model::clock::{Clock, timestamp};
use crate::store::db::{Database, dump};
use crate::store::vault::{Digest, Entry, Found, Head, Manifest, Take, Tree, Vault, digest_of};
use crate::store::{self, Error};

/// How it is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Snapshots that are there afterwards, this one included; 0: all.
    pub keep: usize,
    /// Files are linked instead of copied where that is possible.
    pub links: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// The name of the snapshot.
    pub name: String,
    /// Files, and their octets.
    pub files: u64,
    pub octets: u64,
    /// Contents that were not there before, and their octets.
    pub new_files: u64,
    pub new_octets: u64,
    /// Rows of the database.
    pub rows: u64,
    /// Older snapshots that were removed.
    pub removed: usize,
}

/// Takes a snapshot of what `database` and `data_dir` hold into the directory `to`, also while a server runs on them.
pub async fn take(database: &Database, data_dir: &Path, to: &Path, (options, clock): (Options, &Clock)) -> Result<Taken, Failure> {
    let to = to.to_owned();
    let now = clock.now_ms();
    let name = timestamp(now).strftime("%Y%m%dT%H%M%SZ").to_string();
    let vault = blocking(move || {
        let vault = Vault::open(&to)?;
        let last = vault.snapshots()?.pop();
        let known = last.map(|last| vault.manifest(&last)).transpose()?;
        let name = vault.begin(&name)?;
        Ok((vault, known, name))
    });
    let (vault, known, name) = vault.await?;
    let vault = Arc::new(vault);
    let mut work = Work::new(&vault, data_dir, known, options);
    // What is queued at the moment of the rows may be delivered before its file is reached: so it is taken before, and again after.
    work = blocking(move || work.walk(Path::new("spool/queue"))).await?;
    let (rows, digest) = rows(database, vault.rows(&name)).await?;
    let done = blocking(move || {
        for directory in DIRECTORIES {
            work = work.walk(Path::new(directory))?;
        }
        let manifest = Manifest {
            head: Head::new(now, rows, digest),
            entries: work.entries,
        };
        vault.end(&name, &manifest)?;
        let removed = if options.keep > 0 { vault.prune(options.keep)? } else { 0 };
        let summary = manifest.summary();
        Ok(Taken {
            name,
            files: summary.files,
            octets: summary.octets,
            rows,
            removed,
            ..work.taken
        })
    });
    Ok(done.await?)
}

/// Writes the rows, compressed: how many, and the digest of the file.
async fn rows(database: &Database, path: PathBuf) -> Result<(u64, Digest), Error> {
    let at = |source| Error::File {
        path: path.clone(),
        source,
    };
    let file = File::create(&path).map_err(at)?;
    let mut out = GzEncoder::new(BufWriter::new(file), Compression::fast());
    let mut tx = database.read().await?;
    let rows = dump::write(&mut tx, &mut |lines| out.write_all(lines).map_err(at)).await?;
    drop(tx);
    out.finish().and_then(|mut file| file.flush()).map_err(at)?;
    Ok((rows, digest_of(&path)?.0))
}

/// The files as they are gone through.
struct Work {
    vault: Arc<Vault>,
    tree: Tree,
    take: Take,
    /// What the last snapshot has, by [`Found::key`].
    known: HashMap<OsString, Entry>,
    entries: Vec<Entry>,
    /// The keys of `entries`.
    seen: HashSet<OsString>,
    taken: Taken,
}

impl Work {
    fn new(vault: &Arc<Vault>, data_dir: &Path, known: Option<Manifest>, options: Options) -> Self {
        let known = known.map_or(Vec::new(), |manifest| manifest.entries);
        Self {
            vault: Arc::clone(vault),
            tree: Tree::of(data_dir),
            take: if options.links { Take::Link } else { Take::Copy },
            known: known.into_iter().map(|entry| (Found::key_of(&entry.path), entry)).collect(),
            entries: Vec::new(),
            seen: HashSet::new(),
            taken: Taken::default(),
        }
    }

    /// Takes what is below a directory. Blocks.
    fn walk(mut self, directory: &Path) -> Result<Self, store::Error> {
        let tree = self.tree.clone();
        tree.each(directory, &mut |found| self.file(found))?;
        Ok(self)
    }

    fn file(&mut self, found: &Found) -> Result<bool, store::Error> {
        if self.seen.contains(&found.key) {
            return Ok(true);
        }
        let known = self.known.get(&found.key).filter(|entry| entry.is_still(found));
        let digest = match known.map(|entry| entry.digest).filter(|digest| self.vault.has(*digest)) {
            Some(digest) => digest,
            None => {
                let Some(put) = self.vault.put(&self.tree.path(&found.path), self.take)? else {
                    return Ok(false);
                };
                if put.is_new {
                    self.taken.new_files = self.taken.new_files.saturating_add(1);
                    self.taken.new_octets = self.taken.new_octets.saturating_add(put.size);
                }
                put.digest
            }
        };
        self.seen.insert(found.key.clone());
        self.entries.push(Entry {
            path: found.path.clone(),
            size: found.size,
            modified_ms: found.modified_ms,
            digest,
        });
        Ok(true)
    }
}
