//! One line of the URL table.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use schemas::{Code, Rejection};

use super::answer::{Answer, Outcome};
use super::call::Call;
use super::fields::Shape;
use super::request_context::RequestContext;
use crate::state::AppState;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Who has an access token.
    Session,
    /// Who has an access token of an admin.
    Admin,
}

/// By whose allowance calls are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meter {
    /// Not limited: cheap, or asked by machines that watch over us.
    Free,
    /// The person's.
    Person,
    /// The address's: registrations, logins and the like.
    Address,
}

/// Something that answers calls.
pub(super) type Serving = dyn Fn(Call) -> LocalBoxFuture<'static, Outcome> + Send + Sync;
type Upgraded = LocalBoxFuture<'static, Result<HttpResponse, Rejection>>;
type Upgrading =
    dyn Fn(Data<AppState>, RequestContext, HttpRequest, Payload) -> Upgraded + Send + Sync;
type Schematic = fn(&mut SchemaGenerator) -> Schema;

/// What carries a call out.
#[derive(Clone)]
pub(crate) enum Handler {
    /// Something that answers.
    Serve(Arc<Serving>),
    /// Something that takes the connection over, and authenticates by itself.
    Upgrade(Arc<Upgrading>),
}

/// Method, path, handler, and everything the pipeline and the OpenAPI document need to know.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) handler: Handler,
    pub(crate) access: Access,
    pub(crate) meter: Meter,
    /// A call shows that the caller knows a password: it counts like a login, for the address and for the account.
    pub(crate) attempt: bool,
    /// One line for the OpenAPI document.
    pub(crate) summary: &'static str,
    pub(crate) body: Option<Schematic>,
    pub(crate) query: Option<Schematic>,
    /// The statuses of success, each with what it answers.
    pub(crate) answers: Vec<(u16, Option<Schematic>)>,
    /// The answer holds something secret: it is never stored, not even to be repeated.
    pub(crate) confidential: bool,
    /// Fields of the body that are secret: not even a digest of them is stored.
    pub(crate) secret_fields: &'static [&'static str],
    /// For the answer to a method the path does not have: those it has.
    pub(crate) allow: Option<String>,
}

/// The whole URL table, in the order in which paths are matched.
pub(crate) type Table = Vec<Arc<Route>>;

impl Route {
    /// A route for people with a session, metered by person. Says in one line what it does.
    pub(crate) fn new<F, Fut>(
        method: Method,
        path: &'static str,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + 'static,
    {
        let serving = move |call| -> LocalBoxFuture<'static, Outcome> { Box::pin(handler(call)) };
        Self {
            method,
            path,
            handler: Handler::Serve(Arc::new(serving)),
            access: Access::Session,
            meter: Meter::Person,
            attempt: false,
            summary,
            body: None,
            query: None,
            answers: Vec::new(),
            confidential: false,
            secret_fields: &[],
            allow: None,
        }
    }

    /// Stands for every path that is not in the table.
    pub(crate) fn no_such_path() -> Self {
        Self::new(Method::GET, "unmatched", "", |_| async { Err(Rejection::not_found()) }).open()
    }

    /// Stands for the question which methods a path has.
    pub(crate) fn methods_of(path: &'static str, allow: String) -> Self {
        let mut route = Self::new(Method::OPTIONS, path, "", |_| async { Ok(Answer::nothing()) });
        route.allow = Some(allow);
        route.open()
    }

    /// Stands for every method a path does not have.
    pub(crate) fn other_method(path: &'static str, allow: String) -> Self {
        let detail = format!("the methods of this path are {allow}");
        let mut route = Self::methods_of(path, allow);
        route.handler = Handler::Serve(Arc::new(move |_| {
            let rejection = Rejection::new(Code::MethodNotAllowed, detail.clone());
            Box::pin(async { Err(rejection) })
        }));
        route
    }

    /// Everybody may call it, as often as he likes.
    pub(crate) fn open(mut self) -> Self {
        self.access = Access::Open;
        self.meter = Meter::Free;
        self
    }

    /// Everybody may call it, as often as his address may.
    pub(crate) fn open_to_attempts(mut self) -> Self {
        self.access = Access::Open;
        self.meter = Meter::Address;
        self
    }

    /// It asks for a password, so that a call is an attempt to guess it.
    pub(crate) fn attempt(mut self) -> Self {
        self.attempt = true;
        self
    }

    /// Only admins may call it.
    pub(crate) fn admin(mut self) -> Self {
        self.access = Access::Admin;
        self
    }

    /// Its answers are not to be stored.
    pub(crate) fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    /// These fields of its body are secret.
    pub(crate) fn secret(mut self, fields: &'static [&'static str]) -> Self {
        self.secret_fields = fields;
        self
    }

    /// It takes a body of this shape.
    pub(crate) fn takes<S: Shape>(mut self) -> Self {
        self.body = Some(SchemaGenerator::subschema_for::<S>);
        self
    }

    /// It takes a query of this shape.
    pub(crate) fn asks<S: Shape>(mut self) -> Self {
        self.query = Some(S::json_schema);
        self
    }

    /// It answers with this status and document.
    pub(crate) fn gives<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answers.push((status, Some(SchemaGenerator::subschema_for::<T>)));
        self
    }

    /// It answers with this status and something that is not described (or nothing).
    pub(crate) fn gives_nothing(mut self, status: u16) -> Self {
        self.answers.push((status, None));
        self
    }

    /// Takes the connection over instead of answering.
    pub(crate) fn upgrades<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Data<AppState>, RequestContext, HttpRequest, Payload) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HttpResponse, Rejection>> + 'static,
    {
        let upgrading = move |state, context, request, payload| -> Upgraded {
            Box::pin(handler(state, context, request, payload))
        };
        self.handler = Handler::Upgrade(Arc::new(upgrading));
        self
    }

    /// Whether it may change something.
    pub(crate) fn writes(&self) -> bool {
        !self.reads() && self.method != Method::OPTIONS
    }

    /// Whether it only reads.
    pub(crate) fn reads(&self) -> bool {
        self.method == Method::GET
    }
}
