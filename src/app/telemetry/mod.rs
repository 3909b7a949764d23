//! Log lines: how much, in which form, to standard error. And traces, where this build has them and the environment names who collects them.

#[cfg(feature = "otel")]
mod collector;
#[cfg(feature = "otel")]
mod traces;

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{Log, LogFormat};
use crate::model::traced::TRACED;

/// The variables that name a collector of traces: of OpenTelemetry's own configuration, which is by the environment.
const COLLECTORS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Starts logging. Once a process; a later call changes nothing.
pub fn start(log: &Log) {
    // An error says that logging runs already.
    _ = tracing_subscriber::registry().with(filter(log)).with(lines(log)).try_init();
}

/// Traces that are collected until [`Traces::end`].
#[derive(Default)]
pub struct Traces {
    #[cfg(feature = "otel")]
    provider: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

/// Starts logging for a server of this name, and traces, where the environment names a collector. To be called in a tokio runtime.
pub fn start_serving(log: &Log, hostname: &str) -> Traces {
    if !are_traces_wanted() {
        start(log);
        return Traces::default();
    }
    start_traced(log, hostname)
}

fn are_traces_wanted() -> bool {
    let is = |name: &str, test: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| test(value.trim()));
    COLLECTORS.iter().any(|name| is(name, |url| !url.is_empty())) && !is("OTEL_SDK_DISABLED", |value| value.eq_ignore_ascii_case("true"))
}

#[cfg(feature = "otel")]
fn start_traced(log: &Log, hostname: &str) -> Traces {
    let provider = match traces::provider(hostname) {
        Ok(provider) => provider,
        Err(error) => {
            start(log);
            tracing::error!(%error, "traces are not collected");
            return Traces::default();
        }
    };
    let lines = lines(log).with_filter(filter(log));
    _ = tracing_subscriber::registry().with(lines).with(traces::layer(&provider)).try_init();
    Traces { provider: Some(provider) }
}

#[cfg(not(feature = "otel"))]
fn start_traced(log: &Log, _hostname: &str) -> Traces {
    start(log);
    let [_, variable] = COLLECTORS;
    tracing::warn!("{variable} is set, but this build has no traces: they are in one with `cargo build --features otel`");
    Traces::default()
}

impl Traces {
    /// Sends what was not sent yet, as far as the collector takes it soon.
    pub async fn end(self) {
        #[cfg(feature = "otel")]
        if let Some(provider) = self.provider {
            traces::end(provider).await;
        }
    }
}

fn filter(log: &Log) -> EnvFilter {
    // A level that does not parse was refused with the configuration. The resolver warns of each signature that is wrong, with whole
    // messages; what that means for mail is told by those who asked.
    EnvFilter::try_new(format!("hickory_net=error,tantivy=warn,{TRACED}=off,{}", log.level)).unwrap_or_default()
}

fn lines<S>(log: &Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}
