//! Questions to a name server of ours on loopback, over UDP and, where an answer does not fit, TCP.

use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, MX};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

/// More than an answer over UDP holds.
const MANY: u16 = 300;

fn mx(query: &Query, preference: u16, exchange: &str) -> Record {
    let exchange = Name::from_ascii(exchange).unwrap();
    Record::from_rdata(query.name().clone(), 60, RData::MX(MX::new(preference, exchange)))
}

/// The zone.
fn answer(asked: &[u8]) -> Message {
    let asked = Message::from_vec(asked).unwrap();
    let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
    let query = asked.queries[0].clone();
    answer.add_query(query.clone());
    let name = query.name().to_ascii();
    match (name.as_str(), query.query_type()) {
        ("remote.test.", RecordType::MX) => {
            answer.add_answers([mx(&query, 20, "b.remote.test."), mx(&query, 10, "a.remote.test.")]);
        }
        ("null.test.", RecordType::MX) => {
            answer.add_answer(mx(&query, 0, "."));
        }
        ("many.test.", RecordType::MX) => {
            answer.add_answers((0..MANY).map(|n| mx(&query, n, &format!("a-host-with-a-long-name-{n}.many.test."))));
        }
        ("remote.test.", RecordType::A) => {
            let ip = RData::A(A::new(192, 0, 2, 1));
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, ip));
        }
        ("broken.test.", _) | ("half.test.", RecordType::AAAA) => answer.metadata.response_code = ResponseCode::ServFail,
        ("remote.test." | "bare.test." | "half.test.", _) => {}
        _ => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer
}

async fn serve() -> Dns {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let settings = config::Dns {
        servers: vec![udp.local_addr().unwrap().to_string()],
        timeout_seconds: 2,
        ..config::Dns::default()
    };
    tokio::spawn(async move {
        let mut asked = [0; 1500];
        loop {
            let (length, from) = udp.recv_from(&mut asked).await.unwrap();
            let answer = answer(&asked[..length]);
            let mut wire = answer.to_vec().unwrap();
            if wire.len() > 1200 {
                wire = answer.truncate().to_vec().unwrap();
            }
            udp.send_to(&wire, from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let mut stream = tcp.accept().await.unwrap().0;
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut asked = vec![0; length.into()];
                    stream.read_exact(&mut asked).await.unwrap();
                    let wire = answer(&asked).to_vec().unwrap();
                    stream.write_u16(wire.len().try_into().unwrap()).await.unwrap();
                    stream.write_all(&wire).await.unwrap();
                }
            });
        }
    });
    Dns::open(&settings).unwrap()
}

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

#[tokio::test]
async fn there_is_there_is_none_and_no_answer_are_told_apart() {
    let dns = serve().await;
    let mut found = dns.mx(&domain("remote.test")).await.unwrap().records;
    found.sort_by_key(|mx| mx.preference);
    assert_eq!((found[0].preference, found[0].exchange.as_str()), (10, "a.remote.test"));
    assert_eq!((found[1].preference, found[1].exchange.as_str()), (20, "b.remote.test"));
    assert_eq!(dns.mx(&domain("null.test")).await.unwrap().records[0].exchange, "");
    assert_eq!(dns.mx(&domain("bare.test")).await.unwrap().records, []);
    assert!(matches!(dns.mx(&domain("nowhere.test")).await, Err(NoAnswer::NoSuchName(_))));
    assert!(matches!(dns.mx(&domain("broken.test")).await, Err(NoAnswer::Temporary { .. })));
}

#[tokio::test]
async fn addresses_of_both_families_are_asked_for() {
    let dns = serve().await;
    let ip: IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!(dns.addresses("remote.test").await, Ok(vec![ip]));
    assert_eq!(dns.addresses("bare.test").await, Ok(Vec::new()));
    assert!(matches!(dns.addresses("nowhere.test").await, Err(NoAnswer::NoSuchName(_))));
    assert!(matches!(dns.addresses("broken.test").await, Err(NoAnswer::Temporary { .. })));
    assert!(matches!(dns.addresses("half.test").await, Err(NoAnswer::Temporary { .. })));
    assert!(matches!(dns.addresses("no name").await, Err(NoAnswer::NoSuchName(_))));
}

#[tokio::test]
async fn a_long_answer_comes_over_tcp() {
    let dns = serve().await;
    assert_eq!(dns.mx(&domain("many.test")).await.unwrap().records.len(), usize::from(MANY));
}

#[test]
fn servers_are_read() {
    for text in ["127.0.0.1:5353", "[::1]:53", "192.0.2.1"] {
        assert!(configured(&[text.into()]).is_ok(), "{text}");
    }
    for text in ["", "localhost", "127.0.0.1:99999"] {
        assert!(configured(&[text.into()]).is_err(), "{text}");
    }
}

/// Both families, and what they give together: the addresses and their proof, or what is wrong.
#[test]
fn both_families_make_one_answer() {
    let (v4, v6): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
    let some = |ip, proof| {
        Ok(Answer {
            records: vec![ip],
            proof,
            alias: None,
        })
    };
    let none = || Ok(Found::none().answer("remote.test", |_| None));
    let bogus = || Err(NoAnswer::Bogus("remote.test".into()));
    let unknown = || Err(NoAnswer::NoSuchName("remote.test".into()));
    let later = || {
        Err(NoAnswer::Temporary {
            name: "remote.test".into(),
            problem: "timed out".into(),
        })
    };
    let shown = |answer: Result<Answer<IpAddr>, NoAnswer>| match answer {
        Ok(found) => format!("{:?} {}", found.proof, found.records.len()),
        Err(none) => none.to_string().split(' ').next().unwrap().to_owned(),
    };
    for (a, aaaa, expected) in [
        (some(v4, Proof::Secure), some(v6, Proof::Secure), "Secure 2"),
        (some(v4, Proof::Secure), some(v6, Proof::Insecure), "Insecure 2"),
        (some(v4, Proof::Secure), none(), "Secure 1"),
        (none(), some(v6, Proof::Secure), "Secure 1"),
        (none(), none(), "Indeterminate 0"),
        (some(v4, Proof::Secure), later(), "Secure 1"),
        (later(), none(), "looking"),
        // What is bogus must not be got around.
        (some(v4, Proof::Secure), bogus(), "the"),
        (bogus(), later(), "the"),
        (unknown(), later(), "looking"),
        (unknown(), unknown(), "the"),
    ] {
        assert_eq!(shown(both(a, aaaa)), expected);
    }
}

#[test]
fn trust_anchors_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("root.key");
    let settings = config::Dns {
        trust_anchor: Some(file.clone()),
        ..config::Dns::default()
    };
    let opened = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Dns::open(&settings).map(drop).map_err(|bad| bad.to_string())
    };
    let key = "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";
    assert_eq!(opened(&format!(". 3600 IN DNSKEY {key}\n")), Ok(()));
    assert_eq!(opened(&format!("; ours\nprivate.test. IN DNSKEY {key}\n")), Ok(()));
    for wrong in ["", "; nothing\n", ". IN A 192.0.2.1\n", ". IN DNSKEY 257 3 15 ???\n"] {
        let told = opened(wrong).unwrap_err();
        assert!(told.starts_with("dns.trust_anchor: "), "{wrong}: {told}");
    }
}
