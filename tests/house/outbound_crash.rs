//! The server is killed while it delivers: nothing that was accepted is lost, and nothing is sent twice but what was in flight.

use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::house::Builder;
use crate::support::traffic::Traffic;

/// How often the server is killed in a round.
const KILLS: usize = 3;

/// `tests/soak` runs it with more rounds and deliveries.
#[test]
fn deliveries_survive_kills() {
    let first = number("HOUSE_SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
    let rounds = number("HOUSE_ROUNDS").unwrap_or(3);
    for seed in first..first + rounds {
        // Shown when the test fails: HOUSE_SEED=… HOUSE_ROUNDS=1 repeats the round, as far as chance lets it.
        println!("HOUSE_SEED={seed}");
        round(seed, number("HOUSE_DELIVERIES").unwrap_or(1000) as usize);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn round(seed: u64, deliveries: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let traffic = Traffic::new(deliveries);
    let mut house = traffic.house(Builder::default()).start();
    Traffic::provision(&house);
    let mut kill_at: Vec<usize> = (0..KILLS).map(|_| random.random_range(0..deliveries * 9 / 10)).collect();
    kill_at.sort_unstable();
    for count in kill_at {
        let senders = traffic.send(&house, &mut random);
        traffic.wait_for(count);
        thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
        house.kill();
        senders.into_iter().for_each(|sender| sender.join().expect("a sender"));
        house.start_again();
    }
    let senders = traffic.send(&house, &mut random);
    senders.into_iter().for_each(|sender| sender.join().expect("a sender"));
    println!("{:?}", traffic.settle(&house));
}
