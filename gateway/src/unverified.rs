//! What accounts may do whose address is not verified.

use schemas::commands::{
    AUTH, BlockUser, Caller, Command, DropAvatar, ListDeadLetters, ListInvites,
    MarkNotificationsRead, MarkRead, MarkThreadRead, UnblockUser, UseAsAvatar,
};
use schemas::values::Unverified;
use schemas::{Code, Rejection};

use crate::state::AppState;

/// Commands of other services than that of accounts which are reading, to say how far one has read included, or the
/// caller's own account.
const ALLOWED: [&str; 9] = [
    ListInvites::NAME,
    ListDeadLetters::NAME,
    MarkRead::NAME,
    MarkThreadRead::NAME,
    MarkNotificationsRead::NAME,
    BlockUser::NAME,
    UnblockUser::NAME,
    UseAsAvatar::NAME,
    DropAvatar::NAME,
];

/// Refuses a command that the caller may not give before they have verified their address: where `--unverified` is
/// `read-only`, everything but reading and their own account. It is judged by what this gateway knows of the account,
/// which is at most a second old.
///
/// # Errors
/// `not_verified`, `unavailable`.
pub(crate) async fn may_send<C: Command>(
    state: &AppState,
    caller: Option<&Caller>,
) -> Result<(), Rejection> {
    if state.config.unverified != Unverified::ReadOnly
        || C::SERVICE == AUTH
        || ALLOWED.contains(&C::NAME)
    {
        return Ok(());
    }
    may_write(state, caller).await
}

/// The same, of a command that is not allowed to all.
async fn may_write(state: &AppState, caller: Option<&Caller>) -> Result<(), Rejection> {
    let Some(caller) = caller else { return Ok(()) };
    match state.users.one(&caller.user_id).await? {
        Some(user) if !user.email_verified => {
            Err(Rejection::new(Code::NotVerified, "verify your e-mail address first"))
        }
        _ => Ok(()),
    }
}
