//! The commands that look after the database, beside a running bridge too.
//!
//! A running bridge does them itself: it is asked over a Unix socket next to the database, which
//! only its owner can use, and never over HTTP. Where none runs, the command does them.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
pub use crate::inbox::ForgettingReport;
use crate::inbox::{CustomerJob, Forgetting};
use crate::model::{ChannelId, MessageTs};
use crate::model::{CustomerKey, TicketId};
use crate::store::{KeptTicket, Lane, Role, SharedStore, sqlite};

/// The longest question, in bytes.
const MAX_REQUEST_BYTES: u64 = 64 << 10;
/// How long whoever knocks may take to ask.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum ControlRequest {
    /// List what is parked.
    Parked,
    /// Put what is parked back into its lanes.
    Retry {
        /// Only that of this ticket.
        ticket: Option<String>,
    },
    /// Say what there is of a customer.
    Find {
        /// An identity or a number.
        customer: String,
    },
    /// Show all that is kept of a customer, as JSON.
    Export {
        /// An identity or a number.
        customer: String,
    },
    /// Erase all that is kept of a customer.
    Erase {
        /// An identity or a number.
        customer: String,
        /// The id of the job that replaces what Slack shows of the customer, if it is to be.
        #[serde(default)]
        slack: Option<String>,
    },
    /// Say how far it is to replace what Slack shows, as JSON ([`ForgettingReport`]).
    Forgetting {
        /// Only what this job has done; all jobs if there is none.
        #[serde(default)]
        job: Option<String>,
    },
}

/// What is said to whoever asked, or what went wrong.
type ControlAnswer = Result<String, String>;

/// Does what was asked for, and says what there is to say.
pub async fn perform_request(
    store: &SharedStore,
    clock: &Clock,
    request: &ControlRequest,
) -> anyhow::Result<String> {
    match request {
        ControlRequest::Parked => list_parked(store).await,
        ControlRequest::Retry { ticket } => retry_items(store, clock, ticket.as_deref()).await,
        ControlRequest::Find { customer } => {
            find_customer(store, &parse_customer_key(customer)?).await
        }
        ControlRequest::Export { customer } => {
            export_customer(store, &parse_customer_key(customer)?).await
        }
        ControlRequest::Forgetting { job } => {
            let report = ForgettingReport::read(store, job.as_deref()).await?;
            Ok(serde_json::to_string(&report)?)
        }
        ControlRequest::Erase { customer, slack } => {
            let key = parse_customer_key(customer)?;
            if let Some(job) = slack {
                // Before the erasure: afterwards nobody knows the threads.
                let threads = find_threads(store, &key).await?;
                let forgetting = Forgetting { job: job.clone(), threads };
                store.accept(CustomerJob::forget_in_slack(forgetting, clock.now())).await?;
            }
            let erased = store.erase_customer(&key).await?;
            // The log names tickets and never the customer: it would keep what was erased.
            for ticket in &erased {
                tracing::info!(ticket.id = %ticket, "a customer's ticket was erased by command");
            }
            Ok(format!("{} erased.\n", format_ticket_count(erased.len())))
        }
    }
}

fn parse_customer_key(customer: &str) -> anyhow::Result<CustomerKey> {
    CustomerKey::parse(customer).context(
        "--customer: give an identity of Blip, such as 5511987654321@wa.gw.msging.net, or a \
        phone number with its area code",
    )
}

/// The threads in which a customer's tickets are or were: channels and roots.
async fn find_threads(
    store: &SharedStore,
    key: &CustomerKey,
) -> anyhow::Result<Vec<(ChannelId, MessageTs)>> {
    let mut threads = BTreeSet::new();
    for id in store.customer_tickets(key).await? {
        let kept = store.load_kept_ticket(&id).await?;
        let cards = kept.links.iter().filter(|link| link.role == Role::Card);
        threads.extend(cards.map(|card| (card.channel.clone(), card.ts.clone())));
        let thread = kept.ticket.and_then(|ticket| ticket.thread);
        threads.extend(thread.map(|it| (it.channel, it.root)));
    }
    Ok(threads.into_iter().collect())
}

