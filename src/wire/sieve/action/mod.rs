//! Actions (RFC 5228 §4) and the commands of extensions that change the message or variables, one file each.

pub(super) mod addheader;
pub(super) mod debug_log;
pub(super) mod deleteheader;
pub(super) mod discard;
pub(super) mod enclose;
pub(super) mod extracttext;
pub(super) mod fileinto;
pub(super) mod flags;
pub(super) mod keep;
pub(super) mod notify;
pub(super) mod redirect;
pub(super) mod reject;
pub(super) mod replace;
pub(super) mod set;
pub(super) mod vacation;
