//! The bookkeeping of lanes, without any delivery.

use super::*;

fn lanes(per_lane: usize, unproven: usize) -> Lanes {
    Lanes::new(Bounds {
        per_lane,
        unproven,
        hanging: 1,
    })
}

fn lane(name: &str) -> (Lane, Host) {
    let domain: crate::model::address::Domain = name.parse().unwrap();
    (Lane::Domain(domain.clone()), Host::Domain(domain))
}

#[test]
fn a_parked_lane_gets_no_worker_before_its_time() {
    let (a, host) = lane("a.test");
    let mut lanes = lanes(3, 9);
    let (now, rate) = (Instant::now(), Rate::per_minute(10).unwrap());
    lanes.mark(a.clone(), host.clone());
    assert!(lanes.next().is_some());
    assert!(lanes.draw(&a, rate, now).is_ok() && lanes.draw(&a, rate, now).is_ok());
    let until = lanes.draw(&a, rate, now).unwrap_err();
    assert_eq!(until - now, std::time::Duration::from_secs(6));
    lanes.park(&a, until);
    lanes.leave(&a);
    lanes.mark(a.clone(), host);
    assert!(lanes.next().is_none());
    assert_eq!(lanes.next_parked(), Some(until));
    lanes.unpark(now);
    assert!(lanes.next().is_none());
    lanes.unpark(until);
    assert_eq!((lanes.next(), lanes.next_parked()), (Some(a.clone()), None));
    assert!(lanes.draw(&a, rate, until).is_ok(), "and then one may go");
    lanes.park(&a, until);
    assert!(lanes.take(&a).is_empty(), "who is at work stops");
    lanes.leave(&a);
    assert!(lanes.next().is_none());
    lanes.press(&a);
    assert_eq!((lanes.next(), lanes.next_parked()), (Some(a.clone()), None));
    let taken = lanes.take(&a);
    lanes.exhausted(&a, &taken);
    lanes.park(&a, until);
    lanes.leave(&a);
    lanes.unpark(until);
    assert!(lanes.lanes.is_empty(), "nobody waits for it");
}

#[test]
fn a_lane_begins_with_one_worker_and_grows_with_success() {
    let (a, host) = lane("a.test");
    let mut lanes = lanes(3, 9);
    for _ in 0..10 {
        lanes.mark(a.clone(), host.clone());
    }
    let started = |lanes: &mut Lanes| std::iter::from_fn(|| lanes.next()).count();
    assert_eq!(started(&mut lanes), 1);
    lanes.reached(&a, true);
    assert_eq!(started(&mut lanes), 1);
    lanes.reached(&a, true);
    assert_eq!(started(&mut lanes), 1);
    lanes.reached(&a, true);
    assert_eq!(started(&mut lanes), 0);
    // The third is one too many; then nobody gets in.
    assert!(lanes.is_crowded(&a));
    lanes.leave(&a);
    lanes.mark(a.clone(), host.clone());
    assert_eq!(started(&mut lanes), 0);
    lanes.leave(&a);
    assert!(!lanes.is_crowded(&a));
    lanes.leave(&a);
    lanes.mark(a, host);
    assert_eq!(started(&mut lanes), 1);
    assert_eq!(started(&mut lanes), 0);
}

#[test]
fn dead_places_do_not_take_the_room_of_live_ones() {
    let mut lanes = lanes(5, 2);
    let (live, host) = lane("live.test");
    lanes.mark(live.clone(), host.clone());
    assert_eq!(lanes.next(), Some(live.clone()));
    lanes.reached(&live, false);
    for name in ["a.test", "b.test", "c.test", "d.test"] {
        let (lane, host) = lane(name);
        lanes.mark(lane, host);
    }
    lanes.mark(live.clone(), host.clone());
    let started: Vec<String> = std::iter::from_fn(|| lanes.next()).map(|lane| lane.to_string()).collect();
    let count = |name: &str| started.iter().filter(|started| *started == name).count();
    assert_eq!(
        (started.len(), count("live.test")),
        (3, 1),
        "two of those on trial, and the live one: {started:?}"
    );
    // What was tried in vain makes room for the next; what was reached does too, at once.
    let (a, _) = lane("a.test");
    let taken = lanes.take(&a);
    assert!(!lanes.is_crowded(&a));
    lanes.exhausted(&a, &taken);
    lanes.leave(&a);
    assert_eq!(lanes.next().map(|lane| lane.to_string()).as_deref(), Some("c.test"));
    assert_eq!(lanes.next(), None);
    let (b, _) = lane("b.test");
    lanes.reached(&b, false);
    assert_eq!(lanes.next().map(|lane| lane.to_string()).as_deref(), Some("d.test"));
}

#[test]
fn who_hangs_makes_room_while_there_is_some_for_the_hanging() {
    let mut lanes = lanes(5, 2);
    for name in ["a.test", "b.test", "c.test", "d.test", "e.test"] {
        let (lane, host) = lane(name);
        lanes.mark(lane, host);
    }
    let next = |lanes: &mut Lanes| lanes.next().map(|lane| lane.to_string());
    let [(a, _), (b, _)] = ["a.test", "b.test"].map(lane);
    assert_eq!([(); 3].map(|()| next(&mut lanes)), [Some(a.to_string()), Some(b.to_string()), None]);
    assert!(lanes.hangs(&a));
    assert!(!lanes.hangs(&a), "it hangs already");
    assert_eq!(next(&mut lanes).as_deref(), Some("c.test"));
    // No more may hang, until one of them is done.
    assert!(!lanes.hangs(&b));
    assert_eq!(next(&mut lanes), None);
    lanes.reached(&a, false);
    assert_eq!(next(&mut lanes), None);
    assert!(lanes.hangs(&b));
    assert_eq!(next(&mut lanes).as_deref(), Some("d.test"));
    // Who leaves is counted where it was.
    let taken = lanes.take(&b);
    lanes.exhausted(&b, &taken);
    lanes.leave(&b);
    assert_eq!((lanes.unproven_workers, lanes.hanging_workers), (2, 0));
    let (live, host) = lane("live.test");
    lanes.reached(&live, false);
    lanes.mark(live.clone(), host);
    assert_eq!(lanes.next(), Some(live.clone()));
    assert!(!lanes.hangs(&live), "a proven lane's worker keeps its place");
}

#[test]
fn lanes_take_turns() {
    let mut lanes = lanes(2, 9);
    for name in ["a.test", "b.test", "c.test"] {
        let (lane, host) = lane(name);
        lanes.mark(lane, host);
    }
    let order: Vec<String> = std::iter::from_fn(|| lanes.next()).map(|lane| lane.to_string()).collect();
    assert_eq!(order, ["a.test", "b.test", "c.test"]);
}

#[test]
fn a_mark_during_the_work_is_not_lost() {
    let (a, host) = lane("a.test");
    let mut lanes = lanes(1, 9);
    lanes.mark(a.clone(), host.clone());
    assert_eq!(lanes.next(), Some(a.clone()));
    let taken = lanes.take(&a);
    lanes.mark(a.clone(), host);
    lanes.exhausted(&a, &taken);
    assert_eq!(lanes.take(&a).len(), 1);
    lanes.leave(&a);
    assert_eq!(lanes.next(), Some(a.clone()));
    let taken = lanes.take(&a);
    lanes.exhausted(&a, &taken);
    assert!(lanes.take(&a).is_empty());
    lanes.leave(&a);
    assert_eq!((lanes.next(), lanes.lanes.len()), (None, 0));
}
