//! A history as it really happens: the service, both stand-ins, and the people.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use blip_slack::app::Tuning;
use blip_slack::clock::Clock;
use blip_slack::demo::CHANNEL;
use blip_slack::inbox::retry::RetryPolicy;
use blip_slack::store::InboxDepth;
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::slack::{Message, View};
use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::json;

use super::model::{Event, State, Ticket};
use super::plan::{Act, CUSTOMERS, Deed, Plan, Side, Who, hurried, troubles};
use crate::support::later::Running;
use crate::support::{Bridge, Mortal, samples, tuning};

/// How much faster than the machine's the clock of the bridge runs.
const SPEED: u32 = 10;
/// How often the bridge compares its tickets with Blip's, in its own time.
const RECONCILE: &str = "15";
/// Longer than that, and than what is missed is taken to be on its way.
const LATER: Duration = Duration::from_secs(25);
/// How long it may take the bridge to begin to compare what is due for it, on a busy machine.
const UNTIL_COMPARED: Duration = Duration::from_secs(2);
/// How long people wait for a card, and everybody for the end.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long people look for a card before they give up meanwhile.
const GLANCE: Duration = Duration::from_secs(4);

/// An event, and the customer and the ticket that it is about.
type News = (usize, usize, Event);

/// All that there is in a history.
pub struct World {
    bridge: Bridge,
    /// None only while a crash is under way.
    life: Option<Mortal>,
    running: Running,
    tuning: Tuning,
    /// The tickets of each customer.
    customers: RefCell<Vec<Vec<Ticket>>>,
    /// How many words there were so far; each is another one.
    words: Cell<usize>,
    /// The last message that each agent wrote about each customer.
    written: RefCell<Vec<(usize, Who, String)>>,
    /// Messages that are gone.
    deleted: RefCell<Vec<String>>,
    /// How far Blip's clock is ahead of the machine's.
    ahead: Cell<Duration>,
    /// Whether nobody may wait for a card: no platform answers, or nothing is delivered.
    at_rest: Cell<bool>,
    /// Whether the bridge may still be looking for what it missed before it was started.
    is_new: Cell<bool>,
}

fn hasty(running: &Running) -> Tuning {
    let retry = RetryPolicy {
        first: Duration::from_millis(200),
        longest: Duration::from_secs(2),
        ..RetryPolicy::default()
    };
    Tuning {
        clock: running.clock.clone(),
        retry,
        call_timeout: Duration::from_millis(300),
        credentials_pause: Duration::from_secs(1),
        unknown_outcome_wait: Duration::from_secs(2),
        ..tuning()
    }
}

impl World {
    /// Plays a history to its end and holds both far ends against the model.
    pub async fn play(plan: &Plan) {
        let mut world = Self::begin(plan).await;
        for act in &plan.acts {
            world.act(act).await;
        }
        world.end().await;
        let depth = world.life.as_ref().unwrap().depth().await;
        world.check(&depth);
    }

