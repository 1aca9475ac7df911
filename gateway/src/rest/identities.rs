//! The ways to log in to the caller's account through providers of single sign-on.

use schemas::Digest;
use schemas::commands::ListIdentities;
use schemas::views::{LinkedIdentity, Page};

use super::paging::whole;
use crate::http::{Call, Done, NoContent, Path, Reply};
use crate::requests::oidc::IdentityRemoval;

/// Oldest first. There are at most twenty.
pub(crate) async fn list(call: Call) -> Done<Page<LinkedIdentity>> {
    let found = call.send(&ListIdentities {}).await?.result;
    Ok(Reply::ok(&whole(found)))
}

pub(crate) async fn unlink(
    call: Call,
    Path(identity): Path<Digest>,
    body: IdentityRemoval,
) -> NoContent {
    let accepted = call.send(&body.command(identity)).await?;
    Ok(Reply::no_content().at(accepted.position))
}
