//! Reports about DMARC: sent by mail to those that ask for them, with how mail fared the day before (RFC 7489 §7.2); and those of others,
//! about TLS too, that come in.

use mail_auth::report::{ActionDisposition, Disposition, DmarcResult, PolicyPublished, Record, Report};
use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::mx::Mx;
use crate::support::program;

const ALICE: &str = "alice@house.test";

/// What was counted is a day older: the clock of the server cannot be set.
fn let_a_day_pass(house: &House) {
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as it: it.execute('UPDATE dmarc_results SET day = day - 1')";
    let database = house.data().join("posthouse.db");
    program::run("python3", &["-c", script, &database.to_string_lossy()]).ok();
}

fn letter(domain: &str) -> String {
    format!("From: Ada <ada@{domain}>\nTo: {ALICE}\nSubject: x\n\nHello.\n")
}

/// A house that checks what comes, and where its reports go.
fn world() -> (Dns, Mx, House) {
    let mx = Mx::good();
    let dns = Dns::start();
    dns.mx("asks.test", 10, "mx.remote.test")
        .mx("agrees.test", 10, "mx.remote.test")
        .mx("silent.test", 10, "mx.remote.test")
        .host("mx.remote.test", "127.0.0.1")
        .txt("asks.test", "v=spf1 ip4:127.0.0.1 -all")
        .txt(
            "_dmarc.asks.test",
            "v=DMARC1; p=quarantine; adkim=s; rua=mailto:d@asks.test,mailto:d@agrees.test,mailto:d@silent.test,mailto:small@asks.test!1k",
        )
        .txt("asks.test._report._dmarc.agrees.test", "v=DMARC1")
        .txt("_dmarc.quiet.test", "v=DMARC1; p=none");
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("checks.trusted_networks", Vec::<String>::new())
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("reports.from", "postmaster@house.test")
        .set("reports.organization_name", "The House")
        .set("reports.max_delay_minutes", 0)
        .start();
    house.provision();
    let key = json!({"algorithm": "ed25519", "state": "active"});
    house.admin().post("/domains/house.test/dkim-keys", key).ok();
    (dns, mx, house)
}

