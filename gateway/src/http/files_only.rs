//! The origin that files may have of their own: they are read there and nowhere else, and nothing else is there. What a
//! user has uploaded can then do nothing in the name of the app's origin, whatever a browser makes of it.

use actix_web::HttpRequest;
use schemas::{Code, Rejection};

use super::origin::Origin;
use crate::config::Config;

/// What signed URLs lead to that read a file.
const FILES: [&str; 2] = ["/media/{media_id}/file", "/media/{media_id}/thumbnail"];

/// Whether a route answers where a request was sent to.
///
/// # Errors
/// `not_found`: it is the origin of files and no file is asked for, or the other way round.
pub(super) fn check(path: &str, request: &HttpRequest, config: &Config) -> Result<(), Rejection> {
    let Some(origin) = &config.media_origin else { return Ok(()) };
    let detail = match (FILES.contains(&path), Origin::is_called(origin, request, config)) {
        (true, true) | (false, false) => return Ok(()),
        (true, false) => "files are not read here; ask for the URL anew",
        (false, true) => "files are read here, and nothing else",
    };
    Err(Rejection::new(Code::NotFound, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn answers(path: &str, host: &str, media_origin: Option<&str>) -> bool {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.media_origin = media_origin.map(str::to_owned);
        let request = TestRequest::default().insert_header(("host", host)).to_http_request();
        check(path, &request, &config).is_ok()
    }

    #[test]
    fn files_are_read_at_their_origin_and_nothing_else_is() {
        let files = Some("https://files.test");
        for host in ["files.test", "FILES.test:443", "files.test."] {
            assert!(FILES.iter().all(|path| answers(path, host, files)), "{host}");
            for path in ["/", "/v1/users/me", "/v1/ws", "/media/{media_id}/upload", "unmatched"] {
                assert!(!answers(path, host, files), "{host} {path}");
                assert!(answers(path, host, None), "{host} {path}");
            }
        }
        for host in ["chat.test", "files.test:8443", "files.test.evil", "a.files.test", ""] {
            assert!(answers("/v1/users/me", host, files), "{host}");
            assert!(FILES.iter().all(|path| !answers(path, host, files)), "{host}");
            assert!(FILES.iter().all(|path| answers(path, host, None)), "{host}");
        }
    }
}
