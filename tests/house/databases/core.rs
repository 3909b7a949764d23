//! Transactions, values, schema.

use posthouse::store::Error;
use posthouse::store::db::mta_sts::{self, StoredPolicy};
use posthouse::store::db::{Database, Tx, Value, settings};

use crate::support::databases::Fresh;

async fn put(tx: &mut Tx, name: &str, content: &[u8]) -> Result<u64, Error> {
    let insert = tx.query("INSERT INTO settings (name, content) VALUES (?, ?)");
    insert.bind(name).bind(content).execute().await
}

async fn names(database: &Database) -> Vec<String> {
    let mut tx = database.read().await.unwrap();
    let select = tx.query("SELECT name FROM settings ORDER BY name");
    select.all(|row| row.text(0)).await.unwrap()
}

pub async fn what_is_not_committed_never_happened(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    assert_eq!(put(&mut tx, "a", b"x").await.unwrap(), 1);
    drop(tx);
    assert!(names(&database).await.is_empty());
    let mut tx = database.write().await.unwrap();
    put(&mut tx, "a", b"x").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(&database).await, ["a"]);
    let mut tx = database.write().await.unwrap();
    assert!(matches!(put(&mut tx, "a", b"y").await, Err(Error::Conflict)));
    drop(tx);
    // The connection is good again.
    let mut tx = database.write().await.unwrap();
    put(&mut tx, "b", b"y").await.unwrap();
    tx.commit().await.unwrap();
    database.close().await;
    assert_eq!(names(&fresh.open().await).await, ["a", "b"]);
}

pub async fn values_come_back_as_they_went_in(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    let octets: Vec<u8> = (0..=255).collect();
    put(&mut tx, "Grüße 🐎 '\"\\", &octets).await.unwrap();
    for (id, enabled) in [(i64::MIN, 1_i64), (i64::MAX, 0)] {
        tx.query("INSERT INTO domains (id, name, alias_of, enabled, description, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(id)
            .bind(format!("d{id}"))
            .bind(None::<&str>)
            .bind(enabled)
            .bind("")
            .bind(5_i64)
            .bind(6_i64)
            .execute()
            .await
            .unwrap();
    }
    let row = tx
        .query("SELECT name, content FROM settings")
        .optional(|row| Ok((row.text(0)?, row.blob(1)?)));
    assert_eq!(row.await.unwrap(), Some(("Grüße 🐎 '\"\\".into(), octets)));
    let rows = tx
        .query("SELECT id, alias_of, description FROM domains WHERE created_at = ? ORDER BY id")
        .bind(5_i64)
        .all(|row| Ok((row.integer(0)?, row.text_or_null(1)?, row.text(2)?)))
        .await
        .unwrap();
    assert_eq!(rows, [(i64::MIN, None, String::new()), (i64::MAX, None, String::new())]);
    let sql = format!(
        "SELECT COUNT(*), {}, MAX(updated_at), 1 FROM domains",
        tx.dialect().sum("updated_at")
    );
    let counted = tx
        .query_built(sql)
        .optional(|row| (0..4).map(|at| row.integer(at)).collect::<Result<Vec<_>, _>>());
    assert_eq!(counted.await.unwrap(), Some(vec![2, 12, 6, 1]));
    let null = tx.query("SELECT alias_of FROM domains").optional(|row| row.text(0)).await;
    assert!(null.is_err());
    let none = tx
        .query("SELECT MAX(created_at) FROM users")
        .optional(|row| row.integer_or_null(0))
        .await;
    assert_eq!(none.unwrap(), Some(None));
    // An UPDATE counts the rows it finds, also those that had the value already.
    let update = tx
        .query("UPDATE domains SET created_at = ? WHERE created_at = ?")
        .bind(5_i64)
        .bind(5_i64);
    assert_eq!(update.execute().await.unwrap(), 2);
}

pub async fn many_rows_go_in_and_come_out(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    let values = (0..2003_i64).flat_map(|n| [Value::from(format!("n{n:05}")), Value::from(n.to_be_bytes().to_vec())]);
    let inserted = tx
        .insert_many("INSERT INTO settings (name, content) VALUES", 2, values.collect())
        .await;
    assert_eq!(inserted.unwrap(), 2003);
    tx.commit().await.unwrap();
    let names = names(&database).await;
    assert_eq!(names.len(), 2003);
    assert_eq!(names.last().map(String::as_str), Some("n02002"));
}

pub async fn inserts_meet_rows_that_are_there(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    let ignore = tx.dialect().insert_or_ignore("INTO settings (name, content) VALUES (?, ?)");
    let update = String::from("INSERT INTO settings (name, content) VALUES (?, ?)") + &tx.dialect().or_update(&["name"], &["content"]);
    let mut run = async |sql: &str, content: &[u8]| {
        let touched = tx.query_built(sql.to_owned()).bind("k").bind(content).execute().await.unwrap();
        let select = tx.query("SELECT content FROM settings WHERE name = 'k'");
        (touched, select.optional(|row| row.blob(0)).await.unwrap().unwrap())
    };
    assert_eq!(run(&ignore, b"1").await, (1, b"1".to_vec()));
    assert_eq!(run(&ignore, b"2").await, (0, b"1".to_vec()));
    assert_eq!(run(&update, b"3").await.1, b"3".to_vec());
    assert_eq!(settings::get_or_set(&mut tx, "k", b"4").await.unwrap(), b"3");
    assert_eq!(settings::get_or_set(&mut tx, "l", b"4").await.unwrap(), b"4");
}

pub async fn keys_differ_by_every_octet(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    for name in ["a", "A", "a ", "ä", "á"] {
        put(&mut tx, name, b"").await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(names(&database).await, ["A", "a", "a ", "á", "ä"]);
}

pub async fn a_read_sees_one_moment(fresh: Fresh) {
    let database = fresh.open().await;
    let mut reading = database.read().await.unwrap();
    let count = async |tx: &mut Tx| {
        let count = tx.query("SELECT COUNT(*) FROM settings").optional(|row| row.integer(0));
        count.await.unwrap().unwrap()
    };
    assert_eq!(count(&mut reading).await, 0);
    let mut writing = database.write().await.unwrap();
    put(&mut writing, "a", b"").await.unwrap();
    writing.commit().await.unwrap();
    assert_eq!(count(&mut reading).await, 0);
    drop(reading);
    assert_eq!(count(&mut database.read().await.unwrap()).await, 1);
}

pub async fn a_row_is_claimed_once(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    put(&mut tx, "job", b"free").await.unwrap();
    tx.commit().await.unwrap();
    let claims = (0..8).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            let mut tx = database.write().await.unwrap();
            let lock = format!("SELECT name FROM settings WHERE name = 'job'{}", tx.for_update());
            tx.query_built(lock).optional(|row| row.text(0)).await.unwrap();
            let claim = tx.query("UPDATE settings SET content = ? WHERE name = ? AND content = ?");
            let claimed = claim.bind(&b"taken"[..]).bind("job").bind(&b"free"[..]).execute().await.unwrap();
            tx.commit().await.unwrap();
            claimed
        })
    });
    let claimed: Vec<u64> = futures_util::future::join_all(claims)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(claimed.iter().sum::<u64>(), 1, "{claimed:?}");
}

