//! What both stand-ins are: a model that is served over HTTP, with time, trouble and deliveries.
//!
//! Invariant: the model changes in [`Core::act`] only, so what the bridge is told of is queued in
//! the order in which it happened.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use jiff::Timestamp;
use reqwest::RequestBuilder;
use tokio::sync::{oneshot, watch};

use super::Call;
use super::courier::{Carried, Courier, Delivery, Letter, Policy, Try};
use super::faults::Faults;
use super::server::{self, Server};
use super::time::Time;
use super::watched::Watched;
use super::wire::{Exchange, Wire};

/// What one platform knows, as far as both are alike.
pub trait Model: Send + 'static {
    /// How the platform behaves.
    type Setup;

    /// The switches of the platform.
    fn setup(&mut self) -> &mut Self::Setup;
    /// Takes note of the time before each change.
    fn set_now(&mut self, now: Timestamp);
    /// Hands over what is to be delivered.
    fn take_outbox(&mut self) -> Vec<Letter>;
    /// Cuts off whoever stays connected without a request.
    fn cut_off(&mut self) {}
    /// Every request of the bridge.
    fn calls(&self) -> &[Call];
    /// What the real platform would not have tolerated.
    fn violations(&self) -> &[String];
    /// What happened so far, as readable lines.
    fn transcript(&self) -> String;
}

/// A stand-in; clones are the same one, and it ends with the last of them.
#[derive(Debug)]
pub struct Host<S> {
    pub(super) core: Arc<Core<S>>,
    server: Arc<Server>,
}

/// What the two sides of a stand-in share.
#[derive(Debug)]
pub(crate) struct Core<S> {
    pub(super) model: Arc<Watched<S>>,
    pub(super) faults: Faults,
    courier: Courier,
    time: Arc<Time>,
    wire: Arc<Wire>,
}

/// Told when each delivery is made, with the last status.
pub(super) type Receipts = Vec<oneshot::Receiver<Option<u16>>>;

/// How a platform is built and reached.
pub(super) struct Plan<S> {
    /// Makes the model, knowing its own base URL and the time.
    pub(super) model: Box<dyn FnOnce(String, Timestamp) -> S + Send>,
    /// Makes the routes.
    pub(super) router: fn(Arc<Core<S>>) -> Router,
    /// How deliveries are made at first.
    pub(super) policy: Policy,
    /// Puts on a delivery what the platform puts on it, knowing the body and the try.
    pub(super) seal: fn(RequestBuilder, &S, Timestamp, (&str, Try)) -> RequestBuilder,
    /// Carries a delivery another way than over HTTP, if the platform has one.
    pub(super) carry: fn(&mut S, &Letter, Try) -> Option<Carried>,
}

impl<S> Clone for Host<S> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), server: Arc::clone(&self.server) }
    }
}

impl<S: Model> Host<S> {
    /// Takes this port of this machine, or any free one for 0, and begins to serve.
    pub(super) async fn open(port: u16, plan: Plan<S>) -> io::Result<Self> {
        let listener = server::bind(port).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let time = Arc::new(Time::default());
        let model = Arc::new(Watched::new((plan.model)(url, time.now())));
        let (sealed, clock, seal) = (Arc::clone(&model), Arc::clone(&time), plan.seal);
        let seal = Box::new(move |request: RequestBuilder, body: &str, which: Try| {
            sealed.read(|state| seal(request, state, clock.now(), (body, which)))
        });
        let (carried, carry) = (Arc::clone(&model), plan.carry);
        let carry = Box::new(move |letter: &Letter, which: Try| {
            carried.change(|state| carry(state, letter, which))
        });
        let wire = Wire::new();
        let courier = Courier::start(plan.policy, seal, carry, Arc::clone(&wire));
        let core = Arc::new(Core { model, faults: Faults::default(), courier, time, wire });
        let server = Arc::new(Server::start(listener, (plan.router)(Arc::clone(&core)))?);
        Ok(Self { core, server })
    }

    /// Changes how the platform behaves.
    pub fn configure(&self, change: impl FnOnce(&mut S::Setup)) {
        self.core.act(|state| change(state.setup()));
    }

    /// Where the bridge is: what happens is delivered there.
    pub fn deliver_to(&self, url: &str) {
        self.configure_delivery(|policy| policy.url = Some(url.to_owned()));
    }

