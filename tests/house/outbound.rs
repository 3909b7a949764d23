//! Mail leaves the house: by the names of our own name server, to a remote server of our own that is not always kind.

use std::net::TcpListener;

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::mx::{Answer, Mx};

const LETTER: &str = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\n\n.dot\nHello.\n";

/// A house whose outgoing mail for remote.test ends at this server.
fn house_towards(mx: &Mx) -> Builder {
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
}

fn submit(house: &House, to: &[&str]) {
    house
        .submission("alice@house.test")
        .send("alice@house.test", to, LETTER)
        .expect(250);
}

fn furnished(builder: Builder) -> House {
    let house = builder.start();
    house.provision();
    house
}

fn wait_for_empty_queue(house: &House) {
    crate::support::wait::until("an empty queue", || (house.queued() == 0).then_some(()));
}

#[test]
fn mail_goes_to_the_mx_over_tls() {
    let mx = Mx::good();
    let house = furnished(house_towards(&mx));
    submit(&house, &["friend@remote.test"]);
    let letter = &mx.wait_for(1)[0];
    assert!(letter.from.starts_with("<alice@house.test>"), "{letter:?}");
    assert_eq!(letter.to.len(), 1);
    assert!(letter.to[0].starts_with("<friend@remote.test>"), "{letter:?}");
    assert!(letter.tls, "STARTTLS was offered");
    assert!(
        letter.text.contains("\nSubject: out\n") && letter.text.ends_with("\n\n.dot\nHello.\n"),
        "{}",
        letter.text
    );
    assert!(letter.text.starts_with("Received: "), "{}", letter.text);
    wait_for_empty_queue(&house);
}

#[test]
fn mail_goes_in_clear_text_where_there_is_no_tls() {
    let mx = Mx::without_tls(|_, _| Answer::Usual);
    let house = furnished(house_towards(&mx));
    submit(&house, &["friend@remote.test"]);
    assert!(!mx.wait_for(1)[0].tls);
}

