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

/// The whole table, ready to be asked.
pub(crate) struct Router {
    paths: matchit::Router<Resource>,
    unmatched: Arc<Route>,
}

/// What stands at one path.
struct Resource {
    routes: Vec<Arc<Route>>,
    /// Answers `OPTIONS`.
    options: Arc<Route>,
    /// Answers every method the path does not have.
    other: Arc<Route>,
}

/// A path of the table cannot be routed: another template stands for the same paths, it is not well-formed, or its
/// parameters are not those its handler takes.
#[derive(Debug, thiserror::Error)]
#[error("the path {path} cannot be routed: {reason}")]
pub struct BadPath {
    path: &'static str,
    reason: String,
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
            let (named, taken) = (parameters(route.path), route.description.path);
            if !named.eq(taken.iter().copied()) {
                let reason = format!("its handler for {} takes {taken:?}", route.method);
                return Err(BadPath { path: route.path, reason });
            }
        }
        let mut paths = matchit::Router::new();
        for path in templates {
            let routes = table.iter().filter(|route| route.path == path).cloned().collect();
            let inserted = paths.insert(path, Resource::new(path, routes));
            inserted.map_err(|error| BadPath { path, reason: error.to_string() })?;
        }
        Ok(Self { paths, unmatched: Arc::new(Route::no_such_path()) })
    }

    /// The route for a method and a path, and what stands in the path where its template has parameters, in their
    /// order. There is always a route: it may be that which refuses.
    fn find(&self, method: &Method, path: &str) -> (&Arc<Route>, Vec<String>) {
        let Ok(found) = self.paths.at(path) else { return (&self.unmatched, Vec::new()) };
        let parts = found.params.iter().map(|(_, value)| value.to_owned()).collect();
        (found.value.route(method), parts)
    }
}

impl Resource {
    fn new(path: &'static str, routes: Vec<Arc<Route>>) -> Self {
        let allow = allowed(&routes);
        Self {
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
fn parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
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
    use super::*;

    fn route(method: Method, path: &'static str) -> Arc<Route> {
        let mut route = Route::no_such_path();
        (route.method, route.path) = (method, path);
        route.description.path = match path.matches('{').count() {
            0 => &[],
            1 if path.contains("{room_id}") => &["room_id"],
            1 => &["user_id"],
            _ => &["room_id", "user_id"],
        };
        Arc::new(route)
    }

    fn table() -> Table {
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
        let parts: String = parts.iter().map(|value| format!(" {value}")).collect();
        let allow = route.allow.as_ref().map(|allow| format!(" ({allow})")).unwrap_or_default();
        format!("{} {}{parts}{allow}", route.method, route.path)
    }

    #[test]
    fn a_fixed_segment_wins_over_a_parameter_whatever_the_order() {
        assert_eq!(found(&Method::GET, "/v1/users/me"), "GET /v1/users/me");
        assert_eq!(found(&Method::GET, "/v1/users/men"), "GET /v1/users/{user_id} men");
        assert_eq!(
            found(&Method::PUT, "/v1/rooms/r/members/me"),
            "PUT /v1/rooms/{room_id}/members/me r"
        );
        assert_eq!(
            found(&Method::DELETE, "/v1/rooms/r/members/u"),
            "DELETE /v1/rooms/{room_id}/members/{user_id} r u"
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
        let only_delete = "OPTIONS /v1/rooms/{room_id}/members/{user_id} r u (DELETE, OPTIONS)";
        assert_eq!(found(&Method::HEAD, "/v1/rooms/r/members/u"), only_delete);
    }

    #[test]
    fn paths_are_matched_as_actix_decodes_them() {
        let request = |path: &str| actix_web::test::TestRequest::with_uri(path).to_http_request();
        for (path, expected) in [
            ("/v1/users/%6de", "GET /v1/users/me"),
            ("/v1/users/a%2Fb", "GET /v1/users/{user_id} a%2Fb"),
            ("/v1/users/a%20b", "GET /v1/users/{user_id} a b"),
            ("/v1/users/%C3%A9", "GET /v1/users/{user_id} é"),
            ("/v1/users/%FF", "GET /v1/users/{user_id} \u{fffd}"),
        ] {
            assert_eq!(found(&Method::GET, request(path).match_info().as_str()), expected);
        }
    }

    #[test]
    fn a_table_that_is_at_odds_with_itself_is_refused() {
        let mut twice = table();
        let double = Route { path: "/v1/users/{id}", ..Route::clone(&twice[0]) };
        twice.push(Arc::new(double));
        assert!(Router::of(&twice).is_err());
        let mut other = table();
        let mistyped = Route { path: "/v1/people/{userid}", ..Route::clone(&other[0]) };
        other.push(Arc::new(mistyped));
        assert!(Router::of(&other).is_err());
        assert!(Router::of(&table()).is_ok());
    }

    #[test]
    fn every_route_takes_what_its_path_names_and_every_read_says_what_it_waits_for() {
        let table = crate::routes::table();
        assert!(Router::of(&table).is_ok());
        for route in table {
            let told = route.groups.is_some();
            let waits = route.reads() && route.access != super::super::Access::Open;
            assert_eq!(told, waits, "{} {}", route.method, route.path);
            assert!(!route.tag.is_empty() && route.summary.ends_with('.'), "{}", route.path);
        }
    }
}
