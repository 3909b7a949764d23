//! A server elsewhere, over its REST API.
//!
//! RFC 6750 §2.1 (bearer tokens), RFC 9457 §3 (problem documents), RFC 9110 §10.2.3 (Retry-After).

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::pages;
use crate::mail::directory::Page;
use crate::mail::relay;
use crate::model::secret::Secret;

/// How long a request may take with its reply. The server may hash a password for it, or remove a mailbox.
const PATIENCE: Duration = Duration::from_mins(2);

/// The longest reply that is read, in octets.
const LARGEST: usize = 64 << 20;

/// How often a request is sent at most while the server asks to wait, and how long it is waited at most.
const ATTEMPTS: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What the type of a problem begins with.
const URN: &str = "urn:posthouse:problem:";

/// Which server, and how to be let in.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Work on the server at this URL over its REST API, instead of on the data of this machine
    #[arg(long, global = true, value_name = "URL", env = "POSTHOUSE_URL")]
    pub(super) url: Option<String>,
    /// The API key (phk_…) for it, or an access token. Others on this machine can see arguments: the variable is better
    #[arg(long, global = true, value_name = "KEY", env = "POSTHOUSE_KEY", hide_env_values = true, value_parser = secret)]
    key: Option<Secret>,
    /// Trust the certificate authorities of this PEM file as well, or the server's own certificate
    #[arg(long, global = true, value_name = "FILE", env = "POSTHOUSE_CA_FILE")]
    ca_file: Option<PathBuf>,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// The body of a request.
enum Body {
    Json(Value),
    Message(bytes::Bytes),
}

/// A client of the API.
pub(super) struct Remote {
    client: Client,
    /// `…/api/v1`, without a slash at the end.
    base: Url,
    key: Option<Secret>,
}

impl Remote {
    /// Nothing is sent yet.
    pub(super) fn new(server: &Server, url: &str) -> Result<Self, Failure> {
        let tls = relay::verified(server.ca_file.as_deref()).map_err(|error| match &server.ca_file {
            Some(file) => Failure::Unusable(format!("{}: {error}", file.display())),
            None => Failure::Unusable(error.to_string()),
        })?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // The key is for this server alone.
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("posthouse/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::Unusable(causes(&error)))?;
        Ok(Self {
            client,
            base: base(url)?,
            key: server.key.clone(),
        })
    }

    /// The resource at this path below `/api/v1`; its segments are escaped here.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        read(self.send(Method::GET, path, &[], None).await?).await
    }

    /// Makes a resource, or does something. What is null in the body is left out.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)], mut body: Value) -> Result<T, Failure> {
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let body = (!body.is_null()).then_some(Body::Json(body));
        read(self.send(Method::POST, path, query, body).await?).await
    }

    /// Hands a message over, as it is.
    pub(super) async fn post_message<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        message: Vec<u8>,
    ) -> Result<T, Failure> {
        read(self.send(Method::POST, path, query, Some(Body::Message(message.into()))).await?).await
    }

    /// Does something that has no answer.
    pub(super) async fn act(&self, path: &[&str]) -> Result<(), Failure> {
        self.send(Method::POST, path, &[], None).await.map(drop)
    }

    /// Sets what has no representation of its own, such as a password.
    pub(super) async fn put(&self, path: &[&str], body: Value) -> Result<(), Failure> {
        self.send(Method::PUT, path, &[], Some(Body::Json(body))).await.map(drop)
    }

    /// Changes a resource by a merge patch (RFC 7396).
    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)], body: Value) -> Result<T, Failure> {
        read(self.send(Method::PATCH, path, query, Some(Body::Json(body))).await?).await
    }

    /// Deletes a resource.
    pub(super) async fn delete(&self, path: &[&str], query: &[(&str, String)]) -> Result<(), Failure> {
        self.send(Method::DELETE, path, query, None).await.map(drop)
    }

    /// Deletes what the query picks; the answer says how much that was.
    pub(super) async fn delete_picked<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T, Failure> {
        read(self.send(Method::DELETE, path, query, None).await?).await
    }

    /// A page of a list.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        after: Option<&str>,
    ) -> Result<Page<T>, Failure> {
        let mut query = query.to_vec();
        query.extend(after.map(|after| ("cursor", after.to_owned())));
        let list: List<T> = read(self.send(Method::GET, path, &query, None).await?).await?;
        Ok(Page {
            items: list.items,
            next: list.next_cursor,
        })
    }

    /// Hands each page of a list on.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        take: impl FnMut(Vec<T>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        pages::each(async |after: Option<&str>| self.page(path, query, after).await, take).await
    }

    /// Sends a request until the server does not ask to wait any more. What is not done twice without harm is only sent again when
    /// a limit was reached, for then nothing was begun.
    async fn send(&self, method: Method, path: &[&str], query: &[(&str, String)], body: Option<Body>) -> Result<Response, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut attempt = 1_u32;
        loop {
            let mut request = self.client.request(method.clone(), url.clone());
            if let Some(key) = &self.key {
                request = request.bearer_auth(key.expose());
            }
            request = match &body {
                Some(Body::Json(body)) => request.json(body),
                Some(Body::Message(octets)) => request.header(CONTENT_TYPE, "message/rfc822").body(octets.clone()),
                None => request,
            };
            let response = request.send().await.map_err(|error| unreachable(&self.base, error))?;
            let status = response.status();
            let again = status == StatusCode::TOO_MANY_REQUESTS || (status == StatusCode::SERVICE_UNAVAILABLE && method != Method::POST);
            match wait(response.headers()) {
                Some(time) if again && attempt < ATTEMPTS => tokio::time::sleep(time).await,
                _ if status.is_success() => return Ok(response),
                _ => return Err(refused(response).await),
            }
            attempt = attempt.saturating_add(1);
        }
    }
}