/// Says how far it is to replace what Slack shows.
pub fn format_report(report: &ForgettingReport) -> String {
    let ForgettingReport { is_running, to_do, replaced, left } = report;
    let mut lines = vec![format!("{replaced} replaced in Slack.")];
    if *is_running {
        lines.push(format!("{to_do} or more are still to be replaced."));
    }
    if !left.is_empty() {
        lines.push(format!("{} left over, to be seen to by hand:", left.len()));
    }
    lines.extend(left.iter().map(|(link, why)| format!("{link}\t{why}")));
    lines.join("\n") + "\n"
}

fn format_ticket_count(count: usize) -> String {
    format!("{count} {}", if count == 1 { "ticket" } else { "tickets" })
}

async fn list_parked(store: &SharedStore) -> anyhow::Result<String> {
    let parked = store.parked_items(None).await?;
    if parked.is_empty() {
        return Ok("Nothing is parked.\n".to_owned());
    }
    let lines = parked.iter().map(|item| {
        let ticket = Lane::ticket_of(&item.lane).map_or(item.lane.clone(), |id| id.to_string());
        let (id, from, at) = (item.id, item.source.name(), item.received);
        format!("{id}\t{at}\tfrom {from}\t{ticket}\t{}\n", item.reason)
    });
    Ok(lines.collect())
}

async fn retry_items(
    store: &SharedStore,
    clock: &Clock,
    ticket: Option<&str>,
) -> anyhow::Result<String> {
    let parse = |ticket| {
        TicketId::parse(ticket)
            .context("--ticket: give it as bot/id, as `blip-slack parked` lists it")
    };
    let ticket = ticket.map(parse).transpose()?;
    let mut revived = 0;
    for item in store.parked_items(ticket.as_ref()).await? {
        revived += usize::from(store.retry_parked(item.id, clock.now()).await?);
    }
    Ok(format!("{revived} put back; a running bridge takes them up within seconds.\n"))
}

async fn find_customer(store: &SharedStore, key: &CustomerKey) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for id in store.customer_tickets(key).await? {
        let ticket = store.load_ticket(&id).await?;
        let number = ticket.as_ref().and_then(|ticket| ticket.number);
        let number = number.map_or_else(|| id.to_string(), |number| format!("#{number}"));
        let state = match &ticket {
            Some(ticket) if ticket.is_closed() => "closed",
            Some(_) => "open",
            None => "arriving",
        };
        let customer = ticket.map(|ticket| ticket.customer);
        let name = customer.and_then(|customer| customer.name.or(Some(customer.identity)));
        lines.push(format!("{number}\t{state}\t{}\n", name.unwrap_or_default()));
    }
    Ok(lines.concat())
}

async fn export_customer(store: &SharedStore, key: &CustomerKey) -> anyhow::Result<String> {
    let mut tickets = Vec::new();
    for id in store.customer_tickets(key).await? {
        tickets.push(ticket_to_json(&id, store.load_kept_ticket(&id).await?));
    }
    let document = serde_json::to_string_pretty(&json!({ "tickets": tickets }))?;
    Ok(document + "\n")
}

fn ticket_to_json(id: &TicketId, kept: KeptTicket) -> Value {
    let ticket = kept.ticket.map(|ticket| {
        json!({
            "number": ticket.number,
            "customer": ticket.customer.identity,
            "originator": ticket.customer.originator,
            "name": ticket.customer.name,
            "channel": ticket.customer.domain,
            "team": ticket.team,
            "tags": ticket.tags,
            "opened": ticket.opened.to_string(),
            "is_closed": ticket.is_closed(),
            "last_heard_of": ticket.heard.map(|at| at.to_string()),
            "slack_thread": ticket.thread.map(|thread| json!({
                "channel": thread.channel.as_str(), "ts": thread.root.as_str(),
            })),
        })
    });
    let links = kept.links.into_iter().map(|link| {
        json!({
            "channel": link.channel.as_str(),
            "ts": link.ts.as_str(),
            "is": format!("{:?}", link.role).to_lowercase(),
            "blip_id": link.blip_id,
            "user": link.user.map(|user| user.to_string()),
        })
    });
    let events = kept.events.into_iter().map(|event| {
        let body = event.body.map(|body| {
            serde_json::from_slice(&body)
                .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body)))
        });
        json!({
            "from": event.source,
            "received": event.received.to_string(),
            "state": event.state,
            "body": body,
        })
    });
    json!({
        "id": id.to_string(),
        "ticket": ticket,
        "first_words": kept.first_words,
        "slack_messages": links.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
    })
}

