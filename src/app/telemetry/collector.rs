//! Who collects traces, as the exporter of OpenTelemetry reaches it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect;
use tokio::runtime::Handle;

use crate::app::Failure;
use crate::mail::relay;

/// How long the collector has for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts to the collector, over the TLS that the house uses everywhere. It is asked from a thread that has no runtime, and posts on ours.
#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    /// Whether the last post came to nothing: that is told when it begins and when it ends.
    fails: AtomicBool,
}

impl Collector {
    /// To be called in a tokio runtime.
    pub(super) fn open() -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(relay::verified(None).map_err(Failure::of)?)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("posthouse/", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            client: client.build().map_err(Failure::of)?,
            runtime: Handle::try_current().map_err(Failure::of)?,
            fails: AtomicBool::new(false),
        })
    }

    fn note(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let why = match answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            // Without the URL, in which there may be a password.
            Err(error) => Some(match error.downcast_ref::<reqwest::Error>() {
                Some(error) if error.is_timeout() => "no answer in time".into(),
                Some(error) if error.is_connect() => "no connection".into(),
                _ => "no answer".into(),
            }),
        };
        let fails = why.is_some();
        if self.fails.swap(fails, Ordering::Relaxed) == fails {
            return;
        }
        match why {
            Some(why) => tracing::warn!(why, "the collector of traces takes nothing, spans are lost"),
            None => tracing::info!("the collector of traces takes spans again"),
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let posted = self.runtime.spawn(async move { client.send_bytes(request).await }).await;
        let answer = posted.map_err(HttpError::from).and_then(|answer| answer);
        self.note(&answer);
        answer
    }
}
