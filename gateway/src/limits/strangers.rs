//! Sockets that are not authenticated yet, by client address.
//!
//! After an outage hundreds of clients behind one address may come back in the same moment, each without a session for
//! as long as its hello takes. So a socket too many waits as long as places become free again; where none does, as
//! those that hold them say nothing, it is refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::network::network;

/// Sockets without a session that one address may hold at a time.
const MAX_STRANGERS: usize = 60;
/// How long a place is waited for when none becomes free.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a place is waited for at all.
const AT_MOST: Duration = Duration::from_secs(10);

struct Address {
    places: Arc<Semaphore>,
    /// When a place became free, or there were plenty.
    moved: Instant,
}

type Addresses = Arc<Mutex<HashMap<IpAddr, Address>>>;

/// The places of each address; no more entries than sockets.
#[derive(Default)]
pub(super) struct Strangers(Addresses);

/// A socket's place among those of its address, until it is dropped.
pub(crate) struct Stranger {
    addresses: Addresses,
    network: IpAddr,
    place: Option<OwnedSemaphorePermit>,
}

impl Strangers {
    /// A place for one more; none when the address has them all and keeps them.
    pub(super) async fn admit(&self, ip: IpAddr) -> Option<Stranger> {
        let network = network(ip);
        let last = Instant::now() + AT_MOST;
        let stranger = |place| {
            let (addresses, place) = (Arc::clone(&self.0), Some(place));
            Stranger { addresses, network, place }
        };
        loop {
            let (places, moved) = {
                let mut addresses = self.0.lock();
                let address = addresses.entry(network).or_insert_with(Address::new);
                if address.places.available_permits() > MAX_STRANGERS / 2 {
                    address.moved = Instant::now();
                }
                let places = Arc::clone(&address.places);
                match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => return Some(stranger(place)),
                    Err(_) => (places, address.moved),
                }
            };
            let deadline = last.min(moved + PATIENCE);
            if deadline <= Instant::now() {
                return None;
            }
            if let Ok(Ok(place)) = timeout_at(deadline, places.acquire_owned()).await {
                return Some(stranger(place));
            }
        }
    }
}

impl Address {
    fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_STRANGERS)), moved: Instant::now() }
    }

    /// No socket holds a place and none waits for one.
    fn is_deserted(&self) -> bool {
        Arc::strong_count(&self.places) == 1 && self.places.available_permits() == MAX_STRANGERS
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock();
        // Under the lock, so that who looks at the entry sees it as it is.
        self.place = None;
        if let Some(address) = addresses.get_mut(&self.network) {
            address.moved = Instant::now();
            if address.is_deserted() {
                addresses.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fill(strangers: &Strangers, ip: IpAddr) -> Vec<Stranger> {
        let mut held = Vec::new();
        for _ in 0..MAX_STRANGERS {
            held.push(strangers.admit(ip).await.unwrap());
        }
        held
    }

    #[tokio::test]
    async fn an_address_has_so_many_places_and_they_come_back() {
        let strangers = Strangers::default();
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        let mut held = fill(&strangers, one).await;
        let begun = Instant::now();
        assert!(strangers.admit(neighbour).await.is_none());
        assert!(begun.elapsed() <= PATIENCE * 2);
        // From now on no socket is waited for.
        let begun = Instant::now();
        assert!(strangers.admit(one).await.is_none());
        assert!(begun.elapsed() < Duration::from_millis(10));
        assert!(strangers.admit(other).await.is_some());
        held.pop();
        held.push(strangers.admit(neighbour).await.unwrap());
        drop(held);
        assert!(strangers.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_crowd_that_comes_back_comes_in() {
        let strangers = Strangers::default();
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let each = (0..2_000).map(|_| async {
            let place = strangers.admit(ip).await;
            tokio::task::yield_now().await;
            place.is_some()
        });
        let came = futures_util::future::join_all(each).await;
        assert!(came.into_iter().all(|came| came));
        assert!(strangers.0.lock().is_empty());
    }
}
