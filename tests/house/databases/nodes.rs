//! Two nodes work off one queue, with one database and one data directory, and one of them is killed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::whole::in_a_thread;
use crate::support::databases::Fresh;
use crate::support::dns::Dns;
use crate::support::house::Builder;
use crate::support::mx::{Answer, Mx};
use crate::support::traffic::Traffic;
use crate::support::wait::until;

const DELIVERIES: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn one_takes_over_from_the_other_on_postgres() {
    in_a_thread(Fresh::postgres().await, one_is_killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_takes_over_from_the_other_on_mariadb() {
    in_a_thread(Fresh::mariadb().await, one_is_killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_delivery_stays_with_its_node() {
    in_a_thread(Fresh::postgres().await, a_reply_takes_longer_than_a_lease).await;
}

/// The claim is renewed while it takes, so the other node, which looks at the queue each ten seconds, leaves it alone.
fn a_reply_takes_longer_than_a_lease(builder: Builder) {
    let mx = Mx::scripted(|line, _| match line {
        // Seventeen octets.
        "." => Answer::Slowly(Duration::from_millis(900)),
        _ => Answer::Usual,
    });
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let first = builder
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.lease_seconds", 5)
        .start();
    first.provision();
    let _second = first.another_node();
    let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
    let mut session = first.submission("alice@house.test");
    session.send("alice@house.test", &["friend@remote.test"], letter).expect(250);
    until("an empty queue", || (first.queued() == 0).then_some(()));
    assert_eq!((mx.seen().letters.len(), mx.seen().connections), (1, 1));
}

fn one_is_killed(builder: Builder) {
    let seed = rand::rng().random_range(0..1_000_000);
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let traffic = Traffic::new(DELIVERIES);
    let first = traffic.house(builder).set("queue.lease_seconds", 5).start();
    Traffic::provision(&first);
    let mut second = first.another_node();
    let mut senders = traffic.send(&first, &mut random);
    senders.extend(traffic.send(&second, &mut random));
    traffic.wait_for(random.random_range(0..DELIVERIES / 2));
    second.kill();
    // A node that starts leaves alone what another one has in hand.
    second.start_again();
    traffic.wait_for(random.random_range(DELIVERIES / 2..DELIVERIES * 3 / 4));
    second.kill();
    senders.into_iter().for_each(|sender| sender.join().expect("a sender"));
    println!("{:?}", traffic.settle(&first));
}
