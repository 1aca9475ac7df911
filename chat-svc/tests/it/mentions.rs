//! Whom a message names and calls.

use schemas::commands::{AddMember, ChangeMember, EditMessage, PostMessage};
use schemas::ids::{RoomId, UserId};
use schemas::values::{Body, Format, Patch, Role, RoomKind, RoomMention, RoomRole, UserRef};

use crate::kit::{World, say};

type Named = (Vec<UserId>, Option<RoomMention>);

async fn says(world: &World, who: &UserId, room: &RoomId, text: &str) -> Named {
    let message = world.say(who, room, text).await.message;
    (message.mentions, message.mentions_room)
}

async fn says_in_markdown(world: &World, who: &UserId, room: &RoomId, text: &str) -> Named {
    let command = PostMessage { format: Format::Markdown, ..say(room, text) };
    let message = world.call(who, &command).await.unwrap().result.message;
    (message.mentions, message.mentions_room)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_members_name_wins() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let smith = world.register("bob.smith").await;
    // An older build let names end in a mark; no other user is mistaken for them.
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let only_bob = (vec![bob], None);
    for text in ["look at this @bob.", "@bob.smith said", "交给@bob处理", "_@bob_", "...@bob"] {
        assert_eq!(says(&world, &ada, &room, text).await, only_bob, "{text}");
        assert_eq!(says_in_markdown(&world, &ada, &room, text).await, only_bob, "{text}");
    }
    let add = AddMember { room_id: room, user: UserRef::Id(smith), role: None };
    world.call(&ada, &add).await.unwrap();
    assert_eq!(says(&world, &ada, &room, "@Bob.Smith. @bob").await, (vec![smith, bob], None));
    for code in ["`@bob`", "```\n@bob\n```", "    @bob", "~~~\n@bob\n~~~", "[@bob](https://x.y)"] {
        assert_eq!(says_in_markdown(&world, &ada, &room, code).await, (vec![], None), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_names_anew_in_the_format_of_the_message() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let command = PostMessage { format: Format::Markdown, ..say(&room, "@bob @room") };
    let said = world.call(&ada, &command).await.unwrap().result.message;
    assert_eq!((said.mentions, said.mentions_room), (vec![bob], Some(RoomMention::Room)));
    let body = Body::parse("`@bob` `@room` @here").unwrap();
    let edit = EditMessage { message_id: said.id, body };
    let edited = world.call(&ada, &edit).await.unwrap().result.message;
    assert_eq!((edited.mentions, edited.mentions_room), (vec![], Some(RoomMention::Here)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_room_is_called_by_its_admins_alone() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let mut crowd = Vec::new();
    for number in 0..18 {
        crowd.push(world.register(&format!("extra{number}")).await);
    }
    let members: Vec<&UserId> = crowd.iter().chain([&bob]).collect();
    // Called right after it was made: the index may not know it yet.
    let room = world.create(&ada, RoomKind::Group, "twenty", &members).await.id;
    assert_eq!(says(&world, &bob, &room, "@room.").await.1, Some(RoomMention::Room));
    assert_eq!(says(&world, &bob, &room, "@here @room").await.1, Some(RoomMention::Room));
    assert_eq!(says(&world, &bob, &room, "@here, you").await.1, Some(RoomMention::Here));
    let last = UserRef::Id(world.register("last").await);
    world.call(&ada, &AddMember { room_id: room, user: last, role: None }).await.unwrap();
    assert_eq!(says(&world, &bob, &room, "@room @here @bob").await, (vec![bob], None));
    assert_eq!(says(&world, &ada, &room, "@here").await.1, Some(RoomMention::Here));
    let promoted = ChangeMember {
        room_id: room,
        user_id: bob,
        role: Some(RoomRole::Admin),
        muted_until: Patch::Keep,
    };
    world.call(&ada, &promoted).await.unwrap();
    assert_eq!(says(&world, &bob, &room, "@room").await.1, Some(RoomMention::Room));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_of_everybody_is_called_by_the_installations_admins() {
    let world = World::start().await;
    let ada = world.register_as("ada", Role::Admin).await;
    let moderator = world.register_as("maud", Role::Moderator).await;
    let bob = world.register("bob").await;
    let general = world.first.general.unwrap();
    assert_eq!(says(&world, &bob, &general, "@room").await.1, Some(RoomMention::Room));
    for number in 0..18 {
        world.register(&format!("extra{number}")).await;
    }
    for (who, called) in [(&bob, None), (&moderator, None), (&ada, Some(RoomMention::Room))] {
        assert_eq!(says(&world, who, &general, "@room").await.1, called);
    }
    // Without an index a message is posted all the same; the words stay words.
    world.index.set_broken(true);
    let command = PostMessage { client_id: None, ..say(&general, "@room") };
    let said = world.call(&bob, &command).await.unwrap().result.message;
    assert_eq!(said.mentions_room, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_members_are_named_at_most() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    for number in 0..60 {
        world.register(&format!("extra{number}")).await;
    }
    let general = world.first.general.unwrap();
    let unknown: String = (0..100).map(|n| format!("@unknown{n} ")).collect();
    let text = format!("{unknown}{}", (0..60).map(|n| format!("@extra{n} ")).collect::<String>());
    assert_eq!(says(&world, &ada, &general, &text).await.0.len(), 50);
    let unknown: String = (0..199).map(|n| format!("@unknown{n} ")).collect();
    let text = format!("{unknown}@extra1 @extra2");
    assert_eq!(says(&world, &ada, &general, &text).await.0.len(), 1);
}
