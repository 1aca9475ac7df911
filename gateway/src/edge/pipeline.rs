//! The way of a request, from its head to its answer.
//!
//! actix runs extractors side by side, so nothing is an extractor here: each step is a line in [`work`], and
//! whoever is not allowed in is turned away before his body is read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use schemas::commands::Caller;
use schemas::values::{IdempotencyKey, Role};
use schemas::{Code, Digest, Rejection};
use tracing::Instrument;

use super::arrival::{header, method_name};
use super::idempotency::{Claim, Keyed};
use super::route::{Handler, Serving};
use super::seal::{self, Findings};
use super::{Access, Arrival, Call, Fields, Meter, Origin, Outcome, Route, intake, json, shape};
use crate::problem;
use crate::state::AppState;

shape! {
    /// The query of a route without one.
    NoQuery {}
}

/// Serves one request of a route.
pub(crate) async fn serve(
    route: Arc<Route>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let Some(state) = request.app_data::<Data<AppState>>().cloned() else {
        return HttpResponse::InternalServerError().finish();
    };
    let begun = Instant::now();
    let under_way = state.http.begin();
    let arrival = Arrival::of(&request, route.path, &state.config);
    let mut findings = Findings::default();
    let working = carry_out(&route, &state, &arrival, &request, payload, &mut findings);
    let caught = AssertUnwindSafe(working.instrument(arrival.span.clone())).catch_unwind();
    let outcome = caught.await.unwrap_or_else(|_| Err(stumbled()));
    let mut response =
        outcome.unwrap_or_else(|rejection| problem::answer(&rejection, arrival.trace.trace_id()));
    let origin = Origin::of(&request, &state.config);
    origin.grant(route.allow.as_deref(), response.headers_mut());
    seal::headers(&route, &arrival, &findings, &mut response);
    drop(under_way);
    let status = response.status().as_u16();
    let method = method_name(request.method());
    state.http.answered(route.path, method, status, begun.elapsed().as_secs_f64());
    seal::log(&arrival, status, begun.elapsed(), findings.user.as_ref());
    response
}

async fn carry_out(
    route: &Route,
    state: &Data<AppState>,
    arrival: &Arrival,
    request: &HttpRequest,
    mut payload: Payload,
    findings: &mut Findings,
) -> Result<HttpResponse, Rejection> {
    let handler = match &route.handler {
        Handler::Serve(handler) => handler,
        Handler::Upgrade(handler) => {
            return handler(state.clone(), arrival.clone(), request.clone(), payload).await;
        }
    };
    let admitted = admit(route, state, arrival, request, findings).await;
    let caller = match admitted {
        Ok(caller) => caller,
        Err(rejection) => {
            intake::drain(&mut payload).await;
            return Err(rejection);
        }
    };
    let body = intake::body(route, request, &mut payload).await?;
    // A method the path does not have is that, whatever else is wrong.
    if route.query.is_none() && route.allow.is_none() && route.path.starts_with("/v1/") {
        Fields::of_query::<NoQuery>(request.query_string())?;
    }
    let call = Call {
        state: state.clone(),
        arrival: arrival.clone(),
        caller,
        idempotency_key: idempotency_key(route, request)?,
        path: path_of(request),
        query: request.query_string().to_owned(),
        body,
        stored: Arc::clone(&findings.stored),
    };
    let mut answer = once(route, call, handler).await?;
    if route.writes() && answer.position.is_none() {
        // Nothing was written: whatever the caller sees is in the log by now.
        let head = state.log.head().await.ok();
        answer.position = head.map(|head| state.log.epoch().at(head));
    }
    Ok(seal::response(answer))
}

