//! The table `users`.

use super::labels::{self, Pick};
use super::spam;
use super::{Error, Row, Tx, Value};
use crate::model::account::{Retention, Role, User};
use crate::model::address::EmailAddress;
use crate::model::clock::timestamp;
use crate::model::ids::{DomainId, FilterId, UserId};
use crate::model::revision::Revision;

/// A user with what only the directory may see.
#[derive(Clone)]
pub struct StoredUser {
    /// The user.
    pub user: User,
    /// The password's hash; none: nobody can log in.
    pub password: Option<String>,
    /// Its keys for SCRAM: `iterations,salt,stored key,server key`.
    pub scram: Option<String>,
    /// Whether a second factor is on.
    pub totp: bool,
    /// Tokens of another epoch are void.
    pub token_epoch: i64,
}

macro_rules! columns {
    () => {
        "id, login, address, display_name, role, enabled, password, quota_bytes, quota_messages, token_epoch, created_at, updated_at, scram, labels, deleted_at, totp, filter, junk_days, trash_days"
    };
}

fn stored(row: &Row<'_>) -> Result<StoredUser, Error> {
    let address = row.text_or_null(2)?.map(|text| EmailAddress::parse(&text)).transpose();
    Ok(StoredUser {
        user: User {
            id: UserId(row.integer(0)?),
            login: row.text(1)?,
            address: address.map_err(|_| Error::Corrupt("users.address"))?,
            display_name: row.text(3)?,
            role: role(row.integer(4)?)?,
            enabled: row.integer(5)? != 0,
            quota_bytes: limit(row, 7)?,
            quota_messages: limit(row, 8)?,
            retention: Retention {
                junk_days: limit(row, 17)?,
                trash_days: limit(row, 18)?,
            },
            created_at: timestamp(row.integer(10)?),
            updated_at: timestamp(row.integer(11)?),
            labels: labels::parse(row.str(13)?, "users.labels")?,
            deleted_at: row.integer_or_null(14)?.map(timestamp),
            filter: row.integer_or_null(16)?.map(FilterId),
        },
        password: row.text_or_null(6)?,
        token_epoch: row.integer(9)?,
        scram: row.text_or_null(12)?,
        totp: row.integer(15)? != 0,
    })
}

fn limit(row: &Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    Ok(row.integer_or_null(column)?.and_then(|value| u64::try_from(value).ok()))
}

/// The number by which the database keeps a role.
pub(super) const fn role_number(role: Role) -> i64 {
    match role {
        Role::User => 0,
        Role::DomainAdmin => 1,
        Role::ServerAdmin => 2,
    }
}

pub(super) const fn role(number: i64) -> Result<Role, Error> {
    match number {
        0 => Ok(Role::User),
        1 => Ok(Role::DomainAdmin),
        2 => Ok(Role::ServerAdmin),
        _ => Err(Error::Corrupt("a column role")),
    }
}

/// Limits are kept signed; more than that many octets is no limit anyone can reach.
fn quota(value: Option<u64>) -> Option<i64> {
    value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))
}

/// The user of this login name, which is given in lower case.
pub async fn find(tx: &mut Tx, login: &str) -> Result<Option<StoredUser>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM users WHERE login = ? AND deleted_at IS NULL"))
        .bind(login)
        .optional(stored)
        .await
}

/// The same, also one who is deleted and can be restored.
pub async fn find_also_deleted(tx: &mut Tx, login: &str) -> Result<Option<StoredUser>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM users WHERE login = ?"))
        .bind(login)
        .optional(stored)
        .await
}

/// Users who were deleted before, at most `limit`, the first deleted first.
pub async fn deleted_before(tx: &mut Tx, before_ms: i64, limit: i64) -> Result<Vec<(String, Revision)>, Error> {
    tx.query("SELECT login, id, updated_at FROM users WHERE deleted_at < ? ORDER BY deleted_at LIMIT ?")
        .bind(before_ms)
        .bind(limit)
        .all(|row| Ok((row.text(0)?, Revision::new(row.integer(1)?, timestamp(row.integer(2)?)))))
        .await
}

