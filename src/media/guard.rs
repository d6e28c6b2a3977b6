//! Where we may go for a file whose address a stranger chose.
//!
//! An address is judged twice: as it is written, and, where it names a host, by each network
//! address that the name stands for at the moment of connecting. Only what passes is connected to,
//! so a name that changes its meaning between the two gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses may be gone to.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddressGuard {
    loopback: bool,
}

/// A host's name stands for no address that we may go to.
#[derive(Debug)]
pub(super) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has no public address")
    }
}

impl std::error::Error for AddressRefused {}

impl AddressGuard {
    /// Public addresses only and, for tests, this machine itself, without encryption.
    pub fn new(loopback: bool) -> Self {
        Self { loopback }
    }

    /// Whether this address may be asked for a file, as far as it shows.
    pub fn may_fetch(&self, url: &Url) -> bool {
        if self.loopback && is_loopback(url) {
            return matches!(url.scheme(), "http" | "https");
        }
        let host = match url.host() {
            Some(Host::Ipv4(ip)) => self.may_connect(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => self.may_connect(IpAddr::V6(ip)),
            // What a name stands for is judged when it is resolved, right before connecting: judged
            // here, it could be another address by then.
            Some(Host::Domain(name)) => !name.is_empty(),
            None => false,
        };
        // A name and password in an address are somebody's, and would be sent to whatever host it
        // names.
        host && url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
    }

    fn may_connect(self, ip: IpAddr) -> bool {
        self.loopback && ip.is_loopback() || is_public(ip)
    }
}

/// Whether an address is one of the open network.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> =
                // A host may have public and private addresses. The private ones are left out and
                // not held against it: only what is left is connected to.
                all.filter(|address| guard.may_connect(address.ip())).collect();
            if admitted.is_empty() {
                return Err(AddressRefused.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is on this machine, as far as it shows.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether an address is one of the open network (IANA's registry of special addresses).
#[expect(clippy::unnested_or_patterns, reason = "a line for each block of addresses")]
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        [0 | 10 | 127, ..]
        | [100, 64..=127, ..]
        | [169, 254, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..]
        // Azure's own services answer every machine here, like 169.254.169.254 elsewhere.
        | [168, 63, 129, 16] => true,
        _ => false,
    };
    !special
}

/// The open network is `2000::/3`, without tunnels to what may be anything and documentation.
/// An address that holds one of version 4 is as good as that one.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let tail = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            tail(high, low)
        }
        // 6to4: the packets go to the address of version 4 that is written in it.
        [0x2002, high, low, ..] => tail(high, low),
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: AddressGuard = AddressGuard { loopback: false };

    fn admits(guard: AddressGuard, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| guard.may_fetch(&url))
    }

    #[test]
    fn public_addresses_are_admitted() {
        for address in [
            "https://media.blip.ai/a.jpg",
            "https://8.8.8.8/a",
            "https://[2606:4700::1111]/a",
            "https://[64:ff9b::808:808]/a",
            "https://blipmediastore.blob.core.windows.net/x?sig=1",
        ] {
            assert!(admits(OPEN, address), "{address}");
        }
    }

    #[test]
    fn files_are_fetched_from_public_addresses_only() {
        for address in [
            "http://media.blip.ai/a.jpg",
            "ftp://media.blip.ai/a.jpg",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://user:word@media.blip.ai/a",
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://0x7f.1/a",
            "https://0177.0.0.1/a",
            "https://0/a",
            "https://10.1.2.3/a",
            "https://100.100.100.200/a",
            "https://169.254.169.254/latest/meta-data",
            "https://168.63.129.16/a",
            "https://172.16.0.1/a",
            "https://192.168.1.1/a",
            "https://198.18.0.1/a",
            "https://224.0.0.1/a",
            "https://255.255.255.255/a",
            "https://[::1]/a",
            "https://[::]/a",
            "https://[::ffff:127.0.0.1]/a",
            "https://[::ffff:169.254.169.254]/a",
            "https://[64:ff9b::a00:1]/a",
            "https://[2002:a00:1::]/a",
            "https://[2001::1]/a",
            "https://[2001:db8::1]/a",
            "https://[fc00::1]/a",
            "https://[fd00:ec2::254]/a",
            "https://[fe80::1]/a",
            "https://[ff02::1]/a",
        ] {
            assert!(!admits(OPEN, address), "{address}");
        }
    }

    #[test]
    fn this_machine_is_admitted_only_if_that_is_wanted() {
        let guard = AddressGuard::new(true);
        assert!(admits(guard, "http://127.0.0.1:9/a") && admits(guard, "http://[::1]/a"));
        assert!(!admits(guard, "http://10.0.0.1/a") && !admits(guard, "http://8.8.8.8/a"));
        assert!(!admits(AddressGuard::new(false), "http://127.0.0.1:9/a"));
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_stands_for() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(OPEN.resolve(name()).await.is_err_and(|error| error.is::<AddressRefused>()));
        assert!(AddressGuard { loopback: true }.resolve(name()).await.is_ok());
    }
}
