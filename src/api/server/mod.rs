//! The server itself: what it is, where it listens, what it allows, how it is configured.

pub(super) mod settings;
pub(super) mod show;
