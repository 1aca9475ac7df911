//! Whether the store takes writes, as a value.

/// Whether the store of the log takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Store {
    /// It does, as far as is known.
    #[default]
    Open,
    /// The stream's own limit is reached, or a limit that is not known yet. Writes are tried all the same: a
    /// shorter one may fit.
    Full,
    /// A limit of the account or of the server is reached. That of a server without one set is three quarters of
    /// what was free on the disk when it was started.
    Refused,
    /// A write to its files has failed. nats-server takes none until it is started again, so none is tried.
    Failed,
}
