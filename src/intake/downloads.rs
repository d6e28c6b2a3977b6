//! How many files are handed out at once: to all, to each address, and of each file.
//!
//! A download lasts as long as its reader takes, and the address of a file may be in anybody's
//! hands. So downloads have a bound of their own, far below that of connections, and nobody can
//! have them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, StreamExt, stream};

use crate::media::{FileUnavailable, is_public};
use crate::telemetry::FileOnItsWay;

/// The part of all downloads that one file may have. A player asks for a few pieces at once.
const PER_FILE: usize = 8;
/// The part of all downloads that one address may have.
const PER_ADDRESS: usize = 4;

/// Who or what takes a part of the downloads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum DownloadShare {
    All,
    Address(IpAddr),
    File(String),
}

/// The downloads under way.
#[derive(Clone, Debug)]
pub(crate) struct Downloads {
    taken: Arc<Mutex<HashMap<DownloadShare, usize>>>,
    most: usize,
}

/// A download, until this is dropped.
#[derive(Debug)]
pub(super) struct Download {
    taken: Arc<Mutex<HashMap<DownloadShare, usize>>>,
    shares: Vec<DownloadShare>,
}

impl Downloads {
    /// At most so many at once.
    pub(crate) fn new(most: usize) -> Self {
        Self { taken: Arc::default(), most }
    }

    /// Begins one, or does not because there are too many.
    pub(super) fn begin_download(&self, peer: Option<IpAddr>, token: &str) -> Option<Download> {
        let address = peer.and_then(to_client_address).map(DownloadShare::Address);
        let shares =
            [DownloadShare::All, DownloadShare::File(token.to_owned())].into_iter().chain(address);
        let shares: Vec<DownloadShare> = shares.collect();
        let mut taken = lock_counts(&self.taken);
        let has_room = |share| taken.get(share).copied().unwrap_or_default() < self.limit_of(share);
        // All shares are looked at before one is taken, under one lock: a refusal takes nothing.
        if !shares.iter().all(has_room) {
            return None;
        }
        for share in &shares {
            *taken.entry(share.clone()).or_default() += 1;
        }
        drop(taken);
        Some(Download { taken: Arc::clone(&self.taken), shares })
    }

    fn limit_of(&self, share: &DownloadShare) -> usize {
        match share {
            DownloadShare::All => self.most,
            DownloadShare::Address(_) => self.most.div_ceil(PER_ADDRESS),
            DownloadShare::File(_) => self.most.div_ceil(PER_FILE),
        }
    }
}

impl Download {
    /// Keeps it until these bytes have come to their end or nobody wants them any more, and notes
    /// which. There are `length` of them, if that is known.
    pub(super) fn hold_during<E>(
        self,
        bytes: impl Stream<Item = Result<Vec<u8>, E>>,
        length: Option<u64>,
        on_its_way: FileOnItsWay,
    ) -> impl Stream<Item = Result<Vec<u8>, E>> {
        let start = (Box::pin(bytes), self, on_its_way);
        stream::unfold(start, move |(mut bytes, download, mut on_its_way)| async move {
            let Some(piece) = bytes.next().await else {
                if length.is_none() {
                    on_its_way.end_whole();
                }
                return None;
            };
            match &piece {
                Ok(piece) => on_its_way.pass_bytes(piece.len() as u64),
                Err(_lost) => on_its_way.end_as(FileUnavailable::Later.code().unwrap_or_default()),
            }
            // Who sends a body of known length (hyper) does not ask for more when all of it has gone.
            if length.is_some_and(|length| on_its_way.passed_bytes() >= length) {
                on_its_way.end_whole();
            }
            Some((piece, (bytes, download, on_its_way)))
        })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut taken = lock_counts(&self.taken);
        for share in self.shares.drain(..) {
            // Removed at nothing, or the map would keep each address that ever came.
            let left = taken.remove(&share).unwrap_or_default().saturating_sub(1);
            if left > 0 {
                taken.insert(share, left);
            }
        }
    }
}

/// The address that one stranger has: in version 6 a whole network. None for one that is not
/// public: that is a proxy, and many are behind it.
fn to_client_address(peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    is_public(peer).then(|| match peer {
        IpAddr::V4(_) => peer,
        // Anybody with a line of version 6 has a /64 of addresses to come from.
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    })
}

fn lock_counts<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these downloads can be under way at once.
    fn at_once(most: usize, wanted: &[(&str, &str)]) -> usize {
        let downloads = Downloads::new(most);
        let begin =
            |(peer, token): &(&str, &str)| downloads.begin_download(peer.parse().ok(), token);
        let under_way: Vec<_> = wanted.iter().filter_map(begin).collect();
        let count = under_way.len();
        drop(under_way);
        assert!(lock_counts(&downloads.taken).is_empty(), "all is given back");
        count
    }

    #[test]
    fn nobody_can_have_all_downloads() {
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let addresses: Vec<String> = (0..100).map(|number| format!("8.8.8.{number}")).collect();
        let networks: Vec<String> = (0..100).map(|number| format!("2a00:1::{number}")).collect();
        let with = |peers: &[String], tokens: &[String]| {
            let one = "x".to_owned();
            let nth = |of: &[String], n: usize| of.get(n).unwrap_or(&one).clone();
            let all: Vec<_> = (0..100).map(|n| (nth(peers, n), nth(tokens, n))).collect();
            let all: Vec<_> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            at_once(64, &all)
        };
        assert_eq!(with(&addresses, &names), 64);
        assert_eq!(with(&addresses, &[]), 8, "one file");
        assert_eq!(with(&vec!["8.8.8.8".to_owned(); 100], &names), 16, "one address");
        assert_eq!(with(&networks, &names), 16, "one network of version 6");
        assert_eq!(with(&vec!["::ffff:8.8.8.8".to_owned(); 100], &names), 16);
        assert_eq!(with(&vec!["10.0.0.1".to_owned(); 100], &names), 64, "a proxy");
        assert_eq!(with(&[], &names), 64, "nobody knows from where");
    }

    #[test]
    fn however_few_there_are_each_file_can_be_had() {
        assert_eq!(at_once(1, &[("8.8.8.8", "a"), ("8.8.8.8", "a")]), 1);
        assert_eq!(at_once(0, &[("8.8.8.8", "a")]), 0);
    }
}