/// RFC 7435 §3: a server whose handshake fails still gets its mail, in clear text.
#[test]
fn a_broken_starttls_is_no_reason_to_keep_the_mail() {
    let mx = Mx::scripted(|line, _| {
        if line == "STARTTLS" {
            Answer::Say("454 4.7.0 not now")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx));
    submit(&house, &["friend@remote.test"]);
    assert!(!mx.wait_for(1)[0].tls);
}

#[test]
fn greylisted_mail_is_tried_again() {
    let mx = Mx::scripted(|line, seen| {
        let first = seen.lines.iter().filter(|line| line.starts_with("RCPT")).count() == 1;
        if line.starts_with("RCPT") && first {
            Answer::Say("450 4.7.1 greylisted, come again")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx));
    submit(&house, &["friend@remote.test"]);
    assert_eq!(mx.wait_for(1).len(), 1);
    wait_for_empty_queue(&house);
    assert_eq!(mx.seen().letters.len(), 1);
}

#[test]
fn a_closed_connection_is_no_end() {
    let mx = Mx::scripted(|line, seen| {
        if line == "." && seen.connections == 1 {
            Answer::HangUp
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx));
    submit(&house, &["friend@remote.test"]);
    mx.wait_for(1);
    wait_for_empty_queue(&house);
}

#[test]
fn mail_in_the_queue_survives_a_restart_and_a_kill() {
    let mx = Mx::scripted(|line, seen| {
        let tries = seen.lines.iter().filter(|line| *line == "connect").count();
        if line == "connect" && tries <= 3 {
            Answer::Say("421 4.3.2 not now")
        } else {
            Answer::Usual
        }
    });
    let mut house = furnished(house_towards(&mx));
    submit(&house, &["friend@remote.test"]);
    house.kill();
    house.start_again();
    assert!(house.terminate().success());
    house.start_again();
    assert_eq!(mx.wait_for(1).len(), 1);
    wait_for_empty_queue(&house);
    assert_eq!(mx.seen().letters.len(), 1, "delivered once");
}

/// RFC 5321 §4.2.5 and RFC 3461 §6.2: one recipient is refused for good, the other is served; the sender gets one report.
#[test]
fn a_refused_recipient_is_reported_to_the_sender() {
    let mx = Mx::scripted(|line, _| {
        if line.to_ascii_uppercase().starts_with("RCPT TO:<NOBODY") {
            Answer::Say("550 5.1.1 no such user")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx));
    submit(&house, &["nobody@remote.test", "friend@remote.test"]);
    assert_eq!(mx.wait_for(1)[0].to.len(), 1);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(text.starts_with("Return-Path: <>\n"), "{text}");
    let lower = text.to_lowercase();
    for needed in [
        "report-type=\"?delivery-status",
        "message/delivery-status",
        "final-recipient: rfc822; ?nobody@remote.test",
        "action: failed",
        "status: 5.1.1",
        "no such user",
    ] {
        assert!(fits(&lower, needed), "{needed} is missing in\n{text}");
    }
    assert!(!lower.contains("friend@remote.test>:"), "{text}");
    wait_for_empty_queue(&house);
}

/// Whether the text has the pattern, in which `X?` stands for an X or none.
fn fits(text: &str, pattern: &str) -> bool {
    match pattern.find('?') {
        None => text.contains(pattern),
        Some(at) => {
            let (before, after) = (&pattern[..at - 1], &pattern[at + 1..]);
            fits(text, &format!("{}{after}", &pattern[..at])) || fits(text, &format!("{before}{after}"))
        }
    }
}

#[test]
fn mail_that_nobody_takes_comes_back_after_its_time() {
    let mx = Mx::scripted(|line, _| {
        if line == "connect" {
            Answer::Say("421 4.3.2 never")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx).set("queue.expire_seconds", 3));
    submit(&house, &["friend@remote.test"]);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(text.to_lowercase().contains("action: failed"), "{text}");
    assert!(text.contains("Subject: out"), "the message, or its head, is returned:\n{text}");
    wait_for_empty_queue(&house);
}

/// RFC 3464 §2.3.4: a domain that does not exist fails at once (5.1.2); nobody waits days for that.
#[test]
fn a_domain_that_does_not_exist_fails_at_once() {
    let house = furnished(house_towards(&Mx::good()));
    submit(&house, &["friend@nowhere.test"]);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(text.contains("5.1.2") || text.contains("5.4.4"), "{text}");
}

/// RFC 7505 §3: a null MX says that the domain takes no mail.
#[test]
fn a_null_mx_takes_no_mail() {
    let dns = Dns::start();
    dns.mx("silent.test", 0, ".").host("silent.test", "127.0.0.1");
    let house = furnished(
        Builder::default()
            .set("dns.servers", vec![dns.address()])
            .set("queue.retry_first_seconds", 1),
    );
    submit(&house, &["friend@silent.test"]);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(text.contains("5.1.10"), "{text}");
}

/// RFC 5321 §5.1: the hosts are tried in the order of their preference, and a domain without MX is its own host.
#[test]
fn the_next_mx_is_tried_and_a_domain_may_be_its_own_host() {
    let mx = Mx::good();
    let dns = Dns::start();
    // Nobody listens on 127.0.0.2.
    dns.mx("remote.test", 10, "first.remote.test")
        .mx("remote.test", 20, "second.remote.test");
    dns.host("first.remote.test", "127.0.0.2")
        .host("second.remote.test", "127.0.0.1")
        .host("plain.test", "127.0.0.1");
    let house = furnished(house_towards(&mx).set("dns.servers", vec![dns.address()]));
    submit(&house, &["friend@remote.test"]);
    submit(&house, &["friend@plain.test"]);
    assert_eq!(mx.wait_for(2).len(), 2);
}

/// The only place among the deliveries is held by a server that accepts and says nothing: others do not wait until it is given up.
#[test]
fn a_silent_server_gives_way_to_others() {
    let mx = Mx::good();
    let silent = TcpListener::bind(("127.0.0.3", mx.port())).expect("a port");
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    dns.mx("silent.test", 10, "mx.silent.test").host("mx.silent.test", "127.0.0.3");
    let builder = house_towards(&mx)
        .set("dns.servers", vec![dns.address()])
        .set("outbound.max_deliveries", 1);
    let house = furnished(builder);
    submit(&house, &["friend@silent.test"]);
    let connection = silent.accept().expect("a connection");
    submit(&house, &["friend@remote.test"]);
    assert_eq!(mx.wait_for(1).len(), 1);
    // The silent one may still speak.
    crate::support::wait::until("one message left", || (house.queued() == 1).then_some(()));
    drop((connection, silent));
}

#[test]
fn a_route_wins_over_the_mx() {
    let mx = Mx::good();
    let routes: toml::Table = [("routed.test".to_owned(), format!("127.0.0.1:{}", mx.port()).into())]
        .into_iter()
        .collect();
    let house = furnished(Builder::default().set("outbound.routes", routes));
    submit(&house, &["friend@routed.test"]);
    mx.wait_for(1);
}

/// An alias may lead outside: then mail from anybody leaves, with a return path of ours by which a bounce comes back to the sender.
#[test]
fn an_alias_may_lead_outside() {
    let mx = Mx::good();
    let house = furnished(house_towards(&mx));
    house.alias("away@house.test", &["friend@remote.test", "bob@house.test"]);
    let letter = "Subject: forwarded\n\nHello.\n";
    house.smtp().send("ada@remote.test", &["away@house.test"], letter).expect(250);
    let forwarded = &mx.wait_for(1)[0];
    assert!(forwarded.to[0].starts_with("<friend@remote.test>"));
    assert_eq!(house.inbox("bob@house.test").len(), 1);
    let kept = maildir::text(&house.inbox("bob@house.test")[0]);
    assert!(kept.starts_with("Return-Path: <ada@remote.test>\n"), "{kept}");

    let path = forwarded.from.split('>').next().unwrap().trim_start_matches('<');
    assert!(path.starts_with("srs0=") && path.ends_with("=remote.test=ada@house.test"), "{path}");
    house.smtp().send("", &[path], "Subject: it bounced\n\nSorry.\n").expect(250);
    let back = &mx.wait_for(2)[1];
    assert!(
        back.from.starts_with("<>") && back.to[0].starts_with("<ada@remote.test>"),
        "{back:?}"
    );

    let mut smtp = house.smtp();
    smtp.command("MAIL FROM:<>").expect(250);
    smtp.command(&format!("RCPT TO:<{}>", path.replace("=ada", "=eve"))).expect(550);
    smtp.command("RCPT TO:<srs0=aaaaaaaa=aa=remote.test=ada@house.test>").expect(550);
    smtp.command(&format!("RCPT TO:<{}>", path.replace("@house.test", "@remote.test")))
        .expect(554);
}

/// The server's own report about forwarded mail goes to the sender too, not to the address that was made for them.
#[test]
fn forwarded_mail_that_fails_is_reported_to_its_sender() {
    let mx = Mx::scripted(|line, _| {
        if line.to_ascii_uppercase().starts_with("RCPT TO:<FRIEND") {
            Answer::Say("550 5.1.1 no such user")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx));
    house.alias("away@house.test", &["friend@remote.test"]);
    house
        .smtp()
        .send("ada@remote.test", &["away@house.test"], "Subject: forwarded\n\nHello.\n")
        .expect(250);
    let report = &mx.wait_for(1)[0];
    assert!(
        report.from.starts_with("<>") && report.to[0].starts_with("<ada@remote.test>"),
        "{report:?}"
    );
    assert!(
        report.text.contains("\nTo: <ada@remote.test>\n") || report.text.contains("\nTo: ada@remote.test\n"),
        "{}",
        report.text
    );
}

/// A message of several recipients of one domain travels once.
#[test]
fn recipients_of_one_domain_share_a_transaction() {
    let mx = Mx::good();
    let house = furnished(house_towards(&mx));
    submit(&house, &["one@remote.test", "two@remote.test"]);
    assert_eq!(mx.wait_for(1)[0].to.len(), 2);
    wait_for_empty_queue(&house);
    assert_eq!(mx.seen().letters.len(), 1);
}

/// RFC 3464 §2.3.3: who waits is told once that it takes longer; who has no interest in delays is not.
#[test]
fn of_late_mail_the_sender_is_told_once() {
    let mx = Mx::scripted(|line, _| {
        if line.starts_with("RCPT") {
            Answer::Say("450 4.7.1 greylisted, come again")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx).set("queue.delay_notice_seconds", 2));
    let mut smtp = house.submission("alice@house.test");
    smtp.command("MAIL FROM:<alice@house.test>").expect(250);
    smtp.command("RCPT TO:<friend@remote.test>").expect(250);
    smtp.command("RCPT TO:<quiet@remote.test> NOTIFY=FAILURE").expect(250);
    smtp.command("DATA").expect(354);
    smtp.command("From: alice@house.test\r\nSubject: out\r\n\r\nHello.\r\n.")
        .expect(250);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    for needed in [
        "Action: delayed",
        "friend@remote.test",
        "Will-Retry-Until: ",
        "Subject: out",
        "greylisted",
    ] {
        assert!(text.contains(needed), "{needed} is missing in\n{text}");
    }
    assert!(!text.contains("quiet@remote.test"), "{text}");
    let tries = |mx: &Mx| mx.seen().lines.iter().filter(|line| line.starts_with("RCPT")).count();
    let before = tries(&mx);
    crate::support::wait::until("two more tries", || (tries(&mx) >= before + 4).then_some(()));
    assert_eq!(house.inbox("alice@house.test").len(), 1, "told once");
}

/// RFC 6152 §3: where 8BITMIME is not offered, the message arrives in 7 bits; one whose signature would break comes back.
#[test]
fn a_server_of_seven_bits_gets_seven_bits() {
    let mx = Mx::without_tls(|line, _| {
        if line.starts_with("EHLO") {
            Answer::Say("250-mx.remote.test\r\n250 SIZE 10000000")
        } else {
            Answer::Usual
        }
    });
    let house = furnished(house_towards(&mx));
    let head = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\nMIME-Version: 1.0\n";
    let send = |letter: &str| {
        let mut session = house.submission("alice@house.test");
        session.send("alice@house.test", &["friend@remote.test"], letter).expect(250);
    };
    send(&format!("{head}Content-Type: text/plain; charset=utf-8\n\nGrüße\n"));
    let text = &mx.wait_for(1)[0].text;
    assert!(text.contains("\nContent-Transfer-Encoding: quoted-printable\n"), "{text}");
    assert!(text.ends_with("\n\nGr=C3=BC=C3=9Fe\n"), "{text}");
    send(&format!(
        "{head}Content-Type: multipart/signed; boundary=b\n\n--b\n\nGrüße\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n"
    ));
    let report = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(report.contains("5.6.3"), "{report}");
    assert_eq!(mx.seen().letters.len(), 1);
}

/// RFC 5321 §5.1: who is put off by one host may be taken by the next.
#[test]
fn what_one_host_puts_off_the_next_one_takes() {
    let mx = Mx::scripted(|line, seen| {
        let first = seen.lines.iter().filter(|line| line.starts_with("RCPT TO:<late")).count() == 1;
        if line.starts_with("RCPT TO:<late") && first {
            Answer::Say("451 4.3.0 not here, not now")
        } else {
            Answer::Usual
        }
    });
    let dns = Dns::start();
    dns.mx("remote.test", 10, "first.remote.test")
        .mx("remote.test", 20, "second.remote.test")
        .host("first.remote.test", "127.0.0.1")
        .host("second.remote.test", "127.0.0.1");
    let house = furnished(
        house_towards(&mx)
            .set("dns.servers", vec![dns.address()])
            .set("queue.retry_first_seconds", 300)
            .set("queue.retry_max_seconds", 300),
    );
    submit(&house, &["friend@remote.test", "late@remote.test"]);
    let letters = mx.wait_for(2);
    assert!(letters[0].to.len() == 1 && letters[0].to[0].starts_with("<friend@"), "{letters:?}");
    assert!(letters[1].to.len() == 1 && letters[1].to[0].starts_with("<late@"), "{letters:?}");
    wait_for_empty_queue(&house);
}

/// RFC 5321 §5.1: where this server is among the mail servers of a domain, it does not send to itself, nor to its equals, nor to those
/// behind it.
#[test]
fn mail_does_not_go_in_circles() {
    let (mx, dns) = (Mx::good(), Dns::start());
    for (host, address) in [("mx", "127.0.0.1"), ("us", "127.0.0.7")] {
        dns.host(&format!("{host}.remote.test"), address);
    }
    for (domain, servers) in [
        ("behind.test", [(10, "us"), (20, "mx")]),
        ("equal.test", [(10, "us"), (10, "mx")]),
        ("before.test", [(10, "mx"), (20, "us")]),
    ] {
        for (preference, host) in servers {
            dns.mx(domain, preference, &format!("{host}.remote.test"));
        }
    }
    let builder = house_towards(&mx)
        .set("dns.servers", vec![dns.address()])
        .set("outbound.own_addresses", vec!["127.0.0.7"]);
    let house = furnished(builder);
    submit(&house, &["friend@before.test"]);
    mx.wait_for(1);
    for (count, domain) in [(1, "behind.test"), (2, "equal.test")] {
        submit(&house, &[&format!("friend@{domain}")]);
        let reports = house.wait_for_inbox("alice@house.test", count);
        let told = format!("the mail servers of {domain} lead back to this server");
        let texts: Vec<String> = reports.iter().map(|report| maildir::text(report).replace("\n ", " ")).collect();
        assert!(texts.iter().any(|text| text.contains("5.4.6") && text.contains(&told)), "{texts:?}");
    }
    assert_eq!(mx.seen().letters.len(), 1);
}

/// The same by where the server listens, which nobody has to tell it.
#[test]
fn the_server_knows_where_it_listens() {
    let free = TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap();
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.77");
    let builder = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("listen.smtp", vec![free.to_string()])
        .set("outbound.smtp_port", i64::from(free.port()));
    let house = furnished(builder);
    submit(&house, &["friend@remote.test"]);
    let report = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(report.contains("5.4.6"), "{report}");
}

/// From one house to another, which takes BDAT (RFC 3030): every octet arrives, dots at the begin of lines included.
#[test]
fn another_house_takes_all_at_once() {
    let theirs = Builder::default().start();
    theirs
        .admin()
        .put("/domains/remote.test", serde_json::json!({"domain": "remote.test"}))
        .ok();
    theirs.user("friend@remote.test");
    let route: toml::Table = [("remote.test".to_owned(), theirs.address("smtp").to_string().into())]
        .into_iter()
        .collect();
    let ours = furnished(Builder::default().set("outbound.routes", route));
    for count in 1..=3 {
        submit(&ours, &["friend@remote.test"]);
        let inbox = theirs.wait_for_inbox("friend@remote.test", count);
        let text = maildir::text(&inbox[count - 1]);
        assert!(text.contains("\nSubject: out\n") && text.ends_with("\n\n.dot\nHello.\n"), "{text}");
    }
    wait_for_empty_queue(&ours);
}
