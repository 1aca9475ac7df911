//! A bounded queue that is fair to those who wait: callers take turns, however many jobs each has in it.
//!
//! One job of a person is done at a time, so that the one who asks a hundred times keeps one thread busy at most.
//! When the queue is full, room for another person is made by the newest job of the one who has most.

use std::collections::{HashMap, VecDeque};

use parking_lot::{Condvar, Mutex};
use schemas::Digest;

/// For whom a job is done.
pub(crate) type Asker = Digest;
/// Work that a thread does. Dropping it undone tells who waits for it.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Why a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The asker has several in the queue, and no other has more: it is their own doing.
    Theirs,
    /// So many people wait that there is no room for another.
    Full,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// A thread does one of their jobs: they have no turn now.
    busy: bool,
}

#[derive(Default)]
struct State {
    lines: HashMap<Asker, Line>,
    /// Who has jobs waiting and none being done, in the order of their turns.
    turns: VecDeque<Asker>,
    waiting: usize,
    closed: bool,
}

/// The queue.
pub(crate) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    news: Condvar,
}

impl Queue {
    /// An empty one, in which so many jobs may wait.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), news: Condvar::new() }
    }

    /// Whether [`Queue::put`] would take a job of this asker now.
    pub(crate) fn admits(&self, asker: &Asker) -> Result<(), Refused> {
        self.state.lock().room_for(asker, self.capacity).map(drop)
    }

    /// Lets a job wait for its turn; how many it has put out, which is one or none.
    pub(crate) fn put(&self, asker: Asker, job: Job) -> Result<usize, Refused> {
        let mut state = self.state.lock();
        // Dropped after the lock: its end wakes who waits for it.
        let put_out = match state.room_for(&asker, self.capacity)? {
            Some(largest) => state.take_newest(&largest),
            None => None,
        };
        let line = state.lines.entry(asker).or_default();
        line.jobs.push_back(job);
        if !line.busy && line.jobs.len() == 1 {
            state.turns.push_back(asker);
        }
        state.waiting += 1;
        drop(state);
        self.news.notify_one();
        Ok(usize::from(put_out.is_some()))
    }

    /// Does jobs until the queue is closed, telling of each that it was taken.
    pub(crate) fn work(&self, taken: impl Fn()) {
        while let Some((asker, job)) = self.next() {
            taken();
            // A hash that panics must not take the asker's turn with it, nor the thread.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            if done.is_err() {
                tracing::error!("a password job panicked");
            }
            self.state.lock().done(asker);
            self.news.notify_one();
        }
    }

    /// Ends the threads once what they do now is done; what waits is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.lines);
        drop(state);
        drop(dropped);
        self.news.notify_all();
    }

    fn next(&self) -> Option<(Asker, Job)> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(asker) = state.turns.pop_front() {
                if let Some(job) = state.begin(&asker) {
                    return Some((asker, job));
                }
                continue;
            }
            self.news.wait(&mut state);
        }
    }
}

impl State {
    /// Whose newest job must go for one of this asker; none when there is room.
    fn room_for(&self, asker: &Asker, capacity: usize) -> Result<Option<Asker>, Refused> {
        if self.waiting < capacity {
            return Ok(None);
        }
        let own = self.lines.get(asker).map_or(0, |line| line.jobs.len());
        let most = self.lines.iter().max_by_key(|(_, line)| line.jobs.len());
        match most {
            Some((largest, line)) if line.jobs.len() > own + 1 => Ok(Some(*largest)),
            _ if own > 1 => Err(Refused::Theirs),
            _ => Err(Refused::Full),
        }
    }

    fn take_newest(&mut self, asker: &Asker) -> Option<Job> {
        let job = self.lines.get_mut(asker)?.jobs.pop_back()?;
        self.waiting -= 1;
        Some(job)
    }

    fn begin(&mut self, asker: &Asker) -> Option<Job> {
        let line = self.lines.get_mut(asker)?;
        let job = line.jobs.pop_front()?;
        line.busy = true;
        self.waiting -= 1;
        Some(job)
    }

    fn done(&mut self, asker: Asker) {
        let Some(line) = self.lines.get_mut(&asker) else { return };
        line.busy = false;
        if line.jobs.is_empty() {
            self.lines.remove(&asker);
        } else {
            self.turns.push_back(asker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn who(name: &str) -> Asker {
        Digest::of([name])
    }

    fn nothing() -> Job {
        Box::new(|| {})
    }

    /// Takes the next job and does it; whose it was.
    fn one(queue: &Queue) -> Asker {
        let (asker, job) = queue.next().unwrap();
        job();
        queue.state.lock().done(asker);
        asker
    }

    #[test]
    fn people_take_turns_whoever_asked_how_often() {
        let queue = Queue::new(10);
        for _ in 0..5 {
            queue.put(who("mallory"), nothing()).unwrap();
        }
        queue.put(who("ada"), nothing()).unwrap();
        queue.put(who("bob"), nothing()).unwrap();
        let order: Vec<Asker> = (0..4).map(|_| one(&queue)).collect();
        assert_eq!(order, [who("mallory"), who("ada"), who("bob"), who("mallory")]);
    }

    #[test]
    fn one_job_of_a_person_is_done_at_a_time() {
        let queue = Queue::new(10);
        queue.put(who("mallory"), nothing()).unwrap();
        queue.put(who("mallory"), nothing()).unwrap();
        queue.put(who("ada"), nothing()).unwrap();
        let (first, _job) = queue.next().unwrap();
        let (second, _other) = queue.next().unwrap();
        assert_eq!((first, second), (who("mallory"), who("ada")));
        assert!(queue.state.lock().turns.is_empty(), "mallory's other job has no turn yet");
        queue.state.lock().done(first);
        assert_eq!(one(&queue), who("mallory"));
    }

    #[test]
    fn a_full_queue_makes_room_for_others_at_the_cost_of_the_one_who_has_most() {
        let queue = Queue::new(4);
        let dropped = Arc::new(AtomicUsize::new(0));
        struct Noted(Arc<AtomicUsize>);
        impl Drop for Noted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        for _ in 0..4 {
            let noted = Noted(Arc::clone(&dropped));
            queue.put(who("mallory"), Box::new(move || drop(noted))).unwrap();
        }
        assert_eq!(queue.put(who("mallory"), nothing()), Err(Refused::Theirs));
        assert_eq!(queue.admits(&who("ada")), Ok(()));
        assert_eq!(queue.put(who("ada"), nothing()), Ok(1));
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert_eq!(queue.put(who("bob"), nothing()), Ok(1));
        assert_eq!(queue.put(who("ada"), nothing()), Err(Refused::Full));
        assert_eq!(queue.put(who("carl"), nothing()), Ok(1));
        assert_eq!(
            queue.put(who("dora"), nothing()),
            Err(Refused::Full),
            "no caller has two to spare"
        );
        let order: Vec<Asker> = (0..4).map(|_| one(&queue)).collect();
        assert_eq!(order, [who("mallory"), who("ada"), who("bob"), who("carl")]);
    }

    #[test]
    fn a_job_that_panics_costs_neither_thread_nor_turn() {
        let queue = Arc::new(Queue::new(4));
        queue.put(who("ada"), Box::new(|| panic!("expected"))).unwrap();
        let closing = Arc::clone(&queue);
        queue.put(who("ada"), Box::new(move || closing.close())).unwrap();
        queue.work(|| {});
    }
}
