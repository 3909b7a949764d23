//! HTTP as instant-acme wants it, by the client that we have.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

use crate::mail::{bounded, relay};

/// How long a request may take with its reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most octets of a reply.
const LARGEST: usize = 1 << 20;

/// An HTTP client that believes the authorities of the system and one more. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client(reqwest::Client);

impl Client {
    pub(super) fn new(authorities: Option<&Path>) -> Result<Self, String> {
        let tls = relay::verified(authorities).map_err(|error| error.to_string())?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build();
        client.map(Self).map_err(|error| error.to_string())
    }
}

impl HttpClient for Client {
    fn request(&self, request: http::Request<BodyWrapper<Bytes>>) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let request = http::Request::from_parts(parts, reqwest::Body::wrap(body));
            let request = reqwest::Request::try_from(request).map_err(other)?;
            let mut response = client.execute(request).await.map_err(other)?;
            let octets = bounded::body(&mut response, LARGEST).await.map_err(other)?;
            let octets = octets.ok_or(Error::Str("the reply is too large"))?;
            let (parts, _) = http::Response::<reqwest::Body>::from(response).into_parts();
            Ok(BytesResponse {
                parts,
                body: Box::new(Bytes::from(octets)),
            })
        })
    }
}

/// With all that led to it, which reqwest does not say by itself.
fn other(error: reqwest::Error) -> Error {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Error::Other(text.into())
}
