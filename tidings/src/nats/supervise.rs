//! Keeps the private server running.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use telemetry::Health;

use super::access::Access;
use super::child::Program;
use super::logs::LastLines;
use super::{conf, find, leftover};
use crate::config::Config;
use crate::data::{make_private, write_private};
use crate::failure::Failure;

/// The first pause before starting it again; it doubles with every death in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that ran this long was well: the next death is the first in a row again.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// How often a child is looked at that is not ready yet, or seems to have ended.
const LOOK: Duration = Duration::from_millis(50);
/// How often one is looked at that takes clients and has not closed its output, which it does when it ends.
const LOOK_AT_A_WELL_ONE: Duration = Duration::from_secs(5);
/// How long it may take to close its store before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Another program may take the port between our look and the server's start.
const PORTS_TRIED: usize = 5;

const COMPONENT: &str = "nats_server";

/// What is needed to start one.
pub(crate) struct Start<'a> {
    /// The data folder, absolute and claimed.
    pub(crate) data: &'a Path,
    /// Settings: which program, when to sync, the namespace for the server's name.
    pub(crate) config: &'a Config,
    /// Told when the server is down and up again.
    pub(crate) health: &'a Health,
}

/// A private nats-server that is started again whenever it dies, at the same port.
pub(crate) struct PrivateServer {
    access: Access,
    orders: Sender<Order>,
    keeper: Option<JoinHandle<()>>,
    was_ready: Arc<AtomicBool>,
    store: PathBuf,
    last: LastLines,
}

/// What the keeper of the server is told.
enum Order {
    /// End the server for good.
    Stop,
    /// End it and start it again.
    Restart,
    /// Look whether the child of this number has ended: it says nothing more.
    Look(u64),
}

/// Has a private server started again, for as long as that lives. Clones are of the same server.
#[derive(Clone)]
pub(crate) struct Restarter {
    orders: Sender<Order>,
    last: LastLines,
    store: PathBuf,
}

impl Restarter {
    /// Starts the server again. Clients notice an interruption.
    pub(crate) fn restart(&self) {
        // Stopping the server for good has the last word.
        let _ = self.orders.send(Order::Restart);
    }

    /// Whether the server has said, since it was asked last, that a write to its files failed.
    pub(crate) fn take_write_error(&self) -> bool {
        self.last.take_write_error()
    }

    /// The folder it stores in.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }
}

impl PrivateServer {
    /// Starts it and waits until it takes clients, however long its store takes to load.
    ///
    /// # Errors
    /// No program, no port, or the server ended before it was ready; its last lines are in the text.
    pub(crate) async fn start(start: Start<'_>) -> Result<Self, Failure> {
        let folder = start.data.join("nats");
        let cannot = |error: std::io::Error| {
            Failure::because(&format!("{} cannot be prepared", folder.display()), &error)
        };
        let program = find::find(start.config.nats_server.as_deref())?;
        make_private(&folder).map_err(cannot)?;
        let file = folder.join("nats.conf");
        leftover::stop(&file).await;
        let name = format!("tidings-{}-{}", start.config.namespace, std::process::id());
        let mut access = Access::of(&folder).await.map_err(cannot)?;
        for attempt in 1.. {
            let text = conf::text(&access, &folder, &name, start.config.sync);
            write_private(&file, text.as_bytes()).map_err(cannot)?;
            let last = LastLines::default();
            let greeting = Greeting { port: access.port, name: name.clone() };
            let keeper = Keeper::new(program.clone(), file.clone(), greeting, start.health, &last);
            let store = conf::store(&folder);
            let kept = Self::keep(keeper, access.clone(), store, last.clone());
            let mut server = kept.map_err(cannot)?;
            if server.ready().await {
                return Ok(server);
            }
            server.stop().await;
            let lines = last.text();
            if attempt == PORTS_TRIED || !lines.contains("address already in use") {
                return Err(Failure::new(format!("nats-server does not start:\n  {lines}")));
            }
            access = Access::renew(&folder).await.map_err(cannot)?;
        }
        Err(Failure::new("nats-server does not start"))
    }

    /// The address with user and password; the same for as long as this lives.
    pub(crate) fn url(&self) -> String {
        self.access.url()
    }

    /// What can have it started again.
    pub(crate) fn restarter(&self) -> Restarter {
        let (last, store) = (self.last.clone(), self.store.clone());
        Restarter { orders: self.orders.clone(), last, store }
    }

