//! One line of the URL table.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use readmodel::Group;
use schemas::{Code, Rejection};

use super::answer::{Answer, NoContent, Outcome};
use super::call::Call;
use super::description::Description;
use super::handler::Handler;
use super::request_context::RequestContext;
use crate::state::AppState;

/// What stands in place of a template where a path is not in the table.
pub(super) const UNMATCHED: &str = "unmatched";

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Public.
    Open,
    /// Any user, with an access token.
    Session,
    /// A moderator or an admin, with an access token.
    Moderator,
    /// An admin, with an access token.
    Admin,
}

/// By whose allowance calls are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meter {
    /// Not limited: cheap, or asked by monitoring.
    Free,
    /// The user's.
    Person,
    /// The user's, for files.
    Media,
    /// The client address's: registrations, logins and the like.
    Address,
}

/// Something that answers calls.
pub(super) type Serving = dyn Fn(Call) -> LocalBoxFuture<'static, Outcome> + Send + Sync;
type Upgraded = LocalBoxFuture<'static, Result<HttpResponse, Rejection>>;
type Upgrading =
    dyn Fn(Data<AppState>, RequestContext, HttpRequest, Payload) -> Upgraded + Send + Sync;

/// What carries a call out.
#[derive(Clone)]
pub(crate) enum Service {
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
    pub(crate) service: Service,
    pub(crate) access: Access,
    pub(crate) meter: Meter,
    /// A call shows that the caller knows a password: it counts like a login, for the address and for the account.
    pub(crate) attempt: bool,
    /// The heading of the OpenAPI document it stands under.
    pub(crate) tag: &'static str,
    /// One sentence for the OpenAPI document.
    pub(crate) summary: &'static str,
    /// What the handler's signature says.
    pub(crate) description: Description,
    /// Which views a read is made of: it waits for those and no others. None until it is said.
    pub(crate) groups: Option<&'static [Group]>,
    /// The answer holds something secret: it is never stored, not even to be repeated.
    pub(crate) confidential: bool,
    /// It takes a body of any type and does not look at it: who calls it is told the type by another standard.
    pub(crate) any_body: bool,
    /// It takes no request without a body, although no field of it is required by itself.
    pub(crate) needs_body: bool,
    /// Fields of the body that are secret: not even a digest of them is stored, unless it is keyed.
    pub(crate) secret_fields: &'static [&'static str],
    /// For the answer to a method the path does not have: those it has.
    pub(crate) allow: Option<String>,
    /// Pages and files of the web app: no part of the API, so the OpenAPI document passes them over.
    pub(crate) unlisted: bool,
}

/// The whole URL table.
pub(crate) type Table = Vec<Arc<Route>>;

impl Route {
    /// A route for users with a session, limited per user. `summary` says what it does, in one sentence.
    pub(crate) fn new<A, H: Handler<A>>(
        method: Method,
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self {
            method,
            path,
            service: Service::Serve(Arc::new(move |call| handler.call(call))),
            access: Access::Session,
            meter: Meter::Person,
            attempt: false,
            tag: "",
            summary,
            description: H::describe(),
            groups: None,
            confidential: false,
            any_body: false,
            needs_body: false,
            secret_fields: &[],
            allow: None,
            unlisted: false,
        }
    }

    /// Stands for every path that is not in the table.
    pub(crate) fn no_such_path() -> Self {
        let refuse = |_: Call| async { NoContent::Err(Rejection::not_found()) };
        Self::new(Method::GET, UNMATCHED, "", refuse).open()
    }

    /// Stands for the question which methods a path has.
    pub(crate) fn methods_of(path: &'static str, allow: String) -> Self {
        let mut route = Self::no_such_path();
        route.method = Method::OPTIONS;
        route.path = path;
        route.allow = Some(allow);
        route.service = Service::Serve(Arc::new(|_| Box::pin(async { Ok(Answer::nothing()) })));
        route
    }

    /// Stands for every method a path does not have.
    pub(crate) fn other_method(path: &'static str, allow: String) -> Self {
        let detail = format!("the methods of this path are {allow}");
        let mut route = Self::methods_of(path, allow);
        route.service = Service::Serve(Arc::new(move |_| {
            let rejection = Rejection::new(Code::MethodNotAllowed, detail.clone());
            Box::pin(async { Err(rejection) })
        }));
        route
    }

    /// Public and not limited.
    pub(crate) fn open(mut self) -> Self {
        self.access = Access::Open;
        self.meter = Meter::Free;
        self
    }

    /// No part of the API.
    pub(crate) fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// Public; rate-limited per client address.
    pub(crate) fn open_to_attempts(mut self) -> Self {
        self.access = Access::Open;
        self.meter = Meter::Address;
        self
    }

    /// It reads files: a client that shows a room asks for many.
    pub(crate) fn reads_media(mut self) -> Self {
        self.meter = Meter::Media;
        self
    }

    /// It asks for a password, so that a call is an attempt to guess it.
    pub(crate) fn attempt(mut self) -> Self {
        self.attempt = true;
        self
    }

    /// Only moderators and admins may call it.
    pub(crate) fn moderator(mut self) -> Self {
        self.access = Access::Moderator;
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

    /// Takes a body of any type, and does not look at it.
    pub(crate) fn any_body(mut self) -> Self {
        self.any_body = true;
        self
    }

    /// Of the fields of its body one is needed, and it may be any of several.
    pub(crate) fn needs_body(mut self) -> Self {
        self.needs_body = true;
        self
    }

    /// These fields of its body are secret.
    pub(crate) fn secret(mut self, fields: &'static [&'static str]) -> Self {
        self.secret_fields = fields;
        self
    }

    /// A read that is made of these views, and waits for them: so that one that stands keeps no caller from the
    /// rest. Names of users come out of a memory that falls back on the log, so conversations do not wait for people.
    pub(crate) fn waits_for(mut self, groups: &'static [Group]) -> Self {
        self.groups = Some(groups);
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
        self.service = Service::Upgrade(Arc::new(upgrading));
        self.description.answers = vec![(101, None)];
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
