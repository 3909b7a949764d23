//! Reports about TLS: sent by mail and over HTTPS to those that ask for them, with what happened the day before (RFC 8460).

use std::io::Read;

use base64::Engine;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::mx::{Answer, Mx};
use crate::support::program;
use crate::support::web::{Web, page};

const LETTER: &str = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\n\nHello.\n";
const TESTING: &str = "version: STSv1\r\nmode: testing\r\nmx: *.remote.test\r\nmax_age: 86400\r\n";

fn submit(house: &House, to: &str) {
    house
        .submission("alice@house.test")
        .send("alice@house.test", &[to], LETTER)
        .expect(250);
}

/// What was counted is a day older: the clock of the server cannot be set.
fn let_a_day_pass(house: &House) {
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as it: it.execute('UPDATE tls_results SET day = day - 1')";
    let database = house.data().join("posthouse.db");
    program::run("python3", &["-c", script, &database.to_string_lossy()]).ok();
}

fn unpacked(compressed: &[u8]) -> Value {
    let mut json = String::new();
    GzDecoder::new(compressed).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// A house, and the world around it.
struct World {
    house: House,
    mx: Mx,
    collector: Web,
    _web: Web,
    _authority: Authority,
}

fn world() -> World {
    let authority = Authority::new();
    // The policy is only being tested: the wrong certificate is told of, and the mail goes.
    let mx = Mx::certified(authority.server("other.test"), |_, _| Answer::Usual);
    let web = Web::start(&authority, "mta-sts.remote.test", page("200 OK", TESTING));
    let collector = Web::start(&authority, "reports.remote.test", String::new());
    let dns = Dns::start();
    let asks = format!(
        "v=TLSRPTv1; rua=mailto:tls@remote.test,https://reports.remote.test:{}/v1/tls",
        collector.port
    );
    dns.mx("remote.test", 10, "mx.remote.test")
        .mx("silent.test", 10, "mx.remote.test")
        .host("mx.remote.test", "127.0.0.1")
        .host("mta-sts.remote.test", "127.0.0.1")
        .host("reports.remote.test", "127.0.0.1")
        .txt("_mta-sts.remote.test", "v=STSv1; id=1;")
        .txt("_smtp._tls.remote.test", &asks);
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("outbound.mta_sts_port", i64::from(web.port))
        .set("outbound.certificate_authorities", authority.file())
        .set("reports.from", "postmaster@house.test")
        .set("reports.organization_name", "The House")
        .set("reports.max_delay_minutes", 0)
        .start();
    house.provision();
    let key = json!({"algorithm": "ed25519", "state": "active"});
    house.admin().post("/domains/house.test/dkim-keys", key).ok();
    World {
        house,
        mx,
        collector,
        _web: web,
        _authority: authority,
    }
}

#[test]
fn a_domain_that_asks_is_told_what_happened_the_day_before() {
    let mut world = world();
    let World { house, mx, collector, .. } = &mut world;
    submit(house, "friend@remote.test");
    submit(house, "friend@silent.test");
    mx.wait_for(2);
    house.terminate();
    let_a_day_pass(house);
    house.start_again();

    let posts = collector.wait_for_posts(1);
    let (head, body) = &posts[0];
    assert!(
        head.starts_with("post /v1/tls ") && head.contains("content-type: application/tlsrpt+gzip"),
        "{head}"
    );
    let report = unpacked(body);
    is_right(&report);
    is_in_the_mail(mx, &report);
    // Nobody asked for the other one, and each is sent once.
    house.terminate();
    house.start_again();
    submit(house, "friend@silent.test");
    assert_eq!(mx.wait_for(4).len(), 4);
    assert_eq!(collector.wait_for_posts(1).len(), 1);
}

/// One session, whose certificate was for another name.
fn is_right(report: &Value) {
    assert_eq!(report["organization-name"], "The House");
    assert_eq!(report["contact-info"], "postmaster@house.test");
    let range = &report["date-range"];
    assert!(range["start-datetime"].as_str().unwrap().ends_with("T00:00:00Z"), "{range}");
    assert!(range["end-datetime"].as_str().unwrap().ends_with("T23:59:59Z"), "{range}");
    let lines = ["version: STSv1", "mode: testing", "mx: *.remote.test", "max_age: 86400"];
    let failure = json!({
        "result-type": "certificate-host-mismatch", "sending-mta-ip": "127.0.0.1", "receiving-mx-hostname": "mx.remote.test",
        "receiving-ip": "127.0.0.1", "failed-session-count": 1,
    });
    let policy = json!({
        "policy": {"policy-type": "sts", "policy-string": lines, "policy-domain": "remote.test", "mx-host": ["*.remote.test"]},
        "summary": {"total-successful-session-count": 0, "total-failure-session-count": 1},
        "failure-details": [failure],
    });
    assert_eq!(report["policies"], json!([policy]));
}

/// The same report came by mail, signed.
fn is_in_the_mail(mx: &Mx, report: &Value) {
    let letters = mx.wait_for(3);
    let letter = &letters[2];
    assert!(
        letter.from.starts_with("<>") && letter.to[0].starts_with("<tls@remote.test>"),
        "{letter:?}"
    );
    for line in [
        "DKIM-Signature: ",
        "TLS-Report-Domain: remote.test\n",
        "TLS-Report-Submitter: house.test\n",
        "Content-Type: multipart/report; report-type=\"tlsrpt\";",
        "Content-Type: application/tlsrpt+gzip\n",
    ] {
        assert!(letter.text.contains(line), "{line} is missing in\n{}", letter.text);
    }
    let (_, part) = letter.text.split_once(".json.gz\"\n\n").unwrap();
    let base64: String = part.split("\n\n").next().unwrap().split_whitespace().collect();
    assert_eq!(
        unpacked(&base64::engine::general_purpose::STANDARD.decode(base64).unwrap()),
        *report
    );
}
