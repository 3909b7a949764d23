//! An ACME server (RFC 8555) for tests: it issues to whoever proves that the name is theirs, over HTTP or by a handshake.
//!
//! It looks for each name on loopback, at the ports that the test says. Signatures of requests are not checked, everything else is: nonces
//! are good once, URLs are signed, tokens are answered for the account's key.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use rustls::{ClientConnection, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

use super::authority::Authority;
use super::tls;
use super::wait::PATIENCE;

/// The server. It listens as long as the test runs.
pub struct AcmeServer {
    pub directory: String,
    state: Arc<Mutex<State>>,
    authority: Arc<Authority>,
}

#[derive(Default)]
struct State {
    base: String,
    nonces: HashSet<String>,
    count: usize,
    /// The thumbprint of the account's key.
    thumbprint: String,
    orders: HashMap<String, Order>,
    /// Where challenges are looked for.
    doors: HashMap<&'static str, SocketAddr>,
    accounts: usize,
    issued: usize,
    /// Certificates are good for so many seconds.
    lifetime: i64,
    /// Orders are refused.
    is_closed: bool,
}

#[derive(Clone, Default)]
struct Order {
    name: String,
    authorization: &'static str,
    problem: String,
    chain: String,
}

/// A reply: status, more header lines, body.
type Reply = (u16, String, String);

impl AcmeServer {
    pub fn start() -> Self {
        let authority = Arc::new(Authority::new());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let base = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let state = Arc::new(Mutex::new(State {
            base: base.clone(),
            lifetime: 90 * 86_400,
            ..State::default()
        }));
        let (config, shared, issuer) = (authority.server("localhost"), Arc::clone(&state), Arc::clone(&authority));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let session = ServerConnection::new(Arc::clone(&config)).expect("TLS");
                // A client that goes away is its own matter.
                let _ = serve(&mut StreamOwned::new(session, stream), &shared, &issuer);
            }
        });
        Self {
            directory: format!("{base}/directory"),
            state,
            authority,
        }
    }

    /// The file of the authority that its own certificate and those that it issues are of.
    pub fn ca_file(&self) -> String {
        self.authority.file()
    }

    /// Says where a kind of challenge is looked for.
    pub fn looks_at(&self, kind: &'static str, address: SocketAddr) {
        self.state.lock().expect("the state").doors.insert(kind, address);
    }

    /// From now on certificates are good for so many seconds.
    pub fn issues_for(&self, seconds: i64) {
        self.state.lock().expect("the state").lifetime = seconds;
    }

    /// From now on orders are refused, or not.
    pub fn close(&self, is_closed: bool) {
        self.state.lock().expect("the state").is_closed = is_closed;
    }

    /// How many accounts and certificates there are.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state.lock().expect("the state");
        (state.accounts, state.issued)
    }

    /// Whether a certificate in DER is one of its own.
    pub fn issued(&self, der: &[u8]) -> bool {
        let (_, certificate) = X509Certificate::from_der(der).expect("a certificate");
        let authority = self.authority.certificate();
        let (_, authority) = X509Certificate::from_der(&authority).expect("a certificate");
        certificate.issuer() == authority.subject() && certificate.issuer() != certificate.subject()
    }
}

fn serve(stream: &mut (impl Read + Write), state: &Mutex<State>, authority: &Authority) -> io::Result<()> {
    let mut octets = Vec::new();
    let mut room = [0; 4096];
    let end = loop {
        if let Some(at) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut room)? {
            0 => return Ok(()),
            count => octets.extend_from_slice(&room[..count]),
        }
    };
    let mut body = octets.split_off(end);
    let head = String::from_utf8_lossy(&octets).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let begun = body.len();
    body.resize(length.and_then(|length| length.trim().parse().ok()).unwrap_or(begun), 0);
    stream.read_exact(&mut body[begun..])?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, more, text) = answer(&path, head.starts_with("post"), &body, state, authority);
    let nonce = fresh_nonce(state);
    let kind = if status >= 400 {
        "application/problem+json"
    } else {
        "application/json"
    };
    let text = if head.starts_with("head") { String::new() } else { text };
    let reply = format!(
        "HTTP/1.1 {status} X\r\nReplay-Nonce: {nonce}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(reply.as_bytes())?;
    stream.flush()
}