/// Everything that may turn a request away before its body is read.
async fn admit(
    route: &Route,
    state: &Data<AppState>,
    arrival: &Arrival,
    request: &HttpRequest,
    findings: &mut Findings,
) -> Result<Option<Caller>, Rejection> {
    intake::check_head(request)?;
    if route.meter == Meter::Address || route.attempt {
        findings.count(state.limits.address(arrival.ip).into_iter().collect())?;
    }
    let caller = match route.access {
        Access::Open => None,
        Access::Session | Access::Admin => Some(authenticate(state, request).await?),
    };
    if let Some(caller) = &caller {
        findings.user = Some(caller.user_id.clone());
        if route.meter == Meter::Person {
            findings.count(state.limits.request(&caller.user_id, route.writes()))?;
        }
        if route.attempt {
            findings.count(state.limits.attempt(&caller.user_id).into_iter().collect())?;
        }
    }
    if route.access == Access::Admin
        && caller.as_ref().map(|caller| caller.role) != Some(Role::Admin)
    {
        return Err(Rejection::new(Code::Forbidden, "only admins may do this"));
    }
    // What is open to everybody waits for nothing: it would hold connections up for nothing.
    if let Some(caller) = caller.as_ref().filter(|_| route.reads()) {
        intake::fresh_enough(state, request, caller).await?;
    }
    Ok(caller)
}

async fn authenticate(state: &AppState, request: &HttpRequest) -> Result<Caller, Rejection> {
    let given = header(request, "authorization").and_then(|text| text.split_once(' '));
    match given {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            state.sessions.authenticate(token.trim()).await
        }
        _ => Err(Rejection::new(Code::Unauthenticated, "an access token is required")),
    }
}

/// Carries a request with an `Idempotency-Key` out once, and any other as it is.
async fn once(route: &Route, call: Call, handler: &Arc<Serving>) -> Outcome {
    let Some(key) = call.idempotency_key.clone().filter(|_| !route.confidential) else {
        return handler(call).await;
    };
    // A body that cannot be read is refused by the handler; there is nothing to remember.
    let Some(request) = fingerprint(route, &call) else { return handler(call).await };
    let (owner, scope) = match &call.caller {
        Some(caller) => (caller.user_id.to_string(), String::new()),
        None => ("anonymous".to_owned(), format!("{} {}", call.arrival.ip, route.path)),
    };
    let keyed = Keyed { store: call.state.replays.clone(), owner, scope, key, request };
    let revision = match keyed.claim().await? {
        Claim::Ours(revision) => revision,
        Claim::Answered(answer) => return Ok(answer),
    };
    let handler = Arc::clone(handler);
    // A task of its own: a client that gives up waiting is the very one that will repeat the request, and is
    // to find the answer then.
    let working = async move {
        let outcome = AssertUnwindSafe(handler(call)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err(stumbled()));
        keyed.settle(revision, &outcome).await;
        outcome
    };
    actix_web::rt::spawn(working.in_current_span()).await.unwrap_or_else(|_| Err(stumbled()))
}

fn stumbled() -> Rejection {
    Rejection::new(Code::Internal, "the request made the server stumble")
}

/// What makes a request the same as another one: method, path and body, but no secret in it, of which
/// not even a digest may be kept.
fn fingerprint(route: &Route, call: &Call) -> Option<Digest> {
    let body = if call.body.is_empty() { b"{}".as_slice() } else { &call.body };
    let mut body = json::parse(body).ok()?;
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !route.secret_fields.contains(&name.as_str()));
    }
    let path = call.path.iter().map(|(_, value)| value.as_str());
    let body = body.to_string();
    let fixed = [route.method.as_str(), route.path, body.as_str()];
    Some(Digest::of(fixed.into_iter().chain(path)))
}

fn idempotency_key(
    route: &Route,
    request: &HttpRequest,
) -> Result<Option<IdempotencyKey>, Rejection> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    if route.method != Method::POST {
        return Ok(None);
    }
    let key = value.to_str().ok().and_then(|text| IdempotencyKey::parse(text).ok());
    key.map(Some).ok_or_else(|| {
        problem::bad("the header Idempotency-Key must be 1 to 128 visible ASCII characters")
    })
}

fn path_of(request: &HttpRequest) -> Vec<(String, String)> {
    let parts = request.match_info();
    parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
