//! What a platform sends to the bridge: in order or not, again if it failed, now or when told.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{Client, RequestBuilder, Response};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::wire::Wire;

/// How deliveries are made.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Where to; nothing is sent before it is known.
    pub url: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// The pauses before each further try of a delivery that was not answered with 2xx.
    pub retries: Vec<Duration>,
    /// If set, deliveries overtake each other: each waits a random time up to this.
    pub jitter: Option<Duration>,
}

/// One thing to deliver.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What it is, for the list of deliveries.
    pub(super) about: String,
    /// The body.
    pub(super) body: String,
    /// The body's content type.
    pub(super) mime: &'static str,
}

/// One try to deliver something.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What was delivered.
    pub about: String,
    /// The status that came back, or why none came.
    pub outcome: Result<u16, &'static str>,
}

/// Which try this is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    /// 0 for the first.
    pub(super) number: usize,
    /// Why the one before failed.
    pub(super) reason: &'static str,
}

/// Adds what the platform puts on each request, such as a signature of the body.
pub(super) type Seal = Box<dyn Fn(RequestBuilder, &str, Try) -> RequestBuilder + Send + Sync>;

/// The way of a letter that does not go over HTTP: the answer to it, or why there is none.
pub(super) type Carried = BoxFuture<'static, Result<String, &'static str>>;

/// Carries a letter another way than over HTTP, if there is one.
pub(super) type Carry = Box<dyn Fn(&Letter, Try) -> Option<Carried> + Send + Sync>;

/// Delivers letters until it is dropped.
pub(super) struct Courier {
    round: Arc<Round>,
    _ended_by_drop: DropGuard,
}

struct Round {
    client: Client,
    seal: Seal,
    carry: Carry,
    policy: Mutex<Policy>,
    held: Mutex<Option<Vec<Parcel>>>,
    log: Mutex<Vec<Delivery>>,
    under_way: watch::Sender<usize>,
    queue: mpsc::UnboundedSender<Parcel>,
    tasks: TaskTracker,
    ended: CancellationToken,
    wire: Arc<Wire>,
}

struct Parcel {
    letter: Letter,
    done: oneshot::Sender<Option<u16>>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier")
            .field("policy", &*lock(&self.round.policy))
            .finish_non_exhaustive()
    }
}

impl Courier {
    /// Begins to deliver; needs a Tokio runtime.
    pub(super) fn start(policy: Policy, seal: Seal, carry: Carry, wire: Arc<Wire>) -> Self {
        let (queue, parcels) = mpsc::unbounded_channel();
        let ended = CancellationToken::new();
        let round = Arc::new(Round {
            client: client(),
            seal,
            carry,
            policy: Mutex::new(policy),
            held: Mutex::default(),
            log: Mutex::default(),
            under_way: watch::Sender::new(0),
            queue,
            tasks: TaskTracker::new(),
            ended: ended.clone(),
            wire,
        });
        round.spawn(Arc::clone(&round).run(parcels));
        Self { round, _ended_by_drop: ended.drop_guard() }
    }

    /// Changes how deliveries are made from now on.
    pub(super) fn configure(&self, change: impl FnOnce(&mut Policy)) {
        change(&mut lock(&self.round.policy));
    }

    /// Queues a letter; the receiver tells the last status, `None` if none came or it is held.
    pub(super) fn send(&self, letter: Letter) -> oneshot::Receiver<Option<u16>> {
        let (done, receiver) = oneshot::channel();
        let parcel = Parcel { letter, done };
        match lock(&self.round.held).as_mut() {
            Some(held) => held.push(Parcel { done: oneshot::channel().0, ..parcel }),
            None => self.round.enqueue(parcel),
        }
        receiver
    }

    /// Delivers a letter once, to this address, and hands back status and body.
    pub(super) async fn post(&self, letter: &Letter) -> Result<(u16, String), &'static str> {
        let answer = self.round.attempt(letter, Try { number: 0, reason: "" }).await?;
        Ok((answer.status, answer.body))
    }

    /// Keeps everything from now on until [`Courier::release`].
    pub(super) fn hold(&self) {
        lock(&self.round.held).get_or_insert_default();
    }

    /// How many letters are kept.
    pub(super) fn held(&self) -> usize {
        lock(&self.round.held).as_ref().map_or(0, Vec::len)
    }

    /// Delivers what was held, in the order that `arrange` makes of it.
    pub(super) async fn release(&self, arrange: impl FnOnce(&mut Vec<usize>)) {
        let held = lock(&self.round.held).take().unwrap_or_default();
        let mut order: Vec<usize> = (0..held.len()).collect();
        arrange(&mut order);
        let mut held: HashMap<usize, Parcel> = held.into_iter().enumerate().collect();
        for parcel in order.iter().filter_map(|at| held.remove(at)) {
            self.round.enqueue(parcel);
        }
        self.settled().await;
    }

    /// Waits until nothing is under way.
    pub(super) async fn settled(&self) {
        self.round.under_way.subscribe().wait_for(|count| *count == 0).await.ok();
    }

    /// Every try so far.
    pub(super) fn log(&self) -> Vec<Delivery> {
        lock(&self.round.log).clone()
    }
}

