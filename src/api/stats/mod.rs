//! Numbers for graphs.

pub(super) mod messages;
pub(super) mod show;
