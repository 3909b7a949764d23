//! Spans become traces of OpenTelemetry, which go to a collector by OTLP over HTTP.
//!
//! Everything about them is set by the variables of OpenTelemetry (`OTEL_EXPORTER_OTLP_…`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`). They wait
//! in a bounded queue and are sent from a thread of their own, so that a collector that is slow or gone loses spans and delays nobody.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::collector::Collector;
use crate::app::Failure;

/// What the traces are said to be of, unless the environment says otherwise.
const SERVICE: &str = "posthouse";
/// How long the end waits for the collector to take what is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// What makes traces and sends them.
pub(super) fn provider(hostname: &str) -> Result<SdkTracerProvider, Failure> {
    let exporter = SpanExporter::builder().with_http().with_http_client(Collector::open()?).build();
    let exporter = exporter.map_err(|error: ExporterBuildError| Failure::of(error))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource(hostname));
    Ok(provider.build())
}

/// Who speaks. What the environment says of it wins.
fn resource(hostname: &str) -> Resource {
    let own = [
        KeyValue::new("service.name", SERVICE),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("host.name", hostname.to_owned()),
    ];
    let resource = Resource::builder_empty()
        .with_attributes(own)
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

/// What hears of spans, and of log lines in them. Those of libraries are left out: they would tell of the sending itself, and of secrets.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    // By the beginning of a target, which is that of our crate and of what only traces are made of.
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), LevelFilter::INFO);
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(SERVICE))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Nobody asks the library which span there is.
        .with_context_activation(false)
        .with_filter(ours)
}

/// Sends what is left. That waits for the thread which sends, and that one for this runtime.
pub(super) async fn end(provider: SdkTracerProvider) {
    let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(PATIENCE)).await;
    if !matches!(ended, Ok(Ok(()))) {
        tracing::warn!("the last spans are lost: the collector of traces did not take them");
    }
}
