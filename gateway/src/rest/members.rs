//! Who is in a room.

use schemas::commands::{AddMember, ChangeMember, JoinRoom, LeaveRoom, RemoveMember};
use schemas::events::MemberState;
use schemas::values::{Patch, RoomRole, UserRef};
use schemas::views::{Member, Page};
use schemas::{Rejection, RoomId, Timestamp, UserId};

use super::paging::{Nothing, PageQuery, place};
use super::{access, rooms};
use crate::cursor::List;
use crate::http::{Answer, Call, Outcome, shape};
use crate::{documents, failure};

shape! {
    /// Somebody to bring in.
    NewMember {
        /// A user id or `@username`.
        user: UserRef,
        /// As what; member when absent.
        role: Option<RoomRole>,
    }
    /// Changes of a membership. What is absent stays; null lifts a mute.
    MemberChanges {
        /// What he may do in the room.
        role: Option<RoomRole>,
        /// May only read until then.
        #[schemars(with = "Option<Timestamp>")]
        muted_until: Patch<Timestamp>,
    }
}

pub(crate) async fn list(call: Call) -> Outcome {
    let query: PageQuery = call.query()?;
    let room: RoomId = call.id("room_id")?;
    let seen = access::entered(&call, &room).await?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["members", room.as_str()] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let found = seen.store.members(&room, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let people = call.state.people.get(slice.items.iter().map(|doc| &doc.user_id)).await?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.user_id));
    let member = |doc: readmodel::MembershipDoc| {
        let user = documents::user(people.get(&doc.user_id)?);
        Some(documents::member(doc, user))
    };
    let items: Vec<Member> = slice.items.into_iter().filter_map(member).collect();
    Ok(Answer::ok(&Page { items, next_cursor }))
}

pub(crate) async fn add(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    let NewMember { user, role } = call.body()?;
    let accepted = call.send(&AddMember { room_id, user, role }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Answer::created(&member(&call, &accepted.result).await?).at(accepted.position))
}

pub(crate) async fn change(call: Call) -> Outcome {
    let (room_id, user_id) = (call.id("room_id")?, call.id("user_id")?);
    let MemberChanges { role, muted_until } = call.body()?;
    let accepted = call.send(&ChangeMember { room_id, user_id, role, muted_until }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Answer::ok(&member(&call, &accepted.result).await?).at(accepted.position))
}

pub(crate) async fn remove(call: Call) -> Outcome {
    let (room_id, user_id) = (call.id("room_id")?, call.id("user_id")?);
    call.body::<Nothing>()?;
    let accepted = call.send(&RemoveMember { room_id, user_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Answer::nothing().at(accepted.position))
}

pub(crate) async fn join(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    call.body::<Nothing>()?;
    let accepted = call.send(&JoinRoom { room_id }).await?;
    rooms::written(&call, accepted, false).await
}

pub(crate) async fn leave(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    call.body::<Nothing>()?;
    let accepted = call.send(&LeaveRoom { room_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Answer::nothing().at(accepted.position))
}

async fn member(call: &Call, state: &MemberState) -> Result<Member, Rejection> {
    let user = call.state.people.one(&state.user_id).await?;
    let user = user.ok_or_else(Rejection::not_found)?;
    Ok(documents::written_member(state, documents::user(&user)))
}
