//! Where the users of an installation connect.

use std::sync::{Arc, Mutex};

/// Where users connect, and what they share: the newest position any of them was told, so that a read sees
/// what was written before.
#[derive(Clone)]
pub struct Place {
    /// The addresses of its gateways; at least one.
    pub urls: Arc<Vec<String>>,
    /// The admin ports of those gateways, in the same order; they change with each start.
    pub operators: Arc<Mutex<Vec<String>>>,
    /// The newest position a write was answered with, as (sequence, position).
    pub newest: Arc<Mutex<(u64, String)>>,
    /// The account that was made first, which is an admin.
    pub admin: Arc<Mutex<Option<(String, String)>>>,
}

impl Place {
    /// A place with these gateways and their admin ports.
    #[must_use]
    pub fn new(urls: Vec<String>, operators: Vec<String>) -> Self {
        let operators = Arc::new(Mutex::new(operators));
        Self { urls: Arc::new(urls), operators, newest: Arc::default(), admin: Arc::default() }
    }

    /// The admin port of one of its gateways.
    #[must_use]
    pub fn operator(&self, number: usize) -> String {
        let operators = self.operators.lock().unwrap();
        operators[number % operators.len()].clone()
    }

    /// One of its gateways.
    #[must_use]
    pub fn url(&self, number: usize) -> &str {
        &self.urls[number % self.urls.len()]
    }

    /// Notes the position of a write.
    pub fn wrote(&self, position: &str) {
        let Some(sequence) = position.split(':').nth(1).and_then(|s| s.parse().ok()) else {
            return;
        };
        let mut newest = self.newest.lock().unwrap();
        if sequence >= newest.0 {
            *newest = (sequence, position.to_owned());
        }
    }
}
