//! Traces for OpenTelemetry: the spans of the log, sent to a collector as OTLP over HTTP.
//!
//! They hold what the log holds: ids, names of calls, outcomes; never what people wrote. Only what
//! the bridge itself tells goes out, nothing of the libraries below it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// How long the collector may take for a batch.
const COLLECTOR_TIMEOUT: Duration = Duration::from_secs(5);
/// The only crate whose spans and events go out.
const OWN_TARGET: &str = "blip_slack";

/// Sends traces until it is stopped.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send to the collector at this base address, with these headers, under this name.
    ///
    /// # Errors
    ///
    /// If the address is none.
    pub fn start(
        endpoint: &str,
        headers: &[(String, SecretString)],
        service: &str,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(COLLECTOR_TIMEOUT)
            // The headers may hold a key, which must not follow to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("prepare the client for the collector")?;
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().into()));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(CollectorClient {
                client,
                runtime: Handle::current(),
                is_failing: AtomicBool::new(false),
            })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_headers(headers.collect())
            .build()
            .context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service.to_owned());
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.with_attribute(version).build())
            .build();
        Ok(Self { provider })
    }

    /// What listens to spans.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let is_ours = filter_fn(|metadata| {
            metadata.target().starts_with(OWN_TARGET) && *metadata.level() <= Level::INFO
        });
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(OWN_TARGET))
            .with_threads(false)
            .with_filter(is_ours)
    }

    /// Sends what is still here, and ends.
    pub async fn stop(self) {
        // It waits for a thread of its own, which needs this runtime for its requests.
        let stopped = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if !matches!(stopped, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// The bridge's HTTP client as OpenTelemetry calls one: from a thread outside the runtime.
struct CollectorClient {
    client: reqwest::Client,
    runtime: Handle,
    is_failing: AtomicBool,
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorClient").finish_non_exhaustive()
    }
}

impl CollectorClient {
    /// Tells of the first failure of several, and of their end; a lost trace harms nobody.
    fn note_outcome(&self, failure: Option<&str>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match (was_failing, failure) {
            (false, Some(why)) => tracing::warn!(
                why,
                "the collector at OTEL_EXPORTER_OTLP_ENDPOINT takes no traces; they are dropped"
            ),
            (true, None) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = async {
            let request = reqwest::Request::try_from(request)?;
            let client = self.client.clone();
            let exchange = async move {
                let answer = client.execute(request).await?;
                let (status, bytes) = (answer.status(), answer.bytes().await?);
                Ok::<_, reqwest::Error>((status, bytes))
            };
            let (status, bytes) = self.runtime.spawn(exchange).await??;
            let mut response = Response::new(bytes);
            *response.status_mut() = status;
            Ok::<_, HttpError>(response)
        };
        let sent: Result<Response<Bytes>, HttpError> = sent.await;
        let failure = match &sent {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("status {}", response.status().as_u16())),
            // The reason may hold the address, and with it a password.
            Err(_) => Some("no answer".to_owned()),
        };
        self.note_outcome(failure.as_deref());
        sent
    }
}
