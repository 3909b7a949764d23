//! MTA-STS: policies of ours, served over HTTPS with certificates made for the test, and what becomes of mail under them (RFC 8461).

use crate::support::authority::Authority;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::mx::{Answer, Mx};
use crate::support::web::{Web, page};

const LETTER: &str = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\n\nHello.\n";
const ENFORCE: &str = "version: STSv1\r\nmode: enforce\r\nmx: *.remote.test\r\nmax_age: 86400\r\n";

/// What is particular about a case.
struct Case<'c> {
    /// The host of remote.test's MX.
    host: &'c str,
    /// The name in its certificate.
    certificate: &'c str,
    /// What the web server answers.
    answer: String,
    /// The name in the web server's certificate.
    web: &'c str,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            host: "mx.remote.test",
            certificate: "mx.remote.test",
            answer: page("200 OK", ENFORCE),
            web: "mta-sts.remote.test",
        }
    }
}

/// A house, and the world around it.
struct World {
    house: House,
    mx: Mx,
    web: Web,
    _authority: Authority,
}

impl Case<'_> {
    fn play(self) -> World {
        let authority = Authority::new();
        let mx = Mx::certified(authority.server(self.certificate), |_, _| Answer::Usual);
        self.play_with(authority, mx)
    }

    fn play_with(self, authority: Authority, mx: Mx) -> World {
        let web = Web::start(&authority, self.web, self.answer);
        let dns = Dns::start();
        dns.mx("remote.test", 10, self.host)
            .host(self.host, "127.0.0.1")
            .host("mta-sts.remote.test", "127.0.0.1")
            .txt("_mta-sts.remote.test", "v=STSv1; id=1;");
        let house = Builder::default()
            .set("dns.servers", vec![dns.address()])
            .set("outbound.smtp_port", i64::from(mx.port()))
            .set("outbound.mta_sts_port", i64::from(web.port))
            .set("outbound.certificate_authorities", authority.file())
            .set("queue.retry_first_seconds", 1)
            .set("queue.retry_max_seconds", 1)
            .set("queue.expire_seconds", 3)
            .start();
        house.provision();
        let world = World {
            house,
            mx,
            web,
            _authority: authority,
        };
        world.submit();
        world
    }
}

impl World {
    fn submit(&self) {
        self.house
            .submission("alice@house.test")
            .send("alice@house.test", &["friend@remote.test"], LETTER)
            .expect(250);
    }

    /// The mail comes back, and nothing of it ever went out.
    fn comes_back(&self, because: &str) {
        let text = maildir::text(&self.house.wait_for_inbox("alice@house.test", 1)[0]);
        assert!(text.contains(because), "{because} is missing in\n{text}");
        assert_eq!(self.mx.seen().letters, []);
    }
}

#[test]
fn a_policy_is_fetched_once_and_fulfilled() {
    let world = Case::default().play();
    assert!(world.mx.wait_for(1)[0].tls);
    world.submit();
    world.mx.wait_for(2);
    assert_eq!(world.web.asked(), 1, "the policy is kept");
}

#[test]
fn a_host_that_the_policy_does_not_name_gets_nothing() {
    let case = Case {
        host: "mx.elsewhere.test",
        certificate: "mx.elsewhere.test",
        ..Case::default()
    };
    case.play().comes_back("MTA-STS policy does not name this host");
}

#[test]
fn a_certificate_for_another_name_gets_nothing() {
    let case = Case {
        certificate: "other.remote.test",
        ..Case::default()
    };
    case.play().comes_back("TLS");
}

/// The downgrade that MTA-STS is there to stop (RFC 8461 §10.1).
#[test]
fn a_host_without_tls_gets_nothing() {
    let mx = Mx::without_tls(|_, _| Answer::Usual);
    Case::default().play_with(Authority::new(), mx).comes_back("it is not offered");
}

#[test]
fn a_policy_in_testing_stops_nothing() {
    let case = Case {
        host: "mx.elsewhere.test",
        certificate: "other.test",
        answer: page("200 OK", &ENFORCE.replace("enforce", "testing")),
        ..Case::default()
    };
    assert!(case.play().mx.wait_for(1)[0].tls);
}

/// RFC 8689 §5: a report of broken TLS must not wait until TLS is whole.
#[test]
fn a_message_that_can_do_without_tls_goes_whatever_the_policy() {
    let case = Case {
        certificate: "other.remote.test",
        ..Case::default()
    };
    let world = case.play();
    let letter = LETTER.replace("Subject", "TLS-Required: No\nSubject");
    world
        .house
        .submission("alice@house.test")
        .send("alice@house.test", &["friend@remote.test"], &letter)
        .expect(250);
    assert!(world.mx.wait_for(1)[0].text.contains("\nTLS-Required: No\n"));
    // The other one comes back.
    world.house.wait_for_inbox("alice@house.test", 1);
    assert_eq!(world.mx.seen().letters.len(), 1);
}

/// RFC 8461 §3.3: what is behind a redirect, has another status, is too long, or comes from somebody else is no policy.
#[test]
fn what_cannot_be_fetched_rightly_is_no_policy() {
    let moved = "HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.remote.test/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let long = format!("{ENFORCE}{}", "mx: a.remote.test\r\n".repeat(4000));
    for (answer, web) in [
        (moved.to_owned(), "mta-sts.remote.test"),
        (page("404 Not Found", ENFORCE), "mta-sts.remote.test"),
        (page("200 OK", &long), "mta-sts.remote.test"),
        (page("200 OK", ENFORCE).replace("text/plain", "text/html"), "mta-sts.remote.test"),
        (page("200 OK", ENFORCE), "somebody.else.test"),
    ] {
        let case = Case {
            certificate: "other.test",
            answer,
            web,
            ..Case::default()
        };
        assert!(case.play().mx.wait_for(1)[0].tls);
    }
}