fn fresh_nonce(state: &Mutex<State>) -> String {
    let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
    state.lock().expect("the state").nonces.insert(nonce.clone());
    nonce
}

fn problem(kind: &str, detail: &str) -> Reply {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    (if kind == "unauthorized" { 403 } else { 400 }, String::new(), body.to_string())
}

fn decoded(value: &Value) -> Value {
    let octets = URL_SAFE_NO_PAD.decode(value.as_str().expect("a text")).expect("base64url");
    serde_json::from_slice(&octets).unwrap_or(Value::Null)
}

fn answer(path: &str, is_post: bool, body: &[u8], shared: &Mutex<State>, authority: &Authority) -> Reply {
    let mut state = shared.lock().expect("the state");
    let base = state.base.clone();
    if !is_post {
        let directory = json!({
            "newNonce": format!("{base}/nonce"), "newAccount": format!("{base}/account"), "newOrder": format!("{base}/order"),
            "revokeCert": format!("{base}/revoke"), "keyChange": format!("{base}/key")
        });
        return (200, String::new(), directory.to_string());
    }
    let jws: Value = serde_json::from_slice(body).expect("a JWS");
    let (header, payload) = (decoded(&jws["protected"]), decoded(&jws["payload"]));
    if !state.nonces.remove(header["nonce"].as_str().expect("a nonce")) {
        return problem("badNonce", "the nonce is not one of ours");
    }
    if header["url"] != format!("{base}{path}") || jws["signature"].as_str().is_none_or(str::is_empty) {
        return problem("unauthorized", "the URL is not the one that was signed");
    }
    let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match words.as_slice() {
        ["account"] => {
            let jwk = &header["jwk"];
            let canonical = format!(
                "{{\"crv\":{},\"kty\":{},\"x\":{},\"y\":{}}}",
                jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
            );
            state.thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()));
            state.accounts += 1;
            (
                201,
                format!("Location: {base}/account/1\r\n"),
                json!({"status": "valid"}).to_string(),
            )
        }
        _ if header["kid"] != format!("{base}/account/1") => problem("accountDoesNotExist", "this is no account"),
        ["order"] if state.is_closed => problem("rateLimited", "we are closed today"),
        ["order"] => {
            state.count += 1;
            let number = state.count.to_string();
            let order = Order {
                name: payload["identifiers"][0]["value"].as_str().expect("a name").to_owned(),
                authorization: "pending",
                ..Order::default()
            };
            let shown = shown(&base, &number, &order);
            state.orders.insert(number.clone(), order);
            (201, format!("Location: {base}/order/{number}\r\n"), shown)
        }
        [what, number, rest @ ..] => {
            drop(state);
            of_order((what, number, rest), &payload, shared, authority)
        }
        _ => problem("malformed", "there is no such thing"),
    }
}

/// What is asked of an order, or of a part of it.
fn of_order((what, number, rest): (&str, &str, &[&str]), payload: &Value, shared: &Mutex<State>, authority: &Authority) -> Reply {
    let mut state = shared.lock().expect("the state");
    let base = state.base.clone();
    let Some(order) = state.orders.get(number).cloned() else {
        return problem("malformed", "there is no such thing");
    };
    match (what, rest) {
        ("order", []) => (200, String::new(), shown(&base, number, &order)),
        ("authorization", []) => (200, String::new(), authorization(&base, number, &order).to_string()),
        ("challenge", [kind]) => {
            let looked = (state.doors.get(*kind).copied(), state.thumbprint.clone());
            // The server that is looked at may have something to ask meanwhile.
            drop(state);
            challenged(shared, number, kind, looked)
        }
        ("finalize", []) if order.authorization == "valid" => {
            let csr = URL_SAFE_NO_PAD.decode(payload["csr"].as_str().expect("a CSR")).expect("base64url");
            let chain = authority.issue_for(&Applicant::read(&csr), &order.name, state.lifetime);
            state.issued += 1;
            let order = state.orders.get_mut(number).expect("an order");
            order.chain = chain;
            (200, String::new(), shown(&base, number, order))
        }
        ("certificate", []) => (200, String::new(), order.chain),
        _ => problem("orderNotReady", "not now"),
    }
}

