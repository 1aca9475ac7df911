//! The whole URL table: method, path, what it is for, who may call it. What a route takes and gives stands in its
//! handler's signature. The router and the OpenAPI document are both made from this table.

use std::sync::Arc;

use actix_web::http::Method;
use readmodel::Group::{Conversations, Inbox, People};

use crate::http::{Handler, Route, Table};
use crate::rest::{
    admin, bans, blocks, challenges, dead_letters, erasures, events, exports, history, identities,
    invites, media, members, messages, notifications, oidc, pins, reactions, reports, request_log,
    rooms, search, second_factor, sessions, site, texts, threads, unsubscribe, users, web,
};
use crate::{socket, transfer};

/// Every route, under the headings of the OpenAPI document.
pub(crate) fn table() -> Table {
    let sections = [
        ("users", users()),
        ("verifications", verifications()),
        ("sessions", sessions()),
        ("oidc", oidc()),
        ("ws-tickets", tickets()),
        ("admin", admin()),
        ("rooms", rooms()),
        ("invites", invites()),
        ("direct", direct()),
        ("messages", messages()),
        ("search", search()),
        ("media", files()),
        ("notifications", notifications()),
        ("unsubscribe", digests()),
        ("ws", websocket()),
        ("site", site()),
        ("web", web()),
    ];
    let under = |(tag, routes): (&'static str, Vec<Route>)| {
        routes.into_iter().map(move |route| Arc::new(Route { tag, ..route }))
    };
    sections.into_iter().flat_map(under).collect()
}

macro_rules! methods {
    ($($name:ident = $method:ident),*) => {
        $(fn $name<A, H: Handler<A>>(
            path: &'static str,
            summary: &'static str,
            handler: H,
        ) -> Route {
            Route::new(Method::$method, path, summary, handler)
        })*
    };
}
methods!(get = GET, post = POST, put = PUT, patch = PATCH, delete = DELETE);

#[rustfmt::skip]
fn users() -> Vec<Route> {
    vec![
        post("/v1/users", "Register an account.", users::register).open_to_attempts().secret(&["password"]),
        get("/v1/users", "Find users by username, or by words of their names.", users::find).waits_for(&[People]),
        get("/v1/users/me", "Get the caller's account.", users::me).waits_for(&[People]),
        patch("/v1/users/me", "Change the caller's account.", users::change_me),
        get("/v1/users/me/unread", "Count what is unread in all of the caller's rooms and in the inbox.", rooms::unread_summary)
            .waits_for(&[Conversations, Inbox]),
        post("/v1/users/me/password", "Change the caller's password. All of their other sessions end.", users::change_password)
            .attempt().secret(&["current_password", "new_password", "code"]),
        get("/v1/users/me/blocks", "List the users whom the caller blocks.", blocks::list).waits_for(&[People]),
        put("/v1/users/me/blocks/{user_id}", "Block a user.", blocks::put),
        delete("/v1/users/me/blocks/{user_id}", "Unblock a user.", blocks::remove),
        delete("/v1/users/me", "Close the caller's account for good and erase their data. A 503 has the member `erasure_id`, too: it may have begun.", erasures::delete_me).attempt().confidential(),
        post("/v1/users/me/exports", "Request a copy of the caller's data. While one is being made or can be downloaded, the answer names that one.", exports::request)
            .attempt().confidential(),
        get("/v1/users/me/exports/{export_id}", "Get the progress of an export, and a URL of its file that is valid for five minutes.", exports::one)
            .confidential()
            .waits_for(&[People]),
        // auth-svc answers this out of the log.
        get("/v1/users/me/identities", "List the ways to log in to the caller's account through providers.", identities::list).waits_for(&[]),
        delete("/v1/users/me/identities/{identity_id}", "Remove a way to log in to the caller's account. The last one stays.", identities::unlink).attempt(),
        get("/v1/erasures/{erasure_id}", "Get the progress of an erasure. Needs no account: the id is the secret.", erasures::one).open(),
        get("/v1/users/{user_id}", "Get a user.", users::one).waits_for(&[People]),
    ]
}

