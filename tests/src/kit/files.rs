//! Files: uploading and reading them as clients do.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::kit::installation::Place;
use crate::kit::person::Person;

/// An answer with bytes.
pub struct Got {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Got {
    /// A header's value; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A client that follows no redirects.
#[must_use]
pub fn client() -> reqwest::Client {
    let policy = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(policy).no_proxy().build().unwrap()
}

/// A URL as a client follows it: whole, or a path of the server it came from.
#[must_use]
pub fn whole(place: &Place, url: &str) -> String {
    if url.starts_with('/') { format!("{}{url}", place.url(0)) } else { url.to_owned() }
}

/// Reads what a URL leads to.
pub async fn fetch(place: &Place, url: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = client().get(whole(place, url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Got { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
}

/// Uploads; the status.
pub async fn put(place: &Place, url: &str, bytes: &[u8]) -> u16 {
    let request = client().put(whole(place, url)).body(bytes.to_vec());
    request.send().await.unwrap().status().as_u16()
}

/// Uploads with the header that the server asked to send along; the status.
pub async fn put_as(place: &Place, url: &str, kind: &str, bytes: &[u8]) -> u16 {
    let request = client().put(whole(place, url)).header("content-type", kind);
    request.body(bytes.to_vec()).send().await.unwrap().status().as_u16()
}

/// Asks to upload a file; its id and where to.
pub async fn request(who: &Person, name: &str, kind: &str, size: usize) -> (String, String) {
    let body = json!({"filename": name, "content_type": kind, "size": size});
    let made = who.post("/v1/media", body).await.ok(201);
    assert_eq!(made["upload"]["method"], "PUT");
    assert_eq!(made["upload"]["headers"]["Content-Type"], kind);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["media_id"]), text(&made["upload"]["url"]))
}

/// Uploads a file whole.
pub async fn upload(who: &Person, name: &str, kind: &str, bytes: &[u8]) -> Value {
    let (id, url) = request(who, name, kind, bytes.len()).await;
    let status = put_as(&who.place, &url, kind, bytes).await;
    // A store of its own has its own success.
    assert!([200, 204].contains(&status), "{status}");
    who.post(&format!("/v1/media/{id}/complete"), json!({})).await.ok(200)
}

/// Posts a message with files.
pub async fn posts(who: &Person, room: &str, body: &str, media: &[&Value]) -> Value {
    let ids: Vec<&Value> = media.iter().map(|one| &one["id"]).collect();
    let body = json!({"body": body, "attachments": ids});
    who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201)
}

/// So many bytes that do not repeat soon.
#[must_use]
pub fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

/// A PNG of one colour, stored without compression, with a chunk of text.
#[must_use]
pub fn png(side: u32, text: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        })
    };
    let chunk = |kind: &[u8], content: &[u8]| {
        let body = [kind, content].concat();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], &body, &crc(&body).to_be_bytes()].concat()
    };
    let row = [&[0][..], &[200, 30, 90].repeat(usize::try_from(side).unwrap())].concat();
    let raw = row.repeat(usize::try_from(side).unwrap());
    let (a, b) = raw.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    let mut zlib = vec![0x78, 0x01];
    let blocks = raw.chunks(65_000).count();
    for (index, block) in raw.chunks(65_000).enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        zlib.push(u8::from(index + 1 == blocks));
        zlib.extend_from_slice(&length.to_le_bytes());
        zlib.extend_from_slice(&(!length).to_le_bytes());
        zlib.extend_from_slice(block);
    }
    zlib.extend_from_slice(&((b << 16) | a).to_be_bytes());
    let side = side.to_be_bytes();
    let head = [&side[..], &side, &[8, 2, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &head),
        chunk(b"tEXt", text),
        chunk(b"IDAT", &zlib),
        chunk(b"IEND", b""),
    ]
    .concat()
}
