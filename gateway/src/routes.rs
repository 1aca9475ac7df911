//! The whole URL table: method, path, what it is for, who may call it, what it takes and gives. The router and
//! the OpenAPI document are both made from it. Paths are matched in this order.

use std::sync::Arc;

use actix_web::http::Method;
use schemas::views::{
    Account, Member, Message, Notification, Page, ReadMarker, Room, Session, SessionTokens,
    UnreadSummary, User,
};

use crate::http::{Route, Table};
use crate::rest::messages::{MessageChange, NewMessage, ReadUpTo, Reader};
use crate::rest::paging::PageQuery;
use crate::rest::{admin, history, members, messages, notifications, rooms, sessions, site, users};
use crate::socket;

/// Every route.
pub(crate) fn table() -> Table {
    let all = [
        accounts(),
        logins(),
        admins(),
        rooms_and_members(),
        messages_and_inbox(),
        socket_and_site(),
    ];
    all.into_iter().flatten().map(Arc::new).collect()
}

fn get<F, Fut>(path: &'static str, summary: &'static str, handler: F) -> Route
where
    F: Fn(crate::http::Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = crate::http::Outcome> + 'static,
{
    Route::new(Method::GET, path, summary, handler)
}

macro_rules! methods {
    ($($name:ident = $method:ident),*) => {
        $(fn $name<F, Fut>(path: &'static str, summary: &'static str, handler: F) -> Route
        where
            F: Fn(crate::http::Call) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = crate::http::Outcome> + 'static,
        {
            Route::new(Method::$method, path, summary, handler)
        })*
    };
}
methods!(post = POST, put = PUT, patch = PATCH, delete = DELETE);

#[rustfmt::skip]
fn accounts() -> Vec<Route> {
    vec![
        post("/v1/users", "Register an account", users::register)
            .open_to_attempts().secret(&["password"]).takes::<users::NewAccount>().gives::<Account>(201),
        get("/v1/users", "Find people by username, or by words of their names", users::find)
            .asks::<users::UserQuery>().gives::<Page<User>>(200),
        get("/v1/users/me", "The caller's account", users::me).gives::<Account>(200),
        patch("/v1/users/me", "Change the caller's account", users::change_me)
            .takes::<users::ProfileChanges>().gives::<Account>(200),
        get("/v1/users/me/unread", "What waits for the caller in all rooms", rooms::unread_summary)
            .gives::<UnreadSummary>(200),
        post("/v1/users/me/password", "Change the caller's password; his other sessions end", users::change_password)
            .attempt().confidential().takes::<users::PasswordChange>().gives_nothing(204),
        get("/v1/users/{user_id}", "A person", users::one).gives::<User>(200),
    ]
}

#[rustfmt::skip]
fn logins() -> Vec<Route> {
    vec![
        post("/v1/sessions", "Log in", sessions::log_in)
            .open_to_attempts().confidential().takes::<sessions::Credentials>().gives::<SessionTokens>(201),
        post("/v1/sessions/refresh", "Trade a refresh token for new tokens", sessions::refresh)
            .open_to_attempts().confidential().takes::<sessions::RefreshToken>().gives::<SessionTokens>(200),
        get("/v1/sessions", "The caller's sessions", sessions::list).gives::<Page<Session>>(200),
        delete("/v1/sessions", "End every session of the caller", sessions::end_all).gives_nothing(204),
        delete("/v1/sessions/current", "Log out", sessions::end_current).gives_nothing(204),
        delete("/v1/sessions/{session_id}", "End one of the caller's sessions", sessions::end_one).gives_nothing(204),
        post("/v1/ws-tickets", "A one-use pass for the WebSocket handshake", sessions::ws_ticket)
            .confidential().gives::<sessions::Ticket>(201),
    ]
}

#[rustfmt::skip]
fn admins() -> Vec<Route> {
    vec![
        get("/v1/admin/users", "Every account", admin::list_users)
            .admin().asks::<PageQuery>().gives::<Page<Account>>(200),
        patch("/v1/admin/users/{user_id}", "Change somebody's role or suspend him", admin::change_user)
            .admin().takes::<admin::UserChanges>().gives::<Account>(200),
        put("/v1/admin/rooms/{room_id}/owners/{user_id}", "Make a member of a room an owner, beside those there are", admin::appoint_owner)
            .admin().gives_nothing(204),
        post("/v1/admin/notifications", "Write into inboxes", admin::notify)
            .admin().takes::<admin::NewNotification>().gives::<admin::Notified>(201),
    ]
}

#[rustfmt::skip]
fn rooms_and_members() -> Vec<Route> {
    vec![
        post("/v1/rooms", "Make a group or channel", rooms::create).takes::<rooms::NewRoom>().gives::<Room>(201),
        get("/v1/rooms", "The caller's rooms, newest activity first; or public rooms", rooms::list)
            .asks::<rooms::RoomQuery>().gives::<Page<Room>>(200),
        post("/v1/direct", "Find or make the direct room of a set of people", rooms::open_direct)
            .takes::<rooms::NewDirect>().gives::<Room>(201).gives::<Room>(200),
        get("/v1/rooms/{room_id}", "A room", rooms::one).gives::<Room>(200),
        patch("/v1/rooms/{room_id}", "Change a room, archive it or bring it back", rooms::change)
            .takes::<rooms::RoomChanges>().gives::<Room>(200),
        delete("/v1/rooms/{room_id}", "Archive a room: read-only until it is brought back", rooms::archive).gives_nothing(204),
        get("/v1/rooms/{room_id}/members", "Who is in a room", members::list)
            .asks::<PageQuery>().gives::<Page<Member>>(200),
        post("/v1/rooms/{room_id}/members", "Bring somebody in", members::add)
            .takes::<members::NewMember>().gives::<Member>(201),
        put("/v1/rooms/{room_id}/members/me", "Join a public room", members::join).gives::<Room>(200),
        // The same under the method that some clients expect of joining.
        post("/v1/rooms/{room_id}/members/me", "Join a public room", members::join).gives::<Room>(200),
        delete("/v1/rooms/{room_id}/members/me", "Leave a room", members::leave).gives_nothing(204),
        patch("/v1/rooms/{room_id}/members/{user_id}", "Change what somebody may do in a room", members::change)
            .takes::<members::MemberChanges>().gives::<Member>(200),
        delete("/v1/rooms/{room_id}/members/{user_id}", "Put somebody out", members::remove).gives_nothing(204),
        put("/v1/rooms/{room_id}/read", "Move the caller's read marker; never backwards", messages::mark_read)
            .takes::<ReadUpTo>().gives::<ReadMarker>(200),
    ]
}

#[rustfmt::skip]
fn messages_and_inbox() -> Vec<Route> {
    vec![
        post("/v1/rooms/{room_id}/messages", "Say something; a repeat of client_id finds the first", messages::post)
            .takes::<NewMessage>().gives::<Message>(201).gives::<Message>(200),
        get("/v1/rooms/{room_id}/messages", "The history of a room or thread, oldest first in a page", history::list)
            .asks::<history::HistoryQuery>().gives::<Page<Message>>(200),
        get("/v1/messages/{message_id}", "A message", messages::one).gives::<Message>(200),
        patch("/v1/messages/{message_id}", "Change the text of an own message", messages::edit)
            .takes::<MessageChange>().gives::<Message>(200),
        delete("/v1/messages/{message_id}", "Take a message back", messages::delete).gives_nothing(204),
        get("/v1/messages/{message_id}/readers", "Who has read a message", messages::readers)
            .asks::<PageQuery>().gives::<Page<Reader>>(200),
        get("/v1/notifications", "The caller's inbox, newest first", notifications::list)
            .asks::<notifications::InboxQuery>().gives::<Page<Notification>>(200),
        put("/v1/notifications/read", "Mark the whole inbox as read", notifications::read_all).gives_nothing(204),
        put("/v1/notifications/{notification_id}/read", "Mark an inbox entry as read", notifications::read_one)
            .gives_nothing(204),
    ]
}

#[rustfmt::skip]
fn socket_and_site() -> Vec<Route> {
    vec![
        get("/v1/ws", "Open a WebSocket", site::index).open().upgrades(socket::handshake).gives_nothing(101),
        get("/", "What this is", site::index).open().gives_nothing(200),
        get("/docs", "This API, to read", site::docs).open().gives_nothing(200),
        get("/openapi.json", "This API as OpenAPI 3.1", site::openapi).open().gives_nothing(200),
        get("/problems/{code}", "What a type of problem means", site::problem_type).open().gives_nothing(200),
        get("/.well-known/jwks.json", "The public keys of access tokens", site::jwks).open().gives_nothing(200),
        get("/livez", "Whether the process lives; 503 when only a restart helps", site::livez).open().gives_nothing(200),
        get("/readyz", "Whether it can do its work: 200 or 503; the reasons are on the operators' port", site::readyz).open().gives_nothing(200),
    ]
}
