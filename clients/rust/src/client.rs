//! How the operations reach the server.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, redirect};

use crate::models::Login;
use crate::{Error, retry};

/// How long a request may take with its reply. Waiting for a message takes its own time.
const PATIENCE: Duration = Duration::from_secs(90);

/// What stands as it is in a segment of a path (RFC 3986 §2.3, and two more that addresses have).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+');

/// A client of one server. It is cheap to clone, and clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Without a slash at the end.
    url: String,
    key: Option<String>,
    attempts: u32,
    headers: HeaderMap,
}

impl Client {
    /// A client that is let in by an API key (`phk_…`), or by an access token.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(url: &str, key: &str) -> Result<Self, Error> {
        Ok(Self {
            key: Some(key.to_owned()),
            ..Self::anonymous(url)?
        })
    }

    /// A client that logged in with a user's password. Its token holds for the time that the server gives it; then log in again.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached.
    #[allow(clippy::needless_update, reason = "a login may get further fields")]
    pub async fn with_password(url: &str, username: &str, password: &str) -> Result<Self, Error> {
        let client = Self::anonymous(url)?;
        let login = Login {
            username: username.to_owned(),
            password: password.to_owned(),
            ..Login::default()
        };
        let tokens = client.login(&login).await?;
        Ok(Self {
            key: Some(tokens.access_token),
            ..client
        })
    }

    fn anonymous(url: &str) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            // The key is for this server alone.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("posthouse-client-rust/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            key: None,
            attempts: retry::ATTEMPTS,
            headers: HeaderMap::new(),
        })
    }

    /// The same with an HTTP client of your own: with other time limits, a proxy, or more certificates to trust.
    #[must_use]
    pub fn with_http(self, http: reqwest::Client) -> Self {
        Self { http, ..self }
    }

    /// The same with another number of attempts, the first included; 1 is none but that.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// The same with a field in the header of every request, such as `if-match` with the `ETag` that is expected, or `idempotency-key`
    /// with a name for what is to be done once: `posthouse.with_header(…).create_user(…)`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// A request for what no method is for. `path` begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .headers(self.headers.clone());
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request, again where that does no harm and helps (RFC 9110 §9.2.2, §10.2.3), and gives the reply of a success.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = request.build()?;
        let repeatable = retry::is_repeatable(&request);
        let mut attempt = 1;
        loop {
            let last = attempt >= self.attempts;
            // Only a body that is a stream cannot be cloned; it is sent once.
            let Some(copy) = request.try_clone() else {
                return Error::check(self.http.execute(request).await?).await;
            };
            match self.http.execute(copy).await {
                Ok(reply) if !last && retry::is_worthwhile(reply.status(), repeatable) => {
                    tokio::time::sleep(retry::pause(Some(reply.headers()), attempt)).await;
                }
                Ok(reply) => return Error::check(reply).await,
                Err(error) if !last && repeatable && error.is_connect() => tokio::time::sleep(retry::pause(None, attempt)).await,
                Err(error) => return Err(error.into()),
            }
            attempt += 1;
        }
    }
}

/// A value as a segment of a path.
pub(crate) fn segment(value: impl ToString) -> String {
    utf8_percent_encode(&value.to_string(), SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_escaped() {
        assert_eq!(segment("info+x@example.org"), "info+x@example.org");
        assert_eq!(segment("a/b c%@ü"), "a%2Fb%20c%25@%C3%BC");
        assert_eq!(segment(7), "7");
    }
}
