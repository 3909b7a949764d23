//! The core of the database on SQLite; `tests/house/databases` runs the same on all three.

use super::*;

async fn fresh(folder: &Path) -> Database {
    Database::open(&crate::config::Database::default(), folder).await.unwrap()
}

#[tokio::test]
async fn what_is_not_committed_never_happened() {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh(folder.path()).await;
    for (commit, expected) in [(false, None), (true, Some(b"x".to_vec()))] {
        let mut tx = database.write().await.unwrap();
        let insert = tx.query("INSERT INTO settings (name, content) VALUES (?, ?)");
        assert_eq!(insert.bind("a").bind(b"x".to_vec()).execute().await.unwrap(), 1);
        if commit {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
        }
        let mut tx = database.read().await.unwrap();
        let select = tx.query("SELECT content FROM settings WHERE name = ?").bind("a");
        assert_eq!(select.optional(|row| row.blob(0)).await.unwrap(), expected);
    }
    let mut tx = database.write().await.unwrap();
    let again = tx
        .query("INSERT INTO settings (name, content) VALUES (?, ?)")
        .bind("a")
        .bind(b"y".to_vec());
    assert!(matches!(again.execute().await, Err(Error::Conflict)));
}

#[tokio::test]
async fn many_rows_go_in_and_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh(folder.path()).await;
    let mut tx = database.write().await.unwrap();
    let values = (0..1201_i64).flat_map(|n| [Value::from(format!("n{n:05}")), Value::from(n.to_be_bytes().to_vec())]);
    let inserted = tx
        .insert_many("INSERT INTO settings (name, content) VALUES", 2, values.collect())
        .await;
    assert_eq!(inserted.unwrap(), 1201);
    tx.commit().await.unwrap();
    let mut tx = database.read().await.unwrap();
    let names = tx
        .query("SELECT name FROM settings ORDER BY name")
        .all(|row| row.text(0))
        .await
        .unwrap();
    assert_eq!(names.len(), 1201);
    assert_eq!(names.last().map(String::as_str), Some("n01200"));
}

#[tokio::test]
async fn opening_at_the_same_time_works() {
    let folder = tempfile::tempdir().unwrap();
    let opened = futures_util::future::join_all((0..4).map(|_| fresh(folder.path()))).await;
    for database in opened {
        let mut tx = database.read().await.unwrap();
        let count = tx
            .query("SELECT COUNT(*) FROM posthouse_schema")
            .optional(|row| row.integer(0))
            .await
            .unwrap();
        assert!(count >= Some(1));
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "oracle:x",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:/proc/none/x.db",
        "postgres://u:secret@127.0.0.1:1/x",
        "mysql://u:secret@127.0.0.1:1/x",
        "postgres://u:secret@:x/",
    ] {
        let settings = crate::config::Database {
            url: url.into(),
            ..Default::default()
        };
        let Err(Error::Unusable(sentence)) = Database::open(&settings, folder.path()).await else {
            panic!("{url} was opened");
        };
        assert!(sentence.starts_with("database.url: "), "{sentence}");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
}
