//! What a handler's signature says of its route.

use schemars::{Schema, SchemaGenerator};

/// Makes the schema of a type.
pub(crate) type Schematic = fn(&mut SchemaGenerator) -> Schema;

/// What a route takes and gives.
#[derive(Clone, Default)]
pub(crate) struct Description {
    /// The parameters of the path, in their order.
    pub(crate) path: &'static [&'static str],
    pub(crate) query: Option<Schematic>,
    pub(crate) body: Option<Schematic>,
    /// The statuses of success, each with what it answers.
    pub(crate) answers: Vec<(u16, Option<Schematic>)>,
}
