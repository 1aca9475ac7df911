//! Hashing and checking passwords, off the threads that serve requests.
//!
//! bcrypt keeps a core busy for a quarter of a second at cost 12. A few threads of their own do that work
//! from a bounded queue, in which people take turns (`queue.rs`). When it is full, or an answer would come after
//! its asker has gone, the asker is told to come back instead of waiting without end. The threads yield to all
//! others, so that chat goes on undisturbed by a storm of logins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use decider::unavailable;
use schemas::values::Secret;
use schemas::{Code, Rejection};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::metrics::PasswordMetrics;
use crate::queue::{Asker, Job, Queue, Refused};

/// Passwords that may wait.
const QUEUE: usize = 64;
/// Longest password in bytes; bcrypt looks at no more.
const MAX_PASSWORD: usize = 72;
/// How far the threads step back behind others that want a core (0 not at all, 19 most).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// Longest time an asker is told to wait, in seconds.
const MAX_RETRY_AFTER: u64 = 30;

/// How a password belongs to a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Not at all.
    No,
    /// By its NFC form, as hashes are made.
    Normal,
    /// By the bytes as typed: the hash was made before passwords were normalised.
    AsTyped,
}

impl Fit {
    /// Whether it belongs to the hash.
    pub(crate) fn fits(self) -> bool {
        self != Self::No
    }
}

/// The hashing threads. Clones share them; they end when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Passwords {
    queue: Arc<Closing>,
    cost: u32,
    threads: u64,
    /// How long the last job took, in milliseconds: what a place in the queue costs.
    last_ms: Arc<AtomicU64>,
    metrics: PasswordMetrics,
    /// A hash of nothing anybody knows: checking against it takes as long as against a real one.
    dummy: Arc<str>,
}

/// Ends the threads with the last clone.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
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
        let queue = Arc::new(Queue::new(QUEUE));
        let cores = thread::available_parallelism().map_or(2, usize::from);
        for number in 0..cores {
            let (queue, taken) = (Arc::clone(&queue), metrics.clone());
            let builder = thread::Builder::new().name(format!("bcrypt-{number}"));
            builder.spawn(move || {
                step_back();
                queue.work(|| taken.taken(1));
            })?;
        }
        let threads = u64::try_from(cores).unwrap_or(1);
        let queue = Arc::new(Closing(queue));
        Ok(Self { queue, cost, threads, last_ms, metrics, dummy: dummy.into() })
    }

    /// Whether another password of this asker can wait. Asked first, so that in a storm the surplus costs as
    /// little as it can: nothing is looked up for who is turned away.
    ///
    /// # Errors
    /// `unavailable` when the queue is full, `rate_limited` when the asker has filled it.
    pub(crate) fn has_room(&self, asker: &Asker) -> Result<(), Rejection> {
        self.queue.0.admits(asker).map_err(|refused| self.refuse(refused))
    }

    /// Hashes a password of at most 72 bytes.
    ///
    /// # Errors
    /// As [`Passwords::has_room`]; `unavailable` when the hash would not be there by `until`.
    pub(crate) async fn hash(
        &self,
        asker: &Asker,
        password: &str,
        until: Instant,
    ) -> Result<String, Rejection> {
        let (password, cost) = (password.to_owned(), self.cost);
        self.run(asker, until, move || bcrypt::hash(password, cost)).await?.map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Rejection::new(Code::Internal, "the password could not be hashed")
        })
    }

    /// Whether a password, as typed, belongs to a hash. Without a hash it takes as long and answers no, as it
    /// does for a password bcrypt would cut (over 72 bytes, or with a NUL). A password whose NFC form is
    /// not what was typed takes twice as long, whatever the hash, when the first does not fit.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub(crate) async fn verify(
        &self,
        asker: &Asker,
        password: &Secret,
        hash: Option<&str>,
        until: Instant,
    ) -> Result<Fit, Rejection> {
        let spellings = password.spellings();
        let known = hash.map(ToOwned::to_owned);
        let dummy = Arc::clone(&self.dummy);
        let look = move || {
            let fits = |spelling: &Secret| check(spelling.expose(), known.as_deref(), &dummy);
            match spellings.iter().position(fits) {
                None => Fit::No,
                Some(0) => Fit::Normal,
                Some(_) => Fit::AsTyped,
            }
        };
        self.run(asker, until, look).await
    }

    /// Whether a hash was made at a lower cost than is configured now. A higher one stays: copies of this service that
    /// are configured one after the other would hash it to and fro.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
        cost.is_none_or(|cost| cost < self.cost)
    }

    async fn run<T: Send + 'static>(
        &self,
        asker: &Asker,
        until: Instant,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let (answer, answered) = oneshot::channel();
        let (metrics, last_ms) = (self.metrics.clone(), Arc::clone(&self.last_ms));
        let job: Job = Box::new(move || {
            // The caller may have gone; then the result is not waited for, and not made.
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
        match self.queue.0.put(*asker, job) {
            Ok(put_out) => self.metrics.taken(put_out),
            Err(refused) => {
                self.metrics.taken(1);
                return Err(self.refuse(refused));
            }
        }
        match timeout_at(until, answered).await {
            Ok(Ok(result)) => Ok(result),
            // It was put out for another person's, or there was no time for it.
            Ok(Err(_)) | Err(_) => Err(self.refuse(Refused::Full)),
        }
    }

    fn refuse(&self, refused: Refused) -> Rejection {
        self.metrics.refused();
        let ahead = u64::try_from(self.metrics.waiting()).unwrap_or(0);
        let wait = ahead * self.last_ms.load(Ordering::Relaxed) / self.threads / 1000;
        let seconds = u32::try_from(wait.clamp(1, MAX_RETRY_AFTER)).unwrap_or(1);
        let rejection = match refused {
            Refused::Full => unavailable("too many passwords are being checked"),
            Refused::Theirs => {
                Rejection::new(Code::RateLimited, "too many passwords of yours are being checked")
            }
        };
        rejection.retry_after(seconds)
    }
}

