//! A connection between two servers that can be cut without either of them being told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::kit::process::pause;

#[derive(Default)]
struct State {
    cut: AtomicBool,
    ended: AtomicBool,
}

/// A way to an address. While it is cut, connections stay open and carry nothing, as in a network that drops
/// every packet; what was on its way arrives when it is mended, if a reader still waits for it.
pub struct Wire {
    port: u16,
    state: Arc<State>,
}

impl Wire {
    /// A way to a port of this machine.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let own = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || accept(&listener, port, &shared));
        Self { port: own, state }
    }

    /// The address to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing arrives, or everything again.
    pub fn cut(&self, cut: bool) {
        self.state.cut.store(cut, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
    }
}

fn accept(listener: &TcpListener, port: u16, state: &Arc<State>) {
    while !state.ended.load(Ordering::SeqCst) {
        let Ok((near, _)) = listener.accept() else {
            pause();
            continue;
        };
        // Without a server behind it the connection closes at once.
        if let Ok(far) = TcpStream::connect(("127.0.0.1", port)) {
            carry(&near, &far, state);
            carry(&far, &near, state);
        }
    }
}

/// Copies one way, until either end is closed or the wire is gone.
fn carry(from: &TcpStream, to: &TcpStream, state: &Arc<State>) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
    let (mut from, mut to, state) = (clone(from), clone(to), Arc::clone(state));
    from.set_nonblocking(false).expect("a socket");
    std::thread::spawn(move || {
        let mut part = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut part) {
            while state.cut.load(Ordering::SeqCst) && !state.ended.load(Ordering::SeqCst) {
                pause();
            }
            if state.ended.load(Ordering::SeqCst) || to.write_all(&part[..count]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}
