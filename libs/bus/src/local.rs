//! The services of this very process, by command.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::RwLock;
use schemas::Rejection;
use schemas::commands::{Accepted, CallContext, Command};
use tokio::sync::Semaphore;

use crate::micro::EndpointStats;

/// A future a handler returns.
pub(crate) type Answering<O> = Pin<Box<dyn Future<Output = Result<Accepted<O>, Rejection>> + Send>>;
/// A handler of one command.
pub(crate) type Handler<C> =
    Arc<dyn Fn(CallContext, C) -> Answering<<C as Command>::Output> + Send + Sync>;

/// A handler as the registry keeps it: a `Typed<C>` whose `C` the key names.
type Erased = Arc<dyn Any + Send + Sync>;
type Key = (&'static str, &'static str);

/// A handler together with its service's limit on handlers at work, and its counts.
pub(crate) struct Typed<C: Command> {
    pub(crate) handler: Handler<C>,
    pub(crate) limit: Arc<Semaphore>,
    pub(crate) stats: Arc<EndpointStats>,
}

impl<C: Command> Clone for Typed<C> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            limit: Arc::clone(&self.limit),
            stats: Arc::clone(&self.stats),
        }
    }
}

/// Which commands this process serves.
#[derive(Default)]
pub(crate) struct Registry {
    handlers: RwLock<HashMap<Key, Erased>>,
}

impl Registry {
    pub(crate) fn insert<C: Command>(&self, typed: Typed<C>) {
        self.handlers.write().insert((C::SERVICE, C::NAME), Arc::new(typed));
    }

    pub(crate) fn remove(&self, key: Key) {
        self.handlers.write().remove(&key);
    }

    pub(crate) fn find<C: Command>(&self) -> Option<Typed<C>> {
        let handlers = self.handlers.read();
        let erased = handlers.get(&(C::SERVICE, C::NAME))?;
        erased.downcast_ref::<Typed<C>>().cloned()
    }
}
