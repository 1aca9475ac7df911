//! Logging in through providers of single sign-on: the browser's way there and back, and the exchange of the code it
//! brings. What is secret between us and a provider never comes here: auth-svc has it.

use std::time::Duration;

use actix_web::http::header::SET_COOKIE;
use schemas::commands::{FinishedProviderLogin, ListProviders, ProviderLoginOutcome};
use schemas::values::{ProviderId, Secret};
use schemas::views::Page;
use schemas::{Code, Rejection};
use serde::Serialize;

use super::paging::whole;
use super::sessions::{Tokens, issued};
use crate::http::{
    Call, Created, Done, Foreign, Origin, Path, Redirected, RefreshBy, Reply, Unread, login_cookie,
};
use crate::requests::oidc::{LOGIN_PAGE, LoginCode, NewProviderLogin, ProviderReply};

/// How long a provider may keep a browser waiting: up to four questions are asked of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A provider through which people may log in.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Provider")]
pub(crate) struct ShownProvider {
    /// What it is called in paths.
    id: String,
    /// What people call it.
    name: String,
    /// Where a browser goes to log in, with the parameters `return_to` and `code_challenge`.
    start_url: String,
}

pub(crate) async fn list(call: Call) -> Done<Page<ShownProvider>> {
    let providers = call.send(&ListProviders {}).await?.result.into_iter();
    let shown = providers.map(|provider| ShownProvider {
        start_url: call.public_url(&format!("/v1/oidc/{}/start", provider.id)),
        id: provider.id.into(),
        name: provider.name.into(),
    });
    Ok(Reply::ok(&whole(shown.collect())))
}

pub(crate) async fn start(
    call: Call,
    Path(provider): Path<ProviderId>,
    query: Unread<NewProviderLogin>,
) -> Redirected {
    known(&call, &provider).await?;
    let back = call.public_url(&format!("/v1/oidc/{provider}/callback"));
    let allowed = |origin: &str| Origin::allows(origin, &call.context.site, &call.state.config);
    let command = query.read()?.command(provider, back, allowed)?;
    match call.send_within(&command, PATIENCE).await {
        Ok(begun) => {
            let begun = begun.result;
            let cookie = login_cookie::keep(&begun.state, &begun.browser, is_secure(&call))?;
            Ok(Reply::elsewhere(&begun.url)?.with(SET_COOKIE, cookie))
        }
        Err(rejection) => failed(&command.return_to, rejection.code),
    }
}

pub(crate) async fn callback(
    call: Call,
    Path(provider): Path<ProviderId>,
    Foreign(reply): Foreign<ProviderReply>,
) -> Redirected {
    known(&call, &provider).await?;
    let state = reply.state.clone().unwrap_or_else(|| Secret::new(""));
    let browser = call.logins.find(&state);
    let finished = match reply.command(provider, browser, on_loopback(&call)) {
        Some(command) => call.send_within(&command, PATIENCE).await.map(|done| done.result),
        None => Err(Rejection::new(Code::Gone, "this is no answer to a login")),
    };
    // An answer that was refused may be a stranger's: the login goes on without it.
    let forget = match &finished {
        Ok(_) => Some(login_cookie::forget(&state, is_secure(&call))?),
        Err(_) => None,
    };
    let sent = match finished {
        Ok(FinishedProviderLogin { return_to, outcome: ProviderLoginOutcome::Code(code) }) => {
            Reply::elsewhere(&format!("{return_to}#code={}", code.expose()))
        }
        Ok(FinishedProviderLogin { return_to, outcome: ProviderLoginOutcome::Failed(code) }) => {
            failed(&return_to, code)
        }
        // Where the browser was to go is not known.
        Err(rejection) => failed(LOGIN_PAGE, rejection.code),
    };
    Ok(sent?.with_some(SET_COOKIE, forget))
}

pub(crate) async fn exchange(call: Call, body: LoginCode) -> Created<Tokens> {
    let cookie = body.refresh == Some(RefreshBy::Cookie);
    let accepted = call.send(&body.command(on_loopback(&call))).await?;
    issued(&call, accepted, cookie)
}

/// Whether there is such a provider.
async fn known(call: &Call, provider: &ProviderId) -> Result<(), Rejection> {
    let all = call.send(&ListProviders {}).await?.result;
    match all.iter().any(|one| one.id == *provider) {
        true => Ok(()),
        false => Err(Rejection::not_found()),
    }
}

fn failed(return_to: &str, code: Code) -> Redirected {
    Reply::elsewhere(&format!("{return_to}#error={}", code.as_str()))
}

/// Whether browsers speak HTTPS to this server, as far as it knows.
fn is_secure(call: &Call) -> bool {
    call.public_url("").starts_with("https://")
}

fn on_loopback(call: &Call) -> bool {
    call.state.config.listen.is_loopback()
}
