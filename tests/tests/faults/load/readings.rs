//! What each person of a crew can read in the end: whole histories over REST.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::kit::person::Person;

use crate::crew::Crew;
use crate::history::{Held, Readings, read};

/// The history of every room of the crew, for every person of it.
pub(super) async fn of(crew: &Crew) -> Readings {
    let mut readings = Readings::new();
    for person in crew.people.iter().chain([&crew.owner]) {
        for room in crew.rooms.iter().chain([&crew.plaza]) {
            readings.insert((person.id.clone(), room.clone()), history(person, room).await);
        }
    }
    readings
}

/// All messages of a room; none where the person may not read it.
async fn history(person: &Person, room: &str) -> Option<BTreeMap<String, Held>> {
    let mut all = BTreeMap::new();
    let mut before = String::new();
    loop {
        let page = person.get(&format!("/v1/rooms/{room}/messages?limit=200{before}")).await;
        if [403, 404].contains(&page.status) {
            return None;
        }
        let page = page.ok(200);
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(oldest) = items.first().and_then(|item: &Value| item["id"].as_str()) else {
            return Some(all);
        };
        before = format!("&before={oldest}");
        all.extend(read(items));
    }
}
