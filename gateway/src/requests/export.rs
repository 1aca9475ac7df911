//! Exports of people's data.

use schemas::commands::RequestExport;
use schemas::values::Secret;

use crate::http::shape;

shape! {
    /// What asking for a copy of one's data takes.
    ExportRequest {
        /// The current password. Left out by accounts without one.
        password: Option<Secret>,
        /// A code of the second factor, once the account has one.
        code: Option<Secret>,
    }
}

impl ExportRequest {
    pub(crate) fn command(self) -> RequestExport {
        let Self { password, code } = self;
        RequestExport { password, code }
    }
}
