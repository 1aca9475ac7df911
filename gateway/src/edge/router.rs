//! The router: which route of a table a request is for.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};

use super::{Route, Table, serve};

/// Makes the router out of the table.
pub(crate) fn mount(table: &Table, app: &mut ServiceConfig) {
    let mut paths: Vec<&'static str> = Vec::new();
    for route in table {
        if !paths.contains(&route.path) {
            paths.push(route.path);
        }
    }
    for path in paths {
        let routes = table.iter().filter(|route| route.path == path);
        app.service(resource(path, routes.cloned().collect()));
    }
    app.default_service(to(Arc::new(Route::no_such_path())));
}

fn resource(path: &'static str, routes: Vec<Arc<Route>>) -> actix_web::Resource {
    let allow = allowed(&routes);
    let mut resource = web::resource(path);
    for route in routes {
        if route.method == Method::GET {
            resource = resource.route(to(Arc::clone(&route)).method(Method::HEAD));
        }
        let method = route.method.clone();
        resource = resource.route(to(route).method(method));
    }
    let options = to(Arc::new(Route::methods_of(path, allow.clone())));
    resource
        .route(options.method(Method::OPTIONS))
        .default_service(to(Arc::new(Route::other_method(path, allow))))
}

fn to(route: Arc<Route>) -> actix_web::Route {
    web::route().to(move |request, payload| serve(Arc::clone(&route), request, payload))
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
