//! Commands carried out here and over NATS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bus::{Bus, CallError, ServiceHandle};
use schemas::commands::{Accepted, CallContext, Command, Reply};
use schemas::{Code, Epoch, Namespace, Rejection, TraceParent};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use crate::kit::{PATIENCE, Server};

/// Answers with the text and the caller's trace, or refuses, panics or waits when told to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Echo {
    text: String,
}

impl Command for Echo {
    const SERVICE: &'static str = "echo";
    const NAME: &'static str = "say";
    type Output = String;
}

/// Has another shape under the same name: what an older build might send.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OldEcho {
    words: u32,
}

impl Command for OldEcho {
    const SERVICE: &'static str = "echo";
    const NAME: &'static str = "say";
    type Output = String;
}

struct Counted {
    begun: AtomicU32,
    finished: AtomicU32,
    gate: Semaphore,
    moved: Notify,
}

pub(crate) async fn connect(server: &Server) -> Bus {
    let namespace = Namespace::parse("test").unwrap();
    Bus::connect(&server.url(), "bus-test", &namespace).await.unwrap()
}

fn echo(text: &str) -> Echo {
    Echo { text: text.to_owned() }
}

fn quickly() -> CallContext {
    CallContext { deadline_ms: 300, ..CallContext::default() }
}

async fn serve(bus: &Bus) -> (ServiceHandle, Arc<Counted>) {
    let counted = Arc::new(Counted {
        begun: AtomicU32::new(0),
        finished: AtomicU32::new(0),
        gate: Semaphore::new(0),
        moved: Notify::new(),
    });
    let shared = Arc::clone(&counted);
    let service = bus
        .service("echo", "1.0.0", "says it again")
        .endpoint::<Echo, _, _>(move |ctx, cmd| handle(Arc::clone(&shared), ctx, cmd))
        .start()
        .await
        .unwrap();
    (service, counted)
}

async fn handle(
    counted: Arc<Counted>,
    ctx: CallContext,
    cmd: Echo,
) -> Result<Accepted<String>, Rejection> {
    counted.begun.fetch_add(1, Ordering::SeqCst);
    counted.moved.notify_waiters();
    match cmd.text.as_str() {
        "refuse" => {
            return Err(Rejection::field(Code::ValidationFailed, "/text", "bad", "not\r\nthat"));
        }
        "panic" => panic!("told to"),
        "flavor" => {
            let result = format!("{:?}", Handle::current().runtime_flavor());
            return Ok(Accepted { position: None, result });
        }
        "wait" => counted.gate.acquire().await.unwrap().forget(),
        _ => {}
    }
    counted.finished.fetch_add(1, Ordering::SeqCst);
    counted.moved.notify_waiters();
    let trace = ctx.traceparent.map(|t| t.trace_id().to_owned()).unwrap_or_default();
    let position = Epoch::parse("e1").unwrap().at(7);
    Ok(Accepted { position: Some(position), result: format!("{}{trace}", cmd.text) })
}

async fn until(counted: &Counted, reached: impl Fn(&Counted) -> bool) {
    let wait = async {
        loop {
            let moved = counted.moved.notified();
            if reached(counted) {
                return;
            }
            drop(timeout(Duration::from_millis(50), moved).await);
        }
    };
    timeout(PATIENCE, wait).await.expect("the condition in time");
}

