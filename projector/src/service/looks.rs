//! Looking again and again at a read model that another process works on.
//!
//! Owns how often, and that health says when it cannot be read: until it can, the looks are fewer and fewer.

use std::time::Duration;

use readmodel::Answer;
use telemetry::{Health, Shutdown};

use super::COMPONENT;

/// The longest pause between looks that fail.
const LONGEST: Duration = Duration::from_secs(5);

/// Looks at a read model.
pub(super) struct Looks<'a> {
    health: &'a Health,
    /// The pause between looks that succeed.
    usual: Duration,
    /// The pause before the next one.
    pause: Duration,
}

impl<'a> Looks<'a> {
    /// So often while they succeed.
    pub(super) const fn every(usual: Duration, health: &'a Health) -> Self {
        Self { health, usual, pause: usual }
    }

    /// Waits until it is time for the next look; false when there is to be none.
    pub(super) async fn due(&self, shutdown: &Shutdown) -> bool {
        tokio::select! {
            () = shutdown.wait() => false,
            () = tokio::time::sleep(self.pause) => true,
        }
    }

    /// Takes note of how a look went; what was seen.
    pub(super) fn note<T>(&mut self, looked: Answer<T>) -> Option<T> {
        match looked {
            Ok(seen) => {
                if self.pause > self.usual {
                    tracing::info!("the read model can be read again");
                    self.health.set(COMPONENT, Ok::<(), String>(()));
                    self.pause = self.usual;
                }
                Some(seen)
            }
            Err(error) => {
                self.pause = (self.pause * 2).min(LONGEST);
                let reason = telemetry::error_chain(&error);
                let pause_ms = self.pause.as_millis();
                tracing::error!(error = reason, pause_ms, "the read model cannot be read");
                self.health.set(COMPONENT, Err(reason));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use readmodel::StoreError;

    use super::*;

    #[test]
    fn looks_that_fail_are_fewer_and_fewer_until_one_succeeds() {
        let health = Health::new();
        let mut looks = Looks::every(Duration::from_millis(100), &health);
        assert_eq!(looks.note(Ok(7)), Some(7));
        assert!(health.ready().is_err(), "a look that succeeds proves nothing of a start");
        let pauses = [200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis);
        for pause in pauses {
            let damaged = Err::<(), _>(StoreError::Unreadable("damaged".to_owned()));
            assert_eq!((looks.note(damaged), looks.pause), (None, pause));
            let reasons = health.ready().unwrap_err();
            assert!(reasons[0].component == COMPONENT && reasons[0].reason.ends_with("damaged"));
        }
        assert_eq!((looks.note(Ok(8)), looks.pause), (Some(8), looks.usual));
        assert_eq!(health.ready(), Ok(()));
    }
}
