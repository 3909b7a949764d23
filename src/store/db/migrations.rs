//! Brings the schema up to date at the start, once for all who start together.
//!
//! Each migration has a file for each database, `migrations/{sqlite,postgres,mysql}/NNNN_name.sql`, and a line in the list
//! below. What was applied stands in the table `posthouse_schema` with a checksum. MariaDB commits at each CREATE, so its files
//! say IF NOT EXISTS and can be run again after a crash; the other two apply all or nothing.

use sha2::{Digest, Sha256};

use super::dialect::{Dialect, lock_file};
use super::{Database, Tx, dump};
use crate::store::Error;

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    mysql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
            mysql: include_str!(concat!("../../../migrations/mysql/", $name, ".sql")),
        }
    };
}

/// In the order in which they are applied. One that has been released is never changed.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_directory"),
    migration!(2, "0002_mailboxes"),
    migration!(3, "0003_queue"),
    migration!(4, "0004_signing"),
    migration!(5, "0005_submissions"),
    migration!(6, "0006_queue_steering"),
    migration!(7, "0007_mta_sts"),
    migration!(8, "0008_tls_reports"),
    migration!(9, "0009_expunged_runs"),
    migration!(10, "0010_previews_objects"),
    migration!(11, "0011_scram"),
    migration!(12, "0012_headers"),
    migration!(13, "0013_traces"),
    migration!(14, "0014_queue_contents"),
    migration!(15, "0015_tls_optional"),
    migration!(16, "0016_metadata"),
    migration!(17, "0017_acls"),
    migration!(18, "0018_queue_due"),
    migration!(19, "0019_replies"),
    migration!(20, "0020_imports"),
    migration!(21, "0021_acl_domains"),
    migration!(22, "0022_recoveries"),
    migration!(23, "0023_looks"),
    migration!(24, "0024_key_scopes"),
    migration!(25, "0025_labels"),
    migration!(26, "0026_logins"),
    migration!(27, "0027_message_counts"),
    migration!(28, "0028_filters"),
    migration!(29, "0029_audit"),
    migration!(30, "0030_dmarc_reports"),
    migration!(31, "0031_received_reports"),
    migration!(32, "0032_defence"),
    migration!(33, "0033_acme"),
    migration!(34, "0034_spam"),
    migration!(35, "0035_events"),
    migration!(36, "0036_webhooks"),
    migration!(37, "0037_snapshots"),
    migration!(38, "0038_greylist"),
    migration!(39, "0039_acquaintances"),
    migration!(40, "0040_reputation"),
    migration!(41, "0041_spam_weights"),
    migration!(42, "0042_retention"),
];

impl Migration {
    const fn sql(&self, dialect: Dialect) -> &'static str {
        dialect.pick(self.sqlite, self.postgres, self.mysql)
    }

    fn checksum(&self, dialect: Dialect) -> String {
        let digest = Sha256::digest(self.sql(dialect).as_bytes());
        digest.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

/// The version that the last of them makes.
pub(super) const fn newest() -> usize {
    MIGRATIONS.len()
}

/// Applies what is missing.
pub(super) async fn run(database: &Database) -> Result<(), Error> {
    alone(database, async |tx| {
        let done = steps(tx).await?;
        apply(tx, MIGRATIONS.get(done..).unwrap_or_default()).await
    })
    .await
}

/// Fills an empty database with rows of the step `schema`, and applies the further steps; how many rows.
pub(super) async fn fill(
    database: &Database,
    schema: i64,
    lines: impl Iterator<Item = Result<String, Error>> + Send,
) -> Result<u64, Error> {
    alone(database, async |tx| {
        if steps(tx).await? > 0 {
            return Err(Error::Unusable(
                "database.url: the database is not empty; what is restored needs one that nobody has used".into(),
            ));
        }
        let known = MIGRATIONS.partition_point(|migration| migration.version <= schema);
        let (before, after) = MIGRATIONS.split_at_checked(known).unwrap_or((MIGRATIONS, &[]));
        apply(tx, before).await?;
        let rows = dump::read(tx, lines).await?;
        apply(tx, after).await?;
        Ok(rows)
    })
    .await
}

/// The last step that was applied.
pub(super) async fn applied(tx: &mut Tx) -> Result<i64, Error> {
    let last = tx
        .query("SELECT MAX(version) FROM posthouse_schema")
        .optional(|row| row.integer_or_null(0))
        .await?;
    Ok(last.flatten().unwrap_or(0))
}

/// The last step that this program knows.
pub(super) fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Does it in one transaction while nobody else changes the schema.
async fn alone<T>(database: &Database, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) -> Result<T, Error> {
    let guard = match database.pools.lock_file() {
        Some(path) => Some(lock_file(path).await.map_err(|source| Error::File { path: path.into(), source })?),
        None => None,
    };
    let mut tx = database.write().await?;
    tx.inner.lock_schema().await?;
    let done = work(&mut tx).await;
    let unlocked = tx.inner.unlock_schema().await;
    // The reason why it was not done comes first.
    let done = done.and_then(|done| unlocked.map(|()| done))?;
    tx.commit().await?;
    drop(guard);
    Ok(done)
}

/// How many steps were applied, all of which are ours.
async fn steps(tx: &mut Tx) -> Result<usize, Error> {
    let dialect = tx.dialect();
    tx.inner
        .script("CREATE TABLE IF NOT EXISTS posthouse_schema (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, checksum VARCHAR(64) NOT NULL)")
        .await?;
    let applied = tx
        .query("SELECT version, checksum FROM posthouse_schema ORDER BY version")
        .all(|row| Ok((row.integer(0)?, row.text(1)?)))
        .await?;
    check(&applied, dialect)?;
    Ok(applied.len())
}

async fn apply(tx: &mut Tx, migrations: &[Migration]) -> Result<(), Error> {
    let dialect = tx.dialect();
    for migration in migrations {
        tracing::info!(version = migration.version, name = migration.name, "changing the database's schema");
        tx.inner.script(migration.sql(dialect)).await?;
        tx.query("INSERT INTO posthouse_schema (version, name, checksum) VALUES (?, ?, ?)")
            .bind(migration.version)
            .bind(migration.name)
            .bind(migration.checksum(dialect))
            .execute()
            .await?;
    }
    Ok(())
}

/// What was applied must be the begin of our list.
fn check(applied: &[(i64, String)], dialect: Dialect) -> Result<(), Error> {
    for (at, (version, checksum)) in applied.iter().enumerate() {
        let Some(ours) = MIGRATIONS.get(at) else {
            return Err(Error::Unusable(format!(
                "database.url: the database was changed by a newer posthouse (its schema is {version}, this program knows {}); start that one instead",
                MIGRATIONS.len()
            )));
        };
        if ours.version != *version || ours.checksum(dialect) != *checksum {
            return Err(Error::Unusable(format!(
                "database.url: step {version} of the database's schema is not the one this program knows; it was made by another version of posthouse"
            )));
        }
    }
    Ok(())
}