/// The same cases for a caller in the service's own process and for one elsewhere.
async fn answers(caller: &Bus) {
    let trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let ctx = CallContext { traceparent: trace.ok(), ..CallContext::default() };
    let reply = caller.call(&ctx, &echo("hello ☃ ")).await.unwrap();
    let Reply::Accepted(accepted) = reply else { panic!("{reply:?}") };
    assert_eq!(accepted.result, "hello ☃ 4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(accepted.position.unwrap().to_string(), "e1:7");
    let reply = caller.call(&ctx, &echo("refuse")).await.unwrap();
    let Reply::Rejected(rejection) = reply else { panic!("{reply:?}") };
    assert_eq!(
        (rejection.code, rejection.detail.as_str()),
        (Code::ValidationFailed, "not\r\nthat")
    );
    assert_eq!(rejection.errors[0].pointer, "/text");
    let broken = caller.call(&ctx, &echo("panic")).await;
    assert!(matches!(broken, Err(CallError::Broken(_))), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_carried_out_here_and_elsewhere() {
    let server = Server::start().await;
    let (here, elsewhere) = (connect(&server).await, connect(&server).await);
    let (service, counted) = serve(&here).await;
    answers(&here).await;
    answers(&elsewhere).await;
    assert_eq!(counted.begun.load(Ordering::SeqCst), 6);
    service.stop().await;
    for bus in [&here, &elsewhere] {
        let gone = bus.call(&quickly(), &echo("x")).await;
        assert!(matches!(gone, Err(CallError::NoService)), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_call_does_not_touch_nats() {
    let mut server = Server::start().await;
    let bus = connect(&server).await;
    let (_service, _) = serve(&bus).await;
    server.kill();
    let reply = bus.clone().call(&CallContext::default(), &echo("still")).await.unwrap();
    assert!(matches!(reply, Reply::Accepted(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_call_is_carried_out_on_the_threads_of_the_bus() {
    let server = Server::start().await;
    let bus = connect(&server).await;
    let (_service, _) = serve(&bus).await;
    let called = tokio::task::spawn_blocking(move || {
        let callers = Builder::new_current_thread().enable_all().build().unwrap();
        callers.block_on(async { bus.call(&CallContext::default(), &echo("flavor")).await })
    });
    let reply = called.await.unwrap().unwrap();
    let Reply::Accepted(Accepted { result, .. }) = reply else { panic!("{reply:?}") };
    assert_eq!(result, "MultiThread");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_the_wait_but_not_the_work() {
    let server = Server::start().await;
    let (here, elsewhere) = (connect(&server).await, connect(&server).await);
    let (service, counted) = serve(&here).await;
    for bus in [&here, &elsewhere] {
        let late = bus.call(&quickly(), &echo("wait")).await;
        assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
    }
    // A caller who goes away altogether does not stop it either.
    let ctx = CallContext::default();
    let gone = timeout(Duration::from_millis(100), here.call(&ctx, &echo("wait"))).await;
    assert!(gone.is_err());
    until(&counted, |c| c.begun.load(Ordering::SeqCst) == 3).await;
    assert_eq!(counted.finished.load(Ordering::SeqCst), 0);
    // Stopping waits for what is under way.
    counted.gate.add_permits(3);
    service.stop().await;
    assert_eq!(counted.finished.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_run_side_by_side() {
    let server = Server::start().await;
    let (here, elsewhere) = (connect(&server).await, connect(&server).await);
    let (_service, counted) = serve(&here).await;
    let ctx = CallContext { deadline_ms: 20_000, ..CallContext::default() };
    let calls: Vec<_> = (0..200)
        .map(|n| {
            let (ctx, bus) = (ctx.clone(), if n % 2 == 0 { &here } else { &elsewhere }.clone());
            tokio::spawn(async move { bus.call(&ctx, &echo("wait")).await })
        })
        .collect();
    until(&counted, |c| c.begun.load(Ordering::SeqCst) == 200).await;
    counted.gate.add_permits(200);
    for call in calls {
        assert!(matches!(call.await.unwrap().unwrap(), Reply::Accepted(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_gets_an_error_answer() {
    let server = Server::start().await;
    let (here, elsewhere) = (connect(&server).await, connect(&server).await);
    let (_service, counted) = serve(&here).await;
    let broken = elsewhere.call(&CallContext::default(), &OldEcho { words: 1 }).await;
    assert!(matches!(broken, Err(CallError::Broken(_))), "{broken:?}");
    let client = async_nats::connect(server.url()).await.unwrap();
    let answer = client.request("test.cmd.echo.say", "no json".into()).await.unwrap();
    assert!(answer.headers.unwrap().get("Nats-Service-Error-Code").is_some());
    assert_eq!(counted.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_share_the_work_and_one_may_stop() {
    let server = Server::start().await;
    let (first, second) = (connect(&server).await, connect(&server).await);
    let caller = connect(&server).await;
    let (one, counted_one) = serve(&first).await;
    let (_two, counted_two) = serve(&second).await;
    for _ in 0..100 {
        caller.call(&CallContext::default(), &echo("x")).await.unwrap();
    }
    let begun = |c: &Counted| c.begun.load(Ordering::SeqCst);
    assert_eq!(begun(&counted_one) + begun(&counted_two), 100);
    assert!(begun(&counted_one) > 0 && begun(&counted_two) > 0);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let caller = caller.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    caller.call(&CallContext::default(), &echo("x")).await.unwrap();
                }
            })
        })
        .collect();
    until(&counted_one, |c| begun(c) > 150).await;
    one.stop().await;
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(begun(&counted_one) + begun(&counted_two), 1700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_seen_by_nats_micro() {
    let server = Server::start().await;
    let (here, elsewhere) = (connect(&server).await, connect(&server).await);
    let (_service, _) = serve(&here).await;
    elsewhere.call(&CallContext::default(), &echo("x")).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let stats = client.request("$SRV.STATS.test-echo", "".into()).await.unwrap();
    let stats: serde_json::Value = serde_json::from_slice(&stats.payload).unwrap();
    assert_eq!(stats["endpoints"][0]["name"], "say");
    assert_eq!(stats["endpoints"][0]["num_requests"], 1);
    here.call(&CallContext::default(), &echo("panic")).await.unwrap_err();
    for subject in ["$SRV.PING", "$SRV.INFO", "$SRV.STATS"] {
        let answer = client.request(subject, "".into()).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!((&answer["name"], &answer["version"]), (&"test-echo".into(), &"1.0.0".into()));
        if subject != "$SRV.PING" {
            assert_eq!(answer["endpoints"][0]["subject"], "test.cmd.echo.say");
        }
        if subject == "$SRV.STATS" {
            assert_eq!(answer["endpoints"][0]["num_errors"], 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_back_after_a_restart_of_the_server() {
    let mut server = Server::start().await;
    let (here, elsewhere) = (connect(&server).await, connect(&server).await);
    let (_service, _) = serve(&here).await;
    server.kill();
    server.revive();
    for bus in [&here, &elsewhere] {
        let mut link = bus.watch_connection();
        let back = link.wait_for(|s| s.connected && s.generation == 2);
        timeout(PATIENCE, back).await.unwrap().unwrap();
        assert!(bus.is_connected());
    }
    here.barrier().await.unwrap();
    let reply = elsewhere.call(&CallContext::default(), &echo("back")).await.unwrap();
    assert!(matches!(reply, Reply::Accepted(_)));
}
