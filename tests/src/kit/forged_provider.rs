//! A provider that misbehaves as it is told: what a real one cannot be made to do. It has no login page: a test takes the
//! place of the browser that comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use signing::SigningKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::kit::real_provider::{secret_of, settings};

/// How it answers at a path.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Not at all.
    Silent,
    /// With a body that does not end.
    Endless,
    /// With a head that does not end.
    EndlessHead,
    /// By sending on to another place.
    SendsOn(String),
    /// With this status and body.
    Says(u16, String),
}

/// How it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// By the key it publishes.
    Own,
    /// By a new key, published from now on under a new name, the old one gone.
    Renewed,
    /// By another key under the name of its own.
    Foreign,
    /// Not at all (`alg: none`).
    None,
    /// With the client's secret (`alg: HS256`).
    Shared,
}

struct State {
    issuer: String,
    key: SigningKey,
    kid: u32,
    /// What it says of itself beside the usual.
    metadata: Map<String, Value>,
    /// The identity token's claims beside the usual; null takes one away.
    claims: Map<String, Value>,
    signature: Signature,
    manners: BTreeMap<String, Manner>,
    asked: BTreeMap<String, u64>,
    verifiers: BTreeSet<String>,
}

/// The provider. Ends with the test.
#[derive(Clone)]
pub struct ForgedProvider {
    /// Where it is.
    pub issuer: String,
    state: Arc<Mutex<State>>,
}

impl ForgedProvider {
    /// Starts one.
    ///
    /// # Panics
    /// It cannot listen.
    pub async fn start() -> Self {
        signing::install();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            issuer: issuer.clone(),
            key: SigningKey::generate().unwrap(),
            kid: 1,
            metadata: Map::new(),
            claims: Map::new(),
            signature: Signature::Own,
            manners: BTreeMap::new(),
            asked: BTreeMap::new(),
            verifiers: BTreeSet::new(),
        };
        let forged = Self { issuer, state: Arc::new(Mutex::new(state)) };
        let serving = forged.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        forged
    }

    /// A file of settings that names it as `works` and `trusted`.
    #[must_use]
    pub fn settings(&self, folder: &Path) -> PathBuf {
        let issuer = self.issuer.as_str();
        settings(
            folder,
            &[("works", issuer, "tidings", false), ("trusted", issuer, "tidings", true)],
        )
    }

    /// The claims of the next identity tokens, beside the usual ones; null takes one away.
    ///
    /// # Panics
    /// They are no object.
    pub fn says(&self, claims: &Value) {
        self.state.lock().unwrap().claims = claims.as_object().unwrap().clone();
    }

    /// How the next identity tokens are signed.
    ///
    /// # Panics
    /// There is no randomness for a key.
    pub fn signs(&self, signature: Signature) {
        let mut state = self.state.lock().unwrap();
        state.signature = signature;
        if signature == Signature::Renewed {
            state.kid += 1;
            state.key = SigningKey::generate().unwrap();
        }
    }

    /// How it answers at a path from now on; as usual without a manner.
    ///
    /// # Panics
    /// Never.
    pub fn behaves(&self, path: &str, manner: Option<Manner>) {
        let mut state = self.state.lock().unwrap();
        match manner {
            Some(manner) => state.manners.insert(path.to_owned(), manner),
            None => state.manners.remove(path),
        };
    }

    /// What it says of itself beside the usual.
    ///
    /// # Panics
    /// It is no object.
    pub fn describes_itself(&self, metadata: &Value) {
        self.state.lock().unwrap().metadata = metadata.as_object().unwrap().clone();
    }

    /// How often a path was asked for.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn asked(&self, path: &str) -> u64 {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((path, body)) = read(&mut stream).await else { return };
        let manner = {
            let mut state = self.state.lock().unwrap();
            *state.asked.entry(path.clone()).or_default() += 1;
            state.manners.get(&path).cloned()
        };
        match manner {
            Some(Manner::Silent) => std::future::pending().await,
            Some(Manner::Endless) => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"";
                endless(&mut stream, head, b"x").await;
            }
            Some(Manner::EndlessHead) => {
                endless(&mut stream, b"HTTP/1.1 200 OK\r\n", b"x: y\r\n").await
            }
            Some(Manner::SendsOn(to)) => {
                let answer =
                    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            Some(Manner::Says(status, text)) => say(&mut stream, status, &text).await,
            None => {
                let (status, document) = self.usual(&path, &body);
                say(&mut stream, status, &document.to_string()).await;
            }
        }
    }

    fn usual(&self, path: &str, body: &str) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        match path {
            "/.well-known/openid-configuration" => (200, state.description()),
            "/keys" => (200, state.keys()),
            "/token" => {
                assert!(body.contains("grant_type=authorization_code"), "{body}");
                let verifier = body.split('&').find(|pair| pair.starts_with("code_verifier="));
                let fresh = state.verifiers.insert(verifier.expect("a verifier").to_owned());
                assert!(fresh, "no two logins have the same verifier");
                let token = state.token();
                let answer =
                    json!({"access_token": "at", "token_type": "Bearer", "id_token": token});
                (200, answer)
            }
            _ => (404, json!({"error": "not_found"})),
        }
    }
}

impl State {
    fn description(&self) -> Value {
        let issuer = &self.issuer;
        let mut all = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        });
        all.as_object_mut().unwrap().extend(self.metadata.clone());
        all
    }

    fn keys(&self) -> Value {
        let x = BASE64URL_NOPAD.encode(&self.key.public());
        let kid = format!("key-{}", self.kid);
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}]})
    }

    fn token(&self) -> String {
        let now = schemas::Timestamp::now().millis() / 1000;
        let mut claims = json!({
            "iss": self.issuer, "aud": "tidings", "sub": "1", "iat": now, "exp": now + 300,
            "email": "one@works.test", "email_verified": true,
        });
        let claims = claims.as_object_mut().unwrap();
        for (name, value) in &self.claims {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(format!("key-{}", self.kid));
        match self.signature {
            Signature::Own | Signature::Renewed => {
                jsonwebtoken::encode(&header, claims, &self.key.encoding_key()).unwrap()
            }
            Signature::Foreign => {
                let foreign: EncodingKey = SigningKey::generate().unwrap().encoding_key();
                jsonwebtoken::encode(&header, claims, &foreign).unwrap()
            }
            Signature::None => format!("{}.", unsigned("none", claims)),
            Signature::Shared => shared(&unsigned("HS256", claims)),
        }
    }
}

fn unsigned(algorithm: &str, claims: &Map<String, Value>) -> String {
    let part = |value: String| BASE64URL_NOPAD.encode(value.as_bytes());
    let head = json!({"alg": algorithm, "typ": "JWT"}).to_string();
    format!("{}.{}", part(head), part(Value::Object(claims.clone()).to_string()))
}

fn shared(unsigned: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let key = secret_of("tidings");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(unsigned.as_bytes());
    format!("{unsigned}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()))
}

/// The path and the body of a request.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or_default() {
            let target = head.split(' ').nth(1)?;
            let path = target.split('?').next().unwrap_or_default();
            return Some((path.to_owned(), body.to_owned()));
        }
    }
}

async fn say(stream: &mut TcpStream, status: u16, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// Writes until it is hung up on.
async fn endless(stream: &mut TcpStream, head: &[u8], part: &[u8]) {
    let parts = part.repeat(8_000);
    let mut more = stream.write_all(head).await;
    while more.is_ok() {
        more = stream.write_all(&parts).await;
    }
}
