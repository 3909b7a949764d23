//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::site::Site;

/// How many clients are told at the same time that there are too many. It takes a moment, in which a flood would fill the memory.
const FAREWELLS: usize = 100;

/// Counts connections. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Connections {
    most: usize,
    most_per_address: usize,
    counts: Arc<Mutex<Counts>>,
    farewells: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<Site, usize>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// `limits.max_connections` is reached.
    #[error("limits.max_connections is reached")]
    Total,
    /// `limits.max_connections_per_address` is reached.
    #[error("limits.max_connections_per_address is reached")]
    Address,
}

/// One connection's place: given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    address: Option<Site>,
    counts: Arc<Mutex<Counts>>,
}

impl Connections {
    /// Bounds from the configuration.
    pub fn new(limits: &crate::config::Limits) -> Self {
        Self {
            most: limits.max_connections,
            most_per_address: limits.max_connections_per_address,
            counts: Arc::default(),
            farewells: Arc::new(Semaphore::new(FAREWELLS)),
        }
    }

    /// Leave to tell a client that is not taken why. None: too many are being told already.
    pub fn farewell(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.farewells).try_acquire_owned().ok()
    }

    /// Takes a place for a connection; one over a Unix socket has no address and counts only in the total.
    pub fn admit(&self, peer: Option<IpAddr>) -> Result<Place, Full> {
        let address = peer.map(Site::of);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.most {
            return Err(Full::Total);
        }
        if let Some(address) = address {
            let count = counts.by_address.entry(address).or_default();
            if self.most_per_address != 0 && *count >= self.most_per_address {
                return Err(Full::Address);
            }
            *count = count.saturating_add(1);
        }
        counts.total = counts.total.saturating_add(1);
        Ok(Place {
            address,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(count) = counts.by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max_connections: usize, max_connections_per_address: usize) -> Connections {
        Connections::new(&crate::config::Limits {
            max_connections,
            max_connections_per_address,
            ..Default::default()
        })
    }

    #[test]
    fn places_are_taken_and_given_back() {
        let all = connections(3, 2);
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let first = all.admit(ip("192.0.2.1")).unwrap();
        let _second = all.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(all.admit(ip("192.0.2.1")).err(), Some(Full::Address));
        let third = all.admit(None).unwrap();
        assert_eq!(all.admit(None).err(), Some(Full::Total));
        drop(first);
        assert!(all.admit(ip("192.0.2.1")).is_ok());
        drop(third);
        assert_eq!(all.counts.lock().unwrap().total, 1);
    }

    #[test]
    fn not_everybody_is_told() {
        let all = connections(1, 1);
        let told: Vec<_> = (0..FAREWELLS).map_while(|_| all.farewell()).collect();
        assert_eq!((told.len(), all.clone().farewell().is_none()), (FAREWELLS, true));
        drop(told);
        assert!(all.farewell().is_some());
    }

    #[test]
    fn a_slash_64_is_one_address_and_0_is_no_bound() {
        let all = connections(10, 1);
        let _place = all.admit("2001:db8::1".parse().ok()).unwrap();
        assert_eq!(all.admit("2001:db8::2".parse().ok()).err(), Some(Full::Address));
        assert!(all.admit("2001:db8:0:1::1".parse().ok()).is_ok());
        let free = connections(10, 0);
        let places: Vec<_> = (0..10).map_while(|_| free.admit("192.0.2.1".parse().ok()).ok()).collect();
        assert_eq!(places.len(), 10);
    }
}
