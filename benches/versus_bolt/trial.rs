//! One run of one contender: tickets are opened and claimed, then it is put under load, then
//! single messages are timed both ways. Nothing may be lost, doubled, misplaced or out of order.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::allocations::Allocations;
use crate::fakes::{Arrival, Fakes, What};
use crate::load::{CONNECTIONS, Connection, send_all};
use crate::process::{Contender, Process};
use crate::requests;

/// Tickets; each is written to over one connection only, so that there is an order to be kept.
const TICKETS: usize = 4 * CONNECTIONS;
/// Messages before measuring, so that code is compiled and files have grown.
const WARM_UP: usize = 2_000;
/// Messages of the load.
const LOAD: usize = 10_000;
/// Single messages, each way.
const SINGLES: usize = 200;
/// The time from one single message to the next.
const PACE: Duration = Duration::from_millis(10);
/// How long things are left alone before something else is measured.
const REST: Duration = Duration::from_millis(300);
/// How long what follows a message may take: the mark of its delivery waits for news for three seconds.
const SEQUEL: Duration = Duration::from_secs(4);

/// What was measured in one run.
pub struct Measured {
    /// Until it was ready.
    pub start_up: Duration,
    /// Webhooks acknowledged per second.
    pub acknowledged: f64,
    /// Of the same messages, posted to Slack per second.
    pub delivered: f64,
    /// Processor time for each of them.
    pub processor_time: Duration,
    /// From the webhook to the post in Slack, ascending.
    pub to_slack: Vec<Duration>,
    /// From Slack's event to the message at Blip, ascending.
    pub to_blip: Vec<Duration>,
    /// Bytes in memory after the start.
    pub idle: u64,
    /// Most bytes in memory until the end of the load.
    pub peak: u64,
    /// Calls to the platforms for each message of the load.
    pub load_calls: f64,
    /// The same for each single message.
    pub single_calls: f64,
    /// Write calls for each message of the load, to files and connections.
    pub load_writes: f64,
    /// The same for each single message.
    pub single_writes: f64,
    /// Bytes written for each single message.
    pub single_bytes: f64,
    /// Transactions of the database's server for each single message; none for a file.
    pub transactions: f64,
    /// Bytes of that server's log for each single message.
    pub log_bytes: f64,
    /// System calls for each single message, by name; none where nobody could count them.
    pub system_calls: HashMap<String, f64>,
}

/// Runs one contender.
pub async fn run(contender: &Contender, fakes: &mut Fakes, folder: &Path) -> Result<Measured> {
    let process = Process::start(contender, fakes.address, folder, None).await?;
    tokio::time::sleep(REST).await;
    let idle = process.memory()?;
    let mut trial = Trial { process, fakes, cards: Vec::new() };
    trial.open_tickets().await?;
    trial.claim_tickets().await?;
    trial.load(0, WARM_UP).await?;
    let used = trial.process.processor_time()?;
    let before = trial.process.written()?;
    let calls_before = trial.fakes.calls();
    let (acknowledged, delivered) = trial.load(WARM_UP, LOAD).await?;
    let load_writes = ratio(trial.process.written()?.calls - before.calls, LOAD);
    let used = trial.process.processor_time()?.saturating_sub(used);
    let peak = trial.process.peak_memory()?;
    // What follows a message later, such as a mark of its delivery, belongs to it.
    tokio::time::sleep(SEQUEL).await;
    let load_calls = ratio(trial.fakes.calls() - calls_before, LOAD);
    let (before, calls_before) = (trial.process.written()?, trial.fakes.calls());
    let served = trial.process.server_counts().await?;
    let to_slack = trial.time_to_slack(WARM_UP + LOAD).await?;
    let to_blip = trial.time_to_blip(0).await?;
    tokio::time::sleep(SEQUEL).await;
    let single_calls = ratio(trial.fakes.calls() - calls_before, 2 * SINGLES);
    let after = trial.process.written()?;
    let server = trial.process.server_counts().await?;
    let (calls, bytes) = (after.calls - before.calls, after.bytes - before.bytes);
    let system_calls = trial.count_system_calls(folder).await?;
    trial.fakes.expect_silence()?;
    Ok(Measured {
        start_up: trial.process.start_up,
        acknowledged: per_second(acknowledged),
        delivered: per_second(delivered),
        processor_time: used / u32::try_from(LOAD)?,
        to_slack,
        to_blip,
        idle,
        peak,
        load_calls,
        single_calls,
        load_writes,
        single_writes: ratio(calls, 2 * SINGLES),
        single_bytes: ratio(bytes, 2 * SINGLES),
        transactions: ratio(server.transactions - served.transactions, 2 * SINGLES),
        log_bytes: ratio(server.log_bytes - served.log_bytes, 2 * SINGLES),
        system_calls,
    })
}

/// How often a contender asks for memory for each single message; none where nobody can count it.
pub async fn count_allocations(
    contender: &Contender,
    fakes: &mut Fakes,
    folder: &Path,
) -> Result<Option<f64>> {
    let Some(allocations) = Allocations::prepare(folder) else { return Ok(None) };
    let process = Process::start(contender, fakes.address, folder, Some(&allocations)).await?;
    let mut trial = Trial { process, fakes, cards: Vec::new() };
    trial.open_tickets().await?;
    trial.claim_tickets().await?;
    tokio::time::sleep(SEQUEL).await;
    let before = allocations.count()?;
    trial.time_to_slack(0).await?;
    trial.time_to_blip(0).await?;
    tokio::time::sleep(SEQUEL).await;
    let asked = allocations.count()? - before;
    Ok((asked > 0).then(|| ratio(asked, 2 * SINGLES)))
}

/// Where the numbers of the ticket that was closed, and of its messages, begin: no run comes so far.
pub const AGED: u32 = 900_000;

