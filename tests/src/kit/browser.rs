//! A browser, as far as logins through providers need one: cookies, and redirections that are looked at one by one.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Client, Method, redirect};
use sha2::{Digest as _, Sha256};

use crate::kit::installation::Place;

/// Redirections in a row at most.
const FAR: usize = 20;

/// What a browser was shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where it is from.
    pub url: String,
    /// The status.
    pub status: u16,
    /// Where to go on; as a whole URL.
    pub location: Option<String>,
    /// The `Set-Cookie` headers.
    pub cookies: Vec<String>,
    /// The page.
    pub text: String,
}

/// A browser with its cookies.
pub struct Browser {
    http: Client,
    /// By site and name.
    cookies: BTreeMap<(String, String), String>,
    /// Sites that are reached at another address.
    instead: BTreeMap<String, String>,
}

/// The secret of a page that begins a login, and what it shows of it.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Stays with the page.
    pub verifier: String,
    /// Goes along.
    pub challenge: String,
}

impl Secret {
    /// A secret that is made of a word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let verifier = BASE64URL_NOPAD.encode(&Sha256::digest(word.as_bytes()));
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
        Self { verifier, challenge }
    }
}

/// The scheme, host and port of a URL.
#[must_use]
pub fn site(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |place| place + 3);
    let end = url[begin..].find(['/', '?', '#']).map_or(url.len(), |place| begin + place);
    &url[..end]
}

/// A parameter of the query or fragment of a URL, decoded.
#[must_use]
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let pairs = url.split(['?', '#']).skip(1).flat_map(|part| part.split('&'));
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let value = pairs.find(|(known, _)| *known == name)?.1.replace('+', " ");
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser without cookies.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy();
        Self {
            http: http.build().expect("a client"),
            cookies: BTreeMap::new(),
            instead: BTreeMap::new(),
        }
    }

    /// Opens a page.
    pub async fn open(&mut self, url: &str) -> Shown {
        self.ask(Method::GET, url, None).await
    }

    /// Sends a form.
    pub async fn send(&mut self, url: &str, form: &str) -> Shown {
        self.ask(Method::POST, url, Some(form)).await
    }

    /// Reaches a site at another address.
    pub fn goes_instead(&mut self, of: &str, to: &str) {
        self.instead.insert(of.to_owned(), to.to_owned());
    }

    async fn ask(&mut self, method: Method, url: &str, form: Option<&str>) -> Shown {
        let here = site(url).to_owned();
        let own = self.cookies.iter().filter(|((known, _), _)| *known == here);
        let cookies: Vec<String> =
            own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let whole = url.split('#').next().unwrap_or_default();
        let there = self.instead.get(&here).map(|to| whole.replacen(&here, to, 1));
        let there = there.unwrap_or_else(|| whole.to_owned());
        let mut request = self.http.request(method, there);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(form) = form {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(form.to_owned());
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let all = |name: &str| -> Vec<String> {
            let values = answer.headers().get_all(name).iter();
            values.filter_map(|value| value.to_str().ok()).map(ToOwned::to_owned).collect()
        };
        let (status, cookies) = (answer.status().as_u16(), all("set-cookie"));
        let location = all("location").pop().map(|next| match next.starts_with('/') {
            true => format!("{here}{next}"),
            false => next,
        });
        for cookie in &cookies {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let Some((name, value)) = pair else { continue };
            let key = (here.clone(), name.trim().to_owned());
            match value.is_empty() {
                true => self.cookies.remove(&key),
                false => self.cookies.insert(key, value.to_owned()),
            };
        }
        let text = answer.text().await.unwrap_or_default();
        Shown { url: url.to_owned(), status, location, cookies, text }
    }

    /// Begins a login; where the browser is sent.
    ///
    /// # Panics
    /// It is sent nowhere.
    pub async fn begin(
        &mut self,
        place: &Place,
        provider: &str,
        secret: &Secret,
        return_to: &str,
    ) -> String {
        let url = format!(
            "{}/v1/oidc/{provider}/start?return_to={return_to}&code_challenge={}",
            place.url(0),
            secret.challenge
        );
        let shown = self.open(&url).await;
        assert_eq!(shown.status, 302, "{url}: {}", shown.text);
        shown.location.expect("a place to go to")
    }

    /// Goes on from a provider's login page until the browser is sent to the callback; that address.
    ///
    /// # Panics
    /// The provider's pages are not as they were.
    pub async fn log_in_there(&mut self, url: &str, name: &str) -> String {
        let mut next = url.to_owned();
        for _ in 0..FAR {
            if next.contains("/callback?") {
                return next;
            }
            let mut shown = self.open(&next).await;
            if shown.status == 200 {
                let form = match shown.text.contains("name=\"login\"") {
                    true => format!("prompt=login&login={name}&password=any"),
                    false => "prompt=consent".to_owned(),
                };
                shown = self.send(&next, &form).await;
            }
            next = shown.location.unwrap_or_else(|| panic!("{next}: {}", shown.text));
        }
        panic!("{url} leads nowhere");
    }

    /// The whole way: where the browser is in the end, with a code or an error in the fragment.
    ///
    /// # Panics
    /// As the steps.
    pub async fn log_in(
        &mut self,
        place: &Place,
        provider: &str,
        secret: &Secret,
        name: &str,
    ) -> String {
        let there = self.begin(place, provider, secret, "/login").await;
        if there.contains('#') {
            return there;
        }
        let back = self.log_in_there(&there, name).await;
        let shown = self.open(&back).await;
        assert_eq!(shown.status, 302, "{back}: {}", shown.text);
        shown.location.expect("a place to go to")
    }
}