/// A page of a list.
#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// What is read of a problem document.
#[derive(Deserialize)]
struct Problem {
    r#type: String,
    detail: String,
}

/// The base of all resources of the server at this URL, with or without the path of the API.
fn base(text: &str) -> Result<Url, Failure> {
    let wrong = |what: &str| Failure::Usage(format!("--url {text}: {what}; right would be such as https://mail.example.org"));
    let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(wrong("it is no URL of a web server"));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let path = format!("{}/api/v1", path.strip_suffix("/api/v1").unwrap_or(path));
    url.set_path(&path);
    Ok(url)
}

/// How long the server asks to wait, if that is not too long.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|time| *time <= LONGEST_WAIT)
}

async fn octets(mut response: Response) -> Result<Vec<u8>, Failure> {
    let base = response.url().clone();
    let mut octets = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| unreachable(&base, error))? {
        if octets.len().saturating_add(piece.len()) > LARGEST {
            return Err(Failure::Unreachable(format!("the reply of {base} has more than {LARGEST} octets")));
        }
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let url = response.url().clone();
    let octets = octets(response).await?;
    serde_json::from_slice(&octets).map_err(|error| Failure::Unreachable(format!("the reply of {url} cannot be read: {error}")))
}

/// What the reply says of why it was not done.
async fn refused(response: Response) -> Failure {
    let (status, url) = (response.status(), response.url().clone());
    let problem = octets(response)
        .await
        .ok()
        .and_then(|octets| serde_json::from_slice::<Problem>(&octets).ok());
    match problem {
        Some(problem) if status == StatusCode::UNAUTHORIZED => Failure::Unusable(format!("--key or POSTHOUSE_KEY: {}", problem.detail)),
        Some(problem) => Failure::Problem {
            name: problem.r#type.trim_start_matches(URN).replace('-', "_"),
            detail: problem.detail,
        },
        None => Failure::Unreachable(format!("{url} answers {status}, and not as Posthouse does")),
    }
}

fn unreachable(base: &Url, error: reqwest::Error) -> Failure {
    Failure::Unreachable(format!("{base}: {}", causes(&error.without_url())))
}

/// The error with all that led to it, which reqwest does not say by itself.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_api_may_be_given_or_not() {
        for (text, expected) in [
            ("https://mail.example.org", "https://mail.example.org/api/v1"),
            ("https://mail.example.org/", "https://mail.example.org/api/v1"),
            ("http://127.0.0.1:8080/api/v1/", "http://127.0.0.1:8080/api/v1"),
            ("https://example.org/mail?x#y", "https://example.org/mail/api/v1"),
        ] {
            assert_eq!(base(text).unwrap().as_str(), expected);
        }
        for wrong in ["", "mail.example.org", "ftp://mail.example.org", "mailto:a@b.test"] {
            assert!(matches!(base(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn it_is_not_waited_for_long() {
        let after = |value: &str| wait(&HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]));
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("61"), None);
        assert_eq!(after("Fri, 27 Nov 2026 00:00:00 GMT"), None);
        assert_eq!(wait(&HeaderMap::new()), None);
    }
}
