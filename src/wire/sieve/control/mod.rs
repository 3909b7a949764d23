//! Control commands (RFC 5228 §3), one file each.

pub(super) mod branch;
pub(super) mod r#break;
pub(super) mod error;
pub(super) mod foreverypart;
pub(super) mod global;
pub(super) mod include;
pub(super) mod require;
pub(super) mod r#return;
pub(super) mod stop;
