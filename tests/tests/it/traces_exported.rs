//! Where a message is, as a collector of traces shows it: one trace from the frame to the log, and links from
//! everything that came of it.

use serde_json::{Value, json};
use tests::kit::authority::Authority;
use tests::kit::collector::{Collector, Span};
use tests::kit::installation::Installation;
use tests::kit::person::Person;
use tests::kit::separate::{SERVICES, Separate, Setup};

/// Numbers of OTLP.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const PRODUCER: u64 = 4;
const CONSUMER: u64 = 5;

/// Every service as a process, with spans sent soon.
fn everything_traced(collector: &Collector) -> Separate {
    let soon = || vec![("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned())];
    let names = SERVICES.iter().copied().chain(["gateway-0", "gateway-1"]);
    Separate::start_with(Setup {
        proxied: Vec::new(),
        flags: collector.over_grpc().map(|flag| -> &'static str { flag.leak() }).to_vec(),
        environment: names.map(|name| (name, soon())).collect(),
        ..Setup::on("sqlite")
    })
}

/// What led to a message being in the log.
struct Origin {
    frame: Span,
    command: Span,
    append: Span,
}

impl Origin {
    async fn of(message: &str, collector: &Collector) -> Self {
        let append = collector
            .span("the append", |span| {
                span.name() == "append" && span.attribute("event.subject") == message
            })
            .await;
        let above = async |below: &Span| {
            let fits = |span: &Span| span.id() == below.parent();
            collector.span("what a span is part of", fits).await
        };
        let command = above(&append).await;
        let frame = above(&command).await;
        Self { frame, command, append }
    }

    /// Waits for a span that links to it and is no part of it.
    async fn later(&self, collector: &Collector, name: &str, fits: impl Fn(&Span) -> bool) -> Span {
        let what = format!("{name} links to the command");
        let found = |span: &Span| span.name() == name && span.follows(&self.command) && fits(span);
        let span = collector.span(&what, found).await;
        assert_ne!(span.trace(), self.command.trace(), "{span:?}");
        assert_eq!((span.parent(), span.kind()), ("", CONSUMER), "{span:?}");
        // A batch of the projector may have events of other traces, too.
        let of_one = span.linked().iter().all(|trace| *trace == self.command.trace());
        let origin = if of_one { json!(self.command.trace()) } else { Value::Null };
        assert_eq!(*span.attribute("trace.origin"), origin, "{span:?}");
        span
    }
}

#[tokio::test]
async fn a_post_is_one_trace_to_the_log_and_all_that_comes_of_it_links_there() {
    let Some(collector) = Collector::start() else { return };
    let separate = everything_traced(&collector);
    let place = &separate.place;
    let ada = Person::register(place, "ada").await;
    let (bob, away) = (Person::register(place, "bob").await, Person::register(place, "cyd").await);
    let preferences = json!({"preferences": {"email_delay_minutes": 0}});
    away.patch("/v1/users/me", preferences).await.ok(200);
    let room = ada.group(&[&bob, &away]).await;
    let mut elsewhere = bob.at(1).connect().await;
    let mut socket = ada.at(0).connect().await;
    let posted = socket.post(&room, &format!("look {} at this", away.at_name())).await;
    let message = posted["result"]["id"].as_str().expect("it is posted").to_owned();
    elsewhere.event_in(&room, "message.posted").await;

    let origin = Origin::of(&message, &collector).await;
    let Origin { frame, command, append } = &origin;
    let services = [frame, command, append].map(|span| span.process("service.name").to_owned());
    assert_eq!(services, ["gateway", "chat-svc", "chat-svc"]);
    assert_eq!([frame, command, append].map(Span::name), ["frame", "command", "append"]);
    assert_eq!([frame, command, append].map(Span::kind), [SERVER, SERVER, PRODUCER]);
    assert_eq!([command, append].map(Span::trace), [frame.trace(); 2]);
    assert_eq!((frame.parent(), frame.attribute("frame.kind")), ("", &json!("post")));
    assert_eq!(frame.via(), "grpc");
    let place_in_log = append.attribute("event.seq");
    assert!(place_in_log.is_string(), "{append:?}");

    let of_service = |name: &'static str| move |span: &Span| span.process("service.name") == name;
    origin.later(&collector, "project", of_service("projector")).await;
    let other_gateway = |span: &Span| {
        let instance = |span: &Span| span.process("service.instance.id").to_owned();
        span.attribute("event.seq") == place_in_log && instance(span) != instance(frame)
    };
    let delivered = origin.later(&collector, "deliver", other_gateway).await;
    assert_eq!(delivered.process("service.name"), "gateway");
    assert_eq!(delivered.attribute("sockets"), 1);
    let in_inbox = |span: &Span| span.attribute("channel") == "inbox";
    origin.later(&collector, "notify", in_inbox).await;
    let digest = origin.later(&collector, "digest", of_service("notifier")).await;
    let mail = collector.span("the mail", |span| span.parent() == digest.id()).await;
    assert_eq!((mail.name(), mail.kind(), mail.trace()), ("mail", CLIENT, digest.trace()));
    // Nothing of what came later is in the trace itself.
    let names = ["frame", "command", "append"];
    for span in collector.spans().iter().filter(|span| span.trace() == frame.trace()) {
        assert!(names.contains(&span.name()), "{span:?}");
    }
}

/// The installation in one process, with spans sent over HTTP.
fn one_process(collector: &Collector, flags: &[&str]) -> Installation {
    let to = collector.over_http();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    Installation::relaxed(&[to.as_slice(), flags].concat())
}

/// Posts as part of a trace of the client's; the message's id.
async fn post_within(who: &Person, room: &str, trace: &str, flags: &str) -> String {
    let reply = who
        .ask("POST", &format!("/v1/rooms/{room}/messages"))
        .header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-{flags}"))
        .json(json!({"body": "traced"}))
        .send()
        .await;
    let message: Value = reply.ok(201);
    message["id"].as_str().expect("an id").to_owned()
}

const SAMPLED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NOT_SAMPLED: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_clients_trace_is_continued_and_exported_only_if_it_is_sampled() {
    let Some(collector) = Collector::start() else { return };
    let mut installation = one_process(&collector, &[]);
    let ada = Person::register(&installation.place, "ada").await;
    let room = ada.group(&[]).await;
    post_within(&ada, &room, NOT_SAMPLED, "00").await;
    let message = post_within(&ada, &room, SAMPLED, "01").await;
    // Both are projected, and with the end of the process every span is sent.
    assert_eq!(ada.messages(&room).await.len(), 2);
    installation.process.stop();
    let spans = collector.spans();
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name() == name && span.trace() == SAMPLED);
        found.unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    let (request, command, append) = (named("http"), named("command"), named("append"));
    assert_eq!(request.parent(), "00f067aa0ba902b7");
    assert_eq!((command.parent(), append.parent()), (request.id(), command.id()));
    assert_eq!(append.attribute("event.subject"), message.as_str());
    assert_eq!((request.via(), request.process("service.name")), ("http", "tidings"));
    assert!(spans.iter().any(|span| span.name() == "project" && span.follows(command)));
    let strays = spans
        .iter()
        .filter(|span| span.trace() == NOT_SAMPLED || span.linked().contains(&NOT_SAMPLED));
    assert_eq!(strays.count(), 0, "{spans:#?}");
}

#[tokio::test]
async fn nothing_is_exported_at_a_ratio_of_zero() {
    let Some(collector) = Collector::start() else { return };
    let mut installation = one_process(&collector, &["--trace-ratio", "0"]);
    let ada = Person::register(&installation.place, "ada").await;
    let room = ada.group(&[]).await;
    post_within(&ada, &room, SAMPLED, "01").await;
    let mut socket = ada.connect().await;
    socket.post(&room, "over a socket").await;
    assert_eq!(ada.messages(&room).await.len(), 2);
    installation.process.stop();
    let spans = collector.spans();
    assert!(spans.is_empty(), "{spans:#?}");
}

/// Posts as part of a sampled trace to an installation with these flags, and ends it, which sends every span.
async fn post_and_end(flags: &[String], trace: &str) {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut installation = Installation::relaxed(&flags);
    let ada = Person::register(&installation.place, "ada").await;
    let room = ada.group(&[]).await;
    post_within(&ada, &room, trace, "01").await;
    assert_eq!(ada.messages(&room).await.len(), 1);
    installation.process.stop();
}

#[tokio::test]
async fn over_tls_spans_go_to_whom_the_authority_vouches_for_and_to_no_other() {
    let Some(authority) = Authority::new() else { return };
    let certificate = authority.issue("collector", 2);
    let Some(collector) = Collector::start_over_tls(&certificate) else { return };
    let trusted = authority.trusted().display().to_string();
    let appended = |trace: &str| {
        let of_it = |span: &Span| span.name() == "append" && span.trace() == trace;
        collector.spans().into_iter().find(of_it).map(|span| span.via().to_owned())
    };
    let (over_http, over_grpc) = (collector.over_http().to_vec(), collector.over_grpc().to_vec());

    for (number, (flags, via)) in [(&over_http, "http"), (&over_grpc, "grpc")].iter().enumerate() {
        let trusting = [flags.as_slice(), &["--otlp-ca-file".to_owned(), trusted.clone()]].concat();
        let trace = format!("{SAMPLED_HEAD}{number:016x}");
        post_and_end(&trusting, &trace).await;
        assert_eq!(appended(&trace).as_deref(), Some(*via));
        // Without the authority the message is posted all the same, and nothing is told.
        let trace = format!("{NOT_TOLD_HEAD}{number:016x}");
        post_and_end(flags, &trace).await;
        assert_eq!(appended(&trace), None);
    }
}

/// The first halves of ids of traces.
const SAMPLED_HEAD: &str = "4bf92f3577b34da6";
const NOT_TOLD_HEAD: &str = "5cf92f3577b34da6";
