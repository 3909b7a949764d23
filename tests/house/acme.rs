//! Certificates from an authority: had, shared, renewed, and tried for again.

use crate::support::acme::AcmeServer;
use crate::support::house::{Builder, House};
use crate::support::ports::free_address;
use crate::support::tls::shown;
use crate::support::wait::until;

fn asking(server: &AcmeServer) -> Builder {
    Builder::default()
        .set("acme.enabled", true)
        .set("acme.directory_url", server.directory.as_str())
        .set("acme.ca_file", server.ca_file())
        .set("acme.contact", vec!["postmaster@house.test"])
        .set("acme.watch_seconds", 1)
        .set("acme.retry_seconds", 1)
}

/// Waits until a client is shown a certificate of this authority.
fn wait_for(house: &House, server: &AcmeServer, name: &str) -> Vec<u8> {
    until("a certificate of the authority", || {
        Some(shown(house.address("imaps"), name)).filter(|der| server.issued(der))
    })
}

#[test]
fn certificates_are_had_over_http_and_shared() {
    let (server, http) = (AcmeServer::start(), free_address());
    server.looks_at("http-01", http);
    let mut house = asking(&server)
        .set("listen.http", vec![http.to_string()])
        .set("acme.domains", vec!["mail.house.test", "imap.house.test"])
        .start();
    let first = wait_for(&house, &server, "mail.house.test");
    let second = wait_for(&house, &server, "imap.house.test");
    assert_ne!(first, second);
    assert_eq!(server.counts(), (1, 2));
    let list = house.admin().get("/certificates").ok();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(3), "{list}");
    assert_eq!(
        (&list["items"][0]["source"], &list["items"][2]["source"]),
        (&"acme".into(), &"self_signed".into())
    );
    // A restart asks for nothing, and shows it from the first moment.
    house.terminate();
    house.start_again();
    assert_eq!(shown(house.address("imaps"), "mail.house.test"), first);
    assert_eq!(server.counts(), (1, 2));
    let nothing = house
        .anonymous()
        .send(reqwest::Method::GET, "/.well-known/acme-challenge/other", &[], None);
    assert_eq!(nothing.status, 404);
}

#[test]
fn certificates_are_had_by_a_handshake() {
    let (server, https) = (AcmeServer::start(), free_address());
    server.looks_at("tls-alpn-01", https);
    let house = asking(&server)
        .set("listen.https", vec![https.to_string()])
        .set("acme.challenge", "tls-alpn-01")
        .start();
    wait_for(&house, &server, "mail.house.test");
    // The listener is there for others as before.
    assert!(server.issued(&shown(https, "mail.house.test")));
}

#[test]
fn a_certificate_is_renewed_before_it_ends() {
    let (server, http) = (AcmeServer::start(), free_address());
    server.looks_at("http-01", http);
    server.issues_for(6);
    let house = asking(&server).set("listen.http", vec![http.to_string()]).start();
    let first = wait_for(&house, &server, "mail.house.test");
    server.issues_for(86_400);
    until("the next one", || {
        (shown(house.address("imaps"), "mail.house.test") != first).then_some(())
    });
    let (accounts, issued) = server.counts();
    assert!(accounts == 1 && issued >= 2, "{accounts} {issued}");
    let events = until("an event", || {
        let events = house.admin().get("/events?kinds=certificate.renewed").ok();
        events["items"].as_array().filter(|items| items.len() >= 2).cloned()
    });
    assert_eq!(events[0]["data"]["names"], serde_json::json!(["mail.house.test"]));
    let listed = house.command(&["certificate", "list", "--json"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("\"acme\""), "{listed}");
}

#[test]
fn what_is_refused_is_tried_again_and_nothing_else_waits_for_it() {
    let (server, http) = (AcmeServer::start(), free_address());
    server.close(true);
    let house = asking(&server).set("listen.http", vec![http.to_string()]).start();
    house.provision();
    until("what went wrong in the log", || {
        house.log().contains("we are closed today").then_some(())
    });
    until("that as an event", || {
        let events = house.admin().get("/events?kinds=certificate.failed").ok();
        events["items"][0]["data"]["problem"].is_string().then_some(())
    });
    house.imap("alice@house.test");
    server.close(false);
    // Now it looks, and finds nobody: nothing was said about where.
    until("that in the log", || {
        house.log().contains("nobody said where to look").then_some(())
    });
    server.looks_at("http-01", http);
    wait_for(&house, &server, "mail.house.test");
}