    async fn begin(plan: &Plan) -> Self {
        let running = Running::start(SPEED);
        let tuning = hasty(&running);
        let settings = [
            ("SLACK_CHANNEL_RATE", plan.pace),
            ("CONTEXT_MESSAGES", plan.context),
            ("RECONCILE_SECONDS", RECONCILE),
        ];
        let mut bridge = Bridge::tuned(&settings, tuning.clone()).await;
        bridge.stop_bridge().await;
        bridge.blip.retries_until_taken();
        bridge.slack.configure_delivery(|policy| {
            policy.retries = vec![Duration::from_millis(20); 500];
        });
        let late = if plan.shows_late { Duration::from_millis(40) } else { Duration::ZERO };
        bridge.slack.configure(|setup| {
            setup.events_first = plan.events_first;
            setup.drops_metadata = plan.forgets_metadata;
            setup.shows_after = late;
        });
        bridge.blip.configure(|setup| {
            setup.shows_after = late;
            setup.echoes_status = plan.events_first;
        });
        let kinds = troubles();
        let share = plan.trouble / f64::from(u32::try_from(kinds.len()).unwrap());
        let kinds: Vec<_> = kinds.into_iter().map(|fault| (share, hurried(fault))).collect();
        bridge.slack.faults().at_random(1, kinds.clone());
        bridge.blip.faults().at_random(2, kinds);
        let life = Some(Mortal::start(&bridge, tuning.clone()).await);
        Self {
            bridge,
            life,
            running,
            tuning,
            customers: RefCell::new(vec![Vec::new(); CUSTOMERS]),
            words: Cell::default(),
            written: RefCell::default(),
            deleted: RefCell::default(),
            ahead: Cell::default(),
            at_rest: Cell::default(),
            is_new: Cell::default(),
        }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Does(customer, deed) => {
                self.does(&[(*customer, *deed)]).await;
            }
            Act::AtOnce(deeds) => self.does(deeds).await,
            Act::Overtake(deeds, seed) => self.overtake(deeds, *seed).await,
            Act::Trouble(side, methods, fault) => match side {
                Side::Slack => self.bridge.slack.faults().next(methods, fault.clone()),
                Side::Blip => self.bridge.blip.faults().next(methods, fault.clone()),
            },
            Act::GoesDown(side, fault) => {
                self.at_rest.set(true);
                match side {
                    Side::Slack => self.bridge.slack.faults().from_now("*", fault.clone()),
                    Side::Blip => self.bridge.blip.faults().from_now("*", fault.clone()),
                }
            }
            Act::ComesBack(side) => self.comes_back(*side),
            Act::Twice(twice) => {
                self.bridge.slack.configure(|setup| setup.sends_twice = *twice);
                self.bridge.blip.configure(|setup| setup.sends_twice = *twice);
            }
            Act::Crash(after, deed) => self.crash(*after, *deed).await,
            Act::Passes(time) => self.passes(*time),
            Act::Settles => self.settle().await,
        }
    }

    fn comes_back(&self, side: Side) {
        match side {
            Side::Slack => self.bridge.slack.faults().lift("*"),
            Side::Blip => self.bridge.blip.faults().lift("*"),
        }
        self.at_rest.set(false);
    }

    /// Waits until nothing is left to do, once both platforms are there.
    async fn settle(&self) {
        self.comes_back(Side::Slack);
        self.comes_back(Side::Blip);
        let (slack, blip) = (&self.bridge.slack, &self.bridge.blip);
        let deadline = Instant::now() + PATIENCE;
        let mut rests = 0;
        while rests < 2 {
            self.keep_time();
            slack.settled().await;
            blip.settled().await;
            let depth = self.life.as_ref().unwrap().depth().await;
            rests = if depth.waiting() == 0 { rests + 1 } else { 0 };
            assert!(Instant::now() < deadline, "not idle: {depth:?}\n{}", self.transcript());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.is_new.set(false);
    }

    fn transcript(&self) -> String {
        format!("{}\n{}", self.bridge.slack.transcript(), self.bridge.blip.transcript())
    }

    /// Deeds about different customers.
    async fn does(&self, deeds: &[(usize, Deed)]) {
        let needs_rest = deeds.iter().any(|(_, deed)| deed.needs_rest());
        if needs_rest {
            self.settle().await;
        }
        self.keep_time();
        let news = join_all(deeds.iter().map(|(customer, deed)| self.deed(*customer, *deed))).await;
        if needs_rest {
            self.settle().await;
        }
        let ended = news.iter().flatten().filter(|(_, _, event)| *event == Event::Transferred);
        let handed_on: Vec<usize> = ended.map(|(customer, ..)| *customer).collect();
        self.take(news.into_iter().flatten());
        for customer in handed_on {
            self.goes_on(customer);
        }
    }

    /// The ticket that follows the one that a customer had.
    fn goes_on(&self, customer: usize) {
        let old = self.current(customer).unwrap();
        let next = self.bridge.blip.look(|state| {
            let number = state.tickets[&old.id].number;
            let next = state.tickets.values().find(|ticket| ticket.parent == Some(number));
            next.map(|ticket| ticket.id.clone())
        });
        assert!(next.is_some(), "nothing follows\n{}", self.transcript());
        let next = Ticket::new(next.unwrap(), old.first);
        let next = Ticket { is_lost: old.is_lost, ..next };
        self.customers.borrow_mut()[customer].push(next);
    }

    /// Lets the bridge find out what it was never told.
    async fn looks_again(&self) {
        for _ in 0..2 {
            self.settle().await;
            let calls = self.bridge.blip.look(|state| state.calls.len());
            self.passes(LATER);
            self.are_compared_since(calls).await;
        }
        self.settle().await;
    }

    /// Waits until the bridge has asked for each open ticket after so many calls: it does that by itself,
    /// and nothing waits in its inbox until it begins. One that it does not know to be open is not asked
    /// for, so that this ends in any case.
    async fn are_compared_since(&self, calls: usize) {
        let open: Vec<_> = (0..CUSTOMERS).filter_map(|customer| self.current(customer)).collect();
        let open: Vec<_> = open.iter().filter(|ticket| !ticket.is_closed()).collect();
        let is_asked_for = |ticket: &&Ticket| {
            let address = format!("get /tickets/{}", ticket.id);
            self.bridge.blip.look(|state| {
                state.calls.iter().skip(calls).any(|call| call.method.contains(&address))
            })
        };
        let deadline = Instant::now() + UNTIL_COMPARED;
        while !open.iter().all(&is_asked_for) && Instant::now() < deadline {
            self.keep_time();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn next_word(&self) -> usize {
        self.words.set(self.words.get() + 1);
        self.words.get()
    }

    fn take(&self, news: impl IntoIterator<Item = News>) {
        for (customer, ticket, event) in news {
            if let Event::Wrote { who, ts, .. } = &event {
                let mut written = self.written.borrow_mut();
                written.retain(|(c, w, _)| (c, w) != (&customer, who));
                written.push((customer, *who, ts.clone()));
            }
            self.customers.borrow_mut()[customer][ticket].take(event);
        }
    }

    fn current(&self, customer: usize) -> Option<Ticket> {
        self.customers.borrow()[customer].last().cloned()
    }

    /// What is told by events is done while nothing is delivered, and then delivered in another
    /// order than it was done in.
    async fn overtake(&self, deeds: &[(usize, Deed)], seed: u64) {
        let closes = |(_, deed): &&(usize, Deed)| matches!(deed, Deed::Checks(_));
        if let Some(close) = deeds.iter().find(closes) {
            // Alone, as what comes of it depends on all else.
            return self.does(&[*close]).await;
        }
        if self.is_new.get() {
            // It would find the deeds in the threads, in the order that they were done in.
            self.settle().await;
        }
        let (slack, blip) = (self.bridge.slack.clone(), self.bridge.blip.clone());
        slack.settled().await;
        blip.settled().await;
        slack.hold();
        blip.hold();
        let was_at_rest = self.at_rest.replace(true);
        let mut parts = Vec::new();
        for (customer, deed) in deeds {
            self.keep_time();
            let news = self.deed(*customer, *deed).await;
            parts.push((news, slack.held(), blip.held()));
        }
        self.at_rest.set(was_at_rest);
        let mut order: Vec<usize> = (0..parts.len()).collect();
        Rng::with_seed(seed).shuffle(&mut order);
        // What waits is handled by Slack's time and what does not wait as it comes, so that which of
        // two swapped events takes effect first is chance (`order.rs` has both).
        for customer in 0..CUSTOMERS {
            let is_slack = |part: usize| {
                let (whose, deed) = deeds[part];
                let is_blip = matches!(deed, Deed::Opens | Deed::Says | Deed::Sends | Deed::Ends);
                whose == customer && !is_blip
            };
            let places = (0..order.len()).filter(|place| is_slack(order[*place]));
            let places: Vec<usize> = places.collect();
            let mut by_time: Vec<usize> = places.iter().map(|place| order[*place]).collect();
            by_time.sort_unstable();
            for (place, part) in places.into_iter().zip(by_time) {
                order[place] = part;
            }
        }
        // A letter goes with the deed that it tells of; echoes of the bridge go with any.
        let arrange = |letters: &mut Vec<usize>, held: &dyn Fn(usize) -> usize| {
            let part = |letter: usize| (0..parts.len()).find(|part| letter < held(*part));
            letters.sort_by_key(|letter| match part(*letter) {
                Some(part) => order.iter().position(|other| *other == part).unwrap(),
                None => order.len(),
            });
        };
        slack.release(|letters| arrange(letters, &|part| parts[part].1)).await;
        blip.release(|letters| arrange(letters, &|part| parts[part].2)).await;
        self.take(order.iter().filter_map(|at| parts[*at].0.clone()));
    }

    async fn crash(&mut self, after: u64, deed: Option<(usize, Deed)>) {
        let is_close = deed.is_some_and(|(_, deed)| matches!(deed, Deed::Checks(_)));
        if is_close {
            self.settle().await;
        }
        self.keep_time();
        let life = self.life.take();
        let crash = async {
            tokio::time::sleep(Duration::from_micros(after)).await;
            drop(life);
            Mortal::start(&self.bridge, self.tuning.clone()).await
        };
        let deed = async {
            match deed {
                Some((customer, deed)) => self.deed(customer, deed).await,
                None => None,
            }
        };
        let (life, news) = tokio::join!(crash, deed);
        self.life = Some(life);
        self.is_new.set(true);
        self.take(news);
        if is_close {
            self.settle().await;
        }
    }

    /// Lets time pass, at the far ends first: what was done there is to be seen there before the
    /// bridge believes that it was not.
    fn passes(&self, time: Duration) {
        self.bridge.blip.advance(time);
        self.bridge.slack.advance(time);
        self.ahead.set(self.ahead.get() + time);
        self.running.clock.advance(time);
    }

    /// Lets it be as late at both far ends as it is for the bridge, which holds the dates of Blip
    /// against each other and turns away what Slack signed long ago. Never in the middle of a deed:
    /// what a click may open, it may open for three seconds.
    fn keep_time(&self) {
        let ahead = self.running.clock.now().duration_since(Clock::system().now());
        let ahead = Duration::try_from(ahead).unwrap_or_default();
        let more = ahead.saturating_sub(self.ahead.get());
        self.bridge.blip.advance(more);
        self.bridge.slack.advance(more);
        self.ahead.set(self.ahead.get().max(ahead));
    }

    /// Does something, as soon as that is possible; nothing if it is not.
    async fn deed(&self, customer: usize, deed: Deed) -> Option<News> {
        if deed == Deed::Opens {
            self.opens(customer).await;
            return None;
        }
        let ticket = self.current(customer)?;
        let event = match deed {
            Deed::Opens => None,
            Deed::Says => {
                let words = format!("customer-{customer}-{}", self.next_word());
                self.bridge.blip.says(&ticket.id, &words).await.ok()?;
                Some(Event::Said(words))
            }
            Deed::Sends => {
                let words = format!("customer-{customer}-{}", self.next_word());
                let file = ("a.png", "image/png");
                let bytes = samples::png();
                let sent = self.bridge.blip.sends_file(&ticket.id, file, &bytes, Some(&words));
                sent.await.ok()?;
                Some(Event::Said(words))
            }
            Deed::SaysUnheard => {
                let words = format!("unheard-{customer}-{}", self.next_word());
                self.unheard(self.bridge.blip.says(&ticket.id, &words)).await.ok()?;
                Some(Event::SaidUnheard(words))
            }
            Deed::EndsUnheard => {
                self.bridge.blip.closes_silently(&ticket.id, "ClosedClient").ok()?;
                // Trouble may keep it from noticing for some time.
                for _ in 0..5 {
                    self.looks_again().await;
                    if self.cards(&ticket).iter().all(|card| card.buttons().is_empty()) {
                        break;
                    }
                }
                Some(Event::Closed(None))
            }
            Deed::Ends => {
                self.bridge.blip.closes(&ticket.id, "ClosedClient").await.ok()?;
                Some(Event::Closed(None))
            }
            Deed::Edits(who) | Deed::Deletes(who) => {
                self.thinks_again(customer, who, deed).await;
                None
            }
            Deed::Replies(_)
            | Deed::Notes(_)
            | Deed::Eyes(..)
            | Deed::Checks(_)
            | Deed::Presses(_)
            | Deed::TakesOver(_)
            | Deed::Transfers(_)
            | Deed::LosesThread => {
                let card = self.card(&ticket).await?;
                self.on_card(&ticket, &card, deed).await
            }
        };
        let number = self.customers.borrow()[customer].len() - 1;
        event.map(|event| (customer, number, event))
    }

    /// Does something of which no delivery arrives.
    async fn unheard<T>(&self, deed: impl Future<Output = T>) -> T {
        let blip = &self.bridge.blip;
        blip.settled().await;
        let mut policy = None;
        blip.configure_delivery(|current| {
            policy = Some(current.clone());
            current.url = None;
            current.retries.clear();
        });
        let done = deed.await;
        blip.configure_delivery(|current| *current = policy.unwrap());
        done
    }

    async fn opens(&self, customer: usize) {
        let current = self.current(customer);
        let is_open = |ticket: &Ticket| !self.bridge.blip.ticket(&ticket.id).unwrap().is_closed();
        if current.as_ref().is_some_and(is_open) {
            return;
        }
        let first = format!("help-{customer}-{}", self.next_word());
        let (name, identity) = (format!("Customer {customer}"), format!("c{customer}@0mn.io"));
        let opened = self.bridge.blip.opens_ticket(NewTicket::saying(&name, &identity, &first));
        let id = opened.await.id;
        self.customers.borrow_mut()[customer].push(Ticket::new(id, first));
    }

    /// The card of a ticket as people see it, once they do.
    async fn card(&self, ticket: &Ticket) -> Option<Message> {
        let deadline = Instant::now() + GLANCE;
        loop {
            let card = self.cards(ticket).pop();
            if card.is_some() || ticket.is_lost || self.at_rest.get() || Instant::now() > deadline {
                return card;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether the bridge knows what a message is.
    async fn knows(&self, ts: &str) -> bool {
        match &self.life {
            Some(life) => life.knows(CHANNEL, ts).await,
            None => false,
        }
    }

    fn cards(&self, ticket: &Ticket) -> Vec<Message> {
        let shows = |card: &&Message| card.words().split_whitespace().any(|w| w == ticket.first);
        self.bridge.slack.look(|state| state.cards(CHANNEL).filter(shows).cloned().collect())
    }

    async fn on_card(&self, ticket: &Ticket, card: &Message, deed: Deed) -> Option<Event> {
        let (slack, root) = (&self.bridge.slack, card.ts.as_str());
        match deed {
            Deed::Replies(who) => {
                let words = format!("reply-{}", self.next_word());
                let said = slack.says(who.user(), CHANNEL, Some(root), &words).await.ok()?;
                Some(Event::Wrote { who, words, ts: said.ts })
            }
            Deed::Notes(who) => {
                let words = format!("// note-{}", self.next_word());
                let said = slack.says(who.user(), CHANNEL, Some(root), &words).await.ok()?;
                Some(Event::Noted { ts: said.ts })
            }
            Deed::Eyes(who, true) => {
                slack.reacts(who.user(), CHANNEL, root, "eyes").await.ok()?;
                Some(Event::Claimed { who, over: false })
            }
            Deed::Eyes(who, false) => {
                slack.unreacts(who.user(), CHANNEL, root, "eyes").await.ok()?;
                Some(Event::Released(who))
            }
            Deed::Checks(who) => {
                slack.reacts(who.user(), CHANNEL, root, "white_check_mark").await.ok()?;
                Some(Event::Closed(Some(who)))
            }
            Deed::Presses(_) | Deed::TakesOver(_) | Deed::Transfers(_) => {
                self.presses(ticket, card, deed).await
            }
            // Of a card that nobody knows to be one, nobody can tell that it is gone.
            Deed::LosesThread if !self.knows(root).await => None,
            Deed::LosesThread => {
                slack.deletes(Who::Ana.user(), CHANNEL, root).await.ok()?;
                Some(Event::ThreadLost)
            }
            Deed::Opens
            | Deed::Says
            | Deed::Sends
            | Deed::SaysUnheard
            | Deed::Ends
            | Deed::EndsUnheard
            | Deed::Edits(_)
            | Deed::Deletes(_) => None,
        }
    }

    /// What is not told by an event, but by a request that is answered.
    async fn presses(&self, ticket: &Ticket, card: &Message, deed: Deed) -> Option<Event> {
        let (slack, root) = (&self.bridge.slack, card.ts.as_str());
        match deed {
            Deed::Presses(who) => {
                let buttons = card.buttons();
                let claims = buttons.first()?.action_id == "claim";
                let answered = if claims {
                    slack.clicks(who.user(), CHANNEL, root, "claim").await.ok()?
                } else {
                    slack.picks(who.user(), CHANNEL, root, ("more", "release")).await.ok()?
                };
                assert_eq!(answered.status, Some(200), "claims: {claims}");
                Some(if claims {
                    Event::Claimed { who, over: false }
                } else {
                    Event::Released(who)
                })
            }
            Deed::TakesOver(who) => {
                let offers = |told: &&blip_slack_standins::slack::Ephemeral| {
                    let mut buttons = told.buttons().into_iter();
                    buttons.any(|b| b.action_id == "take_over" && b.value.contains(&ticket.id))
                };
                let told = slack.ephemerals(who.user());
                let told = told.iter().rfind(offers)?;
                let answered = slack.clicks(who.user(), CHANNEL, &told.ts, "take_over").await;
                assert_eq!(answered.ok()?.status, Some(200), "take over");
                Some(Event::Claimed { who, over: true })
            }
            Deed::Transfers(who) => {
                slack.clicks(who.user(), CHANNEL, root, "transfer").await.ok()?;
                let is_it = |view: &&View| view.user == who.user() && view.view["type"] == "modal";
                let dialog = slack.look(|state| state.views.values().rfind(is_it).cloned())?;
                let is_of_ticket = dialog.view.to_string().contains(&ticket.id);
                let option = json!({
                    "text": { "type": "plain_text", "text": "Vendas" }, "value": "team:Vendas" });
                let to = json!({ "destination": { "destination": {
                    "type": "external_select", "selected_option": option } } });
                let answered = slack.submits(who.user(), &dialog.id, to).await.ok()?;
                assert_eq!(answered.status, Some(200), "{}", answered.body);
                (is_of_ticket && !ticket.is_closed()).then_some(Event::Transferred)
            }
            _ => None,
        }
    }

    /// Somebody edits or deletes the last thing that they wrote about a customer.
    async fn thinks_again(&self, customer: usize, who: Who, deed: Deed) {
        let is_it = |(c, w, _): &&(usize, Who, String)| (*c, *w) == (customer, who);
        let last = self.written.borrow().iter().find(is_it).map(|(_, _, ts)| ts.clone());
        let Some(ts) = last else { return };
        // What waits to be sent is sent changed, or not at all.
        if !self.knows(&ts).await {
            return;
        }
        let slack = &self.bridge.slack;
        if matches!(deed, Deed::Edits(_)) {
            let words = format!("edited-{}", self.next_word());
            slack.edits(who.user(), CHANNEL, &ts, &words).await.ok();
        } else if slack.deletes(who.user(), CHANNEL, &ts).await.is_ok() {
            self.deleted.borrow_mut().push(ts);
        }
    }

    /// All trouble ends, and everything is done that is left to do.
    async fn end(&self) {
        let (slack, blip) = (&self.bridge.slack, &self.bridge.blip);
        slack.faults().clear();
        blip.faults().clear();
        self.settle().await;
        for customer in 0..CUSTOMERS {
            let current = self.current(customer);
            // Whoever lost a thread gets the new one with the next word.
            if current.is_some_and(|ticket| ticket.is_lost && !ticket.is_closed()) {
                self.does(&[(customer, Deed::Says)]).await;
            }
        }
        self.looks_again().await;
    }

    fn check(&self, depth: &InboxDepth) {
        assert_eq!(depth.parked, 0, "parked\n{}", self.transcript());
        for ticket in self.customers.borrow().iter().flatten() {
            self.check_slack(ticket);
            self.check_blip(ticket);
        }
        let violations = [self.bridge.slack.violations(), self.bridge.blip.violations()].concat();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.transcript());
    }

    fn check_blip(&self, ticket: &Ticket) {
        let told = |what: &str| format!("{what} of {}\n{}", ticket.first, self.transcript());
        let at_blip = self.bridge.blip.ticket(&ticket.id).unwrap();
        assert_eq!(self.bridge.received(&ticket.id), ticket.replies, "{}", told("replies"));
        assert_eq!(at_blip.agent.as_deref(), ticket.agent.map(Who::identity), "{}", told("agent"));
        let status = match ticket.state {
            State::Closed(Some(_)) => "ClosedAttendant",
            State::Closed(None) => "ClosedClient",
            State::Transferred => "Transferred",
            State::Held(_) | State::Unclaimed if ticket.agent.is_some() => "Open",
            State::Held(_) | State::Unclaimed => "Waiting",
        };
        assert_eq!(at_blip.status, status, "{}", told("status"));
    }

    fn check_slack(&self, ticket: &Ticket) {
        let told = |what: &str| format!("{what} of {}\n{}", ticket.first, self.transcript());
        assert_eq!(self.shown(&ticket.said), ticket.said, "{}", told("words"));
        let unheard = self.shown(&ticket.unheard);
        // Of a ticket that is over nothing is looked for any more.
        let expected = ticket.unheard.iter();
        let expected: Vec<_> = if ticket.is_closed() {
            expected.filter(|words| unheard.contains(words)).cloned().collect()
        } else {
            expected.cloned().collect()
        };
        assert_eq!(unheard, expected, "{}", told("unheard words"));
        if ticket.state == State::Transferred {
            return;
        }
        self.check_card(ticket);
        let deleted = self.deleted.borrow();
        for note in ticket.notes.iter().filter(|note| !deleted.contains(note)) {
            let note = self.bridge.slack.message(CHANNEL, note).unwrap();
            assert_eq!(note.reacted("lock").len(), 1, "{} {}", note.text, told("mark"));
        }
    }

    /// Those of some words that are on show, in their order.
    fn shown(&self, some: &[String]) -> Vec<String> {
        self.bridge.slack.look(|state| {
            let messages = state.channels[CHANNEL].messages.values();
            let words = messages.filter(|message| message.ours).map(Message::words);
            // What was said in earlier tickets is told again before a new one.
            let words: Vec<String> =
                words.filter(|words| !words.contains("Before the handoff")).collect();
            let words = words.iter().flat_map(|words| words.split_whitespace());
            let words = words.filter(|word| some.iter().any(|other| other == word));
            words.map(str::to_owned).collect()
        })
    }

    fn check_card(&self, ticket: &Ticket) {
        let told = |what: &str| format!("{what} of {}\n{}", ticket.first, self.transcript());
        let cards = self.cards(ticket);
        let may_lack = ticket.is_lost && ticket.is_closed();
        assert!(cards.len() == 1 || cards.is_empty() && may_lack, "{}", told("cards"));
        if let Some(card) = cards.first() {
            let words = card.words();
            let shown = match ticket.state {
                State::Unclaimed => words.contains("Waiting, unclaimed"),
                State::Held(who) => words.contains(&format!("with  <@{}>", who.user())),
                State::Closed(Some(who)) => words.contains(&format!("closed by {}", who.name())),
                State::Closed(None) => words.contains("closed by the customer"),
                State::Transferred => unreachable!("the card is that of the next one"),
            };
            assert!(shown, "{:?} is not on {words}: {}", ticket.state, told("card"));
        }
    }
}
