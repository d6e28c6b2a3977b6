//! Sends ready requests over connections that stay open, with as little effort as possible: what
//! the sender uses of the machine is missing to those who are measured.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many connections a load comes over; each waits for its answer before it sends on.
pub const CONNECTIONS: usize = 64;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(1024) })
    }

    /// Sends a request and waits for its answer, which must be `200`.
    pub async fn send(&mut self, request: &[u8]) -> Result<()> {
        let exchange = async {
            self.write(request).await?;
            self.read().await
        };
        tokio::time::timeout(PATIENCE, exchange).await.context("no answer")??;
        let answer = String::from_utf8_lossy(&self.answer);
        ensure!(answer.starts_with("HTTP/1.1 200 "), "not accepted: {answer}");
        Ok(())
    }

    async fn write(&self, mut request: &[u8]) -> Result<()> {
        while !request.is_empty() {
            self.stream.writable().await?;
            if let Some(written) = unless_blocked(self.stream.try_write(request))? {
                request = request.get(written..).unwrap_or_default();
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        self.answer.clear();
        while !is_complete(&self.answer) {
            self.stream.readable().await?;
            let read = unless_blocked(self.stream.try_read_buf(&mut self.answer))?;
            ensure!(read != Some(0), "the connection was closed");
        }
        Ok(())
    }
}

fn unless_blocked(result: std::io::Result<usize>) -> Result<Option<usize>> {
    match result {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether an answer is there to its end.
fn is_complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let (head, body) = answer.split_at(end + 4);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    match length {
        Some(length) => length.trim().parse().is_ok_and(|length: usize| body.len() >= length),
        None => body.ends_with(b"0\r\n\r\n"),
    }
}

/// Sends all requests and waits until the last one is acknowledged. The first is sent over the
/// first connection, the second over the second, and so on, round and round.
pub async fn send_all(address: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Duration> {
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); CONNECTIONS];
    for (number, request) in requests.into_iter().enumerate() {
        shares.get_mut(number % CONNECTIONS).context("one share each")?.push(request);
    }
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(address).await?);
    }
    let begin = Instant::now();
    let mut senders = JoinSet::new();
    for (mut connection, share) in connections.into_iter().zip(shares) {
        senders.spawn(async move {
            for request in &share {
                connection.send(request).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    Ok(begin.elapsed())
}
