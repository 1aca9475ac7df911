//! OTLP over gRPC: the same message as over HTTP, as one call on a connection of HTTP/2.
//!
//! A call that sends one message and gets one is a request with a prefix of five bytes before its body and with the
//! outcome in its trailers: no framework is needed for it (docs/adr/0036-otlp-over-grpc.md). What the outcome means
//! for sending again is told to the exporter as the status of HTTP that means the same.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::RecvStream;
use http_02::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use opentelemetry_http::{HttpError, ResponseBodyTooLarge};
use tokio::io::{AsyncRead, AsyncWrite};

/// The one call that there is.
const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Before each message: whether it is compressed, and its length in bytes.
const PREFIX: usize = 5;
/// Largest answer in bytes: a collector has a sentence to say.
const MAX_ANSWER: usize = 1024 * 1024;
/// Headers of the exporter's request that a call has by itself, or must not have.
const OWN_HEADERS: [&str; 4] = ["content-type", "content-length", "host", "user-agent"];

/// Sends a request's body as a call and reads its answer; `within` is what the collector is told it may take.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Bytes>,
    within: Duration,
) -> Result<Response<Bytes>, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let call = head(&request, within)?;
    let message = framed(request.body());
    let (sender, connection) = h2::client::handshake(stream).await?;
    // It moves the bytes of the call and ends with the runtime, which is this exchange's own.
    tokio::spawn(async move { connection.await.ok() });
    let mut sender = sender.ready().await?;
    let (answer, mut body) = sender.send_request(call, false)?;
    body.send_data(message, true)?;
    let (head, mut body) = answer.await?.into_parts();
    let status = head.status.as_u16();
    if status != 200 {
        return answered(StatusCode::from_u16(status)?, Bytes::new());
    }
    let message = read(&mut body).await?;
    let trailers = body.trailers().await?;
    // A refusal without a message may come as headers alone.
    let outcome = trailers.as_ref().and_then(outcome).or_else(|| outcome(&head.headers));
    answered(meaning(outcome), unframed(message))
}

/// The head of the call: where it goes, and what the exporter's request says besides, such as an API key.
fn head(request: &Request<Bytes>, within: Duration) -> Result<http_02::Request<()>, HttpError> {
    let authority = request.uri().authority().ok_or("the collector's address has no host")?;
    let scheme = request.uri().scheme_str().unwrap_or("http");
    let mut call = http_02::Request::post(format!("{scheme}://{authority}{PATH}"))
        .version(http_02::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", concat!("tidings/", env!("CARGO_PKG_VERSION")))
        .header("grpc-timeout", format!("{}m", within.as_millis().min(99_999_999)))
        .body(())?;
    for (name, value) in request.headers() {
        if !OWN_HEADERS.contains(&name.as_str()) {
            let name = HeaderName::from_bytes(name.as_str().as_bytes())?;
            call.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes())?);
        }
    }
    Ok(call)
}

/// A message as it travels, not compressed.
fn framed(message: &Bytes) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    // The exporter sends at most 64 MiB.
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(message);
    framed.freeze()
}

/// The message of an answer; empty when there is none, when it breaks off, or when it is compressed, which was not
/// asked for.
fn unframed(mut answer: Bytes) -> Bytes {
    if answer.len() < PREFIX || answer.get_u8() != 0 {
        return Bytes::new();
    }
    let length = usize::try_from(answer.get_u32()).unwrap_or(usize::MAX);
    if length > answer.len() {
        return Bytes::new();
    }
    answer.split_to(length)
}

