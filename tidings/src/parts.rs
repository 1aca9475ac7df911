//! The services that run in this process, and the order in which they stop.

use std::future::Future;
use std::time::Duration;

use telemetry::Shutdown;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::aside::Aside;
use crate::failure::Failure;

/// How long a part may take to finish what it has begun; then it is cut off. Longer than the 10 s
/// that services give their own work.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(100);

/// When a part stops: lower first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Clients' sockets and requests.
    Edge,
    /// Whoever carries out commands and reacts to events.
    Services,
    /// Whoever writes the read model: last, so that it has seen everything.
    Projection,
    /// Whoever tells how the others are.
    Admin,
}

struct Part {
    name: &'static str,
    stage: Stage,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), Failure>>,
}

/// The running parts.
#[derive(Default)]
pub(crate) struct Parts {
    running: Vec<Part>,
    /// Where there are others that somebody waits for.
    aside: Aside,
}

impl Parts {
    /// For a process in which some parts answer people and others follow.
    pub(crate) fn together() -> Self {
        Self { running: Vec::new(), aside: Aside::start() }
    }

    /// Runs a part; `work` ends when the shutdown it was given is triggered.
    pub(crate) fn run<F>(
        &mut self,
        name: &'static str,
        stage: Stage,
        work: impl FnOnce(Shutdown) -> F,
    ) where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.run_on(&Handle::current(), name, stage, work);
    }

    /// The same for a part nobody waits for at once: it steps back behind those that answer.
    pub(crate) fn run_aside<F>(
        &mut self,
        name: &'static str,
        stage: Stage,
        work: impl FnOnce(Shutdown) -> F,
    ) where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.run_on(&self.aside.handle(), name, stage, work);
    }

    fn run_on<F>(
        &mut self,
        runtime: &Handle,
        name: &'static str,
        stage: Stage,
        work: impl FnOnce(Shutdown) -> F,
    ) where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let shutdown = Shutdown::new();
        let task = runtime.spawn(work(shutdown.clone()));
        self.running.push(Part { name, stage, shutdown, task });
    }

    /// Returns when a part has ended although nobody asked it to.
    pub(crate) async fn one_ended(&mut self) -> Failure {
        loop {
            if let Some(place) = self.running.iter().position(|part| part.task.is_finished()) {
                let part = self.running.swap_remove(place);
                return match part.task.await {
                    Ok(Ok(())) => Failure::new(format!("{} ended by itself", part.name)),
                    Ok(Err(failure)) => Failure::new(format!("{}: {failure}", part.name)),
                    Err(error) => Failure::because(part.name, &error),
                };
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks the parts to stop, stage by stage, and waits for each stage.
    pub(crate) async fn stop(mut self) {
        self.running.sort_by_key(|part| part.stage);
        for stage in self.running.chunk_by_mut(|one, other| one.stage == other.stage) {
            for part in &*stage {
                part.shutdown.trigger();
            }
            for part in stage {
                finish(part).await;
            }
        }
    }
}

async fn finish(part: &mut Part) {
    match tokio::time::timeout(PATIENCE, &mut part.task).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(failure))) => {
            tracing::warn!(part = part.name, error = %failure, "a part ended with an error");
        }
        Ok(Err(error)) => tracing::warn!(part = part.name, error = %error, "a part ended badly"),
        Err(_) => {
            tracing::warn!(part = part.name, "a part does not stop, cutting it off");
            part.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn the_edge_stops_before_what_it_calls() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut parts = Parts::default();
        for (name, stage) in
            [("projector", Stage::Projection), ("gateway", Stage::Edge), ("chat", Stage::Services)]
        {
            let order = Arc::clone(&order);
            parts.run(name, stage, |shutdown| async move {
                shutdown.wait().await;
                order.lock().unwrap().push(name);
                Ok(())
            });
        }
        parts.stop().await;
        assert_eq!(*order.lock().unwrap(), ["gateway", "chat", "projector"]);
    }

    #[tokio::test]
    async fn a_part_that_ends_is_noticed() {
        let mut parts = Parts::default();
        parts.run("chat", Stage::Services, |_| async { Err(Failure::new("broken")) });
        assert_eq!(parts.one_ended().await.to_string(), "chat: broken");
    }
}
