//! Asks a running bridge on this machine whether it is alive, as container engines want to know.
//!
//! An image that holds the program alone has no other one to ask with.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::Context;

/// How long it may take to answer; `/healthz` waits for nothing but a free connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// Longer than any status line of `/healthz`.
const STATUS_LINE: u64 = 64;

/// Fails unless the bridge that listens on `HOST` and `PORT` answers that it is alive.
pub fn ask(host: &str, port: u16) -> anyhow::Result<()> {
    let address = address_of(host, port)?;
    let status = status_line(address).with_context(|| format!("ask http://{address}/healthz"))?;
    let answer = status.trim_end();
    anyhow::ensure!(status.contains(" 200 "), "http://{address}/healthz answers {answer:?}");
    Ok(())
}

fn status_line(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(STATUS_LINE)).read_line(&mut line)?;
    Ok(line)
}

/// Where to reach who listens there: on every address means on the loopback one, too.
fn address_of(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let mut found = (host, port).to_socket_addrs().context("HOST: look up the address")?;
    let mut address = found.next().context("HOST has no address")?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_on_every_address_is_asked_on_the_loopback_one() {
        for (host, address) in [
            ("0.0.0.0", "127.0.0.1:3000"),
            ("::", "[::1]:3000"),
            ("127.0.0.1", "127.0.0.1:3000"),
            ("10.1.2.3", "10.1.2.3:3000"),
        ] {
            assert_eq!(address_of(host, 3000).unwrap().to_string(), address);
        }
    }
}