async fn read(body: &mut RecvStream) -> Result<Bytes, HttpError> {
    let mut whole = BytesMut::new();
    while let Some(part) = body.data().await {
        let part = part?;
        if whole.len() + part.len() > MAX_ANSWER {
            return Err(Box::new(ResponseBodyTooLarge::new()));
        }
        body.flow_control().release_capacity(part.len())?;
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

/// The number of the outcome, where there is one.
fn outcome(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// The status of HTTP by which an exporter does what OTLP says of an outcome: some are worth another try.
fn meaning(outcome: Option<u16>) -> StatusCode {
    match outcome {
        Some(0) => StatusCode::OK,
        // Cancelled, deadline exceeded, aborted, out of range, unavailable, data loss.
        Some(1 | 4 | 10 | 11 | 14 | 15) => StatusCode::SERVICE_UNAVAILABLE,
        // Permission denied, unauthenticated.
        Some(7 | 16) => StatusCode::UNAUTHORIZED,
        // Unimplemented: no collector of traces.
        Some(12) => StatusCode::NOT_FOUND,
        Some(_) => StatusCode::BAD_REQUEST,
        // The answer broke off.
        None => StatusCode::BAD_GATEWAY,
    }
}

fn answered(status: StatusCode, body: Bytes) -> Result<Response<Bytes>, HttpError> {
    Ok(Response::builder().status(status).body(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};

    /// What a server was sent: path, headers, body.
    type Call = (String, HeaderMap, Vec<u8>);

    /// How a server answers: status of HTTP, message, and what stands in the trailers.
    #[derive(Clone, Copy)]
    struct Answer(u16, &'static [u8], Option<&'static str>);

    async fn serve(listener: TcpListener, Answer(status, message, trailer): Answer) -> Call {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        // The connection moves only while it is asked for more.
        let moving =
            tokio::spawn(async move { while let Some(Ok(_)) = connection.accept().await {} });
        let (head, mut body) = request.into_parts();
        let mut sent = Vec::new();
        while let Some(part) = body.data().await {
            let part = part.unwrap();
            body.flow_control().release_capacity(part.len()).unwrap();
            sent.extend_from_slice(&part);
        }
        let mut answer = http_02::Response::builder().status(status);
        let alone = message.is_empty();
        if let Some(outcome) = trailer.filter(|_| alone) {
            answer = answer.header("grpc-status", outcome);
        }
        let mut stream = respond.send_response(answer.body(()).unwrap(), alone).unwrap();
        if !alone {
            stream.send_data(framed(&Bytes::from_static(message)), trailer.is_none()).unwrap();
            if let Some(outcome) = trailer {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", outcome.parse().unwrap());
                stream.send_trailers(trailers).unwrap();
            }
        }
        moving.await.unwrap();
        (head.uri.path().to_owned(), head.headers, sent)
    }

    async fn call(answer: Answer, message: Bytes) -> (Response<Bytes>, Call) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, answer));
        let stream = TcpStream::connect(address).await.unwrap();
        let request = Request::post(format!("http://{address}"))
            .header("content-type", "application/x-protobuf")
            .header("x-api-key", "secret")
            .body(message)
            .unwrap();
        let got = exchange(stream, request, Duration::from_secs(10)).await.unwrap();
        (got, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_call_carries_the_message_and_brings_the_answer() {
        // More than a window of HTTP/2.
        let spans = Bytes::from(vec![7_u8; 300_000]);
        let (got, (path, headers, sent)) = call(Answer(200, b"fine", Some("0")), spans).await;
        assert_eq!((got.status(), &got.body()[..]), (StatusCode::OK, &b"fine"[..]));
        assert_eq!(path, PATH);
        assert_eq!(headers["content-type"], "application/grpc");
        assert_eq!(headers["te"], "trailers");
        assert_eq!(headers["x-api-key"], "secret");
        assert_eq!(headers["grpc-timeout"], "10000m");
        assert_eq!(sent[..PREFIX], [0, 0, 4, 0x93, 0xe0]);
        assert_eq!(sent.len(), PREFIX + 300_000);
    }

    #[tokio::test]
    async fn an_outcome_says_whether_it_is_tried_again() {
        for (answer, status) in [
            (Answer(200, b"", Some("14")), 503),
            (Answer(200, b"x", Some("8")), 400),
            (Answer(200, b"", Some("12")), 404),
            (Answer(200, b"", Some("16")), 401),
            (Answer(200, b"x", None), 502),
            (Answer(502, b"", None), 502),
        ] {
            let (got, _) = call(answer, Bytes::from_static(b"spans")).await;
            assert_eq!(got.status().as_u16(), status);
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_no_message() {
        assert!(unframed(Bytes::from_static(b"\0\0\0")).is_empty());
        assert!(unframed(Bytes::from_static(b"\x01\0\0\0\x01x")).is_empty());
        assert!(unframed(Bytes::from_static(b"\0\0\0\0\x09ab")).is_empty());
        assert_eq!(unframed(Bytes::from_static(b"\0\0\0\0\x01ab")), "a");
    }
}