impl Round {
    fn enqueue(&self, parcel: Parcel) {
        self.under_way.send_modify(|count| *count += 1);
        if self.queue.send(parcel).is_err() {
            self.under_way.send_modify(|count| *count -= 1);
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let ended = self.ended.clone();
        self.tasks.spawn(async move {
            ended.run_until_cancelled(work).await;
        });
    }

    async fn run(self: Arc<Self>, mut parcels: mpsc::UnboundedReceiver<Parcel>) {
        while let Some(parcel) = parcels.recv().await {
            let jitter = lock(&self.policy).jitter;
            if let Some(most) = jitter {
                self.spawn(Arc::clone(&self).stroll(parcel, most.mul_f64(fastrand::f64())));
                continue;
            }
            match self.try_once(&parcel.letter, Try { number: 0, reason: "" }).await {
                Ok(status) => self.finish(parcel, Some(status)),
                Err(again) => self.spawn(Arc::clone(&self).retry(parcel, again)),
            }
        }
    }

    async fn stroll(self: Arc<Self>, parcel: Parcel, wait: Duration) {
        tokio::time::sleep(wait).await;
        match self.try_once(&parcel.letter, Try { number: 0, reason: "" }).await {
            Ok(status) => self.finish(parcel, Some(status)),
            Err(again) => self.retry(parcel, again).await,
        }
    }

    async fn retry(self: Arc<Self>, parcel: Parcel, mut failure: Failure) {
        let pauses = lock(&self.policy).retries.clone();
        for (pause, number) in pauses.into_iter().zip(1..) {
            if failure.is_final {
                break;
            }
            tokio::time::sleep(pause).await;
            match self.try_once(&parcel.letter, Try { number, reason: failure.reason }).await {
                Ok(status) => return self.finish(parcel, Some(status)),
                Err(again) => failure = again,
            }
        }
        self.finish(parcel, failure.status);
    }

    fn finish(&self, parcel: Parcel, status: Option<u16>) {
        parcel.done.send(status).ok();
        self.under_way.send_modify(|count| *count -= 1);
    }

    async fn try_once(&self, letter: &Letter, which: Try) -> Result<u16, Failure> {
        match self.attempt(letter, which).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.status),
            Ok(answer) => Err(Failure {
                reason: "http_error",
                status: Some(answer.status),
                is_final: answer.is_final,
            }),
            Err(reason) => Err(Failure { reason, status: None, is_final: false }),
        }
    }

    async fn attempt(&self, letter: &Letter, which: Try) -> Result<Answer, &'static str> {
        let seen = self.wire.begin(true, &letter.about);
        let outcome = match (self.carry)(letter, which) {
            Some(carried) => self.await_answer(carried).await,
            None => self.request(letter, which).await,
        };
        let ended = outcome.as_ref().map(|answer| answer.status).map_err(|why| *why);
        lock(&self.log).push(Delivery { about: letter.about.clone(), outcome: ended });
        seen.end(ended);
        outcome
    }

    async fn await_answer(&self, carried: Carried) -> Result<Answer, &'static str> {
        let timeout = lock(&self.policy).timeout;
        let answer = tokio::time::timeout(timeout, carried).await;
        let body = answer.or(Err("timeout"))??;
        Ok(Answer { status: 200, is_final: false, body })
    }

    async fn request(&self, letter: &Letter, which: Try) -> Result<Answer, &'static str> {
        let (url, timeout) = {
            let policy = lock(&self.policy);
            (policy.url.clone().ok_or("no_address")?, policy.timeout)
        };
        let request = self.client.post(url).timeout(timeout).header("content-type", letter.mime);
        let request = (self.seal)(request, &letter.body, which).body(letter.body.clone());
        let response = request.send().await.map_err(|error| reason(&error))?;
        Ok(Answer::read(response).await)
    }
}

/// What came back for a letter.
struct Answer {
    status: u16,
    /// slack.md §B.1: the receiver may ask not to be tried again.
    is_final: bool,
    body: String,
}

impl Answer {
    async fn read(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            is_final: response.headers().get("x-slack-no-retry").is_some_and(|no| no == "1"),
            body: response.text().await.unwrap_or_default(),
        }
    }
}

struct Failure {
    reason: &'static str,
    status: Option<u16>,
    is_final: bool,
}

/// Slack's words for why a delivery failed (slack.md §B.1).
fn reason(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "http_timeout",
        error if error.is_redirect() => "too_many_redirects",
        error if error.is_connect() => "connection_failed",
        _ => "unknown_error",
    }
}

fn client() -> Client {
    // Needed to build any client; whoever came first may have done it already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let two = reqwest::redirect::Policy::limited(2);
    Client::builder().redirect(two).no_proxy().build().expect("a client without settings that fail")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
