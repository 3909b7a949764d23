//! The ledger on SQLite with a clock that is moved by hand; `tests/house` runs the server on all three databases.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::mail::events::Events;
use crate::mail::statistics::Statistics;
use crate::model::envelope::{Notify, ReversePath};

const SECOND: i64 = 1000;

struct House {
    queue: Queue,
    spool: Spool,
    clock: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new(settings: config::Queue) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        let statistics = Statistics::open(database.clone(), folder.path().into(), Clock::Manual(clock.clone()));
        let traces = Traces::open(
            database.clone(),
            &config::Trace::default(),
            statistics,
            Events::open(database.clone(), &config::Events::default(), Clock::Manual(clock.clone())),
            Clock::Manual(clock.clone()),
        );
        let queue = Queue::open(database, spool.clone(), settings, traces, Clock::Manual(clock.clone()));
        Self {
            queue,
            spool,
            clock,
            _folder: folder,
        }
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * SECOND, Ordering::SeqCst);
    }

    async fn put(&self, recipients: Vec<Recipient>) -> MailId {
        let id = MailId::fresh();
        std::fs::write(self.spool.queued(id), "x").unwrap();
        let mail = NewMail {
            id,
            sender: Sender::plain(ReversePath::Address("ada@house.test".parse().unwrap())),
            recipients,
            size: 1,
            content: None,
            user: None,
        };
        self.queue.put(mail).await.unwrap();
        id
    }

    /// Puts in a small message.
    async fn put_small(&self, recipients: Vec<Recipient>, octets: &'static [u8]) -> MailId {
        let id = MailId::fresh();
        let mail = NewMail {
            id,
            sender: Sender::plain(ReversePath::Null),
            recipients,
            size: octets.len() as u64,
            content: Some(Bytes::from_static(octets)),
            user: None,
        };
        self.queue.put(mail).await.unwrap();
        id
    }

    async fn postpone(&self, destination: &str, was_tls_optional: bool) -> Left {
        let unreached = Unreached {
            finding: finding("4.4.1"),
            was_tls_optional,
        };
        self.queue.postpone(&[host(destination)], &unreached).await.unwrap()
    }

    async fn claim(&self, destination: &str) -> Option<Claim> {
        self.queue.claim(&[host(destination)], 1).await.unwrap().pop()
    }

    async fn states(&self, id: MailId) -> Vec<(RecipientState, u32)> {
        let mail = self.queue.show(id).await.unwrap();
        mail.recipients
            .iter()
            .map(|recipient| (recipient.state, recipient.attempts))
            .collect()
    }
}

fn to(address: &str) -> Recipient {
    Recipient::plain(address.parse().unwrap())
}

fn host(name: &str) -> Host {
    Host::Domain(name.parse().unwrap())
}

fn finding(status: &str) -> Finding {
    Finding {
        status: status.into(),
        host: Some("mx".into()),
        text: "words".into(),
    }
}

fn delivered() -> Settlement {
    Settlement::Delivered {
        said: finding("2.0.0"),
        reports: false,
    }
}

fn deferred() -> Settlement {
    Settlement::Deferred(finding("4.0.0"))
}