/// The user of this id.
pub async fn find_id(tx: &mut Tx, id: UserId) -> Result<Option<StoredUser>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM users WHERE id = ? AND deleted_at IS NULL"))
        .bind(id.0)
        .optional(stored)
        .await
}

/// The most octets and messages of this user, as far as there are limits; none if there is no such user.
pub async fn limits(tx: &mut Tx, id: UserId) -> Result<Option<(Option<u64>, Option<u64>)>, Error> {
    let query = tx.query("SELECT quota_bytes, quota_messages FROM users WHERE id = ?").bind(id.0);
    query.optional(|row| Ok((limit(row, 0)?, limit(row, 1)?))).await
}

/// Whether the user of this login, given in lower case, is there and enabled. It stays so until the transaction ends.
pub async fn hold_enabled(tx: &mut Tx, login: &str) -> Result<bool, Error> {
    let update = tx.query("UPDATE users SET enabled = 1 WHERE login = ? AND enabled = 1");
    Ok(update.bind(login).execute().await? == 1)
}

/// How many users one question of [`epochs`] names.
const ASKED_AT_ONCE: usize = 100;

/// Those of these users who are there and enabled, with their token epochs.
pub async fn epochs(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(ASKED_AT_ONCE) {
        // Always as many marks, so that it is one statement for the connection's cache: the last id fills the rest.
        let last = some.last().copied().unwrap_or(UserId(0));
        let ids = some.iter().copied().chain(std::iter::repeat(last)).take(ASKED_AT_ONCE);
        let marks = vec!["?"; ASKED_AT_ONCE].join(", ");
        let query = tx.query_built(format!(
            "SELECT id, token_epoch FROM users WHERE enabled = 1 AND deleted_at IS NULL AND id IN ({marks})"
        ));
        let rows = query.bind_all(ids.map(|id| Value::from(id.0)));
        found.extend(rows.all(|row| Ok((UserId(row.integer(0)?), row.integer(1)?))).await?);
    }
    Ok(found)
}

/// At most `limit` of the users who are picked, whose logins come after `after`, by login.
pub async fn page(tx: &mut Tx, pick: &Pick, after: &str, limit: i64) -> Result<Vec<User>, Error> {
    let (conditions, values) = pick.conditions("domain_id", &["login", "display_name"]);
    let deleted = if pick.deleted { "> 0" } else { "IS NULL" };
    let select = concat!("SELECT ", columns!(), " FROM users WHERE login > ?");
    tx.query_built(format!("{select} AND deleted_at {deleted}{conditions} ORDER BY login LIMIT ?"))
        .bind(after)
        .bind_all(values)
        .bind(limit)
        .all(|row| Ok(stored(row)?.user))
        .await
}

/// The first enabled administrator with a mailbox: of the domain, else of the server.
pub async fn postmaster(tx: &mut Tx, domain: DomainId) -> Result<Option<User>, Error> {
    let of_domain = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE domain_id = ? AND role >= 1 AND enabled = 1 AND deleted_at IS NULL ORDER BY role, login LIMIT 1"
        ))
        .bind(domain.0)
        .optional(stored)
        .await?;
    if let Some(found) = of_domain {
        return Ok(Some(found.user));
    }
    let of_server = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE role = 2 AND enabled = 1 AND deleted_at IS NULL AND address IS NOT NULL ORDER BY login LIMIT 1"
        ))
        .optional(stored)
        .await?;
    Ok(of_server.map(|found| found.user))
}

/// How many enabled server administrators there are.
pub async fn count_admins(tx: &mut Tx) -> Result<i64, Error> {
    let count = tx.query("SELECT COUNT(*) FROM users WHERE role = 2 AND enabled = 1 AND deleted_at IS NULL");
    Ok(count.optional(|row| row.integer(0)).await?.unwrap_or_default())
}

