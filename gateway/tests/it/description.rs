//! The descriptions of this API: committed as they are generated, and true of the router.

use reqwest::Method;
use serde_json::Value;

use crate::kit::Kit;

#[test]
fn the_committed_document_is_what_the_code_generates() {
    let mut stale = Vec::new();
    for (name, document) in [
        ("openapi.json", gateway::openapi_document()),
        ("asyncapi.json", gateway::asyncapi_document()),
        ("postman.json", gateway::postman_collection()),
    ] {
        let file = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut now = serde_json::to_string_pretty(&document).unwrap();
        now.push('\n');
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &now).unwrap();
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != now {
            stale.push(file);
        }
    }
    assert_eq!(stale, [""; 0], "out of date: UPDATE=1 cargo test -p gateway rewrites them");
}

/// Every operation that takes or gives a document shows one, and what stands in its path.
#[test]
fn every_operation_has_examples() {
    let document = gateway::openapi_document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let contents = operation["responses"]
                .as_object()
                .unwrap()
                .values()
                .chain([&operation["requestBody"]])
                .filter_map(|place| place.pointer("/content/application~1json"));
            for content in contents {
                assert!(content["example"].is_object(), "{method} {path}: {content}");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let shown = parameter["in"] != "path" || parameter["example"].is_string();
                assert!(shown, "{method} {path}: {parameter}");
            }
        }
    }
}

#[tokio::test]
async fn every_description_is_served() {
    let kit = Kit::start().await;
    let served = async |path: &str| {
        let answer = kit.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap()
    };
    assert_eq!(served("/asyncapi.json").await, gateway::asyncapi_document());
    let collection = served("/postman.json").await;
    let base = &collection["variable"][0];
    assert_eq!(base["key"], "base_url");
    let site = base["value"].as_str().unwrap();
    let asked = kit.request(Method::GET, "/").build().unwrap();
    assert_eq!(site, asked.url().as_str().trim_end_matches('/'));
    let index = served("/schemas").await;
    let entries = index["items"].as_array().unwrap();
    assert_eq!(entries.len(), schemas::published().len());
    for entry in entries {
        let schema = served(entry["url"].as_str().unwrap()).await;
        assert!(schema["$schema"].is_string(), "{entry}");
    }
    assert_eq!(served("/schemas/message.posted.v1.json").await["title"], "MessagePosted");
    let none = kit.request(Method::GET, "/schemas/none.json").send().await.unwrap();
    assert_eq!(none.status(), 404);
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
    let document = gateway::openapi_document();
    let mut names = std::collections::HashSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path}");
        }
    }
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn the_router_has_exactly_the_methods_of_the_document() {
    let kit = Kit::start().await;
    let document = gateway::openapi_document();
    for (template, methods) in document["paths"].as_object().unwrap() {
        let path = template.replace(['{', '}'], "");
        let answer = kit.request(Method::OPTIONS, &path).send().await.unwrap();
        let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
        let mut allowed: Vec<&str> =
            allow.split(", ").filter(|method| !["HEAD", "OPTIONS"].contains(method)).collect();
        let mut described: Vec<String> =
            methods.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        allowed.sort_unstable();
        described.sort_unstable();
        assert_eq!(allowed, described, "{template}");
    }
}

#[tokio::test]
async fn secured_operations_want_a_token_and_the_others_answer() {
    let kit = Kit::start().await;
    let document = gateway::openapi_document();
    for (template, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = template.replace("{code}", "not_found").replace(['{', '}'], "");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = kit.request(method.clone(), &path).send().await.unwrap();
            let secured = operation.get("security").is_some();
            assert_eq!(answer.status() == 401, secured, "{method} {path}: {}", answer.status());
            // What is open and about one thing says that there is none of this name.
            let about_none = !secured && template.contains('{') && !template.contains("problems");
            assert!(about_none || answer.status() != 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_site_says_what_it_is() {
    let kit = Kit::start().await;
    for path in ["/", "/docs", "/problems/rate_limited"] {
        let answer = kit.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let text = answer.text().await.unwrap();
        // The app and the viewer, where they are built in, are scripts from this origin.
        let app = path == "/" && text.contains("<div id=\"app\">");
        let viewer = path == "/docs" && text.contains("<div id=\"viewer\">");
        assert!(text.starts_with("<!doctype html>"), "{path}");
        assert!(app || viewer || !text.contains("<script"), "{path}");
        let (scripts, ours) = ("<script", "<script src=\"/docs/");
        let all_ours = text.matches(scripts).count() == text.matches(ours).count();
        assert!(!viewer || all_ours, "{path}");
    }
    let served: Value =
        kit.request(Method::GET, "/openapi.json").send().await.unwrap().json().await.unwrap();
    assert_eq!(served, gateway::openapi_document());
    kit.get("/v1/rooms", 1).await;
    let figures = kit.metrics.encode();
    let series = r#"tidings_http_requests_total{route="/v1/rooms",method="GET",status="200"} 1"#;
    assert!(figures.contains(series), "{figures}");
}
