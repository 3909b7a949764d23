//! Filters on each database: scripts are kept, and what they have seen is remembered once.

use posthouse::model::filter::Script;
use posthouse::model::ids::UserId;
use posthouse::store::db::filters as rows;
use serde_json::{Value, json};

use super::whole::in_a_thread;
use crate::support::databases::Fresh;
use crate::support::house::Builder;
use crate::support::maildir;

/// Of all who claim a mark at the same moment one is the first; when its time is over it can be claimed again.
pub async fn a_mark_is_claimed_once(fresh: Fresh) {
    let directory = super::directory::house(&fresh, &["ada@house.test"]).await;
    let database = fresh.open().await;
    let user: UserId = directory.user("ada@house.test").await.unwrap().id;
    let claim = |now: i64| {
        let database = database.clone();
        async move {
            let mut tx = database.write().await.unwrap();
            let claimed = rows::claim(&mut tx, user, b"mark", (now, now + 100)).await.unwrap();
            tx.commit().await.unwrap();
            claimed
        }
    };
    let claims = futures_util::future::join_all((0..4).map(|_| claim(1000))).await;
    assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 1);
    assert!(!claim(1099).await);
    assert!(claim(1100).await);
    assert!(!claim(1150).await);
    let mut tx = database.read().await.unwrap();
    assert!(rows::is_seen(&mut tx, user, b"mark", 1199).await.unwrap());
    assert!(!rows::is_seen(&mut tx, user, b"mark", 1200).await.unwrap());
    drop(tx);
    let script = |name: &str| Script {
        name: name.to_owned(),
        size: 5,
        active: false,
        created_at: posthouse::model::clock::timestamp(1),
        updated_at: posthouse::model::clock::timestamp(1),
    };
    let mut tx = database.write().await.unwrap();
    for name in ["A", "a", "ä"] {
        rows::insert(&mut tx, user, &script(name), b"keep;").await.unwrap();
    }
    rows::activate(&mut tx, user, Some("a"), 2).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = database.read().await.unwrap();
    let active: Vec<String> = rows::list(&mut tx, user)
        .await
        .unwrap()
        .into_iter()
        .filter(|it| it.active)
        .map(|it| it.name)
        .collect();
    assert_eq!(active, ["a"]);
    assert_eq!(rows::find(&mut tx, user, "ä").await.unwrap().unwrap().1, b"keep;");
}

pub async fn mail_is_filtered(fresh: Fresh) {
    in_a_thread(fresh, filtered).await;
}

fn filtered(builder: Builder) {
    let house = builder.start();
    house.provision();
    let admin = house.admin();
    let path = "/users/alice@house.test/sieve/main";
    let script = "require [\"fileinto\", \"duplicate\"]; if duplicate { discard; } else { fileinto \"Archive\"; }";
    admin.put(path, json!({ "content": script })).ok();
    assert_eq!(admin.post(&format!("{path}/activate"), Value::Null).status, 204);
    let letter = "From: ada@client.test\nMessage-ID: <1@client.test>\nSubject: x\n\nx\n";
    for _ in 0..2 {
        house.smtp().send("ada@client.test", &["alice@house.test"], letter).expect(250);
    }
    assert_eq!(maildir::messages(&house.maildir("alice@house.test").join(".Archive")).len(), 1);
    let path = "/users/alice@house.test/vacation";
    admin.put(path, json!({"text": "Away."})).ok();
    admin.put(path, json!({"text": "Further away."})).ok();
    assert_eq!(admin.get(path).ok()["text"], "Further away.");
    assert_eq!(admin.delete(path).status, 204);
}
