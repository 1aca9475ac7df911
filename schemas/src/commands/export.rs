//! Exports of people's data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::ids::ExportId;
use crate::values::Secret;

commands! {
    /// Asks for a copy of the caller's data. As long as one is being made or can be downloaded, it is that one.
    AUTH / "request_export": RequestExport -> ExportId {
        /// The present password; none when the account has none.
        password: Option<Secret>,
        /// A code of the second factor, if the account has one.
        code: Option<Secret>,
    }
}
