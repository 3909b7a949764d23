//! Who is logged in: sessions of the API, and open ones of mail clients.

pub(super) mod list;
pub(super) mod remove;