#[test]
fn a_domain_that_asks_is_told_how_its_mail_fared() {
    let (_dns, mx, mut house) = world();
    for _ in 0..2 {
        house.smtp().send("ada@asks.test", &[ALICE], &letter("asks.test")).expect(250);
    }
    house
        .smtp()
        .send("eve@elsewhere.test", &[ALICE], &letter("sub.asks.test"))
        .expect(250);
    house.smtp().send("eve@elsewhere.test", &[ALICE], &letter("quiet.test")).expect(250);
    house.terminate();
    let_a_day_pass(&house);
    house.start_again();
    let letters = mx.wait_for(2);
    let to: Vec<&str> = letters.iter().map(|letter| letter.to[0].as_str()).collect();
    assert!(to.iter().any(|to| to.starts_with("<d@asks.test>")), "{to:?}");
    assert!(to.iter().any(|to| to.starts_with("<d@agrees.test>")), "{to:?}");
    let text = &letters[0].text;
    assert!(
        text.starts_with("DKIM-Signature: ") && text.contains("Subject: Report Domain: asks.test"),
        "{text}"
    );
    let report = Report::parse_rfc5322(text.replace('\n', "\r\n").as_bytes(), 1 << 20).expect("a report");
    assert_eq!(
        (report.org_name(), report.email(), report.domain()),
        ("The House", "postmaster@house.test", "asks.test")
    );
    assert_eq!(report.date_range_end() - report.date_range_begin(), 86_399);
    let found: Vec<_> = report
        .records()
        .iter()
        .map(|record| {
            (
                record.count(),
                record.header_from(),
                record.dmarc_spf_result(),
                record.action_disposition(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (2, "asks.test", DmarcResult::Pass, ActionDisposition::None),
            (1, "sub.asks.test", DmarcResult::Fail, ActionDisposition::Quarantine),
        ]
    );
    assert_eq!(report.records()[0].source_ip(), "127.0.0.1".parse().ok());
    // Each is sent once.
    house.terminate();
    house.start_again();
    let own = "From: alice@house.test\nSubject: x\n\nHello.\n";
    house.submission(ALICE).send(ALICE, &["friend@silent.test"], own).expect(250);
    let letters = mx.wait_for(3);
    assert!(
        letters.len() == 3 && letters[2].to[0].starts_with("<friend@silent.test>"),
        "{letters:?}"
    );
}

fn report_about(domain: &str) -> String {
    let policy = PolicyPublished {
        domain: domain.into(),
        p: Disposition::Reject,
        ..PolicyPublished::default()
    };
    let record = |count, spf| {
        Record::new()
            .with_source_ip("192.0.2.1".parse().expect("an address"))
            .with_count(count)
            .with_dmarc_spf_result(spf)
            .with_header_from(domain)
    };
    let report = Report::new()
        .with_policy_published(policy)
        .with_org_name("The Others")
        .with_report_id(format!("1.{domain}"))
        .with_date_range_begin(86_400)
        .with_record(record(3, DmarcResult::Pass))
        .with_record(record(2, DmarcResult::Fail));
    let letter = report.to_rfc5322("others.test", "d@others.test", std::iter::once("postmaster@house.test"));
    letter.expect("a letter").replace("\r\n", "\n")
}

const TLS_REPORT: &str = "From: t@others.test\nSubject: Report Domain: house.test Submitter: others.test Report-ID: <7>\nTLS-Report-Domain: house.test\n\
MIME-Version: 1.0\nContent-Type: multipart/report; report-type=\"tlsrpt\"; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello.\n--x\n\
Content-Type: application/tlsrpt+json\n\n{\"organization-name\":\"The Others\",\"date-range\":{\"start-datetime\":\"2026-11-25T00:00:00Z\",\n\
\"end-datetime\":\"2026-11-25T23:59:59Z\"},\"contact-info\":\"t@others.test\",\"report-id\":\"7\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\n\
\"policy-domain\":\"house.test\"},\"summary\":{\"total-successful-session-count\":9,\"total-failure-session-count\":1},\"failure-details\":[\n\
{\"result-type\":\"certificate-expired\",\"receiving-mx-hostname\":\"mx.house.test\",\"failed-session-count\":1}]}]}\n--x--\n";

#[test]
fn reports_of_others_are_read_and_shown() {
    let house = House::furnished();
    house.alias("postmaster@house.test", &[ALICE]);
    let send = |letter: &str| {
        let mut smtp = house.smtp();
        smtp.send("d@others.test", &["postmaster@house.test"], letter).expect(250);
    };
    // Twice the same is one; what is about a domain that is not here is none of ours.
    for letter in [
        report_about("house.test"),
        report_about("house.test"),
        report_about("elsewhere.test"),
        TLS_REPORT.to_owned(),
    ] {
        send(&letter);
    }
    let admin = house.admin();
    let list = admin.get("/dmarc-reports?domain=house.test").ok();
    let [one] = list["items"].as_array().expect("items").as_slice() else {
        panic!("{list}")
    };
    assert_eq!(
        (&one["organization"], &one["passed"], &one["failed"]),
        (&json!("The Others"), &json!(3), &json!(2))
    );
    assert_eq!(one["begins_at"], "1970-01-02T00:00:00Z");
    let id = one["id"].as_str().expect("an id");
    let details = admin.get(&format!("/dmarc-reports/{id}")).ok();
    assert_eq!(
        (&details["policy"], &details["records"][0]["messages"]),
        (&json!("p=reject"), &json!(3))
    );
    assert_eq!(details["records"][1]["spf_aligned"], false);
    let list = admin.get("/tls-reports").ok();
    let one = &list["items"][0];
    assert_eq!((&one["successful_sessions"], &one["failed_sessions"]), (&json!(9), &json!(1)));
    let details = admin.get(&format!("/tls-reports/{}", one["id"].as_str().expect("an id"))).ok();
    assert_eq!(details["policies"][0]["failures"][0]["result_type"], "certificate-expired");
    admin.get(&format!("/tls-reports/{id}")).problem(404);
    let printed = house.command(&["reports", "dmarc", id, "--json"]);
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("a document");
    assert_eq!((&printed["domain"], &printed["policy"]), (&json!("house.test"), &json!("p=reject")));
    assert_eq!(house.inbox(ALICE).len(), 4, "all are mail as well");
}
