//! What stands between the bridge and a PostgreSQL server, and has all the trouble of one: it loses
//! connections before or after something is committed, refuses, and is slow.
//!
//! It reads the frames of the protocol as far as needed to know where one exchange ends: what a client
//! has asked, up to its `Sync` or as one simple query, and the answer up to `ReadyForQuery`
//! (<https://www.postgresql.org/docs/current/protocol-flow.html>).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

/// Asks for encryption, before anything else is said.
const SSL_REQUEST: u32 = 80_877_103;
/// Asks that another connection's statement be given up.
const CANCEL_REQUEST: u32 = 80_877_102;

/// On which side of what the server does a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutMoment {
    /// The server has not heard of it.
    Before,
    /// It is done, and nobody is told.
    After,
}

/// Forwards to the server of an address until it is dropped.
pub struct DatabaseProxy {
    url: String,
    trouble: Arc<Trouble>,
    _server: AbortOnDropHandle<()>,
}

/// What is wrong at present.
struct Trouble {
    exchanges: AtomicUsize,
    refusals: AtomicUsize,
    cut_at: Mutex<Option<(usize, CutMoment)>>,
    /// The code with which everything is refused, as well as new connections.
    refusal: Mutex<Option<&'static str>>,
    delay: Mutex<Duration>,
    /// Connections of an earlier generation are lost.
    generation: watch::Sender<u64>,
}

impl DatabaseProxy {
    /// Stands before the server of this address.
    #[expect(clippy::disallowed_methods, reason = "it ends with its handle")]
    pub async fn start(server: &str) -> Self {
        let mut url = Url::parse(server).unwrap();
        let host = url.host_str().unwrap().to_owned();
        let target = (host, url.port().unwrap_or(5432));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let trouble = Arc::new(Trouble {
            exchanges: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            cut_at: Mutex::default(),
            refusal: Mutex::default(),
            delay: Mutex::default(),
            generation: watch::Sender::new(0),
        });
        let accepting = accept(listener, target, Arc::clone(&trouble));
        let server = AbortOnDropHandle::new(tokio::spawn(accepting));
        Self { url: url.to_string(), trouble, _server: server }
    }

    /// Its own address, with all else as it was.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How much the server was asked since [`DatabaseProxy::cut_at`], or in all.
    pub fn exchanges(&self) -> usize {
        self.trouble.exchanges.load(Ordering::SeqCst)
    }

    /// Loses the connection of the exchange with this number from now on, once.
    pub fn cut_at(&self, exchange: usize, moment: CutMoment) {
        *self.trouble.cut_at.lock().unwrap() = Some((exchange, moment));
        self.trouble.exchanges.store(0, Ordering::SeqCst);
    }

    /// Whether that connection was lost.
    pub fn has_cut(&self) -> bool {
        self.trouble.cut_at.lock().unwrap().is_none()
    }

    /// Loses all connections there are.
    pub fn cut_all(&self) {
        self.trouble.generation.send_modify(|generation| *generation += 1);
    }

    /// Refuses everything with this code, or nothing any more.
    pub fn refuse(&self, code: Option<&'static str>) {
        *self.trouble.refusal.lock().unwrap() = code;
    }

    /// How often something was refused, in all.
    pub fn refusals(&self) -> usize {
        self.trouble.refusals.load(Ordering::SeqCst)
    }

    /// Takes so long for each exchange.
    pub fn delay(&self, time: Duration) {
        *self.trouble.delay.lock().unwrap() = time;
    }
}

impl Trouble {
    /// The code with which what is asked now is refused.
    fn refusal(&self) -> Option<&'static str> {
        let code = *self.refusal.lock().unwrap();
        self.refusals.fetch_add(usize::from(code.is_some()), Ordering::SeqCst);
        code
    }

    /// Whether the connection is lost on this side of this exchange.
    fn cuts(&self, exchange: usize, moment: CutMoment) -> bool {
        let mut cut_at = self.cut_at.lock().unwrap();
        cut_at.take_if(|at| *at == (exchange, moment)).is_some()
    }
}

#[expect(clippy::disallowed_methods, reason = "a connection ends with the proxy's runtime")]
async fn accept(listener: TcpListener, target: (String, u16), trouble: Arc<Trouble>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        let (target, trouble) = (target.clone(), Arc::clone(&trouble));
        let mut generation = trouble.generation.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                _lost = serve(client, target, trouble) => {}
                _changed = generation.changed() => {}
            }
        });
    }
}

