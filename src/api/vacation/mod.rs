//! The form for an absence: what the senders of new mail are told.

pub(super) mod put;
pub(super) mod remove;
pub(super) mod show;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Time;
use crate::model::filter;

/// Days until the same sender gets another reply, where nothing else is said (RFC 5230 §4.1).
const DAYS: u32 = 7;

/// A reply to new mail while the user is away, once to each sender in so many days; never to lists and programs (RFC 5230). It is sent
/// beside whatever the user's active script does.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": "Away", "text": "I am back on Monday.", "from": "2026-12-20T00:00:00Z", "until": "2027-01-03T00:00:00Z", "days": 3
}))]
pub(super) struct Vacation {
    /// The subject of the reply; absent: one that quotes the message's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    subject: Option<String>,
    /// What the reply says.
    #[schema(max_length = 65_536)]
    text: String,
    /// From when on; absent: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Time>,
    /// Until when; absent: until the form is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    /// Addresses of the user elsewhere, to which mail is answered too.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<String>>,
    /// Days until the same sender gets another reply; 7 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u32>,
}

impl From<filter::Vacation> for Vacation {
    fn from(form: filter::Vacation) -> Self {
        Self {
            subject: form.subject,
            text: form.text,
            from: form.from.map(Time),
            until: form.until.map(Time),
            addresses: Some(form.addresses).filter(|addresses| !addresses.is_empty()),
            days: Some(form.days),
        }
    }
}

impl From<Vacation> for filter::Vacation {
    fn from(form: Vacation) -> Self {
        Self {
            subject: form.subject,
            text: form.text,
            from: form.from.map(|time| time.0),
            until: form.until.map(|time| time.0),
            addresses: form.addresses.unwrap_or_default(),
            days: form.days.unwrap_or(DAYS),
        }
    }
}
