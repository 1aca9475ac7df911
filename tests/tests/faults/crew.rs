//! The users of a case, and the rooms they talk in.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::Person;

/// An owner, users and rooms.
#[derive(Clone)]
pub(crate) struct Crew {
    /// The creator of every room, who is in all of them and is never removed.
    pub(crate) owner: Person,
    pub(crate) people: Vec<Person>,
    /// Rooms that users are removed from and added to; at first every user is in all of them.
    pub(crate) rooms: Vec<String>,
    /// The room every user stays in: the last word is posted here.
    pub(crate) plaza: String,
}

impl Crew {
    /// Registers an owner and users, spread over the gateways, and creates rooms with all of them.
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

    /// Creates a room with all users: at most 100 with the room, the others one by one.
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