/// Serves one connection until either side has gone, or it is to be lost.
async fn serve(mut client: TcpStream, target: (String, u16), trouble: Arc<Trouble>) -> Option<()> {
    let start = loop {
        let length = client.read_u32().await.ok()?;
        let mut rest = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
        client.read_exact(&mut rest).await.ok()?;
        let code = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        if code == SSL_REQUEST {
            // A server without a certificate.
            client.write_all(b"N").await.ok()?;
            continue;
        }
        if code == CANCEL_REQUEST {
            return None;
        }
        break [&length.to_be_bytes()[..], &rest].concat();
    };
    if let Some(code) = trouble.refusal() {
        return client.write_all(&refusal(code, "FATAL")).await.ok();
    }
    let mut server = TcpStream::connect(target).await.ok()?;
    server.set_nodelay(true).ok()?;
    client.set_nodelay(true).ok()?;
    server.write_all(&start).await.ok()?;
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let under_way =
        UnderWay { exchanges: Mutex::new(VecDeque::from([0])), state: Mutex::new(b'I') };
    let to_client = ToClient::new(to_client);
    tokio::select! {
        ended = ask(from_client, to_server, &under_way, &to_client, &trouble) => ended,
        ended = answer(from_server, &under_way, &to_client, &trouble) => ended,
    }
}

/// What a connection is about.
struct UnderWay {
    /// What was asked and is not answered; 0 is the start, which waits for what the client says.
    exchanges: Mutex<VecDeque<usize>>,
    /// As the server says: idle, in a transaction, in one that has failed.
    state: Mutex<u8>,
}

impl UnderWay {
    fn is_idle(&self) -> bool {
        self.exchanges.lock().unwrap().is_empty() && *self.state.lock().unwrap() == b'I'
    }
}

type ToClient = tokio::sync::Mutex<OwnedWriteHalf>;

/// A frame with its type and its length.
async fn read_frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let kind = from.read_u8().await.ok()?;
    let length = from.read_u32().await.ok()?;
    let mut frame = vec![0; usize::try_from(length).ok()? + 1];
    frame[0] = kind;
    frame[1..5].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut frame[5..]).await.ok()?;
    Some(frame)
}

/// Passes on what the client asks, one exchange at a time.
async fn ask(
    mut from: OwnedReadHalf,
    mut to_server: OwnedWriteHalf,
    under_way: &UnderWay,
    to_client: &ToClient,
    trouble: &Trouble,
) -> Option<()> {
    let mut asked = Vec::new();
    loop {
        let frame = read_frame(&mut from).await?;
        let kind = frame[0];
        asked.extend(frame);
        match kind {
            // A password, and a farewell.
            b'p' | b'X' => to_server.write_all(&std::mem::take(&mut asked)).await.ok()?,
            b'S' | b'Q' => {
                let asked = std::mem::take(&mut asked);
                let number = trouble.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
                let delay = *trouble.delay.lock().unwrap();
                tokio::time::sleep(delay).await;
                if let Some(code) = trouble.refusal() {
                    if !under_way.is_idle() {
                        // In the middle of something: as a server that gives up.
                        return None;
                    }
                    let refusal = [refusal(code, "ERROR"), b"Z\0\0\0\x05I".to_vec()].concat();
                    to_client.lock().await.write_all(&refusal).await.ok()?;
                    continue;
                }
                if trouble.cuts(number, CutMoment::Before) {
                    return None;
                }
                under_way.exchanges.lock().unwrap().push_back(number);
                to_server.write_all(&asked).await.ok()?;
            }
            _ => {}
        }
    }
}

/// Passes on what the server answers; of an exchange all at once, when it is over.
async fn answer(
    mut from: OwnedReadHalf,
    under_way: &UnderWay,
    to_client: &ToClient,
    trouble: &Trouble,
) -> Option<()> {
    let mut answered = Vec::new();
    loop {
        let frame = read_frame(&mut from).await?;
        let is_end = frame[0] == b'Z';
        if is_end {
            *under_way.state.lock().unwrap() = frame[5];
        }
        answered.extend(frame);
        let current = {
            let mut exchanges = under_way.exchanges.lock().unwrap();
            if is_end { exchanges.pop_front() } else { exchanges.front().copied() }
        };
        // The start has questions of its own, and notifications belong to nothing.
        if is_end || matches!(current, None | Some(0)) {
            if is_end && current.is_some_and(|number| trouble.cuts(number, CutMoment::After)) {
                return None;
            }
            to_client.lock().await.write_all(&std::mem::take(&mut answered)).await.ok()?;
        }
    }
}

/// An error as the server tells it.
fn refusal(code: &str, severity: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mthe tests have it so\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}