/// Looks at the name, and notes what was found.
fn challenged(shared: &Mutex<State>, number: &str, kind: &str, (door, thumbprint): (Option<SocketAddr>, String)) -> Reply {
    let token = format!("token-{number}-{kind}");
    let name = shared.lock().expect("the state").orders[number].name.clone();
    let found = look(kind, door, &name, &token, &format!("{token}.{thumbprint}"));
    let mut state = shared.lock().expect("the state");
    let base = state.base.clone();
    let order = state.orders.get_mut(number).expect("an order");
    order.authorization = if found.is_ok() { "valid" } else { "invalid" };
    order.problem = found.err().unwrap_or_default();
    let challenges = authorization(&base, number, order)["challenges"].clone();
    let at = usize::from(kind == "tls-alpn-01");
    (200, String::new(), challenges[at].to_string())
}

fn shown(base: &str, number: &str, order: &Order) -> String {
    let status = match order.authorization {
        "valid" if order.chain.is_empty() => "ready",
        "valid" => "valid",
        other => other,
    };
    let mut shown = json!({
        "status": status, "identifiers": [{"type": "dns", "value": order.name}],
        "authorizations": [format!("{base}/authorization/{number}")], "finalize": format!("{base}/finalize/{number}")
    });
    if !order.chain.is_empty() {
        shown["certificate"] = format!("{base}/certificate/{number}").into();
    }
    shown.to_string()
}

fn authorization(base: &str, number: &str, order: &Order) -> Value {
    let challenge = |kind: &str| {
        let mut challenge = json!({
            "type": kind, "url": format!("{base}/challenge/{number}/{kind}"), "token": format!("token-{number}-{kind}"),
            "status": order.authorization
        });
        if !order.problem.is_empty() {
            challenge["error"] = json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": order.problem});
        }
        challenge
    };
    json!({
        "identifier": {"type": "dns", "value": order.name}, "status": order.authorization,
        "challenges": [challenge("http-01"), challenge("tls-alpn-01")]
    })
}

/// Looks whether the name shows what it should.
fn look(kind: &str, door: Option<SocketAddr>, name: &str, token: &str, expected: &str) -> Result<(), String> {
    let door = door.ok_or("nobody said where to look")?;
    let mut stream = TcpStream::connect(door).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    if kind == "http-01" {
        let request = format!("GET /.well-known/acme-challenge/{token} HTTP/1.0\r\nHost: {name}\r\n\r\n");
        let mut reply = String::new();
        let read = stream
            .write_all(request.as_bytes())
            .and_then(|()| stream.read_to_string(&mut reply));
        read.map_err(|error| error.to_string())?;
        let body = reply.split_once("\r\n\r\n").map(|(_, body)| body.trim_end());
        return if body == Some(expected) {
            Ok(())
        } else {
            Err(format!("found {reply:?}"))
        };
    }
    let mut config = (*tls::client_without_checks()).clone();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let server_name = name.to_owned().try_into().map_err(|_| "no name")?;
    let mut session = ClientConnection::new(Arc::new(config), server_name).map_err(|error| error.to_string())?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).map_err(|error| error.to_string())?;
    }
    let shown = session.peer_certificates().ok_or("no certificate")?[0].to_vec();
    let digest = Sha256::digest(expected.as_bytes());
    let has_digest = shown.windows(digest.len()).any(|octets| octets == digest.as_slice());
    if session.alpn_protocol() == Some(b"acme-tls/1") && has_digest {
        Ok(())
    } else {
        Err("the handshake shows something else".into())
    }
}

/// The key that a certificate is asked for.
pub struct Applicant(Vec<u8>);

impl Applicant {
    fn read(csr: &[u8]) -> Self {
        let (_, request) = X509CertificationRequest::from_der(csr).expect("a CSR");
        Self(request.certification_request_info.subject_pki.subject_public_key.data.to_vec())
    }
}

impl PublicKeyData for Applicant {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
