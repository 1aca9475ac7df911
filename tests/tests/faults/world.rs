//! The installation a case runs against: one process, or many.

use schemas::Sequence;
use schemas::event::Event;
use tests::kit::installation::Installation;
use tests::kit::log;
use tests::kit::separate::Separate;

/// An installation that can be judged.
pub(crate) trait World {
    /// The address of its log's server.
    fn nats(&self) -> String;
    /// Its namespace.
    fn namespace(&self) -> String;
    /// Checks that the read model is what a cold rebuild makes of the log.
    fn verify(&self);
}

impl World for Installation {
    fn nats(&self) -> String {
        Self::nats(self)
    }

    fn namespace(&self) -> String {
        "tidings".to_owned()
    }

    fn verify(&self) {
        Self::verify(self);
    }
}

impl World for Separate {
    fn nats(&self) -> String {
        self.nats_url()
    }

    fn namespace(&self) -> String {
        self.namespace.clone()
    }

    fn verify(&self) {
        Self::verify(self);
    }
}

/// Every event of a world's log.
pub(crate) async fn events(world: &impl World) -> Vec<(Sequence, Event)> {
    log::events(&world.nats(), &world.namespace()).await
}