    /// The folder it stores in.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Stops the server and returns when it has closed its store.
    pub(crate) async fn stop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(keeper) = self.keeper.take() {
            // The thread ends with the child; waiting for it must not block the runtime.
            let _ = tokio::task::spawn_blocking(move || keeper.join()).await;
        }
    }

    fn keep(
        (keeper, orders): (Keeper, Sender<Order>),
        access: Access,
        store: PathBuf,
        last: LastLines,
    ) -> std::io::Result<Self> {
        let was_ready = Arc::clone(&keeper.was_ready);
        let thread = std::thread::Builder::new()
            .name("nats-keeper".to_owned())
            .spawn(move || keeper.run())?;
        Ok(Self { access, orders, keeper: Some(thread), was_ready, store, last })
    }

    /// Waits until the server greets clients; false when it ended first.
    async fn ready(&self) -> bool {
        while !self.was_ready.load(Ordering::Acquire) {
            if self.keeper.as_ref().is_none_or(JoinHandle::is_finished) {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // On the way out after a failure `stop` was not awaited: the child must not stay.
        let _ = self.orders.send(Order::Stop);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// What the server says to a client that connects, which it does after its store is loaded.
struct Greeting {
    port: u16,
    name: String,
}

impl Greeting {
    /// Whether it is said now; looks for at most two tenths of a second.
    fn is_said(&self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let wait = Duration::from_millis(100);
        let heard = TcpStream::connect_timeout(&address, wait).and_then(|mut stream| {
            stream.set_read_timeout(Some(wait))?;
            let mut said = vec![0_u8; 4096];
            let length = stream.read(&mut said)?;
            said.truncate(length);
            Ok(String::from_utf8_lossy(&said).contains(&self.name))
        });
        heard.unwrap_or(false)
    }
}

/// The thread that starts the child, waits for it and starts it again. A thread, because the
/// kernel ties the child's life to the thread that started it (see [`Program::start`]).
struct Keeper {
    program: Program,
    greeting: Greeting,
    health: Health,
    orders: Receiver<Order>,
    /// Where what reads a child's output says that this has ended.
    order: Sender<Order>,
    last: LastLines,
    /// Whether it ever took clients: a death before that is a failed start.
    was_ready: Arc<AtomicBool>,
}

/// How one run of the child ended.
enum Ended {
    /// We were asked to stop, and it has stopped.
    OnPurpose,
    /// By itself, or it was killed.
    ByItself,
    /// We were asked to start it again.
    ToRestart,
}

impl Keeper {
    fn new(
        server: PathBuf,
        conf: PathBuf,
        greeting: Greeting,
        health: &Health,
        last: &LastLines,
    ) -> (Self, Sender<Order>) {
        let (order, orders) = channel();
        let keeper = Self {
            program: Program::new(server, conf),
            greeting,
            health: health.clone(),
            orders,
            order: order.clone(),
            last: last.clone(),
            was_ready: Arc::default(),
        };
        (keeper, order)
    }

    fn run(self) {
        let mut pause = FIRST_PAUSE;
        for number in 1.. {
            let (began, order) = (Instant::now(), self.order.clone());
            let silent = move || {
                let _ = order.send(Order::Look(number));
            };
            match self.program.start(&self.last, silent) {
                Ok(child) => match self.watch(child, number) {
                    Ended::OnPurpose => return,
                    Ended::ToRestart => continue,
                    Ended::ByItself => {}
                },
                Err(error) => tracing::error!(error = %error, "nats-server cannot be started"),
            }
            if !self.was_ready.load(Ordering::Acquire) {
                return;
            }
            if began.elapsed() > WELL_AFTER {
                pause = FIRST_PAUSE;
            }
            self.health.set(COMPONENT, Err("it died and is being started again"));
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(pause_ms, "nats-server died, starting it again");
            if !self.rests(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits before the next start, at most so long; false when there is to be none.
    fn rests(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.orders.recv_timeout(left) {
                Err(RecvTimeoutError::Timeout) | Ok(Order::Restart) => return true,
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(Order::Look(_)) => {}
            }
        }
    }

    /// Waits until the child ends, by itself or because we were asked to stop.
    fn watch(&self, mut child: Child, number: u64) -> Ended {
        let (mut up, mut silent) = (false, false);
        loop {
            let pause = if up && !silent { LOOK_AT_A_WELL_ONE } else { LOOK };
            match self.orders.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Look(which)) => silent |= which == number,
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    end(&mut child);
                    return Ended::OnPurpose;
                }
                Ok(Order::Restart) => {
                    self.health.set(COMPONENT, Err("it is being started again"));
                    end(&mut child);
                    return Ended::ToRestart;
                }
            }
            if let Ok(Some(status)) = child.try_wait() {
                tracing::warn!(process.status = %status, "nats-server ended");
                return Ended::ByItself;
            }
            if !up && self.greeting.is_said() {
                up = true;
                self.was_ready.store(true, Ordering::Release);
                self.health.set(COMPONENT, Ok::<(), String>(()));
                tracing::info!(nats.port = self.greeting.port, "nats-server is ready");
            }
        }
    }
}

/// Asks the child to close its store, and kills it when it takes too long.
fn end(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(_)) | Err(_) => return,
            Ok(None) => std::thread::park_timeout(Duration::from_millis(10)),
        }
    }
    tracing::warn!("nats-server does not stop, killing it");
    let _ = child.kill();
    let _ = child.wait();
}
