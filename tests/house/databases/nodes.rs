//! Two nodes work off one queue, with one database and one data directory, and one of them is killed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::whole::in_a_thread;
use crate::support::databases::Fresh;
use crate::support::house::Builder;
use crate::support::traffic::Traffic;

const DELIVERIES: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn one_takes_over_from_the_other_on_postgres() {
    in_a_thread(Fresh::postgres().await, one_is_killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_takes_over_from_the_other_on_mariadb() {
    in_a_thread(Fresh::mariadb().await, one_is_killed).await;
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
