//! What programs ask for to be set up: mail clients for their servers, other servers for the policy of MTA-STS.

use std::fs;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::program::{run, run_with_input};
use crate::support::rest::{Response, Rest};

/// What Python reads of XML or of a property list: an expression on `document`.
fn read(shown: &Response, module: &str, expression: &str) -> String {
    assert_eq!(shown.status, 200, "{shown:?}");
    let parse = match module {
        "plistlib" => "plistlib.loads(octets)",
        _ => "xml.etree.ElementTree.fromstring(octets)",
    };
    let script = format!("import sys, {module}\noctets = sys.stdin.buffer.read()\ndocument = {parse}\nprint({expression})");
    run_with_input("python3", &["-c", &script], &shown.text).ok().trim().to_owned()
}

fn asked_as(house: &House, host: &str, path: &str) -> Response {
    house.anonymous().get_with(path, &[("host", host)])
}

fn port(house: &House, listener: &str) -> u16 {
    house.address(listener).port()
}

#[test]
fn thunderbird_finds_the_servers() {
    let house = House::furnished();
    let path = "/mail/config-v1.1.xml";
    let servers = "[(s.tag, s.get('type'), s.find('port').text, s.find('socketType').text) for s in document[0] if len(s)]";
    let expected = format!(
        "[('incomingServer', 'imap', '{}', 'SSL'), ('incomingServer', 'imap', '{}', 'STARTTLS'), ('incomingServer', 'pop3', '{}', 'SSL'), \
         ('incomingServer', 'pop3', '{}', 'STARTTLS'), ('outgoingServer', 'smtp', '{}', 'SSL'), ('outgoingServer', 'smtp', '{}', 'STARTTLS')]",
        port(&house, "imaps"),
        port(&house, "imap"),
        port(&house, "pop3s"),
        port(&house, "pop3"),
        port(&house, "submissions"),
        port(&house, "submission"),
    );
    for shown in [
        asked_as(&house, "autoconfig.house.test", path),
        asked_as(&house, "house.test:8080", "/.well-known/autoconfig/mail/config-v1.1.xml"),
        house.anonymous().get(&format!("{path}?emailaddress=alice%40house.test&x=y")),
    ] {
        assert_eq!(shown.kind, "application/xml; charset=utf-8");
        assert_eq!(read(&shown, "xml.etree.ElementTree", servers), expected);
    }
    // Who is there and who is not get the same.
    let of = |name: &str| house.anonymous().get(&format!("{path}?emailaddress={name}%40house.test")).text;
    assert_eq!(of("alice"), of("nobody"));
    asked_as(&house, "autoconfig.elsewhere.test", path).problem(404);
    house.admin().patch("/domains/house.test", json!({"enabled": false})).ok();
    asked_as(&house, "autoconfig.house.test", path).problem(404);
}

#[test]
fn outlook_finds_the_servers() {
    let house = Builder::default()
        .set("client.host", "in.house.test")
        .set(
            "client.ports",
            toml::Table::from_iter([("imaps", 993), ("pop3s", 0), ("pop3", 0)].map(|(name, port)| (name.to_owned(), port.into()))),
        )
        .start();
    house.provision();
    let ask = |address: &str, schema: &str| {
        let body = format!(
            "<Autodiscover><Request><EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>\
             </Request></Autodiscover>"
        );
        house
            .anonymous()
            .post_raw("/autodiscover/autodiscover.xml", "text/xml", body.as_bytes())
    };
    let ours = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
    let shown = ask("nobody@house.test", ours);
    let protocols = format!(
        "[[p.find('{{{ours}}}' + name).text for name in ('Type', 'Server', 'Port', 'LoginName')] for p in document.iter('{{{ours}}}Protocol')]"
    );
    let expected = format!(
        "[['IMAP', 'in.house.test', '993', 'nobody@house.test'], ['SMTP', 'in.house.test', '{}', 'nobody@house.test']]",
        port(&house, "submissions")
    );
    assert_eq!(read(&shown, "xml.etree.ElementTree", &protocols), expected);
    assert!(ask("x@elsewhere.test", ours).text.contains("<ErrorCode>600</ErrorCode>"));
    assert!(
        ask("alice@house.test", "urn:mobilesync")
            .text
            .contains("<ErrorCode>601</ErrorCode>")
    );
    let large = vec![b' '; 20_000];
    house
        .anonymous()
        .post_raw("/autodiscover/autodiscover.xml", "text/xml", &large)
        .problem(413);
    house.anonymous().get("/autodiscover/autodiscover.xml").problem(405);
    let place = asked_as(
        &house,
        "autodiscover.house.test",
        "/autodiscover/autodiscover.json?Email=x&Protocol=AutodiscoverV1",
    )
    .ok();
    assert_eq!(place["Url"], "http://autodiscover.house.test/autodiscover/autodiscover.xml");
}

