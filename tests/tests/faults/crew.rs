//! The people of a case, and the rooms they talk in.

use tests::kit::installation::Place;
use tests::kit::person::Person;

/// An owner, people and rooms.
#[derive(Clone)]
pub(crate) struct Crew {
    /// Made every room, is in all of them, and is never put out.
    pub(crate) owner: Person,
    pub(crate) people: Vec<Person>,
    /// Rooms that people are put out of and brought into; at first everybody is in all of them.
    pub(crate) rooms: Vec<String>,
    /// Everybody is in it, always: the last word is said here.
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
        let members: Vec<&Person> = crew.people.iter().collect();
        crew.plaza = crew.owner.group(&members).await;
        for _ in 0..rooms {
            crew.rooms.push(crew.owner.group(&members).await);
        }
        crew
    }
}
