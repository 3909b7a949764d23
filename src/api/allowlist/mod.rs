//! Who is never banned, and whose mail is not taken for spam.

pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;
