//! The web app, as it was built into this binary: one page, and files whose names change with their content.

use std::sync::LazyLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, VARY,
};
use data_encoding::BASE64;
use schemas::{Code, Rejection};
use sha2::{Digest, Sha256};

use crate::http::{Call, Path, Reply, Rest, Shown};

/// Names below `web/app/dist`, and what is there; `*.gz` are the same files, packed.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/web.rs"));

const PAGE: &str = "index.html";

/// The hashes of the scripts that stand in the page, as its policy names them: those sources, and no other text that
/// finds its way into the page.
static INLINE: LazyLock<String> = LazyLock::new(|| {
    file(PAGE).map(|page| inline(&String::from_utf8_lossy(page))).unwrap_or_default()
});

/// The hashes of the scripts in a page, each with a space before it. A script with attributes comes from a file.
fn inline(page: &str) -> String {
    let scripts = page.split("<script>").skip(1).filter_map(|rest| rest.split_once("</script>"));
    scripts
        .map(|(script, _)| {
            let hash = BASE64.encode(&Sha256::digest(script.as_bytes()));
            format!(" 'sha256-{hash}'")
        })
        .collect()
}

/// Scripts and styles from here only, of those in the page itself the ones with these hashes, and no script that makes
/// markup out of text; pictures and other files from here, too, or from the store of files that clients are sent to.
fn policy(inline: &str, files: Option<&str>) -> Result<HeaderValue, Rejection> {
    let files = files.map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'{inline}; style-src 'self'; img-src 'self' blob:{files}; \
         media-src 'self' blob:{files}; connect-src 'self'{files}; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    HeaderValue::try_from(policy)
        .map_err(|_| Rejection::new(Code::Internal, "the origin of files is not one"))
}

/// What the viewer of the API needs: pictures in its style sheet are data.
const VIEWER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// The page names the files of one build: it is asked for anew.
const ANEW: HeaderValue = HeaderValue::from_static("no-cache");
/// Files are named by their content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Whether the app is in this binary.
pub(crate) fn is_built_in() -> bool {
    file(PAGE).is_some()
}

/// The page of the API's viewer, below `web/app/dist`.
const VIEWER: &str = "docs/index.html";

/// Whether the viewer of the API's description is in this binary.
pub(crate) fn has_viewer() -> bool {
    file(VIEWER).is_some()
}

/// The viewer: what it loads is from here, nothing in it is inline.
pub(crate) async fn viewer(call: Call) -> Shown {
    let reply = found(VIEWER, call.context.gzip)?;
    Ok(reply.with(CACHE_CONTROL, ANEW).with(CONTENT_SECURITY_POLICY, VIEWER_POLICY))
}

/// A file of the viewer.
pub(crate) async fn viewer_file(call: Call, Path(Rest(name)): Path<Rest>) -> Shown {
    let reply = found(&format!("docs/{name}"), call.context.gzip)?;
    Ok(reply.with(CACHE_CONTROL, ANEW))
}

pub(crate) async fn page(call: Call) -> Shown {
    let reply = found(PAGE, call.context.gzip)?;
    let files = call.state.blobs.origin().or_else(|| call.state.config.media_origin.clone());
    let policy = policy(&INLINE, files.as_deref())?;
    Ok(reply.with(CACHE_CONTROL, ANEW).with(CONTENT_SECURITY_POLICY, policy))
}

pub(crate) async fn page_below(call: Call, _: Path<Rest>) -> Shown {
    page(call).await
}

pub(crate) async fn asset(call: Call, Path(Rest(name)): Path<Rest>) -> Shown {
    let reply = found(&format!("assets/{name}"), call.context.gzip)?;
    Ok(reply.with(CACHE_CONTROL, FOR_EVER))
}

/// A file, packed for clients that can unpack it.
fn found(name: &str, gzip: bool) -> Shown {
    let plain = file(name).ok_or_else(Rejection::not_found)?;
    let packed = file(&format!("{name}.gz")).filter(|_| gzip);
    let reply = Reply::text(content_type(name), packed.unwrap_or(plain));
    let encoding = packed.map(|_| HeaderValue::from_static("gzip"));
    let vary = HeaderValue::from_static("Accept-Encoding");
    Ok(reply.with(VARY, vary).with_some(CONTENT_ENCODING, encoding))
}

fn file(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(own, _)| *own == name).map(|(_, bytes)| *bytes)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        Some(_) | None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_store_may_be_shown_and_sent_and_nothing_else_of_it() {
        let policy = |files| policy("", files).unwrap().to_str().unwrap().to_owned();
        let (own, store) = (policy(None), policy(Some("https://files.test:9000")));
        for what in ["img-src 'self' blob:", "media-src 'self' blob:", "connect-src 'self'"] {
            assert!(own.contains(&format!("{what};")), "{own}");
            assert!(store.contains(&format!("{what} https://files.test:9000;")), "{store}");
        }
        assert_eq!(store.replace(" https://files.test:9000", ""), own);
        assert_eq!(store.matches("files.test").count(), 3);
    }

    #[test]
    fn scripts_in_the_page_are_allowed_by_their_hashes_and_by_nothing_else() {
        let page = "<script>let a = 1;</script><script type=\"module\" src=\"/a.js\"></script>";
        // printf 'let a = 1;' | openssl dgst -sha256 -binary | base64
        let hash = " 'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck='";
        assert_eq!(inline(page), hash);
        assert_eq!(inline("<p>none</p>"), "");
        let policy = policy(hash, None).unwrap().to_str().unwrap().to_owned();
        assert!(policy.contains(&format!("script-src 'self'{hash};")), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
