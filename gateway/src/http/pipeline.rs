//! The way of a request, from its head to its answer.
//!
//! actix runs extractors side by side, so nothing is an extractor here: each step is a line in [`Work`], and a
//! caller who is not admitted is turned away before the body is read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use schemas::commands::Caller;
use schemas::values::{IdempotencyKey, Role};
use schemas::{Code, RefusalReason, Rejection, UserId};
use tracing::Instrument;

use super::answer::Outcome;
use super::browser::Browser;
use super::call::Call;
use super::fields::{Fields, shape};
use super::head::{check_head, header, method_name};
use super::idempotency::{Claim, Keyed};
use super::login_cookie::LoginCookies;
use super::origin::Origin;
use super::outcome::RequestOutcome;
use super::request_context::RequestContext;
use super::route::{Access, Meter, Route, Service, Serving};
use super::{files_only, fingerprint, freshness, request_body, response};
use crate::problem;
use crate::request_log::Answered;
use crate::state::AppState;

shape! {
    /// The query of a route without one.
    NoQuery {}
}

/// Stands in the response of a handler that authenticates by itself: the user who asked.
pub(crate) struct Authenticated(pub(crate) UserId);

/// Serves one request of a route.
pub(crate) async fn serve(
    route: Arc<Route>,
    path: Vec<String>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let Some(state) = request.app_data::<Data<AppState>>().cloned() else {
        return HttpResponse::InternalServerError().finish();
    };
    let begun = Instant::now();
    let under_way = state.http.begin();
    let context = RequestContext::of(&request, route.path, &state.config);
    let mut found = RequestOutcome::default();
    let work = Work { route: &route, state: &state, context: &context, request: &request };
    let working = work.carry_out(path, payload, &mut found);
    let caught = AssertUnwindSafe(working.instrument(context.span.clone())).catch_unwind();
    let outcome = caught.await.unwrap_or_else(|_| Err(internal_error()));
    let mut response =
        outcome.unwrap_or_else(|rejection| problem::answer(&rejection, context.trace.trace_id()));
    let origin = Origin::of(&request, &state.config);
    origin.grant(route.allow.as_deref(), response.headers_mut());
    response::headers(&route, &context, &found, &mut response);
    drop(under_way);
    let status = response.status().as_u16();
    let method = method_name(request.method());
    state.http.answered(route.path, method, status, begun.elapsed().as_secs_f64());
    let took = begun.elapsed();
    let opened = response.extensions().get::<Authenticated>().map(|user| user.0);
    let user = found.user.or(opened);
    response::log(&context, status, took, user.as_ref());
    let (user, trace_id, ip) = (user.as_ref(), context.trace.trace_id(), context.ip);
    let answered = Answered { method, path: route.path, status, took, user, ip, trace_id };
    state.requests.note(&answered);
    response
}

/// A request on its way.
struct Work<'a> {
    route: &'a Route,
    state: &'a Data<AppState>,
    context: &'a RequestContext,
    request: &'a HttpRequest,
}

