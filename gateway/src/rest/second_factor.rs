//! The second factor of an account.

use schemas::UserId;
use schemas::values::Secret;
use serde::Serialize;

use crate::http::{Call, Created, Done, NoContent, Path, Reply};
use crate::requests::second_factor::{AdminReason, FactorEntry, FactorRemoval, NewFactor};

/// What an authenticator app is set up with.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Enrolment {
    /// The shared secret in base 32, for typing it in.
    pub(crate) secret: Secret,
    /// The same as a link, usually shown as a QR code.
    pub(crate) otpauth_url: Secret,
}

/// What a user keeps in case they lose their device.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct RecoveryCodes {
    /// Ten codes, each good once in place of one of the app. They are shown only now.
    pub(crate) recovery_codes: Vec<Secret>,
}

pub(crate) async fn enrol(call: Call, body: NewFactor) -> Created<Enrolment> {
    let accepted = call.send(&body.command()).await?;
    let it = accepted.result;
    let enrolment = Enrolment { secret: it.secret, otpauth_url: it.otpauth_url };
    Ok(Reply::created(&enrolment).at(accepted.position))
}

pub(crate) async fn confirm(call: Call, body: FactorEntry) -> Done<RecoveryCodes> {
    let accepted = call.send(&body.command()).await?;
    let codes = RecoveryCodes { recovery_codes: accepted.result };
    Ok(Reply::ok(&codes).at(accepted.position))
}

pub(crate) async fn remove(call: Call, body: FactorRemoval) -> NoContent {
    let accepted = call.send(&body.command()).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn remove_of(
    call: Call,
    Path(user_id): Path<UserId>,
    body: AdminReason,
) -> NoContent {
    let accepted = call.send(&body.command(user_id)).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}