#[rustfmt::skip]
fn verifications() -> Vec<Route> {
    vec![
        post("/v1/verifications", "Mail a code that verifies the address of the caller's account.", challenges::verify),
        post("/v1/verifications/{challenge_id}/confirm", "Enter a code that was mailed to verify an address.", challenges::confirm).secret(&["code"]),
        post("/v1/password-resets", "Mail a code that sets a new password. The answer does not say whether there is an account.", challenges::reset).open_to_attempts(),
        post("/v1/password-resets/{challenge_id}/confirm", "Enter the mailed code and set a new password. All sessions end.", challenges::confirm_reset)
            .open_to_attempts().secret(&["code", "new_password"]),
        post("/v1/users/me/email", "Change the address of the caller's account: a code goes to the new one.", challenges::change_address)
            .attempt().secret(&["password", "code"]),
        post("/v1/users/me/totp", "Start to set up a second factor.", second_factor::enrol).attempt().confidential(),
        post("/v1/users/me/totp/confirm", "Confirm a second factor by a code of the app. From now on codes are asked for.", second_factor::confirm)
            .attempt().confidential(),
        delete("/v1/users/me/totp", "Remove the caller's second factor.", second_factor::remove).attempt().confidential(),
    ]
}

#[rustfmt::skip]
fn sessions() -> Vec<Route> {
    vec![
        post("/v1/sessions", "Log in.", sessions::log_in).open_to_attempts().confidential(),
        post("/v1/sessions/refresh", "Exchange a refresh token for new tokens.", sessions::refresh).open_to_attempts().confidential(),
        // auth-svc answers this out of its own store.
        get("/v1/sessions", "List the caller's sessions.", sessions::list).waits_for(&[]),
        delete("/v1/sessions", "End all of the caller's sessions.", sessions::end_all),
        delete("/v1/sessions/current", "Log out.", sessions::end_current),
        delete("/v1/sessions/{session_id}", "End one of the caller's sessions.", sessions::end_one),
    ]
}

#[rustfmt::skip]
fn oidc() -> Vec<Route> {
    vec![
        get("/v1/oidc", "List the providers of single sign-on through which people may log in.", oidc::list).open(),
        get("/v1/oidc/{provider_id}/start", "Start to log in through a provider: redirects the browser there.", oidc::start).open_to_attempts(),
        get("/v1/oidc/{provider_id}/callback", "Receive the browser back from a provider. It is redirected to `return_to`, with a code or an error in the fragment.", oidc::callback)
            .open_to_attempts(),
        post("/v1/sessions/oidc", "Log in by the code that a login through a provider ended with.", oidc::exchange).open_to_attempts().confidential(),
    ]
}

#[rustfmt::skip]
fn tickets() -> Vec<Route> {
    vec![
        post("/v1/ws-tickets", "Create a one-time ticket for the WebSocket handshake.", sessions::ws_ticket).confidential(),
    ]
}