impl Work<'_> {
    async fn carry_out(
        &self,
        path: Vec<String>,
        mut payload: Payload,
        found: &mut RequestOutcome,
    ) -> Result<HttpResponse, Rejection> {
        let Self { route, state, context, request } = *self;
        if let Err(rejection) = files_only::check(route.path, request, &state.config) {
            request_body::drain(&mut payload).await;
            return Err(rejection);
        }
        let handler = match &route.service {
            Service::Serve(handler) => handler,
            Service::Upgrade(handler) => {
                return handler(state.clone(), context.clone(), request.clone(), payload).await;
            }
        };
        let caller = match self.admit(found).await {
            Ok(caller) => caller,
            Err(rejection) => {
                request_body::drain(&mut payload).await;
                return Err(rejection);
            }
        };
        let body = request_body::body(route, request, &mut payload).await?;
        // A method the path does not have is that, whatever else is wrong.
        if route.description.query.is_none()
            && route.allow.is_none()
            && route.path.starts_with("/v1/")
        {
            Fields::of_query::<NoQuery>(request.query_string())?;
        }
        let call = Call {
            state: state.clone(),
            context: context.clone(),
            browser: Browser::of(request, &state.config),
            logins: LoginCookies::of(request),
            caller,
            idempotency_key: idempotency_key(route, request)?,
            path,
            query: request.query_string().to_owned(),
            body,
            stored: Arc::clone(&found.stored),
        };
        let mut answer = once(route, call, handler).await?;
        if route.writes() && answer.position.is_none() {
            answer.position = state.where_nothing_was_written().await;
        }
        Ok(response::response(answer))
    }

    /// Everything that may turn a request away before its body is read.
    async fn admit(&self, found: &mut RequestOutcome) -> Result<Option<Caller>, Rejection> {
        let Self { route, state, context, request } = *self;
        check_head(request)?;
        if route.meter == Meter::Address || route.attempt {
            found.count(state.limits.address(context.ip).into_iter().collect())?;
        }
        let caller = match route.access {
            Access::Open => None,
            Access::Session | Access::Moderator | Access::Admin => {
                Some(authenticate(state, request).await?)
            }
        };
        if let Some(caller) = &caller {
            found.user = Some(caller.user_id);
            match route.meter {
                Meter::Person => {
                    found.count(state.limits.request(&caller.user_id, route.writes()))?;
                }
                Meter::Media => {
                    found.count(state.limits.media(&caller.user_id).into_iter().collect())?;
                }
                Meter::Free | Meter::Address => {}
            }
            if route.attempt {
                found.count(state.limits.attempt(&caller.user_id).into_iter().collect())?;
            }
        }
        may_call(route.access, caller.as_ref())?;
        // A public route waits for nothing: its clients could hold connections open at no cost.
        if let Some(caller) = caller.as_ref().filter(|_| route.reads()) {
            freshness::fresh_enough(state, request, caller, route.groups.unwrap_or_default())
                .await?;
        }
        Ok(caller)
    }
}

/// Whether the caller's role lets them call a route.
fn may_call(access: Access, caller: Option<&Caller>) -> Result<(), Rejection> {
    let has = |role| caller.is_some_and(|caller| caller.role >= role);
    let (reason, refused) = match access {
        Access::Open | Access::Session => return Ok(()),
        Access::Moderator if has(Role::Moderator) => return Ok(()),
        Access::Admin if has(Role::Admin) => return Ok(()),
        Access::Moderator => {
            (RefusalReason::NeedsModerator, "only moderators and admins may do this")
        }
        Access::Admin => (RefusalReason::NeedsAdmin, "only admins may do this"),
    };
    Err(Rejection::because(reason, refused))
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
    let Some(key) = call.idempotency_key.clone() else { return handler(call).await };
    // A body that cannot be read is refused by the handler; there is nothing to remember.
    let Some(fingerprint) = fingerprint::of(route, &call, &key) else {
        return handler(call).await;
    };
    let (owner, scope) = match &call.caller {
        Some(caller) => (caller.user_id.to_string(), String::new()),
        None => ("anonymous".to_owned(), format!("{} {}", call.context.ip, route.path)),
    };
    let (store, confidential) = (call.state.replays.clone(), route.confidential);
    let keyed = Keyed { store, owner, scope, key, fingerprint, confidential };
    let revision = match keyed.claim().await? {
        Claim::Ours(revision) => revision,
        Claim::Answered(answer) => return Ok(answer),
        Claim::Again => return handler(call).await,
    };
    let handler = Arc::clone(handler);
    // A task of its own: a client that gives up waiting is the very one that will repeat the request, and is
    // to find the answer then.
    let working = async move {
        let outcome = AssertUnwindSafe(handler(call)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err(internal_error()));
        keyed.settle(revision, &outcome).await;
        outcome
    };
    actix_web::rt::spawn(working.in_current_span()).await.unwrap_or_else(|_| Err(internal_error()))
}

fn internal_error() -> Rejection {
    Rejection::new(Code::Internal, "internal error while handling the request")
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
