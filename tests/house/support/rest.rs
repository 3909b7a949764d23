//! A plain client of the REST API.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::wait::PATIENCE;

/// A caller of the API, perhaps logged in.
pub struct Rest {
    runtime: Runtime,
    client: Client,
    root: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

/// What a request was answered.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// The `Content-Type`.
    pub kind: String,
    /// The body as text.
    pub text: String,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Rest {
    /// A caller without a token.
    pub fn anonymous(address: SocketAddr) -> Self {
        // reqwest wants to know one even for http.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true)
            .timeout(PATIENCE)
            .build()
            .expect("an HTTP client");
        Self {
            runtime: Builder::new_current_thread().enable_all().build().expect("a runtime"),
            client,
            root: format!("http://{address}"),
            token: None,
            headers: Vec::new(),
        }
    }

    /// A caller who logged in.
    pub fn login(address: SocketAddr, username: &str, password: &str) -> Self {
        let mut rest = Self::anonymous(address);
        let tokens = rest.post("/auth/login", json!({"username": username, "password": password})).ok();
        rest.token = Some(tokens["access_token"].as_str().expect("a token").to_owned());
        rest
    }

    /// The same caller, who sends one more header with each request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same caller with another token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path, None)
    }
    pub fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path, Some(body))
    }
    pub fn put(&self, path: &str, body: Value) -> Response {
        self.request(Method::PUT, path, Some(body))
    }
    pub fn patch(&self, path: &str, body: Value) -> Response {
        self.request(Method::PATCH, path, Some(body))
    }
    pub fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path, None)
    }

    /// A request with headers of its own, without a body.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send(Method::GET, path, headers, None)
    }
    /// A body that is not JSON.
    pub fn post_raw(&self, path: &str, kind: &str, body: &[u8]) -> Response {
        self.send(Method::POST, path, &[("content-type", kind)], Some(body.to_vec()))
    }

    fn request(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let headers = body.as_ref().map(|_| ("content-type", "application/json"));
        self.send(method, path, headers.as_slice(), body.map(|body| body.to_string().into_bytes()))
    }

    /// A request; paths are below `/api/v1` unless they name one of the server's own pages.
    pub fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Response {
        let outside = [
            "/openapi.json",
            "/docs",
            "/health",
            "/metrics",
            "/mail/",
            "/.well-known/",
            "/autodiscover/",
            "/mobileconfig",
        ];
        let base = if outside.iter().any(|page| path.starts_with(page)) {
            ""
        } else {
            "/api/v1"
        };
        let mut request = self.client.request(method, format!("{}{base}{path}", self.root));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
            let headers = response.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
            let headers: BTreeMap<String, String> = headers.collect();
            Response {
                status: response.status().as_u16(),
                kind: headers.get("content-type").cloned().unwrap_or_default(),
                headers,
                text: response.text().await.expect("a body"),
            }
        })
    }
}

impl Response {
    /// A header of the reply, empty if it is not there.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).cloned().unwrap_or_default()
    }

    /// The body of a success as JSON; anything else ends the test.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "the API answered {self:?}");
        self.json()
    }

    /// The problem document of a failure with this status (RFC 9457 §3).
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "the API answered {self:?}");
        assert!(self.kind.starts_with("application/problem+json"), "{self:?} is no problem document");
        let problem = self.json();
        assert!(
            problem["type"].is_string() && problem["title"].is_string(),
            "{problem} lacks a member"
        );
        problem
    }

    fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }
}
