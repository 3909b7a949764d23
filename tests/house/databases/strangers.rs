//! What is remembered of strangers, in each database.

use posthouse::model::ids::UserId;
use posthouse::store::db::greylist::Known;
use posthouse::store::db::reputation::Counts;
use posthouse::store::db::{Database, acquaintances, greylist, reputation};

use super::Fresh;
use super::directory::house;

/// A mark whose last octets are a number.
fn mark(number: u16) -> [u8; 16] {
    let mut mark = [0xff; 16];
    mark[14..].copy_from_slice(&number.to_be_bytes());
    mark
}

pub async fn what_is_put_off_is_known_until_it_expires(fresh: Fresh) {
    let database = fresh.open().await;
    let known = |first_ms, expires_ms| Known { first_ms, expires_ms };
    let mut tx = database.write().await.unwrap();
    for (number, at) in [(1, known(1, 10)), (2, known(2, 20)), (1, known(3, 30))] {
        greylist::put(&mut tx, &mark(number), at).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = database.write().await.unwrap();
    assert_eq!(greylist::find(&mut tx, &mark(1)).await.unwrap(), Some(known(3, 30)));
    assert_eq!(greylist::forget(&mut tx, 21).await.unwrap(), 1);
    assert_eq!(greylist::find(&mut tx, &mark(2)).await.unwrap(), None);
    assert_eq!(greylist::count(&mut tx).await.unwrap(), 1);
}

async fn who_knows(database: &Database, users: &[UserId], numbers: &[u16], since: i64) -> Vec<UserId> {
    let marks: Vec<[u8; 16]> = numbers.iter().copied().map(mark).collect();
    let mut tx = database.read().await.unwrap();
    let mut known = acquaintances::who_knows(&mut tx, users, &marks, since).await.unwrap();
    known.sort_unstable();
    known
}

pub async fn acquaintances_are_kept_by_user(fresh: Fresh) {
    let directory = house(&fresh, &["ada@house.test", "bob@house.test"]).await;
    let database = fresh.open().await;
    let mut users = Vec::new();
    for login in ["ada@house.test", "bob@house.test"] {
        users.push(directory.user(login).await.unwrap().id);
    }
    let (ada, bob) = (users[0], users[1]);
    let nobody = UserId(i64::MAX);
    let mut tx = database.write().await.unwrap();
    let many: Vec<[u8; 16]> = (0..600).map(mark).collect();
    acquaintances::meet(&mut tx, ada, &many, 5).await.unwrap();
    acquaintances::meet(&mut tx, ada, &many[..2], 9).await.unwrap();
    acquaintances::meet(&mut tx, bob, &[mark(1)], 7).await.unwrap();
    acquaintances::meet(&mut tx, nobody, &[mark(1)], 7).await.unwrap();
    tx.commit().await.unwrap();
    users.push(nobody);
    assert_eq!(who_knows(&database, &users, &[1, 2], 0).await, [ada, bob]);
    assert_eq!(who_knows(&database, &users, &[1], 8).await, [ada]);
    assert!(who_knows(&database, &users, &[700], 0).await.is_empty());
    assert!(who_knows(&database, &[], &[], 0).await.is_empty());
    let mut tx = database.write().await.unwrap();
    acquaintances::keep(&mut tx, ada, 3).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(who_knows(&database, &[ada], &[0], 0).await, [ada], "those met last are left");
    let mut tx = database.write().await.unwrap();
    assert_eq!(acquaintances::forget(&mut tx, 8).await.unwrap(), 2);
    tx.commit().await.unwrap();
}

pub async fn reputations_are_counted_and_the_oldest_go(fresh: Fresh) {
    let database = fresh.open().await;
    let row = |number: i64, spam| {
        let counts = Counts {
            spam,
            ham: 2,
            updated_ms: number,
        };
        (format!("domain {number}.test"), counts)
    };
    let mut tx = database.write().await.unwrap();
    let many: Vec<(String, Counts)> = (0..700).map(|number| row(number, 1)).collect();
    reputation::put(&mut tx, &many).await.unwrap();
    reputation::put(&mut tx, &[row(699, 5)]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = database.write().await.unwrap();
    let asked = [row(699, 0).0, "domain none.test".to_owned()];
    assert_eq!(reputation::find(&mut tx, &asked, true).await.unwrap(), [row(699, 5)]);
    assert_eq!(reputation::forget(&mut tx, 10).await.unwrap(), 10);
    reputation::forget_oldest(&mut tx, 680).await.unwrap();
    assert_eq!(reputation::count(&mut tx).await.unwrap(), 10);
    let left = [row(690, 0).0, row(689, 0).0];
    assert_eq!(reputation::find(&mut tx, &left, false).await.unwrap(), [row(690, 1)]);
    tx.commit().await.unwrap();
}
