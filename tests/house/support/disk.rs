//! A disk of a test's own: small, so that it can be full; and directories that may not be written.
//!
//! It takes the right to mount, which root has outside of most containers. Where there is none, the test says so and is done.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A mounted disk. It goes when this is dropped: declare it before the house that lives on it.
pub struct Disk {
    root: TempDir,
}

impl Disk {
    /// A disk of so many MiB; none where we may not mount.
    pub fn of_megabytes(size: u32) -> Option<Self> {
        let root = TempDir::with_prefix("posthouse-disk-").expect("a temporary directory");
        let size = format!("size={size}m,mode=700");
        let mounted = quietly(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(root.path()));
        if !mounted {
            eprintln!("left out: we may not mount here");
        }
        mounted.then_some(Self { root })
    }

    /// A path on it.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(below)
    }

    /// Takes all the room that is left, but for so many octets.
    pub fn fill(&self, but: u64) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("a file");
        let mut piece = vec![0_u8; 65_536];
        while !piece.is_empty() {
            match ballast.write(&piece) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => piece.truncate(piece.len() / 2),
                Err(error) => panic!("{error}"),
            }
        }
        let size = ballast.metadata().expect("its size").len();
        ballast.set_len(size.saturating_sub(but)).expect("a shorter file");
    }

    /// Gives the room back.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("the ballast");
    }

    fn ballast(&self) -> PathBuf {
        self.path("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that has just been killed may hold it for a moment longer.
        quietly(Command::new("umount").arg("--lazy").arg(self.root.path()));
    }
}

/// A directory that may not be written for a while, as on a disk that the system has made read-only.
pub struct ReadOnly {
    path: PathBuf,
}

impl ReadOnly {
    /// Makes it so; none where we may not mount.
    pub fn make(path: &Path) -> Option<Self> {
        if !quietly(Command::new("mount").arg("--bind").args([path, path])) {
            eprintln!("left out: we may not mount here");
            return None;
        }
        let held = Self { path: path.to_owned() };
        let remounted = quietly(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(path));
        remounted.then_some(held)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        quietly(Command::new("umount").arg("--lazy").arg(&self.path));
    }
}

fn quietly(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
