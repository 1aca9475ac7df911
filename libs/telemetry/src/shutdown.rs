//! Asking tasks to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// A one-way switch: untouched, then triggered for ever. Clones share it.
#[derive(Debug, Clone)]
pub struct Shutdown {
    switch: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A switch that has not been triggered.
    #[must_use]
    pub fn new() -> Self {
        Self { switch: Arc::new(watch::Sender::new(false)) }
    }

    /// Asks every task to stop. Triggering it twice is the same as once.
    pub fn trigger(&self) {
        self.switch.send_replace(true);
    }

    /// Whether stopping has been asked for.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.switch.borrow()
    }

    /// Returns once stopping has been asked for; at once if it was before. Cancel safe.
    pub async fn wait(&self) {
        // The sender lives in self, so the only error (sender gone) cannot happen while waiting.
        let _ = self.switch.subscribe().wait_for(|triggered| *triggered).await;
    }
}

#[cfg(test)]
mod tests {
    use super::Shutdown;

    #[tokio::test]
    async fn waiters_before_and_after_are_released() {
        let shutdown = Shutdown::new();
        let early = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        assert!(!shutdown.is_triggered());
        shutdown.trigger();
        early.await.unwrap();
        shutdown.wait().await;
        assert!(shutdown.is_triggered());
    }
}