#[rustfmt::skip]
fn admin() -> Vec<Route> {
    vec![
        get("/v1/admin/users", "List accounts, or find some of them.", admin::list_users).admin().waits_for(&[People]),
        post("/v1/admin/users", "Create an account. Without a password, a code to choose one is mailed to its address.", admin::create_user)
            .admin().secret(&["password"]),
        delete("/v1/admin/users/{user_id}/sessions", "End all sessions of a user.", admin::end_sessions).admin(),
        patch("/v1/admin/users/{user_id}", "Change an account's role, suspend it or lift its suspension.", admin::change_user).admin(),
        delete("/v1/admin/users/{user_id}", "Close an account for good and erase its user's data. A 503 has the member `erasure_id`, too: it may have begun.", erasures::delete_user).admin().confidential(),
        get("/v1/admin/holds", "List the legal holds that are in force.", erasures::holds).admin().waits_for(&[]),
        put("/v1/admin/holds/rooms/{room_id}", "Place a room under a legal hold: nothing in it is purged or erased.", erasures::hold_room).admin(),
        delete("/v1/admin/holds/rooms/{room_id}", "End the legal hold of a room.", erasures::release_room).admin(),
        put("/v1/admin/holds/users/{user_id}", "Place a user under a legal hold: nothing of theirs is purged or erased.", erasures::hold_user).admin(),
        delete("/v1/admin/holds/users/{user_id}", "End the legal hold of a user.", erasures::release_user).admin(),
        delete("/v1/admin/users/{user_id}/totp", "Remove the second factor of a user who is locked out. Their sessions end.", second_factor::remove_of).admin(),
        put("/v1/admin/rooms/{room_id}/owners/{user_id}", "Make a member of a room an owner. Its present owners stay owners.", admin::appoint_owner).admin(),
        get("/v1/admin/reports", "List reports of messages, newest first.", reports::list).moderator().waits_for(&[Conversations]),
        patch("/v1/admin/reports/{report_id}", "Dismiss a report, or note that it was acted on.", reports::handle).moderator(),
        get("/v1/admin/rooms", "List all rooms, or find them by words of their names.", reports::list_rooms).moderator().waits_for(&[Conversations]),
        delete("/v1/admin/rooms/{room_id}", "Archive any room.", reports::archive_room).moderator(),
        delete("/v1/admin/messages/{message_id}", "Delete a message of any room.", reports::delete_message).moderator(),
        get("/v1/admin/events", "List events of the log, newest first: the audit trail.", events::list).admin().waits_for(&[]),
        get("/v1/admin/request-log", "List requests that were answered, newest first.", request_log::list).admin().waits_for(&[]),
        get("/v1/admin/dead-letters", "List events that the notifier gave up on, oldest first.", dead_letters::list).admin().waits_for(&[]),
        post("/v1/admin/dead-letters/{dead_letter_id}/redrive", "Try the event of a dead letter again.", dead_letters::redrive).admin(),
        get("/v1/admin/stats", "Get the figures of the installation. They may be some seconds old.", admin::stats).admin().waits_for(&[]),
        post("/v1/admin/notifications", "Send a notification to users' inboxes.", admin::notify).admin(),
    ]
}

#[rustfmt::skip]
fn rooms() -> Vec<Route> {
    vec![
        post("/v1/rooms", "Create a group or channel.", rooms::create),
        get("/v1/rooms", "List the caller's rooms, most recent activity first, or find public rooms.", rooms::list).waits_for(&[Conversations]),
        get("/v1/rooms/{room_id}", "Get a room.", rooms::one).waits_for(&[Conversations]),
        patch("/v1/rooms/{room_id}", "Change, archive or restore a room.", rooms::change),
        delete("/v1/rooms/{room_id}", "Archive a room. It is read-only until it is restored.", rooms::archive),
        get("/v1/rooms/{room_id}/members", "List the members of a room, or find some of them.", members::list).waits_for(&[Conversations, People]),
        post("/v1/rooms/{room_id}/members", "Add a member.", members::add),
        put("/v1/rooms/{room_id}/members/me", "Join a public room.", members::join),
        // The same under the method that some clients expect of joining.
        post("/v1/rooms/{room_id}/members/me", "Join a public room.", members::join),
        delete("/v1/rooms/{room_id}/members/me", "Leave a room. A direct room is only hidden, until the next message.", members::leave),
        patch("/v1/rooms/{room_id}/members/me", "Change the caller's own settings of a room.", members::change_own),
        patch("/v1/rooms/{room_id}/members/{user_id}", "Change a member's role, or mute them.", members::change),
        delete("/v1/rooms/{room_id}/members/{user_id}", "Remove a member.", members::remove),
        get("/v1/rooms/{room_id}/pins", "List the pinned messages of a room, newest pin first.", pins::list).waits_for(&[Conversations]),
        get("/v1/rooms/{room_id}/bans", "List the users who are banned from a room. Only admins of the room may.", bans::list).waits_for(&[Conversations, People]),
        put("/v1/rooms/{room_id}/bans/{user_id}", "Ban a user from a room: they are removed and cannot join again.", bans::ban),
        delete("/v1/rooms/{room_id}/bans/{user_id}", "Lift a ban.", bans::lift),
        post("/v1/rooms/{room_id}/invites", "Create an invitation to a room.", invites::create),
        get("/v1/rooms/{room_id}/invites", "List the open invitations to a room: the caller's, or for admins all.", invites::list).waits_for(&[Conversations]),
        delete("/v1/rooms/{room_id}/invites/{code}", "Revoke an invitation.", invites::revoke),
        put("/v1/rooms/{room_id}/read", "Move the caller's read marker. It never moves backwards.", messages::mark_read),
        post("/v1/rooms/{room_id}/messages", "Post a message. Reusing a `client_id` returns the original.", messages::post).needs_body(),
        get("/v1/rooms/{room_id}/messages", "List the messages of a room or thread. Within a page the oldest comes first.", history::list)
            .waits_for(&[Conversations]),
        get("/v1/rooms/{room_id}/threads", "List the threads of a room that have answers, newest answer first.", threads::list)
            .waits_for(&[Conversations]),
    ]
}

