//! The log of requests, which is kept beside every generation: what is listed, and what is forgotten.

use readmodel::{LoggedRequest, MAX_REQUESTS_SEEN, RequestFilter, RequestKey};
use schemas::{Timestamp, UserId};

use crate::kit::{Place, user};

cases! {
    #[tokio::test]
    requests_are_listed_newest_first_by_what_is_asked,
    a_page_looks_at_a_bounded_number_of_requests,
    a_user_who_is_forgotten_stays_forgotten,
    old_requests_go_and_activity_stays,
}

fn time(at: u64) -> Timestamp {
    Timestamp::from_millis(1_795_255_200_000 + i64::try_from(at).unwrap())
}

fn row(at: u64, by: Option<u64>, path: &str, status: u16) -> LoggedRequest {
    LoggedRequest {
        key: RequestKey { time: time(at), draw: at * 7 % 5 },
        method: if at.is_multiple_of(2) { "GET" } else { "POST" }.to_owned(),
        path: path.to_owned(),
        status,
        took_us: at * 1_000,
        user: by.map(user),
        ip: "192.0.2.1".to_owned(),
        trace_id: format!("{at:032x}"),
    }
}

async fn listed(place: &Place, filter: &RequestFilter) -> Vec<u64> {
    let side = place.model.side().await.unwrap();
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let found = side.request_log().requests(filter, before, 2).await.unwrap();
        all.extend(found.items.iter().map(|row| row.took_us / 1_000));
        before = found.next;
        if before.is_none() {
            return all;
        }
    }
}

async fn requests_are_listed_newest_first_by_what_is_asked(place: &Place) {
    let side = place.model.side().await.unwrap();
    let log = side.request_log();
    let rows = vec![
        row(1, Some(1), "/v1/rooms", 201),
        row(2, Some(2), "/v1/rooms", 200),
        row(3, None, "unmatched", 404),
        row(4, Some(1), "/v1/rooms/{room_id}", 404),
        row(5, Some(1), "/v1/rooms", 201),
    ];
    log.log_requests(rows.clone()).await.unwrap();
    // A repeat, of which some is new.
    log.log_requests([&rows[1..], &[row(6, Some(2), "/v1/rooms", 500)]].concat()).await.unwrap();
    log.log_requests(Vec::new()).await.unwrap();
    let all = RequestFilter::default;
    assert_eq!(listed(place, &all()).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(listed(place, &RequestFilter { user: Some(user(1)), ..all() }).await, [5, 4, 1]);
    let rooms = || RequestFilter { path: Some("/v1/rooms".to_owned()), ..all() };
    assert_eq!(listed(place, &rooms()).await, [6, 5, 2, 1]);
    assert_eq!(listed(place, &RequestFilter { user: Some(user(2)), ..rooms() }).await, [6, 2]);
    assert_eq!(listed(place, &RequestFilter { status: Some(404), ..all() }).await, [4, 3]);
    assert_eq!(listed(place, &RequestFilter { status: Some(201), ..all() }).await, [5, 1]);
    let posts = RequestFilter { method: Some("POST".to_owned()), ..all() };
    assert_eq!(listed(place, &posts).await, [5, 3, 1]);
    let between = RequestFilter { since: Some(time(2)), until: Some(time(5)), ..all() };
    assert_eq!(listed(place, &between).await, [4, 3, 2]);
    let none = RequestFilter { since: Some(time(5)), until: Some(time(2)), ..all() };
    assert!(listed(place, &none).await.is_empty());
    let found = log.requests(&all(), None, 10).await.unwrap();
    assert_eq!((found.items[1].clone(), found.next), (rows[4].clone(), None), "as it was noted");
}

async fn a_page_looks_at_a_bounded_number_of_requests(place: &Place) {
    let side = place.model.side().await.unwrap();
    let count = u64::try_from(MAX_REQUESTS_SEEN).unwrap() + 10;
    let rows: Vec<LoggedRequest> = (1..=count).map(|at| row(at, None, "/", 200)).collect();
    for rows in rows.chunks(5_000) {
        side.request_log().log_requests(rows.to_vec()).await.unwrap();
    }
    let rare = RequestFilter { status: Some(204), ..RequestFilter::default() };
    let found = side.request_log().requests(&rare, None, 10).await.unwrap();
    assert!(found.items.is_empty());
    assert_eq!(found.next.map(|key| key.time), Some(time(11)));
    let found = side.request_log().requests(&rare, found.next, 10).await.unwrap();
    assert_eq!((found.items.len(), found.next), (0, None));
}

async fn a_user_who_is_forgotten_stays_forgotten(place: &Place) {
    let side = place.model.side().await.unwrap();
    let log = side.request_log();
    let rows = |at: u64| vec![row(at, Some(1), "/", 200), row(at + 1, Some(2), "/", 200)];
    log.log_requests(rows(1)).await.unwrap();
    log.note_active(vec![user(3)], time(1)).await.unwrap();
    assert_eq!(log.active_since(time(0)).await.unwrap(), 3);
    for _ in 0..2 {
        log.forget_requests_of(&user(1)).await.unwrap();
    }
    let all = RequestFilter::default();
    assert_eq!(listed(place, &all).await, [2]);
    // What was on its way, in this process or another.
    log.log_requests(rows(11)).await.unwrap();
    log.note_active(vec![user(1), user(3)], time(12)).await.unwrap();
    assert_eq!(listed(place, &all).await, [12, 2]);
    assert_eq!(log.active_since(time(0)).await.unwrap(), 2);
}

async fn old_requests_go_and_activity_stays(place: &Place) {
    let side = place.model.side().await.unwrap();
    let log = side.request_log();
    let rows: Vec<LoggedRequest> = (1..=9).map(|at| row(at, Some(at % 3), "/", 200)).collect();
    log.log_requests(rows).await.unwrap();
    // Told late: it was so before.
    let none: Vec<UserId> = Vec::new();
    log.note_active(none, time(20)).await.unwrap();
    log.note_active(vec![user(1)], time(1)).await.unwrap();
    log.forget_requests_before(time(7)).await.unwrap();
    assert_eq!(listed(place, &RequestFilter::default()).await, [9, 8, 7]);
    assert_eq!(log.active_since(time(9)).await.unwrap(), 3);
    assert_eq!(log.active_since(time(10)).await.unwrap(), 0);
}
