//! The router: which route of the table a request is for.
//!
//! Paths are matched by a radix tree, so that a match costs the length of the path and not the number of routes.
//! A fixed segment wins over a parameter (`/v1/users/me` over `/v1/users/{user_id}`), whatever their order in the
//! table. Parameters are never empty and never hold a `/`; a trailing slash makes another path.
//!
//! actix is given one service, which asks this router. It hands over the path with everything percent-decoded but
//! `%`, `/` and `+`.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::{self, Payload, ServiceConfig};

use super::pipeline::serve;
use super::route::{Route, Table};

/// The parts of a path where its template has parameters, in the template's order, percent-decoded.
pub(super) type PathParts = Vec<(&'static str, String)>;

/// The whole table, ready to be asked.
pub(crate) struct Router {
    paths: matchit::Router<Resource>,
    unmatched: Arc<Route>,
}

/// What stands at one path.
struct Resource {
    parameters: Vec<&'static str>,
    routes: Vec<Arc<Route>>,
    /// Answers `OPTIONS`.
    options: Arc<Route>,
    /// Answers every method the path does not have.
    other: Arc<Route>,
}

/// Two templates of the table stand for the same paths, or one is not well-formed.
#[derive(Debug, thiserror::Error)]
#[error("the path {path} cannot be routed: {reason}")]
pub struct BadPath {
    path: &'static str,
    reason: matchit::InsertError,
}

impl Router {
    /// Makes the router of a table.
    ///
    /// # Errors
    /// [`BadPath`], a defect of the table.
    pub(crate) fn of(table: &Table) -> Result<Self, BadPath> {
        let mut templates: Vec<&'static str> = Vec::new();
        for route in table {
            if !templates.contains(&route.path) {
                templates.push(route.path);
            }
        }
        let mut paths = matchit::Router::new();
        for path in templates {
            let routes = table.iter().filter(|route| route.path == path).cloned().collect();
            let inserted = paths.insert(path, Resource::new(path, routes));
            inserted.map_err(|reason| BadPath { path, reason })?;
        }
        Ok(Self { paths, unmatched: Arc::new(Route::no_such_path()) })
    }

    /// The route for a method and a path, and what the path holds. There is always one: it may be that which
    /// refuses.
    fn find(&self, method: &Method, path: &str) -> (&Arc<Route>, PathParts) {
        let Ok(found) = self.paths.at(path) else { return (&self.unmatched, PathParts::new()) };
        let values = found.params.iter().map(|(_, value)| value.to_owned());
        let parts = found.value.parameters.iter().copied().zip(values).collect();
        (found.value.route(method), parts)
    }
}

impl Resource {
    fn new(path: &'static str, routes: Vec<Arc<Route>>) -> Self {
        let allow = allowed(&routes);
        Self {
            parameters: parameters(path).collect(),
            options: Arc::new(Route::methods_of(path, allow.clone())),
            other: Arc::new(Route::other_method(path, allow)),
            routes,
        }
    }

    fn route(&self, method: &Method) -> &Arc<Route> {
        // A response to HEAD is that to GET, whose body actix leaves out.
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        let found = self.routes.iter().find(|route| route.method == *asked);
        match found {
            Some(route) => route,
            None if *method == Method::OPTIONS => &self.options,
            None => &self.other,
        }
    }
}

/// The names of a template's parameters, in their order.
pub(crate) fn parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// The methods of a path, for `Allow`.
fn allowed(routes: &[Arc<Route>]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

/// Has every request of an application answered through the router.
pub(crate) fn mount(router: &Arc<Router>, app: &mut ServiceConfig) {
    let router = Arc::clone(router);
    let service = move |request: HttpRequest, payload: Payload| {
        let (route, parts) = router.find(request.method(), request.match_info().as_str());
        serve(Arc::clone(route), parts, request, payload)
    };
    app.default_service(web::route().to(service));
}

#[cfg(test)]
mod tests {
    use super::super::answer::Answer;
    use super::*;

    fn table() -> Table {
        let route = |method: Method, path: &'static str| {
            Arc::new(Route::new(method, path, "", |_| async { Ok(Answer::nothing()) }))
        };
        vec![
            route(Method::GET, "/v1/users/{user_id}"),
            route(Method::GET, "/v1/users/me"),
            route(Method::PATCH, "/v1/users/me"),
            route(Method::PUT, "/v1/rooms/{room_id}/members/me"),
            route(Method::DELETE, "/v1/rooms/{room_id}/members/{user_id}"),
            route(Method::GET, "/"),
        ]
    }

    #[track_caller]
    fn found(method: &Method, path: &str) -> String {
        let router = Router::of(&table()).unwrap();
        let (route, parts) = router.find(method, path);
        let parts: String = parts.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let allow = route.allow.as_ref().map(|allow| format!(" ({allow})")).unwrap_or_default();
        format!("{} {}{parts}{allow}", route.method, route.path)
    }

    #[test]
    fn a_fixed_segment_wins_over_a_parameter_whatever_the_order() {
        assert_eq!(found(&Method::GET, "/v1/users/me"), "GET /v1/users/me");
        assert_eq!(found(&Method::GET, "/v1/users/men"), "GET /v1/users/{user_id} user_id=men");
        assert_eq!(
            found(&Method::PUT, "/v1/rooms/r/members/me"),
            "PUT /v1/rooms/{room_id}/members/me room_id=r"
        );
        assert_eq!(
            found(&Method::DELETE, "/v1/rooms/r/members/u"),
            "DELETE /v1/rooms/{room_id}/members/{user_id} room_id=r user_id=u"
        );
    }

    #[test]
    fn another_path_is_not_there_and_another_method_is_refused_with_those_there_are() {
        for path in [
            "/v1/users/me/",
            "/v1/users/",
            "/v1//users/me",
            "/v1/users/a/b",
            "",
            "*",
            "/V1/users/me",
        ] {
            assert_eq!(found(&Method::GET, path), "GET unmatched", "{path}");
        }
        assert_eq!(found(&Method::HEAD, "/"), "GET /");
        let refused = "OPTIONS /v1/users/me (GET, PATCH, HEAD, OPTIONS)";
        assert_eq!(found(&Method::OPTIONS, "/v1/users/me"), refused);
        assert_eq!(found(&Method::DELETE, "/v1/users/me"), refused);
        let only_delete =
            "OPTIONS /v1/rooms/{room_id}/members/{user_id} room_id=r user_id=u (DELETE, OPTIONS)";
        assert_eq!(found(&Method::HEAD, "/v1/rooms/r/members/u"), only_delete);
    }

    #[test]
    fn paths_are_matched_as_actix_decodes_them() {
        let request = |path: &str| actix_web::test::TestRequest::with_uri(path).to_http_request();
        for (path, expected) in [
            ("/v1/users/%6de", "GET /v1/users/me"),
            ("/v1/users/a%2Fb", "GET /v1/users/{user_id} user_id=a%2Fb"),
            ("/v1/users/a%20b", "GET /v1/users/{user_id} user_id=a b"),
            ("/v1/users/%C3%A9", "GET /v1/users/{user_id} user_id=é"),
            ("/v1/users/%FF", "GET /v1/users/{user_id} user_id=\u{fffd}"),
        ] {
            assert_eq!(found(&Method::GET, request(path).match_info().as_str()), expected);
        }
    }

    #[test]
    fn two_templates_for_the_same_paths_are_a_defect() {
        let mut table = table();
        let double =
            Route::new(Method::GET, "/v1/users/{id}", "", |_| async { Ok(Answer::nothing()) });
        table.push(Arc::new(double));
        assert!(Router::of(&table).is_err());
    }
}