#[tokio::test]
async fn a_message_waits_longer_each_time_and_is_returned_at_its_end() {
    let house = House::new(config::Queue {
        retry_first_seconds: 100,
        retry_max_seconds: 400,
        expire_seconds: 500,
        ..config::Queue::default()
    })
    .await;
    let id = house.put(vec![to("bob@a.test"), to("eve@a.test")]).await;
    assert_eq!(house.queue.woken().await.destinations, BTreeSet::from([host("a.test")]));
    let claim = house.claim("a.test").await.unwrap();
    assert!(house.claim("a.test").await.is_none(), "claimed already");
    let progress = house.queue.settle(&claim, &[delivered(), deferred()], None).await.unwrap();
    assert_eq!(progress, Progress::Waiting);
    assert_eq!(
        house.states(id).await,
        [(RecipientState::Delivered, 1), (RecipientState::Waiting, 1)]
    );
    house.pass(74);
    assert!(house.claim("a.test").await.is_none(), "too early");
    house.pass(52);
    for attempts in 2.. {
        let claim = house.claim("a.test").await.unwrap();
        assert_eq!(claim.recipients.len(), 1);
        match house.queue.settle(&claim, &[deferred()], None).await.unwrap() {
            Progress::Waiting => assert_eq!(house.states(id).await[1], (RecipientState::Waiting, attempts)),
            Progress::Report => break,
            Progress::Done => panic!("nobody was told"),
        }
        let wait = house.queue.next_due().await.unwrap().unwrap();
        house.clock.fetch_add(i64::try_from(wait.as_millis()).unwrap(), Ordering::SeqCst);
    }
    let mail = house.queue.show(id).await.unwrap();
    assert_eq!(house.queue.now(), mail.expires_at, "the last try is at the end of its time");
    assert_eq!(house.queue.due_reports(10).await.unwrap(), [id]);
    let claim = house.queue.claim_reports(id).await.unwrap().unwrap();
    assert_eq!(claim.recipients[0].last.status.as_deref(), Some("4.0.0"));
    assert!(house.queue.claim_reports(id).await.unwrap().is_none());
    assert!(house.queue.report_later(&claim).await.unwrap());
    assert!(house.queue.claim_reports(id).await.unwrap().is_none(), "put off");
    house.pass(200);
    let claim = house.queue.claim_reports(id).await.unwrap().unwrap();
    assert_eq!(house.queue.reported(claim).await.unwrap(), Progress::Done);
    assert!(!house.spool.queued(id).exists());
    assert!(matches!(house.queue.show(id).await, Err(Refusal::NotFound { .. })));
}

#[tokio::test]
async fn nothing_waits_for_a_clock_that_was_ahead() {
    let house = House::new(config::Queue {
        retry_first_seconds: 100,
        retry_max_seconds: 100,
        ..config::Queue::default()
    })
    .await;
    let id = house.put(vec![to("bob@a.test")]).await;
    house.pass(3 * 86_400);
    let claim = house.claim("a.test").await.unwrap();
    house.queue.settle(&claim, &[deferred()], None).await.unwrap();
    house.queue.follow_clock().await.unwrap();
    house.clock.fetch_sub(7_200_000, Ordering::SeqCst);
    house.queue.follow_clock().await.unwrap();
    house.pass(101);
    let claim = house.claim("a.test").await.unwrap();
    house.queue.settle(&claim, &[deferred()], None).await.unwrap();
    // It was set right while the server was off.
    house.clock.fetch_sub(2 * 86_400_000, Ordering::SeqCst);
    house.queue.recover().await.unwrap();
    house.pass(201);
    assert_eq!(house.claim("a.test").await.unwrap().message.id, id);
}

#[tokio::test]
async fn what_a_dead_node_had_in_hand_is_taken_over() {
    let house = House::new(config::Queue::default()).await;
    let id = house.put(vec![to("bob@a.test"), to("eve@a.test")]).await;
    let dead = house.claim("a.test").await.unwrap();
    house.pass(50);
    house.queue.renew(dead.lease()).await.unwrap();
    house.pass(50);
    assert!(house.claim("a.test").await.is_none(), "the lease was renewed");
    house.pass(11);
    let heir = house.claim("a.test").await.unwrap();
    assert_eq!(heir.recipients.len(), 2);
    // The node was only slow: what it delivered counts, what it would put off is the heir's business.
    house.queue.settle(&dead, &[delivered(), deferred()], None).await.unwrap();
    assert_eq!(
        house.states(id).await,
        [(RecipientState::Delivered, 1), (RecipientState::Waiting, 0)]
    );
    assert!(house.claim("a.test").await.is_none());
    house.queue.release_all().await.unwrap();
    assert!(house.claim("a.test").await.is_some());
    house.queue.recover().await.unwrap();
    let claim = house.claim("a.test").await.unwrap();
    assert_eq!(house.queue.settle(&claim, &[delivered()], None).await.unwrap(), Progress::Done);
    assert!(!house.spool.queued(id).exists());
}

/// While the first of several messages takes its time, the others stay claimed too.
#[tokio::test]
async fn claims_made_at_once_are_renewed_at_once() {
    let house = House::new(config::Queue {
        lease_seconds: 6,
        ..config::Queue::default()
    })
    .await;
    assert_eq!(house.queue.renew_every(), std::time::Duration::from_secs(2));
    for _ in 0..3 {
        house.put(vec![to("bob@a.test")]).await;
    }
    let claims = house.queue.claim(&[host("a.test")], 16).await.unwrap();
    assert_eq!(claims.len(), 3);
    house.pass(5);
    house.queue.renew(claims[0].lease()).await.unwrap();
    house.pass(5);
    assert!(house.claim("a.test").await.is_none());
    house.pass(2);
    assert!(house.claim("a.test").await.is_some());
}

