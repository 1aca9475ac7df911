//! The owner: removes a member from a room, and adds them again some messages later.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::Shared;
use super::rest::{Caller, Request};
use crate::history::Act;
use crate::schedule::Dice;

pub(super) async fn run(shared: Shared, mut dice: Dice) {
    let owner = shared.crew.owner.clone();
    let mut caller = Caller::new(&owner);
    let mut outside: Option<(String, String)> = None;
    let mut next = shared.habits.churn;
    while !shared.stopped() {
        if shared.history.acknowledged() < next {
            sleep(Duration::from_millis(5)).await;
            continue;
        }
        next = shared.history.acknowledged() + 1 + dice.below(2 * shared.habits.churn);
        let (act, request) = match outside.take() {
            Some((room, user)) => {
                let body = Some(json!({"user": user}));
                let path = format!("/v1/rooms/{room}/members");
                (Act::Admit { room, user }, Request { method: "POST", path, body })
            }
            None => {
                let room = dice.pick(&shared.crew.rooms).clone();
                let user = dice.pick(&shared.crew.people).id.clone();
                outside = Some((room.clone(), user.clone()));
                let path = format!("/v1/rooms/{room}/members/{user}");
                (Act::Remove { room, user }, Request { method: "DELETE", path, body: None })
            }
        };
        let doing = shared.history.begin(&owner.id, act);
        caller.insist(&shared, doing, request, &mut dice).await;
    }
}
