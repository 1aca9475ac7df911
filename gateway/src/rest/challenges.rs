//! One-time codes: verifying an address, changing it, setting a new password.

use std::time::Duration;

use schemas::commands::{ForgetBlocks, RequestVerification};
use schemas::values::VerificationKind;
use schemas::{ChallengeId, Position, Timestamp, UserId};
use serde::Serialize;

use crate::http::{Begun, Call, NoContent, Path, Reply};
use crate::requests::challenge::{AddressChange, CodeEntry, NewReset, NewVerification, ResetEntry};

/// How long the blocks of an account are waited for, of which it may have a thousand.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(30);

/// A code is on its way.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Verification {
    /// Names the code when it is entered.
    pub(crate) verification_id: ChallengeId,
    /// Until when the code is good.
    pub(crate) expires_at: Timestamp,
}

/// A code is on its way, if the address belongs to an account.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Reset {
    /// Names the code when it is entered.
    pub(crate) reset_id: ChallengeId,
}

/// The position of an answer that is the same whether or not anything was written: the beginning of the log. A later one
/// would say, on a server where little happens, whether an address belongs to an account.
fn untold(call: &Call) -> Option<Position> {
    Some(call.epoch().at(0))
}

pub(crate) async fn verify(call: Call, body: NewVerification) -> Begun<Verification> {
    let VerificationKind::Email = body.kind;
    let accepted = call.send(&RequestVerification {}).await?;
    let issued = accepted.result;
    let verification =
        Verification { verification_id: issued.challenge_id, expires_at: issued.expires_at };
    Ok(Reply::accepted(&verification).at(accepted.position))
}

pub(crate) async fn confirm(call: Call, Path(id): Path<ChallengeId>, body: CodeEntry) -> NoContent {
    let accepted = call.send(&body.command(id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn change_address(call: Call, body: AddressChange) -> Begun<Verification> {
    let accepted = call.send(&body.command()).await?;
    let issued = accepted.result;
    let verification =
        Verification { verification_id: issued.challenge_id, expires_at: issued.expires_at };
    Ok(Reply::accepted(&verification).at(untold(&call)))
}

pub(crate) async fn reset(call: Call, body: NewReset) -> Begun<Reset> {
    let accepted = call.send(&body.command()).await?;
    Ok(Reply::accepted(&Reset { reset_id: accepted.result }).at(untold(&call)))
}

pub(crate) async fn confirm_reset(
    call: Call,
    Path(id): Path<ChallengeId>,
    body: ResetEntry,
) -> NoContent {
    let accepted = call.send(&body.command(id)).await?;
    let forgotten = match accepted.result {
        Some(user_id) => forget_blocks(&call, user_id).await,
        None => None,
    };
    let position = forgotten.or(accepted.position);
    call.heard(position.as_ref()).await;
    Ok(Reply::no_content().at(position))
}

/// Whom the person blocked who had the account before. The password is changed whether or not that can be done now.
async fn forget_blocks(call: &Call, user_id: UserId) -> Option<Position> {
    match call.send_within(&ForgetBlocks { user_id }, FORGOTTEN_WITHIN).await {
        Ok(forgotten) => forgotten.position,
        Err(refused) => {
            let why = refused.detail.as_str();
            tracing::warn!(user.id = %user_id, why, "blocks of an account that was taken back stay");
            None
        }
    }
}
