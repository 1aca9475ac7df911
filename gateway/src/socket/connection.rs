//! The TCP connection under a socket, so that it can be ended from outside.
//!
//! The HTTP layer asks a response for more only when it has written what it has. A peer that reads nothing
//! therefore can only be ended beside it: with a second handle to the connection, taken when
//! it is accepted.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;

use actix_web::dev::Extensions;

/// A second handle to a connection.
#[derive(Debug, Clone)]
pub struct Handle(Arc<TcpStream>);

impl Handle {
    /// Ends the connection in both directions. What the kernel has taken is still delivered.
    pub(crate) fn hang_up(&self) {
        // It fails when the connection has gone already, which is what is wanted.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// For `HttpServer::on_connect`: keeps a handle to every accepted connection with its requests.
pub fn keep_handle(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
    // A lost reply delayed by Nagle's algorithm costs 40 ms; frames are written whole anyway.
    let _ = stream.set_nodelay(true);
    match stream.as_fd().try_clone_to_owned() {
        Ok(fd) => {
            data.insert(Handle(Arc::new(TcpStream::from(fd))));
        }
        Err(error) => {
            tracing::warn!(error = %error, "no second handle to a connection: too many open files?");
        }
    }
}
