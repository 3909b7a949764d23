//! The certificates of the server.

pub(super) mod list;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::model::certificate;

/// A certificate of the server; never its key.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "names": ["mail.example.org"],
    "issuer": "C=US, O=Let's Encrypt, CN=R11",
    "not_before": "2026-11-01T00:00:00Z",
    "not_after": "2027-01-30T00:00:00Z",
    "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "source": "file",
    "default": true
}))]
pub(super) struct Certificate {
    /// The names and addresses that it is for; `*.example.org` stands for each name with one label more.
    names: Vec<String>,
    /// Who vouches for it.
    issuer: String,
    /// From when it is valid.
    not_before: Time,
    /// Until when.
    not_after: Time,
    /// SHA-256 of the whole of it, in hexadecimal.
    fingerprint: String,
    /// `file`, where the configuration names it, `acme`, where an authority issued it to this server, or `self_signed`, where none is configured and one was made.
    source: String,
    /// Whether it is shown to clients that ask for no name, or for one that none is for.
    default: bool,
    /// Why what stands in its files now was not taken in its place, or why it could not be renewed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl From<certificate::Certificate> for Certificate {
    fn from(one: certificate::Certificate) -> Self {
        Self {
            names: one.names,
            issuer: one.issuer,
            not_before: Time(one.not_before),
            not_after: Time(one.not_after),
            fingerprint: one.fingerprint,
            source: one.source.as_str().to_owned(),
            default: one.is_default,
            problem: one.problem,
        }
    }
}
