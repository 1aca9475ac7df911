//! The table from commands to handlers.

use std::sync::Arc;
use std::time::Instant;

use bus::ServiceBuilder;
use schemas::TraceParent;
use schemas::commands::{ALL, CallContext, Command};
use tracing::Instrument as _;

use crate::call::{Answer, AnyCall, Call};
use crate::metrics::CommandMetrics;

/// Begins to serve every command of a service: makes the function
/// `async fn $serve(bus: &Bus, service: &Arc<$State>, metrics: &CommandMetrics) -> Result<ServiceHandle, BusError>`.
///
/// Each line names a command and the method of the state that carries it out:
/// `async fn method(&self, call: &Call or &UserCall, command: C) -> Answer<C::Output>`. A command of the service
/// without a line does not compile, nor does one of another service.
///
/// ```ignore
/// decider::endpoints! {
///     /// Begins to serve the commands.
///     pub(crate) fn serve(Chat) = CHAT, "Rooms, members and messages";
///     CreateRoom => create_room;
/// }
/// ```
#[macro_export]
macro_rules! endpoints {
    ($(#[$doc:meta])* $vis:vis fn $serve:ident($state:ty) = $service:expr, $about:literal;
     $($command:ty => $method:ident;)*) => {
        const _: () = $crate::must_serve_all(
            $service,
            &[$((
                <$command as schemas::commands::Command>::SERVICE,
                <$command as schemas::commands::Command>::NAME,
            )),*],
        );

        $(#[$doc])*
        $vis async fn $serve(
            bus: &$crate::bus::Bus,
            service: &std::sync::Arc<$state>,
            metrics: &$crate::CommandMetrics,
        ) -> Result<$crate::bus::ServiceHandle, $crate::bus::BusError> {
            let builder = bus.service($service, env!("CARGO_PKG_VERSION"), $about);
            $(let builder = $crate::endpoint(
                builder,
                service,
                metrics,
                |service: std::sync::Arc<$state>, call, command: $command| async move {
                    service.$method(&call, command).await
                },
            );)*
            builder.start().await
        }
    };
}

/// Checks, at compile time, that a table serves every command of a service once and none of another.
///
/// # Panics
/// Where it does not, which in a `const` is an error of the compiler.
pub const fn must_serve_all(service: &str, served: &[(&str, &str)]) {
    let mut at = 0;
    while at < served.len() {
        assert!(same(served[at].0, service), "a command of another service is in the table");
        assert!(times(served, served[at]) == 1, "a command is twice in the table");
        at += 1;
    }
    at = 0;
    while at < ALL.len() {
        if same(ALL[at].0, service) {
            assert!(times(served, ALL[at]) == 1, "a command of the service has no handler");
        }
        at += 1;
    }
}

const fn times(served: &[(&str, &str)], command: (&str, &str)) -> usize {
    let (mut at, mut found) = (0, 0);
    while at < served.len() {
        if same(served[at].0, command.0) && same(served[at].1, command.1) {
            found += 1;
        }
        at += 1;
    }
    found
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The span of a command, in the trace of its caller. Compiled once, not for every command.
fn span_of(command: &'static str, trace: Option<&TraceParent>) -> tracing::Span {
    let span = tracing::info_span!("command", otel.kind = "server", command.name = command);
    telemetry::continue_trace(span, trace)
}

/// Adds one command's handler: in a span of the caller's trace, counted and timed. What [`endpoints!`] is made of.
#[must_use]
pub fn endpoint<S, C, A, H, F>(
    builder: ServiceBuilder,
    service: &Arc<S>,
    metrics: &CommandMetrics,
    handler: H,
) -> ServiceBuilder
where
    S: Send + Sync + 'static,
    C: Command,
    A: AnyCall,
    H: Fn(Arc<S>, A, C) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer<C::Output>> + Send + 'static,
{
    let (service, metrics) = (Arc::clone(service), metrics.clone());
    builder.endpoint::<C, _, _>(move |context: CallContext, command| {
        let (service, metrics) = (Arc::clone(&service), metrics.clone());
        let handler = handler.clone();
        async move {
            let begun = Instant::now();
            let span = span_of(C::NAME, context.traceparent.as_ref());
            let work = async move {
                let call = A::of(Call::new(C::NAME, context))?;
                handler(service, call, command).await
            };
            let answer = work.instrument(span).await;
            let outcome = answer.as_ref().map_or_else(|no| no.code.as_str(), |_| "accepted");
            metrics.command(C::NAME, outcome, begun.elapsed());
            answer
        }
    })
}

#[cfg(test)]
mod tests {
    use schemas::commands::NOTIFY;

    use super::*;

    /// The commands of the service of inboxes.
    fn all() -> Vec<(&'static str, &'static str)> {
        ALL.iter().copied().filter(|(service, _)| *service == NOTIFY).collect()
    }

    #[test]
    fn a_whole_table_is_fine() {
        assert!(!all().is_empty());
        must_serve_all(NOTIFY, &all());
    }

    #[test]
    #[should_panic(expected = "has no handler")]
    fn a_forgotten_command_is_noticed() {
        must_serve_all(NOTIFY, &all()[1..]);
    }

    #[test]
    #[should_panic(expected = "another service")]
    fn a_strange_command_is_noticed() {
        let strange = ALL.iter().find(|(service, _)| *service != NOTIFY).copied();
        let mut table = all();
        table.extend(strange);
        must_serve_all(NOTIFY, &table);
    }

    #[test]
    #[should_panic(expected = "twice")]
    fn a_command_with_two_handlers_is_noticed() {
        let mut table = all();
        table.extend(all());
        must_serve_all(NOTIFY, &table);
    }
}