#[tokio::test]
async fn one_claim_has_at_most_a_hundred_recipients_of_one_message() {
    let house = House::new(config::Queue::default()).await;
    let many = (0..250).map(|n| to(&format!("u{n}@{}.test", if n % 2 == 0 { "a" } else { "b" })));
    let id = house.put(many.collect()).await;
    house.put(vec![to("bob@a.test")]).await;
    let both = [host("a.test"), host("b.test")];
    let mut counts = Vec::new();
    while let Some(claim) = house.queue.claim(&both, 1).await.unwrap().pop() {
        counts.push((claim.message.id == id, claim.recipients.len()));
    }
    counts.sort_unstable();
    assert_eq!(counts, [(false, 1), (true, 50), (true, 100), (true, 100)]);
}

#[tokio::test]
async fn several_messages_are_claimed_at_once_and_end_each_alone() {
    let house = House::new(config::Queue::default()).await;
    let ids = [
        house.put(vec![to("bob@a.test")]).await,
        house.put(vec![to("bob@a.test"), to("eve@b.test"), to("dan@a.test")]).await,
        house.put(vec![to("eve@b.test")]).await,
        house.put(vec![to("bob@a.test")]).await,
        house.put(vec![to("bob@a.test")]).await,
    ];
    let claims = house.queue.claim(&[host("a.test")], 3).await.unwrap();
    let counts: Vec<_> = claims.iter().map(|claim| (claim.message.id, claim.recipients.len())).collect();
    assert_eq!(counts, [(ids[0], 1), (ids[1], 2), (ids[3], 1)]);
    let [first, second, third] = <[Claim; 3]>::try_from(claims).unwrap();
    assert_eq!(house.queue.settle(&first, &[delivered()], None).await.unwrap(), Progress::Done);
    let both = [delivered(), delivered()];
    assert_eq!(
        house.queue.settle(&second, &both, None).await.unwrap(),
        Progress::Waiting,
        "one is at b.test"
    );
    house.queue.give_back(&third).await.unwrap();
    let rest = house.queue.claim(&[host("a.test")], 16).await.unwrap();
    assert_eq!(rest.iter().map(|claim| claim.message.id).collect::<Vec<_>>(), ids[3..]);
}

