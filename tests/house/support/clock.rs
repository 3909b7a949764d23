//! A clock that a test sets while the server runs, as an administrator, a dead battery or a wrong time server does.
//!
//! It is a small library, made by the machine's C compiler and loaded before all others, so the server is the one that is shipped. Its
//! clock of the day is moved; the clocks by which it waits go on, as on a real machine.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::house::Builder;

/// A clock for servers. It goes when this is dropped: declare it before the house that lives by it.
pub struct Clock {
    directory: TempDir,
    file: File,
}

impl Clock {
    /// One that shows the machine's time.
    pub fn right() -> Self {
        let directory = TempDir::with_prefix("posthouse-clock-").expect("a temporary directory");
        let file = File::create(directory.path().join("moved-by")).expect("a file");
        let clock = Self { directory, file };
        clock.set(0);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/house/support/clock.c");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(clock.library());
        let made = compiler.args([source, "-ldl"]).status().expect("a C compiler");
        assert!(made.success(), "{source} cannot be compiled");
        clock
    }

    /// Has a server live by it.
    pub fn drive(&self, house: Builder) -> Builder {
        let file = self.directory.path().join("moved-by");
        house
            .env("LD_PRELOAD", self.library().to_str().expect("a path"))
            .env("POSTHOUSE_TEST_CLOCK", file.to_str().expect("a path"))
    }

    /// Sets it so many hours after the machine's time; before it, if negative.
    pub fn set(&self, hours: i64) {
        self.file.write_all_at(&(hours * 3600).to_ne_bytes(), 0).expect("a file");
    }

    fn library(&self) -> PathBuf {
        self.directory.path().join("clock.so")
    }
}
