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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh(folder.path()).await;
    let values = "SELECT content, name, 7, NULL FROM settings WHERE name = ? AND ? = 5 AND ? IS NULL";
    for content in [&b"x"[..], b"\xff\x00"] {
        let mut tx = database.write().await.unwrap();
        tx.query("DELETE FROM settings").execute().await.unwrap();
        let insert = tx.query("INSERT INTO settings (name, content) VALUES ('\u{e4}', ?)").bind(content);
        insert.execute().await.unwrap();
        // What is not committed is not seen, and does not make others wait.
        let mut early = database.read_in_place(Asked::First).await.unwrap();
        let select = early.query(values).bind("\u{e4}").bind(5_i64).bind(None::<Vec<u8>>);
        assert_ne!(select.optional(|row| row.blob(0)).await.unwrap().as_deref(), Some(content));
        tx.commit().await.unwrap();
        let mut tx = database.read_in_place(Asked::First).await.unwrap();
        assert!(matches!(tx.inner, dialect::Inner::InPlace(_)));
        let select = tx.query(values).bind("\u{e4}").bind(5_i64).bind(None::<Vec<u8>>);
        let found = select.all(|row| {
            assert!(row.integer(3).is_err() && row.text(3).is_err());
            assert_eq!(
                (row.text_or_null(3)?, row.blob_or_null(3)?, row.integer_or_null(3)?),
                (None, None, None)
            );
            assert_eq!((row.str(1)?, row.text(1)?), ("\u{e4}", "\u{e4}".into()));
            assert_eq!(row.text(0).is_ok(), content == b"x");
            Ok((row.blob(0)?, row.integer(2)?))
        });
        assert_eq!(found.await.unwrap(), [(content.to_vec(), 7)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_in_place_changes_nothing_and_is_never_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh(folder.path()).await;
    let mut many = Vec::new();
    for _ in 0..6 {
        many.push(database.read_in_place(Asked::First).await.unwrap());
    }
    for tx in &mut many {
        let count = tx.query("SELECT COUNT(*) FROM settings").optional(|row| row.integer(0)).await;
        assert!(count.unwrap().is_some());
    }
    drop(many);
    let open = database.connections().open;
    let mut tx = database.read_in_place(Asked::First).await.unwrap();
    assert!(tx.query("DELETE FROM settings").execute().await.is_err());
    // It is closed after the error, and makes room for another.
    assert!(tx.query("SELECT 1").optional(|row| row.integer(0)).await.is_err());
    drop(tx);
    assert_eq!(database.connections().open, open - 1);
    let mut tx = database.read_in_place(Asked::First).await.unwrap();
    assert_eq!(tx.query("SELECT 1").optional(|row| row.integer(0)).await.unwrap(), Some(1));
    drop(tx);
    database.close().await;
    assert!(matches!(database.read_in_place(Asked::First).await, Err(Error::Away(_))));
    assert!(
        !folder.path().join("posthouse.db-wal").exists(),
        "who closes last takes the log away"
    );
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