/// Has a contender open a ticket, talk, and close it, and then end.
pub async fn close_one_ticket(
    contender: &Contender,
    fakes: &mut Fakes,
    folder: &Path,
) -> Result<()> {
    let mut process = Process::start(contender, fakes.address, folder, None).await?;
    let mut connection = Connection::open(process.address).await?;
    let first = usize::try_from(AGED)?;
    connection.send(&requests::ticket(first)).await?;
    let What::Card(card) = fakes.next().await?.what else { anyhow::bail!("no card") };
    connection.send(&requests::claim(&card)?).await?;
    ensure!(fakes.next().await?.what == What::Claim, "no claim");
    for number in first..first + 3 {
        connection.send(&requests::customer_message(first, number)).await?;
        ensure!(fakes.next().await?.number == number, "no post");
        connection.send(&requests::agent_message(&card, number)?).await?;
        ensure!(fakes.next().await?.what == What::Reply, "no reply");
    }
    tokio::time::sleep(SEQUEL).await;
    connection.send(&requests::close(&card)?).await?;
    ensure!(fakes.next().await?.what == What::Claim, "not closed");
    tokio::time::sleep(SEQUEL).await;
    process.stop()
}

struct Trial<'a> {
    process: Process,
    fakes: &'a mut Fakes,
    /// The time stamp of each ticket's card.
    cards: Vec<String>,
}

impl Trial<'_> {
    async fn open_tickets(&mut self) -> Result<()> {
        let tickets = (0..TICKETS).map(requests::ticket).collect();
        send_all(self.process.address, tickets).await?;
        let mut cards = HashMap::new();
        while cards.len() < TICKETS {
            let Arrival { what, number, .. } = self.fakes.next().await?;
            let What::Card(ts) = what else { anyhow::bail!("{what:?} instead of a card") };
            ensure!(cards.insert(number, ts).is_none(), "ticket {number} has two cards");
        }
        self.cards = (0..TICKETS).filter_map(|number| cards.remove(&number)).collect();
        tokio::time::sleep(REST).await;
        Ok(())
    }

    async fn claim_tickets(&mut self) -> Result<()> {
        let claims = self.cards.iter().map(|card| requests::claim(card)).collect::<Result<_>>()?;
        send_all(self.process.address, claims).await?;
        for _ in 0..TICKETS {
            let Arrival { what, number, .. } = self.fakes.next().await?;
            ensure!(what == What::Claim, "{what:?} of {number} instead of a claim");
        }
        tokio::time::sleep(REST).await;
        Ok(())
    }

    /// Has customers write as fast as they are acknowledged; tells how long it took until all
    /// was acknowledged, and until all was in Slack.
    async fn load(&mut self, first: usize, count: usize) -> Result<(Duration, Duration)> {
        let message = |number| requests::customer_message(number % TICKETS, number);
        let messages = (first..first + count).map(message).collect();
        let begin = Instant::now();
        let acknowledged = send_all(self.process.address, messages).await?;
        let mut latest = HashMap::new();
        let mut delivered = acknowledged;
        for nth in 0..count {
            let arrival = self.fakes.next().await;
            let Arrival { what, number, at } =
                arrival.with_context(|| format!("after {nth} of {count} messages"))?;
            ensure!(what == What::Post(self.card(number)?), "{what:?} of {number} is misplaced");
            let before = latest.insert(number % TICKETS, number);
            ensure!(before < Some(number), "{number} came after {before:?}");
            delivered = at - begin;
        }
        Ok((acknowledged, delivered))
    }

    async fn time_to_slack(&mut self, first: usize) -> Result<Vec<Duration>> {
        let message = |number| Ok(requests::customer_message(number % TICKETS, number));
        self.time_singles(first, message).await
    }

    /// Single messages again, while their system calls are counted, which slows them down.
    async fn count_system_calls(&mut self, folder: &Path) -> Result<HashMap<String, f64>> {
        let Some(tracer) = self.process.count_system_calls(folder).await else {
            return Ok(HashMap::new());
        };
        self.time_to_slack(WARM_UP + LOAD + SINGLES).await?;
        self.time_to_blip(SINGLES).await?;
        tokio::time::sleep(SEQUEL).await;
        let counts = tracer.finish().await?;
        Ok(counts.into_iter().map(|(name, count)| (name, ratio(count, 2 * SINGLES))).collect())
    }

    async fn time_to_blip(&mut self, first: usize) -> Result<Vec<Duration>> {
        let cards = self.cards.clone();
        let message = |number: usize| {
            let card = cards.get(number % TICKETS).context("no such ticket")?;
            requests::agent_message(card, number)
        };
        self.time_singles(first, message).await
    }

    async fn time_singles(
        &mut self,
        first: usize,
        message: impl Fn(usize) -> Result<Vec<u8>>,
    ) -> Result<Vec<Duration>> {
        let mut connection = Connection::open(self.process.address).await?;
        let mut pace = tokio::time::interval(PACE);
        let mut times = Vec::with_capacity(SINGLES);
        for number in first..first + SINGLES {
            pace.tick().await;
            let message = message(number)?;
            let begin = Instant::now();
            connection.send(&message).await?;
            let Arrival { what, number: arrived, at } = self.fakes.next().await?;
            ensure!(arrived == number, "{what:?} of {arrived} instead of {number}");
            times.push(at - begin);
        }
        times.sort_unstable();
        Ok(times)
    }

    fn card(&self, message: usize) -> Result<String> {
        self.cards.get(message % TICKETS).cloned().context("no such ticket")
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn ratio(count: u64, messages: usize) -> f64 {
    count as f64 / messages as f64
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn per_second(time: Duration) -> f64 {
    LOAD as f64 / time.as_secs_f64()
}
