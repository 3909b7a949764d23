//! The logins that were tried, and why they were refused.

pub(super) mod list;
