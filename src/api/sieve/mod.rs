//! The scripts by which users have their mail filtered.

pub(super) mod activate;
pub(super) mod check;
pub(super) mod deactivate;
pub(super) mod list;
pub(super) mod put;
pub(super) mod remove;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::mail::filter;
use crate::model::filter::Script;

/// A script, without its text.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "name": "main", "size": 63, "active": true, "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"
}))]
pub(super) struct SieveScript {
    /// Its name.
    name: String,
    /// In octets.
    size: u64,
    /// Whether it filters the user's mail.
    active: bool,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl From<Script> for SieveScript {
    fn from(script: Script) -> Self {
        Self {
            name: script.name,
            size: script.size,
            active: script.active,
            created_at: Time(script.created_at),
            updated_at: Time(script.updated_at),
        }
    }
}

/// A mistake of a script.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"script": "main", "line": 1, "column": 9, "message": "unknown extension 'filinto'"}))]
pub(super) struct SieveProblem {
    /// The script that has it: one that is included may be at fault.
    script: String,
    /// The line, from 1.
    line: u32,
    /// The octet in the line, from 1.
    column: u32,
    /// What is wrong, and what would be right.
    message: String,
}

impl From<filter::Problem> for SieveProblem {
    fn from(problem: filter::Problem) -> Self {
        Self {
            script: problem.script,
            line: problem.at.line,
            column: problem.at.column,
            message: problem.message,
        }
    }
}