#[rustfmt::skip]
fn invites() -> Vec<Route> {
    vec![
        get("/v1/invites/{code}", "Show which room an invitation is for. Needs no account.", invites::preview).open_to_attempts(),
        post("/v1/invites/{code}/accept", "Join a room by an invitation.", invites::accept),
    ]
}

#[rustfmt::skip]
fn direct() -> Vec<Route> {
    vec![
        post("/v1/direct", "Open the direct conversation of a set of users, and create it if there is none.", rooms::open_direct),
    ]
}

#[rustfmt::skip]
fn search() -> Vec<Route> {
    vec![
        get("/v1/search/messages", "Find messages in the caller's rooms by words, newest first.", search::messages)
            .waits_for(&[Conversations, People]),
    ]
}

#[rustfmt::skip]
fn messages() -> Vec<Route> {
    vec![
        get("/v1/messages/{message_id}", "Get a message.", messages::one).waits_for(&[Conversations]),
        patch("/v1/messages/{message_id}", "Edit one of the caller's own messages.", messages::edit),
        delete("/v1/messages/{message_id}", "Delete a message.", messages::delete),
        get("/v1/messages/{message_id}/history", "List the texts of a message, oldest first. The present text comes last.", texts::list)
            .waits_for(&[Conversations]),
        put("/v1/messages/{message_id}/reactions/{emoji}", "React to a message with an emoji.", reactions::add),
        delete("/v1/messages/{message_id}/reactions/{emoji}", "Remove the caller's reaction.", reactions::remove),
        get("/v1/messages/{message_id}/reactions/{emoji}", "List the users who reacted with an emoji, in the order they did.", reactions::users)
            .waits_for(&[Conversations]),
        put("/v1/messages/{message_id}/pin", "Pin a message in its room.", pins::add),
        delete("/v1/messages/{message_id}/pin", "Unpin a message.", pins::remove),
        get("/v1/messages/{message_id}/readers", "List the users who have read a message.", messages::readers).waits_for(&[Conversations]),
        post("/v1/messages/{message_id}/reports", "Report a message to the moderators. A repeat finds the open report.", reports::report),
        put("/v1/messages/{message_id}/follow", "Follow the thread that a message began, or may begin.", threads::follow),
        delete("/v1/messages/{message_id}/follow", "Stop following a thread.", threads::unfollow),
        put("/v1/messages/{message_id}/thread/read", "Move the caller's read marker in a thread. It never moves backwards.", threads::mark_read),
    ]
}

