//! A snapshot is put back.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::{DIRECTORIES, Failure, chosen};
use crate::config;
use crate::mail::mailbox::blocking;
use crate::store::Error;
use crate::store::db::{Database, queue};
use crate::store::vault::{Digest, Manifest, Tree, Vault, digest_of};

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// The name of the snapshot.
    pub name: String,
    /// Files, and their octets.
    pub files: u64,
    pub octets: u64,
    /// Rows of the database.
    pub rows: u64,
    /// Recipients in the queue that are held now.
    pub held: u64,
    /// Files whose contents are damaged or missing.
    pub damaged: Vec<PathBuf>,
}

/// Puts a snapshot (the last without a name) into an empty database and data directory. What was queued is held afterwards unless it is
/// to be `sent`: since the snapshot was taken it may have been delivered.
pub async fn restore(
    settings: &config::Database,
    data_dir: &Path,
    (from, name): (&Path, Option<String>),
    sent: bool,
) -> Result<Restored, Failure> {
    let (directory, data) = (from.to_owned(), data_dir.to_owned());
    let open = move || {
        let vault = Vault::open_to_read(&directory)?;
        let name = chosen(&vault, name)?;
        let manifest = vault.manifest(&name)?;
        if rows_are_damaged(&vault, &name, &manifest)? {
            return Err(Error::Unusable(format!(
                "the rows of the database in the snapshot {name} are damaged; use another with --snapshot"
            )));
        }
        is_empty(&data)?;
        Ok((vault, name, manifest))
    };
    let (vault, name, manifest) = blocking(open).await?;
    let (database, rows) = Database::restore(settings, data_dir, lines(vault.rows(&name))?).await?;
    let held = if sent { 0 } else { hold(&database).await? };
    database.close().await;
    let data = data_dir.to_owned();
    let done = blocking(move || files(&vault, &manifest, &data)).await?;
    Ok(Restored { name, rows, held, ..done })
}

pub(super) fn rows_are_damaged(vault: &Vault, name: &str, manifest: &Manifest) -> Result<bool, Error> {
    let path = vault.rows(name);
    let found = path.exists().then(|| digest_of(&path)).transpose()?;
    Ok(found.map(|(digest, _)| digest) != Digest::parse(&manifest.head.rows_sha256))
}

fn lines(path: PathBuf) -> Result<impl Iterator<Item = Result<String, Error>> + Send, Error> {
    let at = move |path: &Path, source| Error::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(&path).map_err(|error| at(&path, error))?;
    let lines = BufReader::new(MultiGzDecoder::new(file)).lines();
    Ok(lines.map(move |line| line.map_err(|error| at(&path, error))))
}

async fn hold(database: &Database) -> Result<u64, Error> {
    let mut tx = database.write().await?;
    let held = queue::hold_all(&mut tx).await?;
    tx.commit().await?;
    Ok(held)
}

/// Makes the data directory, and refuses one in which there is mail already. Blocks.
fn is_empty(data_dir: &Path) -> Result<(), Error> {
    make(data_dir)?;
    let tree = Tree::of(data_dir);
    for directory in DIRECTORIES {
        if tree.has_files(Path::new(directory))? {
            return Err(Error::Unusable(format!(
                "data_dir: there are files in {} already; what is restored needs an empty directory",
                tree.path(Path::new(directory)).display()
            )));
        }
    }
    Ok(())
}

/// Mail is nobody else's business.
fn make(directory: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| Error::File {
        path: directory.to_owned(),
        source,
    })
}

/// A snapshot has files and no empty directories: a Maildir folder, and the INBOX above it, get those that they need.
fn complete(directory: &Path) -> Result<(), Error> {
    let name = directory.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
    let folders = match directory.parent() {
        // Of a message.
        Some(folder) if matches!(name, b"cur" | b"new") => vec![folder],
        // Of a folder's own files.
        Some(inbox) if name.starts_with(b".") => vec![directory, inbox],
        _ => Vec::new(),
    };
    for folder in folders {
        for needed in ["tmp", "new", "cur"] {
            make(&folder.join(needed))?;
        }
    }
    Ok(())
}

/// Writes the files. Blocks.
fn files(vault: &Vault, manifest: &Manifest, data_dir: &Path) -> Result<Restored, Error> {
    let mut done = Restored::default();
    let mut made = PathBuf::new();
    for entry in &manifest.entries {
        let target = data_dir.join(&entry.path);
        if let Some(directory) = target.parent().filter(|directory| *directory != made) {
            make(directory)?;
            complete(directory)?;
            made = directory.to_owned();
        }
        if vault.get(entry.digest, &target, entry.modified_ms)? {
            done.files = done.files.saturating_add(1);
            done.octets = done.octets.saturating_add(entry.size);
        } else {
            done.damaged.push(entry.path.clone());
        }
    }
    let synced = File::open(data_dir).and_then(|directory| Ok(rustix::fs::syncfs(directory)?));
    synced.map_err(|source| Error::File {
        path: data_dir.to_owned(),
        source,
    })?;
    Ok(done)
}