#[test]
fn a_device_of_apple_gets_a_profile() {
    let house = House::furnished();
    let shown = house.anonymous().get("/mobileconfig?address=alice@house.test");
    assert_eq!(shown.kind, "application/x-apple-aspen-config; charset=utf-8");
    let account = "(lambda a: (a['EmailAddress'], a['IncomingMailServerPortNumber'], a['OutgoingMailServerPortNumber'], \
                   a['IncomingMailServerUseSSL'], a['PayloadType']))(document['PayloadContent'][0])";
    let expected = format!(
        "('alice@house.test', {}, {}, True, 'com.apple.mail.managed')",
        port(&house, "imaps"),
        port(&house, "submissions")
    );
    assert_eq!(read(&shown, "plistlib", account), expected);
    assert_eq!(house.anonymous().get("/mobileconfig?address=nobody@house.test").status, 200);
    house.anonymous().get("/mobileconfig?address=x@elsewhere.test").problem(404);
    house.anonymous().get("/mobileconfig").problem(400);
}

/// By the certificate that the server shows, whatever its key; OpenSSL finds nothing wrong with it.
#[test]
fn a_profile_is_signed_where_somebody_vouches_for_the_server() {
    let rsa = run(
        "openssl",
        &["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    )
    .ok();
    for key in [
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"),
        KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key"),
        KeyPair::from_pem(&rsa).expect("a key"),
    ] {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a directory"));
        let file = |name: &str| folder.path().join(name).display().to_string();
        fs::write(file("certificate.pem"), authority.issue_for(&key, "mail.house.test", 3600)).expect("a file");
        fs::write(file("key.pem"), key.serialize_pem()).expect("a file");
        let house = Builder::default()
            .set("tls.certificate", file("certificate.pem"))
            .set("tls.key", file("key.pem"))
            .start();
        house.provision();
        let url = format!("http://{}/mobileconfig?address=alice@house.test", house.address("http"));
        let kind = run("curl", &["-sSf", "-o", &file("profile"), "-w", "%{content_type}", &url]).ok();
        assert_eq!(kind, "application/x-apple-aspen-config");
        let (signed, plain, trusted) = (file("profile"), file("plain"), authority.file());
        let arguments = [
            "cms", "-verify", "-binary", "-inform", "DER", "-in", &signed, "-out", &plain, "-CAfile", &trusted, "-purpose", "any",
        ];
        run("openssl", &arguments).ok();
        let plain = fs::read_to_string(plain).expect("what was signed");
        assert!(plain.starts_with("<?xml ") && plain.ends_with("</plist>\n"), "{plain}");
        // Another authority does not vouch for it.
        let stranger = Authority::new().file();
        let ran = run(
            "openssl",
            &[
                "cms", "-verify", "-binary", "-inform", "DER", "-in", &signed, "-CAfile", &stranger, "-purpose", "any",
            ],
        );
        assert_ne!(ran.status, Some(0));
    }
}

#[test]
fn other_servers_read_the_policy_that_the_zone_names() {
    let dns = Dns::start();
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("mta_sts.mode", "enforce")
        .start();
    house.provision();
    let shown = asked_as(&house, "mta-sts.house.test", "/.well-known/mta-sts.txt");
    assert_eq!((shown.status, shown.kind.as_str()), (200, "text/plain; charset=utf-8"));
    assert_eq!(
        shown.text,
        "version: STSv1\r\nmode: enforce\r\nmx: mail.house.test\r\nmax_age: 604800\r\n"
    );
    for host in ["house.test", "mta-sts.elsewhere.test", "mta-sts."] {
        asked_as(&house, host, "/.well-known/mta-sts.txt").problem(404);
    }
    let zone = house.admin().get("/domains/house.test/dns").ok();
    let zone = zone["zone"].as_str().expect("a zone");
    let submissions = format!(
        "_submissions._tcp.house.test. 3600 IN SRV 0 1 {} mail.house.test.",
        port(&house, "submissions")
    );
    assert!(
        zone.contains(&submissions) && zone.contains("_mta-sts.house.test. 3600 IN TXT \"v=STSv1; id="),
        "{zone}"
    );
    // Another policy has another id; none has no record.
    let other = Builder::default().set("mta_sts.mode", "off").start();
    other.provision();
    asked_as(&other, "mta-sts.house.test", "/.well-known/mta-sts.txt").problem(404);
    let zone = other.admin().get("/domains/house.test/dns").ok();
    assert!(!zone["zone"].as_str().expect("a zone").contains("mta-sts"), "{zone}");
}

#[test]
fn who_asks_too_often_is_put_off() {
    let house = Builder::default().set("http.guest_requests_per_minute", 30).start();
    house.provision();
    let guest = Rest::anonymous(house.address("http"));
    let last = (0..31).map(|_| guest.get("/mobileconfig?address=alice@house.test").status).last();
    assert_eq!(last, Some(429));
}
