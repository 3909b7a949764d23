//! The parsers alone, so that they can be built with coverage in a minute, and the targets that are fuzzed.
//!
//! `tests/house` has the same targets in a short run of every test command; see README.md for the long one.

// The targets name the server's crate; here it is this one, and what of it nobody uses is no fault.
extern crate self as posthouse;

#[allow(dead_code)]
#[path = "../../../src/model/mod.rs"]
pub mod model;
#[path = "../../../src/wire/mod.rs"]
pub mod wire;

#[allow(dead_code)]
#[path = "../../../src/store/maildir/name.rs"]
mod name;

/// Of the store, what reads names.
pub mod store {
    /// Names of files.
    pub mod maildir {
        pub use crate::name::FileName;
    }
}

pub mod targets;
