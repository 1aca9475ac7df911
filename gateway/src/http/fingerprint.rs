//! What makes a request the same as another one under an `Idempotency-Key`: method, path and body.
//!
//! Of secrets in a body not even a plain digest may be kept, as a list of passwords would find them. What is kept of them
//! is keyed by a secret of the installation and by the `Idempotency-Key` itself, which is kept nowhere.

use schemas::Digest;
use schemas::values::IdempotencyKey;
use serde_json::Value;

use super::call::Call;
use super::json;
use super::route::Route;

/// What is kept of a request, to know its repeat by.
pub(super) struct Fingerprint {
    /// Digest of method, path and what is not secret of the body.
    pub(super) request: Digest,
    /// Stands for what is secret of it; none on routes that take no secret.
    pub(super) secrets: Option<String>,
}

/// The fingerprint of a call; none when its body cannot be read.
pub(super) fn of(route: &Route, call: &Call, key: &IdempotencyKey) -> Option<Fingerprint> {
    let body = if call.body.is_empty() { b"{}".as_slice() } else { &call.body };
    let mut body = json::parse(body).ok()?;
    let has_secrets = route.confidential || !route.secret_fields.is_empty();
    let secrets = take_secrets(route, &mut body);
    let stand_in = || call.state.links.stand_in(key.as_str(), &secrets.to_string());
    let path = call.path.iter().map(String::as_str);
    let body = body.to_string();
    let fixed = [route.method.as_str(), route.path, body.as_str()];
    Some(Fingerprint {
        request: Digest::of(fixed.into_iter().chain(path)),
        secrets: has_secrets.then(stand_in),
    })
}

/// Takes what is secret out of a body: where the answer is, everything is.
fn take_secrets(route: &Route, body: &mut Value) -> Value {
    if route.confidential {
        return body.take();
    }
    let Some(fields) = body.as_object_mut() else { return Value::Null };
    let secret = |name: &&'static str| Some((*name, fields.get(*name)?.clone()));
    let secrets: Vec<(&str, Value)> = route.secret_fields.iter().filter_map(secret).collect();
    fields.retain(|name, _| !route.secret_fields.contains(&name.as_str()));
    serde_json::json!(secrets)
}