    /// Changes how deliveries are made.
    pub fn configure_delivery(&self, change: impl FnOnce(&mut Policy)) {
        self.core.courier.configure(change);
    }

    /// The trouble it makes.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// Moves its time forward.
    pub fn advance(&self, by: Duration) {
        self.core.time.advance(by);
    }

    /// Closes its port: nobody can connect any more, and whoever is connected is cut off.
    pub async fn go_down(&self) {
        self.core.act(S::cut_off);
        self.server.go_down().await;
    }

    /// Opens the same port again.
    ///
    /// # Errors
    ///
    /// If the port has been taken by somebody else.
    pub async fn come_back(&self) -> io::Result<()> {
        self.server.come_back().await
    }

    /// Keeps deliveries back until [`Host::release`].
    pub fn hold(&self) {
        self.core.courier.hold();
    }

    /// How many deliveries are kept back.
    pub fn held(&self) -> usize {
        self.core.courier.held()
    }

    /// Delivers what was kept back, in the order that `arrange` makes of the positions.
    pub async fn release(&self, arrange: impl FnOnce(&mut Vec<usize>)) {
        self.core.courier.release(arrange).await;
    }

    /// Waits until everything has been delivered or given up.
    pub async fn settled(&self) {
        self.core.courier.settled().await;
    }

    /// Every try to deliver something.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.courier.log()
    }

    /// The HTTP calls that went by last, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.core.wire.calls()
    }

    /// Told when a call begins or ends; the value counts them.
    pub fn watch_exchanges(&self) -> watch::Receiver<u64> {
        self.core.wire.subscribe()
    }

    /// Looks at everything at once.
    pub fn look<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        self.core.model.read(look)
    }

    /// Counts the changes; the receiver is told of each.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.core.model.subscribe()
    }

    /// Waits until the model shows what is looked for.
    ///
    /// # Panics
    ///
    /// After ten seconds, with `what` and a transcript.
    pub async fn wait_for<T>(&self, what: &str, look: impl FnMut(&S) -> Option<T>) -> T {
        match self.core.model.wait_for(look).await {
            Some(found) => found,
            None => self.give_up(what),
        }
    }

    #[expect(clippy::panic, reason = "only a test waits, and it has failed")]
    fn give_up(&self, what: &str) -> ! {
        panic!("waited in vain for {what}\n{}", self.transcript())
    }

    /// What the real platform would not have tolerated.
    pub fn violations(&self) -> Vec<String> {
        self.look(|state| state.violations().to_vec())
    }

    /// Every call of a method, such as `chat.postMessage` or `/commands get /teams`.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let asked = |call: &&Call| call.method == method;
        self.look(|state| state.calls().iter().filter(asked).cloned().collect())
    }

    /// What happened so far, as readable lines.
    pub fn transcript(&self) -> String {
        self.look(|state| {
            let calls = state.calls();
            let tail = calls.iter().skip(calls.len().saturating_sub(20));
            let tail = tail.map(|call| format!("call {}", call.method));
            let broken = state.violations().iter().map(|what| format!("VIOLATION {what}"));
            let lines: Vec<String> =
                [state.transcript()].into_iter().chain(tail).chain(broken).collect();
            lines.join("\n")
        })
    }
}

impl<S: Model> Core<S> {
    /// Changes the model and queues what the bridge is told of it.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut S) -> T) -> (T, Receipts) {
        self.model.change(|state| {
            state.set_now(self.time.now());
            let result = act(state);
            let letters = state.take_outbox().into_iter();
            (result, letters.map(|letter| self.courier.send(letter)).collect())
        })
    }

    /// Lets a call take effect, or go wrong as planned, and takes note of it.
    pub(super) async fn strike(
        &self,
        method: &str,
        refuse: impl FnOnce(&str) -> Response,
        effect: impl Future<Output = Response>,
    ) -> Response {
        let seen = self.wire.begin(false, method);
        let response = self.faults.strike(method, refuse, effect).await;
        seen.end(Ok(response.status().as_u16()));
        response
    }

    /// Delivers something once, at once; hands back status and body.
    pub(super) async fn post(&self, letter: &Letter) -> Option<(u16, String)> {
        self.courier.post(letter).await.ok()
    }
}

/// The last status that came back, once all deliveries are made.
pub(super) async fn last_status(receipts: Receipts) -> Option<u16> {
    let mut last = None;
    for receipt in receipts {
        last = receipt.await.ok().flatten().or(last);
    }
    last
}
