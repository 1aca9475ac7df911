//! Records of secret stores, as JSON.

use decider::Failure;
use schemas::{Code, Rejection};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record of a secret store, read back.
pub(crate) fn read_record<T: DeserializeOwned>(value: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(value).map_err(|error| corrupt(&error))
}

/// A record as a secret store keeps it.
pub(crate) fn write_record(record: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(record).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> Failure {
    tracing::error!(%error, "a stored secret cannot be read");
    Rejection::new(Code::Internal, "a stored record cannot be read").into()
}
