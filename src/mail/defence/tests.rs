use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::model::access::Subject;

struct House {
    defence: Defence,
    database: Database,
    clock: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

fn settings() -> config::Defence {
    config::Defence {
        max_failures: 2,
        max_failures_per_network: 0,
        ban_seconds: 60,
        max_ban_seconds: 150,
        remember_hours: 1,
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        watch_milliseconds: 10,
        ..Default::default()
    }
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        Self {
            defence: Defence::open(database.clone(), settings(), Clock::Manual(clock.clone()))
                .await
                .unwrap(),
            database,
            clock,
            _folder: folder,
        }
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// Fails from this address until it is banned, and waits until that is written down; for how many seconds.
    async fn fail(&self, from: &str) -> i64 {
        (0..2).for_each(|_| self.defence.failed(ip(from)));
        self.wait_for_ban(from).await
    }

    async fn wait_for_ban(&self, from: &str) -> i64 {
        let network = Network::around(ip(from), 32);
        loop {
            if let Ok(ban) = self.defence.ban(network).await {
                return ban.ends_at.unwrap().duration_since(self.defence.inner.clock.now()).as_secs();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn entry(subject: &str, ends_at: Option<Timestamp>) -> NewEntry {
    NewEntry {
        subject: subject.parse().unwrap(),
        note: String::new(),
        ends_at,
    }
}

#[tokio::test]
async fn each_ban_is_longer_than_the_one_before_until_that_is_forgotten() {
    let house = House::new().await;
    let is_banned = |from| house.defence.refuses(ip(from)).is_some();
    house.defence.failed(ip("192.0.2.1"));
    assert!(!is_banned("192.0.2.1"));
    house.defence.failed(ip("192.0.2.1"));
    // Here it holds before the database knows.
    assert!(is_banned("192.0.2.1") && is_banned("::ffff:192.0.2.1") && !is_banned("192.0.2.2"));
    assert_eq!(house.wait_for_ban("192.0.2.1").await, 60);
    for seconds in [120, 150, 150] {
        house.pass(151);
        assert!(!is_banned("192.0.2.1"));
        assert_eq!(house.fail("192.0.2.1").await, seconds);
    }
    house.pass(150 + 3_601);
    house
        .defence
        .inner
        .write_ban(Network::around(ip("192.0.2.9"), 32), "too many failed logins")
        .await
        .unwrap();
    let mut tx = house.database.write().await.unwrap();
    bans_forget(&mut tx, house.clock.load(Ordering::SeqCst) - 3_600_000).await;
    tx.commit().await.unwrap();
    assert_eq!(house.fail("192.0.2.1").await, 60);
    house.defence.remove_ban(Network::around(ip("192.0.2.1"), 32)).await.unwrap();
    assert!(!is_banned("192.0.2.1"));
}

async fn bans_forget(tx: &mut crate::store::db::Tx, before_ms: i64) {
    crate::store::db::bans::forget(tx, before_ms).await.unwrap();
}

#[tokio::test]
async fn who_is_exempt_is_never_banned() {
    let house = House::new().await;
    let defence = &house.defence;
    defence.add_entry(AccessList::Allow, entry("198.51.100.0/24", None)).await.unwrap();
    for from in ["127.0.0.1", "198.51.100.7"] {
        (0..9).for_each(|_| defence.failed(ip(from)));
        assert_eq!(defence.refuses(ip(from)), None, "{from}");
    }
    assert!(defence.allows(ip("198.51.100.7")) && !defence.allows(ip("127.0.0.1")));
    // Nor by the operator, who would lock themselves out.
    defence.add_entry(AccessList::Block, entry("198.51.100.7", None)).await.unwrap();
    assert_eq!(defence.refuses(ip("198.51.100.7")), None);
    defence.add_entry(AccessList::Block, entry("203.0.113.0/24", None)).await.unwrap();
    assert_eq!(defence.refuses(ip("203.0.113.1")), Some(Refused::Blocklisted));
}

#[tokio::test]
async fn nodes_share_bans_and_lists() {
    let house = House::new().await;
    let other = Defence::open(house.database.clone(), settings(), Clock::Manual(house.clock.clone()))
        .await
        .unwrap();
    house.fail("192.0.2.1").await;
    let sender: EmailAddress = "ada@mail.example.org".parse().unwrap();
    house
        .defence
        .add_entry(AccessList::Block, entry("example.org", None))
        .await
        .unwrap();
    let knows = async {
        while other.refuses(ip("192.0.2.1")).is_none() || other.listed(&sender).is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), knows).await.unwrap();
    other.remove_ban(Network::around(ip("192.0.2.1"), 32)).await.unwrap();
    let forgets = async {
        while house.defence.refuses(ip("192.0.2.1")).is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), forgets).await.unwrap();
}

#[tokio::test]
async fn the_more_exact_entry_wins_and_entries_end() {
    let house = House::new().await;
    let defence = &house.defence;
    let says = |sender: &str| defence.listed(&sender.parse().unwrap());
    let until = defence.inner.clock.now() + SignedDuration::from_secs(60);
    for (list, subject, ends_at) in [
        (AccessList::Block, "example.org", None),
        (AccessList::Allow, "mail.example.org", None),
        (AccessList::Block, "eve@mail.example.org", Some(until)),
        (AccessList::Allow, "both.test", None),
        (AccessList::Block, "both.test", None),
    ] {
        defence.add_entry(list, entry(subject, ends_at)).await.unwrap();
    }
    for (sender, list) in [
        ("a@example.org", Some(AccessList::Block)),
        ("a@b.Example.org", Some(AccessList::Block)),
        ("a@mail.example.org", Some(AccessList::Allow)),
        ("Eve@mail.example.org", Some(AccessList::Block)),
        ("a@both.test", Some(AccessList::Allow)),
        ("a@notexample.org", None),
        ("a@org", None),
    ] {
        assert_eq!(says(sender), list, "{sender}");
    }
    house.pass(60);
    assert_eq!(says("eve@mail.example.org"), Some(AccessList::Allow));
    let subject: Subject = "eve@mail.example.org".parse().unwrap();
    assert!(matches!(
        defence.remove_entry(AccessList::Block, &subject).await,
        Err(crate::model::refusal::Refusal::NotFound { .. })
    ));
    assert_eq!(defence.entries(AccessList::Block, None, 9).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn half_of_the_world_is_not_banned_by_a_slip() {
    let house = House::new().await;
    for network in ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/15"] {
        let new = NewBan {
            network: network.parse().unwrap(),
            reason: String::new(),
            ends_at: None,
        };
        assert!(house.defence.add_ban(new).await.is_err(), "{network}");
    }
    let past = NewBan {
        network: "192.0.2.0/24".parse().unwrap(),
        reason: String::new(),
        ends_at: Some(house.defence.inner.clock.now()),
    };
    assert!(house.defence.add_ban(past).await.is_err());
}