/// Adds a user. Conflict: the login is taken.
pub async fn insert(tx: &mut Tx, stored: &StoredUser, domain: Option<DomainId>) -> Result<(), Error> {
    let user = &stored.user;
    tx.query(concat!(
        "INSERT INTO users (",
        columns!(),
        ", domain_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))
    .bind(user.id.0)
    .bind(&*user.login)
    .bind(user.address.as_ref().map(EmailAddress::to_string))
    .bind(&*user.display_name)
    .bind(role_number(user.role))
    .bind(i64::from(user.enabled))
    .bind(stored.password.as_deref())
    .bind(quota(user.quota_bytes))
    .bind(quota(user.quota_messages))
    .bind(stored.token_epoch)
    .bind(user.created_at.as_millisecond())
    .bind(user.updated_at.as_millisecond())
    .bind(stored.scram.as_deref())
    .bind(labels::text(&user.labels))
    .bind(user.deleted_at.map(|at| at.as_millisecond()))
    .bind(i64::from(stored.totp))
    .bind(user.filter.map(|filter| filter.0))
    .bind(quota(user.retention.junk_days))
    .bind(quota(user.retention.trash_days))
    .bind(domain.map(|domain| domain.0))
    .execute()
    .await?;
    labels::insert(tx, user.id.0, &user.labels).await
}

/// Stores what can change of a user.
pub async fn update(tx: &mut Tx, stored: &StoredUser) -> Result<(), Error> {
    let user = &stored.user;
    tx.query(
        "UPDATE users SET display_name = ?, role = ?, enabled = ?, password = ?, scram = ?, quota_bytes = ?, quota_messages = ?, \
         token_epoch = ?, updated_at = ?, labels = ?, deleted_at = ?, totp = ?, junk_days = ?, trash_days = ? WHERE id = ?",
    )
    .bind(&*user.display_name)
    .bind(role_number(user.role))
    .bind(i64::from(user.enabled))
    .bind(stored.password.as_deref())
    .bind(stored.scram.as_deref())
    .bind(quota(user.quota_bytes))
    .bind(quota(user.quota_messages))
    .bind(stored.token_epoch)
    .bind(user.updated_at.as_millisecond())
    .bind(labels::text(&user.labels))
    .bind(user.deleted_at.map(|at| at.as_millisecond()))
    .bind(i64::from(stored.totp))
    .bind(quota(user.retention.junk_days))
    .bind(quota(user.retention.trash_days))
    .bind(user.id.0)
    .execute()
    .await?;
    labels::update(tx, user.id.0, &user.labels).await
}

/// Notes another state of the scripts that filter the mail of a user; none: they have none.
pub async fn set_filter(tx: &mut Tx, id: UserId, filter: Option<FilterId>) -> Result<(), Error> {
    let update = tx.query("UPDATE users SET filter = ? WHERE id = ?");
    update.bind(filter.map(|filter| filter.0)).bind(id.0).execute().await.map(drop)
}

/// Puts another hash of the same password, and its keys for SCRAM, in the place of `old`; whether it was still there.
pub async fn replace_hash(tx: &mut Tx, id: UserId, old: &str, (new, scram): (&str, Option<&str>)) -> Result<bool, Error> {
    let update = tx.query("UPDATE users SET password = ?, scram = ? WHERE id = ? AND password = ?");
    Ok(update.bind(new).bind(scram).bind(id.0).bind(old).execute().await? == 1)
}

/// Removes a user; their refresh tokens go with them, and what they have taught of spam.
pub async fn delete(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    labels::delete(tx, id.0).await?;
    spam::forget_owner(tx, id.0).await?;
    tx.query("DELETE FROM users WHERE id = ?").bind(id.0).execute().await.map(drop)
}