/// Compares one spelling, as long whatever it is.
fn check(password: &str, hash: Option<&str>, dummy: &str) -> bool {
    let possible = password.len() <= MAX_PASSWORD && !password.contains('\0');
    let end = password.floor_char_boundary(MAX_PASSWORD);
    let cut = password.get(..end).unwrap_or_default();
    match hash {
        Some(hash) if possible => bcrypt::verify(cut, hash).unwrap_or(false),
        _ => {
            let _ = bcrypt::verify(cut, dummy);
            false
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn step_back() {
    // On Linux this is about the calling thread alone. Elsewhere it would be about the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use schemas::Digest;

    use super::*;

    fn who(number: u64) -> Asker {
        Digest::of([number.to_string().as_str()])
    }

    async fn fits(passwords: &Passwords, password: &str, hash: Option<&str>) -> Fit {
        passwords.verify(&who(0), &Secret::new(password), hash, soon()).await.unwrap()
    }

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
        let hash = passwords.hash(&who(0), &long, soon()).await.unwrap();
        assert_eq!(fits(&passwords, &long, Some(&hash)).await, Fit::Normal);
        let longer = format!("{long}y");
        assert_eq!(fits(&passwords, &longer, Some(&hash)).await, Fit::No);
        assert_eq!(fits(&passwords, "other", Some(&hash)).await, Fit::No);
        assert_eq!(fits(&passwords, &long, None).await, Fit::No);
        let huge = "ü".repeat(500_000);
        assert_eq!(fits(&passwords, &huge, Some(&hash)).await, Fit::No);
        assert!(!passwords.is_outdated(&hash));
        assert!(passwords.is_outdated(&hash.replace("$04$", "$03$")));
        assert!(!passwords.is_outdated(&hash.replace("$04$", "$05$")));
    }

    #[tokio::test]
    async fn however_a_password_is_spelled_it_fits() {
        let passwords = start();
        let (composed, decomposed) = ("grüße-éà-12", "gru\u{308}ße-e\u{301}a\u{300}-12");
        let hash = passwords.hash(&who(0), composed, soon()).await.unwrap();
        assert_eq!(fits(&passwords, composed, Some(&hash)).await, Fit::Normal);
        assert_eq!(fits(&passwords, decomposed, Some(&hash)).await, Fit::Normal);
        let old = passwords.hash(&who(0), decomposed, soon()).await.unwrap();
        assert_eq!(fits(&passwords, decomposed, Some(&old)).await, Fit::AsTyped);
        assert_eq!(fits(&passwords, composed, Some(&old)).await, Fit::No);
        assert_eq!(fits(&passwords, "gru\u{308}ße", Some(&hash)).await, Fit::No);
        assert_eq!(fits(&passwords, decomposed, None).await, Fit::No);
    }

    /// Keeps every thread busy until what it returns is dropped.
    async fn block(passwords: &Passwords) -> std::sync::mpsc::Sender<()> {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (released, busy) = (Arc::new(Mutex::new(released)), Arc::new(AtomicU64::new(0)));
        for number in 0..passwords.threads {
            let (passwords, released, busy) =
                (passwords.clone(), Arc::clone(&released), Arc::clone(&busy));
            tokio::spawn(async move {
                let wait = move || {
                    busy.fetch_add(1, Ordering::SeqCst);
                    let _ = released.lock().recv();
                };
                passwords.run(&who(1000 + number), soon(), wait).await
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
        for number in 0..QUEUE {
            let (passwords, who) = (passwords.clone(), who(u64::try_from(number).unwrap()));
            let password = "correct horse";
            asked.push(tokio::spawn(async move { passwords.hash(&who, password, soon()).await }));
        }
        while passwords.metrics.waiting() < i64::try_from(QUEUE).unwrap() {
            tokio::task::yield_now().await;
        }
        let late = who(999);
        let refused = passwords.hash(&late, "correct horse", soon()).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (Code::Unavailable, Some(1)));
        assert_eq!(passwords.has_room(&late), Err(refused));
        drop(release);
        for answer in asked {
            assert!(answer.await.unwrap().is_ok());
        }
        assert_eq!(passwords.metrics.waiting(), 0);
    }

    #[tokio::test]
    async fn who_fills_the_queue_keeps_others_from_nothing() {
        let passwords = start();
        let release = block(&passwords).await;
        let mut asked = Vec::new();
        for _ in 0..QUEUE {
            let passwords = passwords.clone();
            let password = "correct horse";
            asked
                .push(tokio::spawn(async move { passwords.hash(&who(1), password, soon()).await }));
        }
        while passwords.metrics.waiting() < i64::try_from(QUEUE).unwrap() {
            tokio::task::yield_now().await;
        }
        let refused = passwords.has_room(&who(1)).unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        let other = passwords.clone();
        let other = tokio::spawn(async move { other.hash(&who(2), "correct horse", soon()).await });
        let newest = asked.pop().unwrap().await.unwrap();
        assert_eq!(newest.map_err(|refused| refused.code), Err(Code::Unavailable));
        drop(release);
        assert!(other.await.unwrap().is_ok());
        for answer in asked {
            assert!(answer.await.unwrap().is_ok());
        }
        assert_eq!(passwords.metrics.waiting(), 0);
    }

    #[tokio::test]
    async fn who_cannot_be_answered_in_time_is_told_so() {
        let passwords = start();
        let release = block(&passwords).await;
        let refused = passwords.hash(&who(0), "correct horse", Instant::now()).await;
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
