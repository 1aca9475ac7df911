//! The services that run in this process, and the order in which they stop.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use service::Stage;
use telemetry::Shutdown;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::background_runtime::BackgroundRuntime;
use crate::failure::Failure;

/// How long a part may take to finish what it has begun; then it is cut off. Longer than the 10 s
/// that services give their own work.
const PATIENCE: Duration = Duration::from_secs(15);

struct Part {
    name: &'static str,
    stage: Stage,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), Failure>>,
}

/// Runs the parts of a process and stops them in order.
#[derive(Default)]
pub(crate) struct Supervisor {
    running: Vec<Part>,
    /// For the parts that follow the log, in a process whose other parts answer clients.
    background: BackgroundRuntime,
}

impl Supervisor {
    /// For a process in which some parts answer clients and others follow the log.
    pub(crate) fn with_background_runtime() -> Self {
        Self { running: Vec::new(), background: BackgroundRuntime::start() }
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

    /// The same for a part that no client waits for at once: it yields to those that answer.
    pub(crate) fn run_in_background<F>(
        &mut self,
        name: &'static str,
        stage: Stage,
        work: impl FnOnce(Shutdown) -> F,
    ) where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.run_on(&self.background.handle(), name, stage, work);
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

    /// Returns when a part has ended although it was not asked to.
    pub(crate) async fn one_ended(&mut self) -> Failure {
        let (place, ended) = poll_fn(|cx| {
            for (place, part) in self.running.iter_mut().enumerate() {
                if let Poll::Ready(ended) = Pin::new(&mut part.task).poll(cx) {
                    return Poll::Ready((place, ended));
                }
            }
            Poll::Pending
        })
        .await;
        let part = self.running.swap_remove(place);
        match ended {
            Ok(Ok(())) => Failure::new(format!("{} ended by itself", part.name)),
            Ok(Err(failure)) => Failure::new(format!("{}: {failure}", part.name)),
            Err(error) => Failure::because(part.name, &error),
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
        let mut supervisor = Supervisor::default();
        for (name, stage) in
            [("projector", Stage::Projection), ("gateway", Stage::Edge), ("chat", Stage::Services)]
        {
            let order = Arc::clone(&order);
            supervisor.run(name, stage, |shutdown| async move {
                shutdown.wait().await;
                order.lock().unwrap().push(name);
                Ok(())
            });
        }
        supervisor.stop().await;
        assert_eq!(*order.lock().unwrap(), ["gateway", "chat", "projector"]);
    }

    #[tokio::test]
    async fn a_part_that_ends_is_noticed() {
        let mut supervisor = Supervisor::default();
        supervisor.run("chat", Stage::Services, |_| async { Err(Failure::new("broken")) });
        assert_eq!(supervisor.one_ended().await.to_string(), "chat: broken");
    }
}
