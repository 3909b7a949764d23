//! The second factor of a login: codes by time.

pub(super) mod confirm;
pub(super) mod enrol;
pub(super) mod remove;
pub(super) mod show;
