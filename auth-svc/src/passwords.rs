//! Hashing and checking passwords, off the threads that serve requests.
//!
//! bcrypt keeps a core busy for a quarter of a second at cost 12. A few threads of their own do that work
//! from a bounded queue. When it is full, or an answer would come after its asker has gone, the asker is
//! told to come back instead of waiting without end. The threads yield to all others, so that chat goes on
//! undisturbed by a storm of logins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use schemas::{Code, Rejection};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::failure::unavailable;
use crate::metrics::PasswordMetrics;

/// Passwords that may wait.
const QUEUE: usize = 64;
/// Longest password in bytes; bcrypt looks at no more.
const MAX_PASSWORD: usize = 72;
/// How far the threads step back behind others that want a core (0 not at all, 19 most).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// Longest time an asker is told to wait, in seconds.
const MAX_RETRY_AFTER: u64 = 30;

type Job = Box<dyn FnOnce() + Send>;

/// The hashing threads. Clones share them; they end when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
    cost: u32,
    threads: u64,
    /// How long the last job took, in milliseconds: what a place in the queue costs.
    last_ms: Arc<AtomicU64>,
    metrics: PasswordMetrics,
    /// A hash of nothing anybody knows: checking against it takes as long as against a real one.
    dummy: Arc<str>,
}

impl Passwords {
    /// Starts one thread per core and makes the dummy hash, which blocks for as long as a hash takes.
    ///
    /// # Errors
    /// The cost is not one bcrypt takes (4 to 31), or a thread cannot be started.
    pub(crate) fn start(cost: u32, metrics: PasswordMetrics) -> std::io::Result<Self> {
        let unknown: [u8; 32] = rand::random();
        let begun = Instant::now();
        let dummy = bcrypt::hash(unknown, cost).map_err(std::io::Error::other)?;
        let last_ms = Arc::new(AtomicU64::new(millis(begun.elapsed())));
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let cores = thread::available_parallelism().map_or(2, usize::from);
        for number in 0..cores {
            let queue = Arc::clone(&queue);
            let builder = thread::Builder::new().name(format!("bcrypt-{number}"));
            builder.spawn(move || work(&queue))?;
        }
        let threads = u64::try_from(cores).unwrap_or(1);
        Ok(Self { jobs, cost, threads, last_ms, metrics, dummy: dummy.into() })
    }

    /// Whether another password can wait. Asked first, so that in a storm the surplus costs as little as it
    /// can: nothing is looked up for who is turned away.
    ///
    /// # Errors
    /// `unavailable` when the queue is full.
    pub(crate) fn has_room(&self) -> Result<(), Rejection> {
        let waiting = usize::try_from(self.metrics.waiting()).unwrap_or(0);
        if waiting < QUEUE { Ok(()) } else { Err(self.busy()) }
    }

