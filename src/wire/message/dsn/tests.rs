//! A known answer, and what hostile values cannot do.

use super::*;

fn fate(recipient: &str, status: &str, host: Option<&str>, text: &str) -> Fate {
    Fate {
        recipient: recipient.parse().unwrap(),
        orcpt: None,
        action: Action::Failed,
        status: status.into(),
        host: host.map(str::to_owned),
        text: text.into(),
        last_attempt: None,
    }
}

fn spelled(fates: &[Fate], returned: Returned, envid: Option<&str>) -> (String, String) {
    let to = "ada@house.test".parse().unwrap();
    let notification = Notification {
        unique: "0000000000001",
        host: "mail.house.test",
        to: &to,
        date: Timestamp::from_second(864_000).unwrap(),
        arrival: Timestamp::UNIX_EPOCH,
        expiry: Timestamp::from_second(432_000).unwrap(),
        envid,
        fates,
        returned,
    };
    let Spelled { before, after } = notification.spell();
    (String::from_utf8(before).unwrap(), String::from_utf8(after).unwrap())
}

#[test]
fn a_failure_is_reported() {
    let mut fates = [
        fate(
            "bob@remote.test",
            "5.1.1",
            Some("mx.remote.test"),
            "550 5.1.1 <bob@remote.test>: no such user",
        ),
        fate(
            "eve@dead.test",
            "4.4.1",
            None,
            "mx.dead.test (192.0.2.1:25): connecting: connection refused",
        ),
    ];
    fates[0].orcpt = Some("rfc822;info@house.test".into());
    fates[0].last_attempt = Some(Timestamp::from_second(432_000).unwrap());
    let (before, after) = spelled(&fates, Returned::Headers, Some("mark 1"));
    let expected = include_str!("failure.eml").replace('\n', "\r\n");
    assert_eq!(before, expected);
    assert_eq!(after, "\r\n--=_0000000000001--\r\n");
}

#[test]
fn a_success_is_reported_as_relayed() {
    let mut relayed = fate("bob@remote.test", "2.0.0", Some("mx.remote.test"), "250 2.0.0 Ok");
    relayed.action = Action::Relayed;
    let (before, _) = spelled(&[relayed], Returned::Headers, None);
    assert!(before.contains("Subject: Delivered: your message was passed on\r\n"));
    assert!(before.contains("Action: relayed\r\nStatus: 2.0.0\r\n"));
    assert!(!before.contains("could not be delivered"));
}

#[test]
fn no_value_makes_lines_of_its_own() {
    let mut hostile = fate(
        "bob@remote.test",
        "5.0.0",
        Some("mx"),
        "550 a\r\n\r\n--=_0000000000001--\r\nForged: x",
    );
    hostile.orcpt = Some("rfc822;a\r\nAction: delivered".into());
    let (before, _) = spelled(&[hostile], Returned::Full, Some("e\r\nForged: y"));
    assert!(!before.contains("\nForged:"));
    assert!(!before.contains("\nAction: delivered"));
    assert!(!before.contains("\n--=_0000000000001--"), "{before}");
}

#[test]
fn a_long_answer_and_a_lost_message() {
    let long = fate("jürgen@remote.test", "5.7.1", Some("mx"), &"x".repeat(5000));
    let (before, after) = spelled(&[long], Returned::Nothing, None);
    assert!(before.lines().all(|line| line.len() <= 998));
    assert!(before.contains("Final-Recipient: utf-8; j\\x{FC}rgen@remote.test\r\n"));
    assert!(before.contains("cannot be returned"));
    assert_eq!(after, "--=_0000000000001--\r\n");
}

#[test]
fn a_delay_is_reported_with_its_end() {
    let mut late = fate("bob@remote.test", "4.7.1", Some("mx.remote.test"), "450 4.7.1 greylisted");
    late.action = Action::Delayed;
    let (before, _) = spelled(&[late], Returned::Headers, None);
    for needed in [
        "Subject: Delayed: your message is still on its way\r\n",
        "You need not send it again: it is tried until Tue, 06 Jan 1970",
        "Action: delayed\r\n",
        "Status: 4.7.1\r\n",
        "Will-Retry-Until: Tue, 06 Jan 1970",
        "450 4.7.1 greylisted",
    ] {
        assert!(before.contains(needed), "{needed} is missing in\n{before}");
    }
    assert!(!before.contains("It was tried for"), "{before}");
}
