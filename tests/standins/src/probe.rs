//! The far end of a stand-in's deliveries, for the stand-ins' own tests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;

use super::faults::bare;
use super::server::{Server, bind};

/// Takes down what is delivered and answers with the statuses it was given, then with 200.
pub(super) struct Probe {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
    _server: Server,
}

impl Probe {
    pub(super) async fn start() -> Self {
        let listener = bind(0).await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let statuses = Arc::new(Mutex::new(Vec::new()));
        let (taken, given) = (Arc::clone(&seen), Arc::clone(&statuses));
        let take = move |headers: HeaderMap, body: Bytes| async move {
            taken.lock().unwrap().push((headers, String::from_utf8(body.to_vec()).unwrap()));
            let mut given: std::sync::MutexGuard<'_, Vec<u16>> = given.lock().unwrap();
            let status = if given.is_empty() { 200 } else { given.remove(0) };
            let answer: Response = bare(status);
            answer
        };
        let router = Router::new().route("/in", post(take));
        Self { url, seen, statuses, _server: Server::start(listener, router).unwrap() }
    }

    /// Answers the next deliveries with these.
    pub(super) fn answer(&self, statuses: &[u16]) {
        self.statuses.lock().unwrap().extend(statuses);
    }

    /// All deliveries so far, with their headers.
    pub(super) fn seen(&self) -> Vec<(HeaderMap, String)> {
        self.seen.lock().unwrap().clone()
    }

    /// The bodies of all deliveries so far, as JSON.
    pub(super) fn bodies(&self) -> Vec<serde_json::Value> {
        self.seen().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }
}