#[tokio::test]
async fn a_dead_destination_is_put_off_as_a_whole() {
    let house = House::new(config::Queue {
        expire_seconds: 1000,
        ..config::Queue::default()
    })
    .await;
    let old = house.put(vec![to("bob@dead.test")]).await;
    house.pass(1000);
    let new = house.put(vec![to("bob@dead.test")]).await;
    let other = house.put(vec![to("bob@live.test")]).await;
    assert_eq!(house.postpone("dead.test", false).await, Left::Nothing);
    assert_eq!(house.states(old).await, [(RecipientState::Failed, 1)]);
    assert_eq!(house.states(new).await, [(RecipientState::Waiting, 1)]);
    assert_eq!(house.states(other).await, [(RecipientState::Waiting, 0)]);
    assert_eq!(house.queue.due_destinations(None, 10).await.unwrap(), [host("live.test")]);
    assert_eq!(house.queue.due_reports(10).await.unwrap(), [old]);
    house.queue.retry(new).await.unwrap();
    assert_eq!(house.queue.due_destinations(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_asked_hears_that_it_was_passed_on() {
    let house = House::new(config::Queue::default()).await;
    let mut asks = to("bob@a.test");
    asks.notify = Some(Notify {
        success: true,
        failure: true,
        delay: false,
    });
    for (reports, progress) in [(true, Progress::Done), (false, Progress::Report)] {
        house.put(vec![asks.clone()]).await;
        let claim = house.claim("a.test").await.unwrap();
        let said = finding("2.0.0");
        let settled = house.queue.settle(&claim, &[Settlement::Delivered { said, reports }], None).await;
        assert_eq!(settled.unwrap(), progress);
    }
}

#[tokio::test]
async fn the_queue_is_shown_and_steered() {
    let house = House::new(config::Queue {
        max_messages: 3,
        ..config::Queue::default()
    })
    .await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(house.put(vec![to("bob@a.test"), to("eve@[192.0.2.1]")]).await);
    }
    ids.sort_unstable();
    let full = NewMail {
        id: MailId::fresh(),
        sender: Sender::plain(ReversePath::Null),
        recipients: vec![to("bob@a.test")],
        size: 1,
        content: None,
        user: None,
    };
    assert!(matches!(house.queue.put(full).await, Err(Refusal::LimitReached(_))));
    let first = house.queue.list(&QueueFilter::default(), None, 2).await.unwrap();
    assert_eq!(first.iter().map(|mail| mail.id).collect::<Vec<_>>(), ids[..2]);
    let rest = house.queue.list(&QueueFilter::default(), Some(ids[1]), 2).await.unwrap();
    assert_eq!(rest.iter().map(|mail| mail.id).collect::<Vec<_>>(), ids[2..]);
    assert_eq!(rest[0].recipients.len(), 2);
    assert_eq!(rest[0].recipients[1].domain, None);
    house.queue.remove(ids[0]).await.unwrap();
    assert!(!house.spool.queued(ids[0]).exists());
    for result in [house.queue.remove(ids[0]).await, house.queue.retry(ids[0]).await] {
        assert!(matches!(result, Err(Refusal::NotFound { .. })));
    }
}

#[tokio::test]
async fn files_in_no_ledger_are_removed_when_they_are_old() {
    let house = House::new(config::Queue::default()).await;
    let known = house.put(vec![to("bob@a.test")]).await;
    let (orphan, fresh) = (MailId::fresh(), MailId::fresh());
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    for (id, is_old) in [(known, true), (orphan, true), (fresh, false)] {
        let file = std::fs::File::create(house.spool.queued(id)).unwrap();
        if is_old {
            file.set_modified(hours_ago).unwrap();
        }
    }
    assert_eq!(house.queue.clean().await.unwrap(), 1);
    assert!(house.spool.queued(known).exists() && house.spool.queued(fresh).exists());
    assert!(!house.spool.queued(orphan).exists());
}

#[tokio::test]
async fn what_is_held_waits_until_it_is_released() {
    let house = House::new(config::Queue::default()).await;
    let id = house.put(vec![to("bob@a.test"), to("eve@b.test")]).await;
    let at_a = QueueFilter {
        recipient_domain: Some("a.test".parse().unwrap()),
        ..QueueFilter::default()
    };
    assert_eq!(house.queue.steer(&at_a, Steering::Hold).await.unwrap(), 1);
    assert_eq!(house.queue.steer(&at_a, Steering::Hold).await.unwrap(), 0, "held already");
    assert_eq!(house.states(id).await, [(RecipientState::Held, 0), (RecipientState::Waiting, 0)]);
    assert!(house.claim("a.test").await.is_none());
    let claim = house.claim("b.test").await.unwrap();
    assert_eq!(house.queue.settle(&claim, &[delivered()], None).await.unwrap(), Progress::Waiting);
    house.queue.retry(id).await.unwrap();
    assert!(house.claim("a.test").await.is_none(), "a try is no release");
    house.queue.woken().await;
    assert_eq!(house.queue.steer_one(id, Steering::Release).await.unwrap(), 1);
    assert_eq!(house.queue.woken().await.destinations, BTreeSet::from([host("a.test")]));
    let claim = house.claim("a.test").await.unwrap();
    // Held while it is delivered: the delivery counts.
    assert_eq!(house.queue.steer_one(id, Steering::Hold).await.unwrap(), 1);
    assert_eq!(house.queue.settle(&claim, &[delivered()], None).await.unwrap(), Progress::Done);
}

#[tokio::test]
async fn what_is_given_up_is_reported_but_not_what_is_under_way() {
    let house = House::new(config::Queue::default()).await;
    let id = house.put(vec![to("bob@a.test"), to("eve@b.test")]).await;
    let claim = house.claim("b.test").await.unwrap();
    house.queue.steer_one(id, Steering::Hold).await.unwrap();
    assert_eq!(house.queue.steer_one(id, Steering::Expire).await.unwrap(), 1);
    assert_eq!(house.queue.due_reports(10).await.unwrap(), [id]);
    // Held under way, and put off: it stays held.
    assert_eq!(house.queue.settle(&claim, &[deferred()], None).await.unwrap(), Progress::Report);
    assert_eq!(house.states(id).await, [(RecipientState::Failed, 0), (RecipientState::Held, 1)]);
    let report = house.queue.claim_reports(id).await.unwrap().unwrap();
    assert_eq!(report.recipients[0].last.status.as_deref(), Some("5.4.7"));
    assert_eq!(house.queue.reported(report).await.unwrap(), Progress::Waiting);
    let by_error = QueueFilter {
        error: Some("WORDS".into()),
        ..QueueFilter::default()
    };
    assert_eq!(house.queue.steer(&by_error, Steering::Remove).await.unwrap(), 1);
    assert!(!house.spool.queued(id).exists());
    assert!(matches!(
        house.queue.steer_one(id, Steering::Hold).await,
        Err(Refusal::NotFound { .. })
    ));
}

#[tokio::test]
async fn filters_pick_what_they_say() {
    let house = House::new(config::Queue::default()).await;
    let old = house.put(vec![to("Bob@a.test"), to("eve@b.test")]).await;
    house.pass(100);
    let new = house.put(vec![to("bob@sub.a.test")]).await;
    house.postpone("b.test", false).await;
    let ids = async |filter: QueueFilter| {
        let found = house.queue.list(&filter, None, 10).await.unwrap();
        found.iter().map(|mail| mail.id).collect::<Vec<_>>()
    };
    let all = QueueFilter::default();
    let ada = Some(ReversePath::Address("ADA@house.test".parse().unwrap()));
    assert_eq!(
        ids(QueueFilter {
            sender: ada,
            ..all.clone()
        })
        .await,
        [old, new]
    );
    let null = Some(ReversePath::Null);
    assert_eq!(
        ids(QueueFilter {
            sender: null,
            ..all.clone()
        })
        .await,
        []
    );
    for (domain, expected) in [("house.test", vec![old, new]), ("ouse.test", vec![])] {
        let sender_domain = Some(domain.parse().unwrap());
        assert_eq!(
            ids(QueueFilter {
                sender_domain,
                ..all.clone()
            })
            .await,
            expected,
            "{domain}"
        );
    }
    let recipient = Some("bob@A.test".parse().unwrap());
    assert_eq!(ids(QueueFilter { recipient, ..all.clone() }).await, [old]);
    let before = Some(house.queue.now());
    assert_eq!(ids(QueueFilter { before, ..all.clone() }).await, [old]);
    let error = Some("word%".to_owned());
    assert_eq!(ids(QueueFilter { error, ..all.clone() }).await, []);
    let error = Some("Word".to_owned());
    assert_eq!(ids(QueueFilter { error, ..all.clone() }).await, [old]);
    let state = Some(RecipientState::Held);
    assert_eq!(ids(QueueFilter { state, ..all.clone() }).await, []);
    assert_eq!(house.queue.steer(&all, Steering::Hold).await.unwrap(), 3);
    assert_eq!(ids(QueueFilter { state, ..all }).await, [old, new]);
}

#[tokio::test]
async fn of_what_is_late_the_sender_is_told_once() {
    let house = House::new(config::Queue::default()).await;
    let mut asks_not = to("eve@a.test");
    asks_not.notify = Some(Notify {
        success: true,
        failure: true,
        delay: false,
    });
    let id = house
        .put(vec![to("bob@a.test"), asks_not, to("held@b.test"), to("done@c.test")])
        .await;
    let null = MailId::fresh();
    let mail = NewMail {
        id: null,
        sender: Sender::plain(ReversePath::Null),
        recipients: vec![to("bob@a.test")],
        size: 1,
        content: None,
        user: None,
    };
    house.queue.put(mail).await.unwrap();
    let at_b = QueueFilter {
        recipient_domain: Some("b.test".parse().unwrap()),
        ..QueueFilter::default()
    };
    house.queue.steer(&at_b, Steering::Hold).await.unwrap();
    let claim = house.claim("c.test").await.unwrap();
    house.queue.settle(&claim, &[delivered()], None).await.unwrap();
    house.pass(14_399);
    assert_eq!(house.queue.due_notices(10).await.unwrap(), []);
    house.pass(1);
    assert_eq!(house.queue.due_notices(10).await.unwrap(), [id]);
    assert!(house.queue.take_notices(null).await.unwrap().is_none());
    let (_, late) = house.queue.take_notices(id).await.unwrap().unwrap();
    assert_eq!(late.iter().map(|row| row.position).collect::<Vec<_>>(), [0]);
    assert!(house.queue.take_notices(id).await.unwrap().is_none());
    assert_eq!(house.queue.due_notices(10).await.unwrap(), []);
    house.queue.steer(&at_b, Steering::Release).await.unwrap();
    let (_, late) = house.queue.take_notices(id).await.unwrap().unwrap();
    assert_eq!(late.iter().map(|row| row.position).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_small_message_lies_beside_its_row_and_goes_with_it() {
    let house = House::new(config::Queue::default()).await;
    let octets = |content: &Content| match content {
        Content::Octets(octets) => Some(octets.to_vec()),
        Content::File(_) => None,
    };
    let (kept, filed) = (
        house.put_small(vec![to("a@b.test"), to("c@d.test")], b"abc").await,
        house.put(vec![to("a@b.test")]).await,
    );
    let claims = house.queue.claim(&[host("b.test")], 2).await.unwrap();
    let found: Vec<_> = claims.iter().map(|claim| (claim.message.id, octets(&claim.content))).collect();
    assert_eq!(found, [(kept, Some(b"abc".to_vec())), (filed, None)]);
    assert_eq!(octets(&house.queue.content(kept).await.unwrap()), Some(b"abc".to_vec()));
    assert!(!house.spool.queued(kept).exists());
    assert_eq!(
        house.queue.settle(&claims[0], &[delivered()], None).await.unwrap(),
        Progress::Waiting
    );
    let last = house.claim("d.test").await.unwrap();
    assert_eq!(octets(&last.content), Some(b"abc".to_vec()));
    assert_eq!(house.queue.settle(&last, &[delivered()], None).await.unwrap(), Progress::Done);
    assert_eq!(octets(&house.queue.content(kept).await.unwrap()), None);
    let dropped = house.put_small(vec![to("a@b.test")], b"abc").await;
    house.queue.remove(dropped).await.unwrap();
    assert_eq!(octets(&house.queue.content(dropped).await.unwrap()), None);
}

#[tokio::test]
async fn what_can_do_without_tls_is_put_off_when_it_failed_itself() {
    let house = House::new(config::Queue::default()).await;
    let mail = |tls_optional| NewMail {
        id: MailId::fresh(),
        sender: Sender {
            tls_optional,
            ..Sender::plain(ReversePath::Null)
        },
        recipients: vec![to("a@b.test")],
        size: 1,
        content: Some(Bytes::from_static(b"x")),
        user: None,
    };
    let (usual, optional) = (mail(false), mail(true));
    let ids = (usual.id, optional.id);
    for mail in [usual, optional] {
        house.queue.put(mail).await.unwrap();
    }
    assert_eq!(house.postpone("b.test", false).await, Left::Something);
    assert_eq!(house.states(ids.0).await, [(RecipientState::Waiting, 1)]);
    assert_eq!(house.states(ids.1).await, [(RecipientState::Waiting, 0)]);
    let claim = house.claim("b.test").await.unwrap();
    assert!((claim.message.id, claim.message.sender.tls_optional) == (ids.1, true));
    house.queue.give_back(&claim).await.unwrap();
    assert_eq!(house.postpone("b.test", true).await, Left::Nothing);
    assert_eq!(house.states(ids.1).await, [(RecipientState::Waiting, 1)]);
}

#[tokio::test]
async fn very_many_are_put_off_one_part_after_the_other() {
    let house = House::new(config::Queue::default()).await;
    let many: Vec<Recipient> = (0..1_500).map(|number| to(&format!("friend{number}@b.test"))).collect();
    let ids = [house.put(many.clone()).await, house.put(many.clone()).await, house.put(many).await];
    assert_eq!(house.postpone("b.test", false).await, Left::Nothing);
    for id in ids {
        assert!(house.states(id).await.iter().all(|state| *state == (RecipientState::Waiting, 1)));
    }
    assert!(house.claim("b.test").await.is_none());
}
