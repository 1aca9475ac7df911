//! A proxy before a nats-server that loses chosen messages, or brings them late and out of order.
//!
//! It understands as much of the protocol as it must to tell one message from the next
//! (docs.nats.io/reference/reference-protocols/nats-protocol). Threads, not tasks: a test that waits for a
//! process must not stop the proxy that the process needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kit::process::pause;

/// A message on its way from the server to a client.
pub struct Passing<'a> {
    /// The subject it was sent on.
    pub subject: &'a str,
    /// Headers, if there are any, and payload.
    pub content: &'a [u8],
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Pass,
    /// It never arrives.
    Lose,
    /// It arrives so much later, and others overtake it.
    Late(Duration),
    /// It and everything behind it on the connection arrive so much later.
    Stall(Duration),
}

/// Decides what becomes of a message.
type Rule = Box<dyn FnMut(&Passing<'_>) -> Fate + Send>;

#[derive(Default)]
struct State {
    rule: Mutex<Option<Rule>>,
    lost: AtomicU64,
    late: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

/// A running proxy.
pub struct Proxy {
    address: String,
    state: Arc<State>,
}

impl Proxy {
    /// Starts one before a server at `host:port`.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State::default());
        let (server, shared) = (server.to_owned(), Arc::clone(&state));
        std::thread::spawn(move || accept(&listener, &server, &shared));
        Self { address, state }
    }

    /// `nats://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// From now on loses the messages to a client that the rule says, by their subjects.
    pub fn lose(&self, mut rule: impl FnMut(&str) -> bool + Send + 'static) {
        self.decide(move |passing| if rule(passing.subject) { Fate::Lose } else { Fate::Pass });
    }

    /// From now on the rule decides what becomes of every message to a client.
    pub fn decide(&self, rule: impl FnMut(&Passing<'_>) -> Fate + Send + 'static) {
        *self.state.rule.lock().unwrap() = Some(Box::new(rule));
    }

    /// How many messages came late, overtaken or not.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.state.late.load(Ordering::SeqCst)
    }

    /// From now on every message arrives.
    pub fn heal(&self) {
        *self.state.rule.lock().unwrap() = None;
    }

    /// How many messages were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::SeqCst)
    }

    /// Breaks every connection; clients may connect again at once.
    pub fn cut(&self) {
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.cut();
    }
}

fn accept(listener: &TcpListener, server: &str, state: &Arc<State>) {
    while !state.stopped.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((client, _)) => {
                // A server that is away shows as a connection that closes at once.
                if let Ok(upstream) = TcpStream::connect(server) {
                    join(client, upstream, state);
                }
            }
            Err(_) => pause(),
        }
    }
}

fn join(client: TcpStream, upstream: TcpStream, state: &Arc<State>) {
    for stream in [&client, &upstream] {
        stream.set_nonblocking(false).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
    }
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
    state.open.lock().unwrap().extend([clone(&client), clone(&upstream)]);
    let (mut from, mut to) = (clone(&client), clone(&upstream));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        let to = Arc::new(Mutex::new(clone(&client)));
        let _ = forward(&upstream, &to, &state);
        let _ = client.shutdown(Shutdown::Both);
    });
}

/// Copies what the server says, message by message.
fn forward(
    upstream: &TcpStream,
    client: &Arc<Mutex<TcpStream>>,
    state: &Arc<State>,
) -> std::io::Result<()> {
    let mut server = BufReader::with_capacity(1 << 16, upstream);
    let mut unit = Vec::new();
    loop {
        unit.clear();
        if server.read_until(b'\n', &mut unit)? == 0 {
            return Ok(());
        }
        let head = unit.len();
        let line = String::from_utf8_lossy(&unit).into_owned();
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["MSG" | "HMSG", subject, .., size] = words.as_slice() {
            let size: u64 = size.parse().map_err(std::io::Error::other)?;
            (&mut server).take(size + 2).read_to_end(&mut unit)?;
            let passing = Passing { subject, content: &unit[head..] };
            let mut rule = state.rule.lock().unwrap();
            let fate = rule.as_mut().map_or(Fate::Pass, |rule| rule(&passing));
            drop(rule);
            match fate {
                Fate::Pass => {}
                Fate::Lose => {
                    state.lost.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                Fate::Late(by) => {
                    state.late.fetch_add(1, Ordering::SeqCst);
                    let (client, unit) = (Arc::clone(client), unit.clone());
                    std::thread::spawn(move || {
                        delay(by);
                        let _ = client.lock().unwrap().write_all(&unit);
                    });
                    continue;
                }
                Fate::Stall(by) => {
                    state.late.fetch_add(1, Ordering::SeqCst);
                    delay(by);
                }
            }
        }
        client.lock().unwrap().write_all(&unit)?;
    }
}

fn delay(by: Duration) {
    #[expect(clippy::disallowed_methods, reason = "being late is the fault")]
    std::thread::sleep(by);
}
