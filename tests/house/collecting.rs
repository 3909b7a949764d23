//! Traces: what happens in the house is told as spans to a collector of OpenTelemetry. In builds with the feature `otel`, as `tests/run` makes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::dns::Dns;
use crate::support::house::{ADMIN_PASSWORD, Builder, PASSWORD};
use crate::support::mx::Mx;
use crate::support::ports::free_address;
use crate::support::wait::until;

const LETTER: &str = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\n\nHello.\n";

/// Head and body of a request.
type Post = (String, Vec<u8>);

/// Who collects traces, and takes all.
struct Collector {
    port: u16,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Collector {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let collector = Self {
            port: listener.local_addr().expect("an address").port(),
            posts: Arc::default(),
        };
        let posts = Arc::clone(&collector.posts);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    let line = line.to_lowercase();
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.trim().parse().expect("a length");
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                posts.lock().expect("posts").push((head, body));
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = reader.get_mut().write_all(answer);
            }
        });
        collector
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All that was posted: texts stand in protobuf as they are.
    fn told(&self) -> String {
        let posts = self.posts.lock().expect("posts");
        for (head, _) in posts.iter() {
            assert!(head.starts_with("post /v1/traces "), "{head}");
            assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
        }
        posts.iter().map(|(_, body)| String::from_utf8_lossy(body).into_owned()).collect()
    }
}

/// All of it is sent when the server stops, at the latest.
#[test]
fn the_collector_hears_of_what_happens() {
    let (collector, mx, dns) = (Collector::open(), Mx::good(), Dns::start());
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let mut house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        .start();
    house.provision();
    house
        .submission("alice@house.test")
        .send("alice@house.test", &["friend@remote.test"], LETTER)
        .expect(250);
    mx.wait_for(1);
    until("an empty queue", || (house.queued() == 0).then_some(()));
    house.imap("alice@house.test").select("INBOX");
    let id = until("its story", || {
        let stories = house.admin().get("/traces?address=friend@remote.test").ok();
        stories["items"][0]["id"].as_str().map(str::to_owned)
    });
    assert!(house.terminate().success());
    let told = collector.told();
    for text in [
        "service.name",
        "posthouse",
        env!("CARGO_PKG_VERSION"),
        "mail.house.test",
        "session",
        "submission",
        "message taken",
        &id,
        "delivery",
        "remote.test",
        "IMAP SELECT",
        "alice@house.test",
        "GET /api/v1/traces",
        "http.response.status_code",
    ] {
        assert!(told.contains(text), "nothing of {text}");
    }
    for secret in [PASSWORD, ADMIN_PASSWORD] {
        assert!(!told.contains(secret), "a secret is told");
    }
    assert!(!house.log().contains("otel."), "lines for people are as ever");
}

#[test]
fn a_collector_that_is_gone_delays_nobody() {
    let gone = free_address();
    let mut house = Builder::default()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{gone}"))
        .env("OTEL_BSP_SCHEDULE_DELAY", "20")
        .start();
    house.provision();
    until("a word about it", || {
        house.log().contains("takes nothing, spans are lost").then_some(())
    });
    house.smtp().send("a@else.test", &["alice@house.test"], LETTER).expect(250);
    house.wait_for_inbox("alice@house.test", 1);
    assert!(house.terminate().success());
    assert_eq!(house.log().matches("takes nothing, spans are lost").count(), 1, "it is said once");
}

#[test]
fn a_collector_that_cannot_be_one_is_told_and_the_house_opens() {
    let house = Builder::default().env("OTEL_EXPORTER_OTLP_ENDPOINT", "not an address").start();
    until("a word about it", || house.log().contains("traces are not collected").then_some(()));
}
