//! What stands before several instances: each request goes to the next one, and some to all at the
//! same moment, as when a platform repeats what it has just sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use blip_slack::demo::Stage;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// Every so many requests, one goes to all instances.
const ALL_EVERY: usize = 3;

/// Forwards until it is dropped.
pub struct Balancer {
    url: String,
    _server: AbortOnDropHandle<()>,
}

struct Instances {
    urls: Vec<String>,
    count: AtomicUsize,
    client: reqwest::Client,
}

impl Balancer {
    /// Has the platforms deliver to these instances.
    #[expect(clippy::disallowed_methods, reason = "it ends with its handle")]
    pub async fn start(stage: &Stage, urls: Vec<String>) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3));
        let instances = Instances {
            urls,
            count: AtomicUsize::new(0),
            client: client.pool_max_idle_per_host(0).build().unwrap(),
        };
        let router = Router::new().fallback(forward).with_state(Arc::new(instances));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        stage.slack.deliver_to(&format!("{url}/slack/events"));
        stage.blip.deliver_to(&format!("{url}/blip/webhook"));
        Self { url, _server: AbortOnDropHandle::new(server) }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn forward(
    State(instances): State<Arc<Instances>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    let turn = instances.count.fetch_add(1, Ordering::Relaxed);
    let all = &instances.urls;
    let asked = if turn.is_multiple_of(ALL_EVERY) {
        all.as_slice()
    } else {
        std::slice::from_ref(&all[turn % all.len()])
    };
    let ask = async |url: &String| {
        let request = instances.client.request(method.clone(), format!("{url}{uri}"));
        let answer = request.headers(headers.clone()).body(body.clone()).send().await.ok()?;
        Some((answer.status(), answer.bytes().await.ok()?))
    };
    let answers: Vec<_> = join_all(asked.iter().map(ask)).await.into_iter().flatten().collect();
    let taken = answers.iter().find(|(status, _)| status.is_success());
    taken.or(answers.first()).cloned().unwrap_or((StatusCode::BAD_GATEWAY, Bytes::new()))
}