#[rustfmt::skip]
fn files() -> Vec<Route> {
    vec![
        post("/v1/media", "Request to upload a file. The answer says where to send it.", media::request),
        post("/v1/media/{media_id}/complete", "Complete an upload: it is checked and stored. A repeat changes nothing.", media::complete),
        get("/v1/media/{media_id}", "Get a file: the caller's own, or one of a message they may read.", media::one).reads_media().waits_for(&[Conversations]),
        get("/v1/media/{media_id}/content", "Redirect to the bytes of a file, or get their URL with `Accept: application/json`.", media::content)
            .reads_media().waits_for(&[Conversations]),
        get("/v1/media/{media_id}/thumbnail", "Redirect to a smaller image of a file, or get its URL with `Accept: application/json`.", media::thumbnail)
            .reads_media().waits_for(&[Conversations]),
        delete("/v1/media/{media_id}", "Remove a file of the caller that no message has.", media::remove),
        // What signed URLs lead to.
        put("/media/{media_id}/upload", "Upload a file.", media::bytes).open().unlisted().upgrades(transfer::upload),
        get("/media/{media_id}/file", "The bytes of a file.", media::bytes).open().unlisted().upgrades(transfer::file),
        get("/media/{media_id}/avatar", "A profile picture.", media::bytes).open().unlisted().upgrades(transfer::avatar),
        get("/exports/{export_id}/file", "The zip file of an export.", exports::bytes).open().unlisted().upgrades(transfer::export),
        get("/media/{media_id}/thumbnail", "A smaller image of a file.", media::bytes).open().unlisted().upgrades(transfer::thumbnail),
    ]
}

#[rustfmt::skip]
fn notifications() -> Vec<Route> {
    vec![
        get("/v1/notifications", "List the caller's inbox, newest first.", notifications::list).waits_for(&[Inbox]),
        put("/v1/notifications/read", "Mark the whole inbox as read.", notifications::read_all),
        put("/v1/notifications/{notification_id}/read", "Mark an inbox entry as read.", notifications::read_one),
    ]
}

#[rustfmt::skip]
fn digests() -> Vec<Route> {
    vec![
        get("/v1/unsubscribe/{token}", "Show the page behind the link in a digest. It changes nothing.", unsubscribe::page).open_to_attempts(),
        // The token is the right: no session is asked for, and mail programs send a form (RFC 8058).
        post("/v1/unsubscribe/{token}", "Unsubscribe the account that a digest's link is for from digests.", unsubscribe::end).open_to_attempts().any_body(),
    ]
}

#[rustfmt::skip]
fn websocket() -> Vec<Route> {
    vec![
        get("/v1/ws", "Open a WebSocket.", site::index).open().upgrades(socket::handshake),
    ]
}

#[rustfmt::skip]
fn site() -> Vec<Route> {
    vec![
        get("/", "An introduction to this server.", site::index).open(),
        get("/docs", "This API as a page to read.", site::docs).open(),
        get("/openapi.json", "This API as an OpenAPI 3.1 document.", site::openapi).open(),
        get("/asyncapi.json", "The socket as an AsyncAPI 3.0 document.", site::asyncapi).open(),
        get("/postman.json", "This API as a Postman collection whose variables and login work.", site::postman).open(),
        get("/schemas", "List the JSON Schemas of events, views and frames.", site::schemas).open(),
        get("/schemas/{name}.json", "A JSON Schema by its name.", site::schema).open(),
        get("/problems/{code}", "What a type of problem means.", site::problem_type).open(),
        get("/.well-known/jwks.json", "The public keys of access tokens.", site::jwks).open(),
        get("/livez", "Liveness: 200, or 503 when only a restart helps.", site::livez).open(),
        get("/readyz", "Readiness: 200 or 503. The reasons are on the operators' port.", site::readyz).open(),
    ]
}

/// The pages of the web app, all the same file: what a path means is up to its script. And the app's files.
fn web() -> Vec<Route> {
    let pages = [
        "/login",
        "/register",
        "/reset",
        "/verify",
        "/inbox",
        "/threads",
        "/search",
        "/browse",
        "/settings",
        "/admin",
    ];
    let below =
        ["/r/{*rest}", "/i/{*rest}", "/settings/{*rest}", "/admin/{*rest}", "/erasure/{*rest}"];
    let one = |path| get(path, "A page of the web app.", web::page).open().unlisted();
    let more = |path| get(path, "A page of the web app.", web::page_below).open().unlisted();
    let mut routes: Vec<Route> = pages.into_iter().map(one).collect();
    routes.extend(below.into_iter().map(more));
    routes.push(
        get("/docs/{*rest}", "A file of the API's viewer.", web::viewer_file).open().unlisted(),
    );
    routes.push(get("/assets/{*rest}", "A file of the web app.", web::asset).open().unlisted());
    routes
}
