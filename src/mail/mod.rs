//! The work, whoever asks: `server` and `api` are its doors, `store` keeps what it makes.

pub mod accounts;
pub mod audit;
pub mod certificates;
pub mod checks;
pub mod defence;
pub mod directory;
pub mod dispatch;
pub mod dmarc_reports;
pub mod dns;
pub mod filter;
pub mod import;
pub mod intake;
pub mod mailbox;
pub mod queue;
pub mod received_reports;
pub mod relay;
pub mod repeats;
pub mod sessions;
pub mod sign;
pub mod spam;
pub mod srs;
pub mod statistics;
pub mod tls_reports;
pub mod traces;
pub mod zone;
