//! What a read waits for: the position the client asks for, or else the last write of its session.

use std::time::Duration;

use actix_web::HttpRequest;
use readmodel::Group;
use schemas::commands::Caller;
use schemas::{Code, Position, Rejection};

use crate::problem;
use crate::state::AppState;

/// How long a read waits for the read model.
const PROJECTED_WITHIN: Duration = Duration::from_secs(2);
/// The position a read must have reached.
const MIN_POSITION: &str = "tidings-min-position";

/// Waits until these views have reached the position the client asks for, or what its session wrote last.
///
/// # Errors
/// `validation_failed` for a position of another server, `projection_lagging` when the position is not reached in
/// time. A session's own last write is waited for a second at most, and not being there is no error.
pub(super) async fn fresh_enough(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
    groups: &[Group],
) -> Result<(), Rejection> {
    let Some(value) = request.headers().get(MIN_POSITION) else {
        let (writes, session) = (&state.own_writes, &caller.session_id);
        writes.wait(session, groups, &state.read_model, &state.hub).await;
        return Ok(());
    };
    let position = value.to_str().ok().and_then(|text| Position::parse(text).ok());
    let position = position.filter(|position| position.epoch == state.log.epoch());
    let Some(position) = position else {
        return Err(problem::bad(
            "the header Tidings-Min-Position is not a position of this server",
        ));
    };
    let read_model = &state.read_model;
    let waited = read_model.wait_for_groups(groups, position.sequence, PROJECTED_WITHIN).await;
    waited.map_err(|_| {
        let detail = "the read model has not reached Tidings-Min-Position yet";
        Rejection::new(Code::ProjectionLagging, detail).retry_after(1)
    })
}
