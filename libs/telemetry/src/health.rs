//! Whether a process can do its work, component by component, with reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;

/// What stands for all parts together while the process starts.
const PROCESS: &str = "process";

/// A component that cannot work at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unready {
    /// Which part of the process.
    pub component: &'static str,
    /// Why, for an operator's eyes; never a secret.
    pub reason: String,
}

/// What the components of this process said about themselves last. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    components: Arc<RwLock<BTreeMap<&'static str, Result<(), String>>>>,
    dead: Arc<RwLock<Option<Unready>>>,
    /// Those that stand and have said that waiting does not help.
    stuck: Arc<RwLock<BTreeSet<&'static str>>>,
}

impl Health {
    /// No component has spoken yet: not ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The process begins to start its parts: it is not ready until [`Health::started`], whatever those say that
    /// have spoken by then.
    pub fn starts(&self) {
        self.set(PROCESS, Err("starting"));
    }

    /// Every part has been started, and has spoken or will never do so.
    pub fn started(&self) {
        self.remove(PROCESS);
    }

    /// A component reports: `Ok` when it works, `Err(reason)` when it does not (yet, or any more).
    /// A component that must be up before the process is ready reports `Err("starting")` first.
    pub fn set(&self, component: &'static str, state: Result<(), impl Into<String>>) {
        let state = state.map_err(Into::into);
        self.stuck.write().unwrap_or_else(PoisonError::into_inner).remove(component);
        self.components.write().unwrap_or_else(PoisonError::into_inner).insert(component, state);
    }

    /// A component does not work as it should and will not by itself, nor after a restart; the process does what it
    /// can without. An operator is needed.
    pub fn stuck(&self, component: &'static str, reason: impl Into<String>) {
        self.set(component, Err(reason.into()));
        self.stuck.write().unwrap_or_else(PoisonError::into_inner).insert(component);
    }

    /// Whether it may help to wait: a component does not work and has not said that this is how it stays.
    #[must_use]
    pub fn starting(&self) -> bool {
        let Err(unready) = self.ready() else { return false };
        let stuck = self.stuck.read().unwrap_or_else(PoisonError::into_inner);
        unready.iter().any(|one| !stuck.contains(one.component))
    }

    /// Forgets a component that has ended on purpose.
    pub fn remove(&self, component: &'static str) {
        self.stuck.write().unwrap_or_else(PoisonError::into_inner).remove(component);
        self.components.write().unwrap_or_else(PoisonError::into_inner).remove(component);
    }

    /// A component is broken for good: only a restart of the process helps.
    pub fn fail(&self, component: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        self.set(component, Err(reason.clone()));
        *self.dead.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Unready { component, reason });
    }

    /// Whether a restart would be pointless.
    ///
    /// # Errors
    /// The component that broke for good.
    pub fn live(&self) -> Result<(), Unready> {
        match &*self.dead.read().unwrap_or_else(PoisonError::into_inner) {
            Some(dead) => Err(dead.clone()),
            None => Ok(()),
        }
    }

    /// Every component that has spoken, and whether it is well.
    #[must_use]
    pub fn components(&self) -> Vec<(&'static str, bool)> {
        let components = self.components.read().unwrap_or_else(PoisonError::into_inner);
        components.iter().map(|(component, state)| (*component, state.is_ok())).collect()
    }

    /// Whether work may be sent here: every component that ever reported says `Ok`, and one has.
    ///
    /// # Errors
    /// The components that do not work, by name.
    pub fn ready(&self) -> Result<(), Vec<Unready>> {
        let components = self.components.read().unwrap_or_else(PoisonError::into_inner);
        if components.is_empty() {
            return Err(vec![Unready { component: PROCESS, reason: "starting".to_owned() }]);
        }
        let unready: Vec<Unready> = components
            .iter()
            .filter_map(|(component, state)| {
                let reason = state.as_ref().err()?.clone();
                Some(Unready { component, reason })
            })
            .collect();
        if unready.is_empty() { Ok(()) } else { Err(unready) }
    }
}

#[cfg(test)]
mod tests {
    use super::Health;

    #[test]
    fn ready_needs_every_component() {
        let health = Health::new();
        assert!(health.ready().is_err());
        health.set("log", Ok::<(), String>(()));
        assert!(health.ready().is_ok());
        health.set("read_model", Err("lagging"));
        let reasons = health.ready().unwrap_err();
        assert_eq!((reasons[0].component, reasons[0].reason.as_str()), ("read_model", "lagging"));
        assert!(health.live().is_ok());
        health.remove("read_model");
        assert!(health.ready().is_ok());
        health.fail("log", "gone");
        assert!(health.live().is_err());
    }

    #[test]
    fn a_process_is_not_ready_before_all_of_it_is_started() {
        let health = Health::new();
        health.starts();
        health.set("log", Ok::<(), String>(()));
        assert_eq!(health.ready().unwrap_err()[0].component, "process");
        health.set("gateway", Ok::<(), String>(()));
        assert!(health.starting());
        health.started();
        assert!(health.ready().is_ok() && !health.starting());
    }

    #[test]
    fn what_is_stuck_is_not_waited_for() {
        let health = Health::new();
        assert!(health.starting());
        health.set("log", Ok::<(), String>(()));
        health.set("projector", Err("starting"));
        assert!(health.starting());
        health.stuck("projector", "stopped before 7");
        assert!(health.ready().is_err() && !health.starting() && health.live().is_ok());
        health.set("log", Err("away"));
        assert!(health.starting());
        health.set("log", Ok::<(), String>(()));
        health.set("projector", Err("behind"));
        assert!(health.starting());
    }
}
