//! The database, and the time by it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::{Area, Finding};
use crate::app::{Failure, Services};
use crate::config::Config;
use crate::store::db::{Database, clock};

/// How far clocks may be apart, in milliseconds: more is doubted, and much more is wrong.
const DOUBTED_MS: u64 = 2_000;
const WRONG_MS: u64 = 60_000;
/// Before this moment no clock of today stands: 2026-01-01.
const EARLIEST_S: i64 = 1_767_225_600;

/// Whether there is one to open: SQLite's file is made by the server, not by a look at it.
pub(super) fn is_there(config: &Config) -> bool {
    match config.database.url.strip_prefix("sqlite:") {
        Some(file) => config.data_dir.join(file.trim_start_matches("//")).exists(),
        None => config.data_dir.exists(),
    }
}

/// Whether it could be opened.
pub(super) fn opened(services: &Result<Option<Services>, Failure>) -> Finding {
    match services {
        Ok(Some(services)) => {
            let (kind, schema) = (services.database.dialect().name(), Database::schema());
            Finding::fine(Area::Database, format!("{kind} answers, its schema is {schema}, the newest"))
        }
        Ok(None) => Finding::unknown(Area::Database, "there is none yet: it is made at the first start"),
        Err(failure) => Finding::wrong(
            Area::Database,
            failure.to_string(),
            "see that the database runs, and that database.url names it and its user",
        ),
    }
}

/// The time, by the database and by the disk: those of several machines have to agree.
pub(super) async fn clock(database: Option<&Database>, data_dir: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = Timestamp::now();
    if now.as_second() < EARLIEST_S {
        findings.push(Finding::wrong(
            Area::Clock,
            format!("this machine says it is {now}"),
            "set the clock: signatures and certificates depend on it",
        ));
    }
    if let Some(database) = database {
        match asked(database).await {
            Ok(Some(apart)) => findings.push(judged("the database", apart)),
            // It has the clock of this machine.
            Ok(None) => {}
            Err(problem) => findings.push(Finding::unknown(
                Area::Clock,
                format!("the database does not tell its time: {problem}"),
            )),
        }
    }
    if let Some(apart) = by_file(data_dir) {
        findings.push(judged("the disk", apart));
    }
    findings
}

async fn asked(database: &Database) -> Result<Option<u64>, crate::store::Error> {
    let before = Timestamp::now().as_millisecond();
    let theirs = clock::now_ms(&mut database.read_alone().await?).await?;
    let after = Timestamp::now().as_millisecond();
    // Any moment of the question may be the one of the answer.
    Ok(theirs.map(|theirs| theirs.clamp(before, after).abs_diff(theirs)))
}

/// By the time of a file that is written this moment, which the machine of the disk sets.
fn by_file(data_dir: &Path) -> Option<u64> {
    let path = data_dir.join(format!(".doctor-clock-{}", std::process::id()));
    let before = SystemTime::now();
    let written = std::fs::write(&path, b"x").and_then(|()| std::fs::metadata(&path)?.modified());
    _ = std::fs::remove_file(&path);
    let written = written.ok()?;
    let distance = |one: SystemTime, other: SystemTime| one.duration_since(other).unwrap_or_default();
    let apart = distance(written, SystemTime::now()).max(distance(before, written + Duration::from_millis(20)));
    Some(u64::try_from(apart.as_millis()).unwrap_or(u64::MAX))
}

fn judged(who: &str, apart_ms: u64) -> Finding {
    let said = format!(
        "{who} and this machine are {:.1} s apart",
        Duration::from_millis(apart_ms).as_secs_f64()
    );
    let advice = "let all machines take their time from the same source, such as systemd-timesyncd or chrony";
    match apart_ms {
        0..DOUBTED_MS => Finding::fine(Area::Clock, format!("{who} and this machine have the same time")),
        DOUBTED_MS..WRONG_MS => Finding::doubtful(Area::Clock, said, advice),
        _ => Finding::wrong(Area::Clock, said, advice),
    }
}
