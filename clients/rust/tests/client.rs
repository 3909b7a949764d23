//! What is written by hand, against a server that says what it is told to.

#![allow(clippy::unwrap_used)]

use posthouse_client::models::{DomainCreate, UserPatch};
use posthouse_client::{Client, ListDomainsOptions, TryStreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const DOMAIN: &str = r#"{"domain":"example.org","enabled":true,"description":"","metadata":{},"tags":[],"created_at":"2026-11-23T20:19:30.125Z","updated_at":"2026-11-23T20:19:30.125Z"}"#;
const LATER: &str =
    r#"{"type":"urn:posthouse:problem:try-later","title":"Not possible at this moment","status":503,"detail":"try again later"}"#;

/// A server that gives the replies one after the other, then ends and tells the lines of the requests.
async fn serve(replies: &'static [(u16, &str)]) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (status, body) in replies {
            let (stream, _) = listener.accept().await.unwrap();
            requests.push(answer(stream, *status, body).await);
        }
        requests
    });
    (Client::new(&url, "phk_test").unwrap(), served)
}

async fn answer(stream: tokio::net::TcpStream, status: u16, body: &str) -> String {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_lowercase()),
        }
        if let Some(value) = head.last().and_then(|line| line.strip_prefix("content-length: ")) {
            length = value.parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    assert!(head.contains(&"authorization: bearer phk_test".to_owned()), "{head:?}");
    let kind = if status < 400 {
        "application/json"
    } else {
        "application/problem+json"
    };
    let reply = format!(
        "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nRetry-After: 0\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(reply.as_bytes()).await.unwrap();
    head.swap_remove(0)
}

#[test]
fn one_text_of_the_metadata_can_be_taken_away() {
    let texts = [("panel.id".to_owned(), Some("17".to_owned())), ("old.id".to_owned(), None)];
    let patch = UserPatch {
        metadata: Some(Some(texts.into())),
        ..UserPatch::default()
    };
    let written = serde_json::to_value(&patch).unwrap();
    assert_eq!(written, serde_json::json!({"metadata": {"panel.id": "17", "old.id": null}}));
}

#[tokio::test]
async fn what_does_no_harm_is_sent_again() {
    let (posthouse, served) = serve(&[(503, LATER), (429, LATER), (200, DOMAIN)]).await;
    assert_eq!(posthouse.show_domain("example.org").await.unwrap().domain, "example.org");
    assert_eq!(served.await.unwrap(), ["get /api/v1/domains/example.org http/1.1"; 3]);
}

#[tokio::test]
async fn what_may_have_been_done_is_not() {
    let (posthouse, served) = serve(&[(503, LATER)]).await;
    let new = DomainCreate {
        domain: "example.org".to_owned(),
        ..DomainCreate::default()
    };
    let error = posthouse.create_domain(&new).await.unwrap_err();
    assert!(error.is("try-later"), "{error}");
    assert_eq!(served.await.unwrap().len(), 1);
}

#[tokio::test]
async fn it_gives_up() {
    let (posthouse, served) = serve(&[(503, LATER); 4]).await;
    assert!(posthouse.show_domain("example.org").await.unwrap_err().is("try-later"));
    assert_eq!(served.await.unwrap().len(), 4);
}

#[tokio::test]
async fn pages_are_asked_for_as_they_are_used() {
    const FIRST: &str = r#"{"items":[{"domain":"example.org","enabled":true,"description":"","metadata":{},"tags":[],"created_at":"2026-11-23T20:19:30.125Z","updated_at":"2026-11-23T20:19:30.125Z"}],"next_cursor":"a=b"}"#;
    let (posthouse, served) = serve(&[(200, FIRST), (200, r#"{"items":[]}"#)]).await;
    let options = ListDomainsOptions {
        limit: Some(1),
        ..ListDomainsOptions::default()
    };
    let all: Vec<_> = posthouse.list_domains_all(&options).try_collect().await.unwrap();
    assert_eq!(all.len(), 1);
    let requests = served.await.unwrap();
    assert_eq!(requests[0], "get /api/v1/domains?limit=1 http/1.1");
    assert_eq!(requests[1], "get /api/v1/domains?limit=1&cursor=a%3db http/1.1");
}