pub async fn opening_at_the_same_time_works(fresh: Fresh) {
    let fresh = std::sync::Arc::new(fresh);
    let opening = (0..4).map(|_| {
        let fresh = fresh.clone();
        tokio::spawn(async move { fresh.open().await })
    });
    for database in futures_util::future::join_all(opening).await {
        let mut tx = database.unwrap().read().await.unwrap();
        let version = tx.query("SELECT version FROM directory_version").all(|row| row.integer(0)).await;
        assert_eq!(version.unwrap(), [0]);
    }
}

pub async fn a_newer_schema_is_refused(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    let insert = tx.query("INSERT INTO posthouse_schema (version, name, checksum) VALUES (9999, 'from the future', '')");
    insert.execute().await.unwrap();
    tx.commit().await.unwrap();
    database.close().await;
    let Err(Error::Unusable(sentence)) = fresh.try_open().await else {
        panic!("it was opened");
    };
    assert!(sentence.contains("newer posthouse") && sentence.contains("9999"), "{sentence}");
}

pub async fn another_schema_is_refused(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    tx.query("UPDATE posthouse_schema SET checksum = 'x'").execute().await.unwrap();
    tx.commit().await.unwrap();
    database.close().await;
    let Err(Error::Unusable(sentence)) = fresh.try_open().await else {
        panic!("it was opened");
    };
    assert!(sentence.starts_with("database.url: "), "{sentence}");
}

pub async fn policies_are_kept_while_they_hold(fresh: Fresh) {
    let database = fresh.open().await;
    let mut tx = database.write().await.unwrap();
    let policy = |id: &str, until| StoredPolicy {
        id: id.into(),
        content: vec![b'x'; 65_536],
        until,
    };
    let domain = |name: &str| name.parse().unwrap();
    for (name, id, until) in [("a.test", "1", 10), ("b.test", "1", 20), ("c.test", "1", 30), ("a.test", "2", 40)] {
        mta_sts::put(&mut tx, &domain(name), &policy(id, until)).await.unwrap();
    }
    assert_eq!(mta_sts::find(&mut tx, &domain("a.test"), 39).await.unwrap(), Some(policy("2", 40)));
    assert_eq!(mta_sts::find(&mut tx, &domain("a.test"), 40).await.unwrap(), None);
    let left = async |tx: &mut Tx| {
        let select = tx.query("SELECT domain FROM mta_sts_policies ORDER BY domain");
        select.all(|row| row.text(0)).await.unwrap().join(" ")
    };
    for (now, most, expected) in [
        (15, 9, "a.test b.test c.test"),
        (20, 9, "a.test c.test"),
        (20, 1, "a.test"),
        (40, 1, ""),
    ] {
        mta_sts::prune(&mut tx, now, most).await.unwrap();
        assert_eq!(left(&mut tx).await, expected);
    }
    tx.commit().await.unwrap();
}
