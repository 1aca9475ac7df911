//! Hashes of passwords, on every core at once.

use std::time::Instant;

use crate::servers::{Outcome, unexpected};

/// Checks a password `count` times at a bcrypt cost, on as many threads as there are cores; checks per second.
///
/// A core hashes more slowly while the others do so, too: what one hash takes alone says too little.
pub(crate) async fn checks(cost: u32, count: usize) -> Outcome<f64> {
    let hashing = tokio::task::spawn_blocking(move || {
        let password = "correct horse";
        let hash = bcrypt::hash(password, cost).map_err(unexpected)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let each = count.div_ceil(threads);
        let started = Instant::now();
        std::thread::scope(|scope| {
            let check = || (0..each).try_for_each(|_| bcrypt::verify(password, &hash).map(drop));
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(check)).collect();
            running.into_iter().try_for_each(|one| match one.join() {
                Ok(checked) => checked.map_err(unexpected),
                Err(_) => Err(unexpected("a hashing thread panicked")),
            })
        })?;
        Ok((each * threads) as f64 / started.elapsed().as_secs_f64())
    });
    hashing.await.map_err(unexpected)?
}
