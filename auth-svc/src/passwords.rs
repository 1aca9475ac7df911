//! Hashing and checking passwords, off the threads that serve requests.
//!
//! bcrypt keeps a core busy for a quarter of a second at cost 12. A few threads of their own do that work
//! from a bounded queue; when it is full the asker is told to come back instead of waiting without end, and
//! chat goes on undisturbed by a storm of logins.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use parking_lot::Mutex;
use schemas::{Code, Rejection};
use telemetry::prometheus_client::metrics::gauge::Gauge;
use tokio::sync::oneshot;

use crate::failure::unavailable;

/// Passwords that may wait; at cost 12 on two cores the last of them waits eight seconds.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// The hashing threads. Clones share them; they end when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
    cost: u32,
    waiting: Gauge,
    /// A hash of nothing anybody knows: checking against it takes as long as against a real one.
    dummy: Arc<str>,
}

impl Passwords {
    /// Starts one thread per core and makes the dummy hash.
    ///
    /// # Errors
    /// The cost is not one bcrypt takes (4 to 31), or a thread cannot be started.
    pub(crate) fn start(cost: u32, waiting: Gauge) -> std::io::Result<Self> {
        let unknown: [u8; 32] = rand::random();
        let dummy = bcrypt::hash(unknown, cost).map_err(std::io::Error::other)?;
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let cores = thread::available_parallelism().map_or(2, usize::from);
        for number in 0..cores {
            let queue = Arc::clone(&queue);
            let builder = thread::Builder::new().name(format!("bcrypt-{number}"));
            builder.spawn(move || work(&queue))?;
        }
        Ok(Self { jobs, cost, waiting, dummy: dummy.into() })
    }

    /// Hashes a password of at most 72 bytes.
    ///
    /// # Errors
    /// `unavailable` when the queue is full.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Rejection> {
        let (password, cost) = (password.to_owned(), self.cost);
        self.run(move || bcrypt::hash(password, cost)).await?.map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Rejection::new(Code::Internal, "the password could not be hashed")
        })
    }

    /// Whether a password belongs to a hash. Without a hash it takes as long and answers no, as it does
    /// for a password bcrypt would cut (over 72 bytes, or with a NUL).
    ///
    /// # Errors
    /// `unavailable` when the queue is full.
    pub(crate) async fn verify(
        &self,
        password: &str,
        hash: Option<&str>,
    ) -> Result<bool, Rejection> {
        let possible = password.len() <= 72 && !password.contains('\0') && hash.is_some();
        let hash = hash.filter(|_| possible).unwrap_or(&self.dummy).to_owned();
        let end = password.floor_char_boundary(72);
        let password = password.get(..end).unwrap_or_default().to_owned();
        let fits = self.run(move || bcrypt::verify(password, &hash)).await?;
        Ok(possible && fits.unwrap_or(false))
    }

    /// Whether a hash was made at another cost than is configured now.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
        cost != Some(self.cost)
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let (answer, answered) = oneshot::channel();
        let waiting = self.waiting.clone();
        let job: Job = Box::new(move || {
            waiting.dec();
            // Whoever asked may have gone; then nobody waits for the result, and it is not made.
            if !answer.is_closed() {
                let _ = answer.send(job());
            }
        });
        self.waiting.inc();
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.jobs.try_send(job)
        {
            self.waiting.dec();
            return Err(unavailable("too many passwords are being checked").retry_after(2));
        }
        answered.await.map_err(|_| unavailable("the password could not be checked"))
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting for a job, not while doing it.
        let job = queue.lock().recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_are_told_apart_and_cut_ones_refused() {
        let passwords = Passwords::start(4, Gauge::default()).unwrap();
        let long = "x".repeat(72);
        let hash = passwords.hash(&long).await.unwrap();
        assert_eq!(passwords.verify(&long, Some(&hash)).await, Ok(true));
        assert_eq!(passwords.verify(&format!("{long}y"), Some(&hash)).await, Ok(false));
        assert_eq!(passwords.verify("other", Some(&hash)).await, Ok(false));
        assert_eq!(passwords.verify(&long, None).await, Ok(false));
        assert!(!passwords.is_outdated(&hash));
    }

    #[tokio::test]
    async fn a_full_queue_answers_at_once() {
        let passwords = Passwords::start(4, Gauge::default()).unwrap();
        let (block, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let mut waiting = Vec::new();
        let cores = thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..cores + QUEUE {
            let (passwords, blocked) = (passwords.clone(), Arc::clone(&blocked));
            waiting.push(tokio::spawn(async move {
                passwords
                    .run(move || {
                        let _ = blocked.lock().recv();
                    })
                    .await
            }));
        }
        while passwords.waiting.get() < i64::try_from(QUEUE).unwrap() {
            tokio::task::yield_now().await;
        }
        let mut refused = passwords.hash("correct horse").await;
        while refused.is_ok() {
            refused = passwords.hash("correct horse").await;
        }
        assert_eq!(refused.map_err(|r| r.code), Err(Code::Unavailable));
        drop(block);
        for job in waiting {
            let _ = job.await;
        }
    }
}
