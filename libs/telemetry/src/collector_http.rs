//! OTLP over HTTP/1.1: the request as the exporter made it, on a connection of its own.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpError, ResponseBodyTooLarge};
use tokio::io::{AsyncRead, AsyncWrite};

/// Largest answer in bytes: a collector has a sentence to say.
const MAX_ANSWER: usize = 1024 * 1024;

/// Sends a request and reads its answer.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or("the collector's address has no host")?;
    head.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    // What stands in the request line is the path alone.
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let (answer, _) = tokio::join!(
        async move {
            read(sender.send_request(Request::from_parts(head, Full::new(body))).await?).await
        },
        connection,
    );
    answer
}

async fn read(answer: Response<hyper::body::Incoming>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
        let too_large = error.is::<http_body_util::LengthLimitError>();
        if too_large { Box::new(ResponseBodyTooLarge::new()) } else { error }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
