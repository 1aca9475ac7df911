//! Invitations to rooms.

use schemas::commands::{AcceptInvite, InviteOutcome, JudgeInvite, ListInvites, RevokeInvite};
use schemas::views::{Invite, InvitePreview, InvitedTo, Inviter, Page, Room};
use schemas::{Code, Rejection, RoomId};

use super::paging::{PageQuery, place};
use super::rooms;
use crate::cursor::List;
use crate::failure;
use crate::http::{Call, Created, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::invite::NewInvite;

pub(crate) async fn create(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: NewInvite,
) -> Created<Invite> {
    let accepted = call.send(&body.command(room_id)).await?;
    Ok(Reply::created(&view(&call, accepted.result)).at(accepted.position))
}

pub(crate) async fn list(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(room_id): Path<RoomId>,
) -> Done<Page<Invite>> {
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["invites", room_id.as_str()] };
    let after: Option<String> = place(&list, query.cursor.as_deref())?;
    let found = call.send(&ListInvites { room_id }).await?.result;
    // They come in the order of their codes, which is that of their ids.
    let rest = found.into_iter().filter(|one| after.as_ref().is_none_or(|code| one.code > *code));
    let mut items: Vec<InviteOutcome> = rest.collect();
    let more = items.len() > query.limit.items();
    items.truncate(query.limit.items());
    let last = items.last().filter(|_| more);
    let next_cursor = last.and_then(|one| list.cursor(&one.code));
    let items = items.into_iter().map(|one| view(&call, one)).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

pub(crate) async fn revoke(
    call: Call,
    Path((room_id, code)): Path<(RoomId, String)>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&RevokeInvite { room_id, code }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn preview(call: Call, Path(code): Path<String>) -> Done<InvitePreview> {
    let invite = call.send(&JudgeInvite { code }).await?.result;
    let over = || Rejection::new(Code::Gone, "the invitation is no longer valid");
    let store = call.state.read_model.current();
    let room = store.room(&invite.room_id).await.map_err(failure::store)?.ok_or_else(over)?;
    let inviter = call.state.users.one(&invite.created_by).await?.ok_or_else(over)?;
    let preview = InvitePreview {
        room: InvitedTo {
            id: room.state.id,
            name: room.state.name.as_ref().map(ToString::to_string),
            kind: room.state.kind,
            member_count: room.member_count,
        },
        inviter: Inviter { display_name: inviter.display_name.to_string() },
    };
    Ok(Reply::ok(&preview))
}

pub(crate) async fn accept(call: Call, Path(code): Path<String>, _: Nothing) -> Done<Room> {
    let accepted = call.send(&AcceptInvite { code }).await?;
    let (room, position) = rooms::written(&call, accepted).await;
    Ok(Reply::ok(&room).at(position))
}

fn view(call: &Call, outcome: InviteOutcome) -> Invite {
    let InviteOutcome { code, invite } = outcome;
    Invite {
        url: call.public_url(&format!("/v1/invites/{code}")),
        code,
        uses: invite.uses,
        max_uses: invite.max_uses,
        expires_at: invite.expires_at,
    }
}