/// The path of the socket next to the database at `url`, which must be there and belong to whoever
/// asks.
pub fn socket_path(url: &str) -> anyhow::Result<PathBuf> {
    let mut path = sqlite::owned_path(url).context("DATABASE_URL")?.into_os_string();
    path.push(".sock");
    Ok(path.into())
}

/// The way in for commands.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Listens next to a database, which nobody else may serve.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        // Made where nobody else can reach it, and put into its place when it is closed to others.
        let folder = path.parent().unwrap_or(Path::new("."));
        let hidden = tempfile::Builder::new().prefix(".s").rand_bytes(4).tempdir_in(folder)?;
        let made = hidden.path().join("s");
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        fs::rename(&made, &path)?;
        Ok(Self { listener, path })
    }

    /// Answers until this is dropped.
    pub(crate) async fn serve_requests(self, store: SharedStore, clock: Clock) {
        let tasks = TaskTracker::new();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tasks.spawn(answer_request(stream, SharedStore::clone(&store), clock.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a command could not be taken");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // The next one replaces it anyway.
        fs::remove_file(&self.path).ok();
    }
}

/// Does what one asks for and answers it.
async fn answer_request(stream: UnixStream, store: SharedStore, clock: Clock) {
    let Ok(Ok((request, stream))) =
        tokio::time::timeout(REQUEST_TIMEOUT, read_request(stream)).await
    else {
        return;
    };
    let done = perform_request(&store, &clock, &request).await;
    let answer: ControlAnswer = done.map_err(|error| format!("{error:#}"));
    // Whoever asked may have gone.
    write_answer(stream, &answer).await.ok();
}

async fn read_request(stream: UnixStream) -> io::Result<(ControlRequest, UnixStream)> {
    let mut reader = BufReader::new(stream).take(MAX_REQUEST_BYTES);
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    Ok((serde_json::from_str(&line)?, reader.into_inner().into_inner()))
}

async fn write_answer(mut stream: UnixStream, answer: &ControlAnswer) -> io::Result<()> {
    stream.write_all(&serde_json::to_vec(answer)?).await?;
    stream.shutdown().await
}

/// Asks a running bridge; `None` if none runs there.
pub async fn ask_bridge(path: &Path, request: &ControlRequest) -> anyhow::Result<Option<String>> {
    let mut stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        // Nobody has ever listened, or whoever did was killed.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("ask {}", path.display())),
    };
    let mut answer = Vec::new();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let answered = async {
        stream.write_all(&line).await?;
        stream.read_to_end(&mut answer).await
    };
    // Not as an error of the system: one that is about a closed pipe counts as success where
    // nobody reads our output.
    let stopped = "the bridge has stopped before it answered";
    answered.await.map_err(|error| anyhow::anyhow!("{stopped}: {error}"))?;
    let answer: ControlAnswer = serde_json::from_slice(&answer).context(stopped)?;
    answer.map(Some).map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bridge_that_stops_before_it_answers_is_an_error_and_no_closed_output() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.db.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let stops = async {
            drop(listener.accept().await.unwrap());
            drop(listener);
        };
        let (error, ()) = tokio::join!(ask_bridge(&path, &ControlRequest::Parked), stops);
        let error = error.unwrap_err();
        assert!(error.downcast_ref::<io::Error>().is_none(), "{error:#}");
        assert!(error.to_string().contains("stopped before it answered"), "{error:#}");
    }
}