    /// Hashes a password of at most 72 bytes.
    ///
    /// # Errors
    /// `unavailable` when the queue is full or the hash would not be there by `until`.
    pub(crate) async fn hash(&self, password: &str, until: Instant) -> Result<String, Rejection> {
        let (password, cost) = (password.to_owned(), self.cost);
        self.run(until, move || bcrypt::hash(password, cost)).await?.map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Rejection::new(Code::Internal, "the password could not be hashed")
        })
    }

    /// Whether a password belongs to a hash. Without a hash it takes as long and answers no, as it does
    /// for a password bcrypt would cut (over 72 bytes, or with a NUL).
    ///
    /// # Errors
    /// `unavailable` when the queue is full or the answer would not be there by `until`.
    pub(crate) async fn verify(
        &self,
        password: &str,
        hash: Option<&str>,
        until: Instant,
    ) -> Result<bool, Rejection> {
        let possible = password.len() <= MAX_PASSWORD && !password.contains('\0');
        let (hash, possible) = match hash {
            Some(hash) if possible => (hash.to_owned(), true),
            _ => (self.dummy.as_ref().to_owned(), false),
        };
        let end = password.floor_char_boundary(MAX_PASSWORD);
        let password = password.get(..end).unwrap_or_default().to_owned();
        let fits = self.run(until, move || bcrypt::verify(password, &hash)).await?;
        Ok(possible && fits.unwrap_or(false))
    }

    /// Whether a hash was made at another cost than is configured now.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
        cost != Some(self.cost)
    }

    async fn run<T: Send + 'static>(
        &self,
        until: Instant,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let (answer, answered) = oneshot::channel();
        let (metrics, last_ms) = (self.metrics.clone(), Arc::clone(&self.last_ms));
        let job: Job = Box::new(move || {
            metrics.taken();
            // Whoever asked may have gone; then nobody waits for the result, and it is not made.
            if answer.is_closed() {
                return;
            }
            let begun = Instant::now();
            let result = job();
            last_ms.store(millis(begun.elapsed()), Ordering::Relaxed);
            metrics.done(begun.elapsed());
            let _ = answer.send(result);
        });
        self.metrics.queued();
        if self.jobs.try_send(job).is_err() {
            self.metrics.taken();
            return Err(self.busy());
        }
        match timeout_at(until, answered).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(unavailable("the password could not be checked")),
            Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> Rejection {
        self.metrics.refused();
        let ahead = u64::try_from(self.metrics.waiting()).unwrap_or(0);
        let wait = ahead * self.last_ms.load(Ordering::Relaxed) / self.threads / 1000;
        let seconds = u32::try_from(wait.clamp(1, MAX_RETRY_AFTER)).unwrap_or(1);
        unavailable("too many passwords are being checked").retry_after(seconds)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn work(queue: &Mutex<Receiver<Job>>) {
    // On Linux this is about the calling thread alone. Elsewhere it would be about the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
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

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn start() -> Passwords {
        Passwords::start(4, PasswordMetrics::default()).unwrap()
    }

    #[tokio::test]
    async fn passwords_are_told_apart_and_cut_ones_refused() {
        let passwords = start();
        let long = "x".repeat(72);
        let hash = passwords.hash(&long, soon()).await.unwrap();
        assert_eq!(passwords.verify(&long, Some(&hash), soon()).await, Ok(true));
        let longer = format!("{long}y");
        assert_eq!(passwords.verify(&longer, Some(&hash), soon()).await, Ok(false));
        assert_eq!(passwords.verify("other", Some(&hash), soon()).await, Ok(false));
        assert_eq!(passwords.verify(&long, None, soon()).await, Ok(false));
        let huge = "ü".repeat(500_000);
        assert_eq!(passwords.verify(&huge, Some(&hash), soon()).await, Ok(false));
        assert!(!passwords.is_outdated(&hash));
        assert!(passwords.is_outdated(&hash.replace("$04$", "$05$")));
    }

    /// Keeps every thread busy until what it returns is dropped.
    async fn block(passwords: &Passwords) -> std::sync::mpsc::Sender<()> {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (released, busy) = (Arc::new(Mutex::new(released)), Arc::new(AtomicU64::new(0)));
        for _ in 0..passwords.threads {
            let (passwords, released, busy) =
                (passwords.clone(), Arc::clone(&released), Arc::clone(&busy));
            tokio::spawn(async move {
                let wait = move || {
                    busy.fetch_add(1, Ordering::SeqCst);
                    let _ = released.lock().recv();
                };
                passwords.run(soon(), wait).await
            });
        }
        while busy.load(Ordering::SeqCst) < passwords.threads {
            tokio::task::yield_now().await;
        }
        release
    }

    #[tokio::test]
    async fn a_full_queue_answers_at_once() {
        let passwords = start();
        let release = block(&passwords).await;
        let mut asked = Vec::new();
        for _ in 0..QUEUE {
            let passwords = passwords.clone();
            asked.push(tokio::spawn(async move { passwords.hash("correct horse", soon()).await }));
        }
        while passwords.metrics.waiting() < i64::try_from(QUEUE).unwrap() {
            tokio::task::yield_now().await;
        }
        let refused = passwords.hash("correct horse", soon()).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (Code::Unavailable, Some(1)));
        assert_eq!(passwords.has_room(), Err(refused));
        drop(release);
        for answer in asked {
            assert!(answer.await.unwrap().is_ok());
        }
        assert_eq!(passwords.metrics.waiting(), 0);
    }

    #[tokio::test]
    async fn who_cannot_be_answered_in_time_is_told_so() {
        let passwords = start();
        let release = block(&passwords).await;
        let refused = passwords.hash("correct horse", Instant::now()).await;
        assert_eq!(refused.map_err(|rejection| rejection.code), Err(Code::Unavailable));
        drop(release);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_threads_step_back_and_others_do_not() {
        let passwords = start();
        let release = block(&passwords).await;
        let (mut hashing, mut own) = (Vec::new(), Vec::new());
        for thread in std::fs::read_dir("/proc/self/task").unwrap() {
            // pid (name) and then, among others, the niceness as the 17th.
            let Ok(stat) = std::fs::read_to_string(thread.unwrap().path().join("stat")) else {
                continue;
            };
            let (name, rest) = stat.rsplit_once(") ").unwrap();
            let niceness: i32 = rest.split(' ').nth(16).unwrap().parse().unwrap();
            if name.contains("(bcrypt-") { hashing.push(niceness) } else { own.push(niceness) }
        }
        let least = own.iter().min().copied().unwrap();
        assert!(least < NICENESS && hashing.contains(&NICENESS), "{own:?} {hashing:?}");
        drop(release);
    }

    #[test]
    fn a_cost_bcrypt_does_not_take_is_refused_at_the_start() {
        for cost in [3, 32] {
            assert!(Passwords::start(cost, PasswordMetrics::default()).is_err());
        }
    }
}
