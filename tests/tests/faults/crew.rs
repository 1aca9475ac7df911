//! The people of a case, and the rooms they talk in.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::Person;

/// An owner, people and rooms.
#[derive(Clone)]
pub(crate) struct Crew {
    /// Made every room, is in all of them, and is never put out.
    pub(crate) owner: Person,
    pub(crate) people: Vec<Person>,
    /// Rooms that users are removed from and added to; at first every user is in all of them.
    pub(crate) rooms: Vec<String>,
    /// The room every user stays in: the last word is posted here.
    pub(crate) plaza: String,
}

impl Crew {
    /// Registers an owner and people, spread over the gateways, and makes rooms of all of them.
    pub(crate) async fn gather(place: &Place, people: usize, rooms: usize) -> Self {
        let owner = place.found().await;
        let mut crew = Self { owner, people: Vec::new(), rooms: Vec::new(), plaza: String::new() };
        for number in 0..people {
            crew.people.push(Person::register_at(place, number, &format!("p{number}")).await);
        }
        crew.plaza = crew.room().await;
        for _ in 0..rooms {
            crew.rooms.push(crew.room().await);
        }
        crew
    }

    /// Makes a room of all. With a room come at most 100 people; the others follow one by one.
    async fn room(&self) -> String {
        let (first, others) = self.people.split_at(self.people.len().min(100));
        let room = self.owner.group(&first.iter().collect::<Vec<_>>()).await;
        for other in others {
            let body = json!({"user": other.id});
            let added = self.owner.post(&format!("/v1/rooms/{room}/members"), body).await;
            assert!((200..300).contains(&added.status), "{}", added.text);
        }
        room
    }
}
