//! Who is refused.

pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;
