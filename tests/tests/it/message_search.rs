//! Finding messages by their words.

use serde_json::{Value, json};
use tests::kit::files::{bytes, posts, upload};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::unique;

everywhere!(
    words_phrases_and_beginnings_find,
    filters_narrow_a_search,
    messages_with_files_are_found_as_long_as_they_have_them,
    what_is_found_follows_messages_and_memberships,
    a_snippet_is_html_that_marks_what_matched,
    pages_go_on,
    other_writings_are_found,
    hostile_queries_are_words_like_any_other,
    a_search_is_refused_for_what_is_wrong,
);

fn path(query: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://x/v1/search/messages").unwrap();
    url.query_pairs_mut().extend_pairs(query);
    format!("{}?{}", url.path(), url.query().unwrap())
}

async fn search(person: &Person, query: &[(&str, &str)]) -> Vec<Value> {
    items(&person.get(&path(query)).await.ok(200))
}

async fn found(person: &Person, query: &[(&str, &str)]) -> Vec<String> {
    search(person, query).await.iter().map(|one| id_of(&one["message"])).collect()
}

async fn words(person: &Person, q: &str) -> Vec<String> {
    found(person, &[("q", q)]).await
}

async fn words_phrases_and_beginnings_find(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let fox = id_of(&ada.says(&room, "The quick brown Fox jumps over it").await);
    let other = id_of(&bob.says(&room, "a brown and quick answer, d\u{e9}j\u{e0} vu").await);
    let answer = json!({"body": "quick thoughts", "thread_root_id": fox});
    let answer = id_of(&bob.post(&format!("/v1/rooms/{room}/messages"), answer).await.ok(201));
    let [fox, other, answer] = [&fox, &other, &answer];
    let none: [&String; 0] = [];
    for (q, expected) in [
        ("quick", &[answer, other, fox][..]),
        ("QUICK  brown", &[other, fox]),
        ("\"quick brown\"", &[fox]),
        ("\"brown and\" quick", &[other]),
        ("jum*", &[fox]),
        ("deja VU", &[other]),
        ("d\u{e9}j*", &[other]),
        ("q* t*", &[answer, fox]),
        ("thoughts.", &[answer]),
        ("jum", &none),
        ("quick -brown", &[other, fox]),
        ("quick NOT fox", &none),
    ] {
        for person in [&ada, &bob] {
            let found = words(person, q).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{q}");
        }
    }
    // The message is shown as everywhere else.
    let found = search(&bob, &[("q", "jumps")]).await;
    assert_eq!(found[0]["message"], bob.get(&format!("/v1/messages/{fox}")).await.ok(200));
}

async fn filters_narrow_a_search(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register(&place, "bob").await;
    let (first, second) = (ada.group(&[&bob]).await, ada.group(&[]).await);
    let word = unique("w");
    let one = ada.says(&first, &format!("{word} http://example.org/page")).await;
    let two = bob.says(&first, &format!("{word} two")).await;
    let three = ada.says(&second, &format!("{word} three")).await;
    let [a, b, c] = [&one, &two, &three].map(id_of);
    let with = async |more: &[(&str, &str)]| {
        found(&ada, &[&[("q", word.as_str())][..], more].concat()).await
    };
    assert_eq!(with(&[]).await, [&c, &b, &a].map(String::clone));
    assert_eq!(with(&[("room", &first)]).await, [&b, &a].map(String::clone));
    assert_eq!(with(&[("from", &bob.id)]).await, std::slice::from_ref(&b));
    assert_eq!(with(&[("from", &bob.at_name())]).await, std::slice::from_ref(&b));
    assert_eq!(with(&[("from", "@no.such.user")]).await, Vec::<String>::new());
    assert_eq!(with(&[("has", "link")]).await, std::slice::from_ref(&a));
    assert_eq!(with(&[("has", "file")]).await, Vec::<String>::new());
    let at = |message: &Value| message["created_at"].as_str().unwrap().to_owned();
    assert_eq!(with(&[("after", &at(&two))]).await, std::slice::from_ref(&c));
    assert_eq!(with(&[("before", &at(&two))]).await, std::slice::from_ref(&a));
    let between = [("after", at(&one)), ("before", at(&three))];
    let between = [(between[0].0, between[0].1.as_str()), (between[1].0, between[1].1.as_str())];
    assert_eq!(with(&between).await, std::slice::from_ref(&b));
    let all = [("room", first.as_str()), ("from", ada.id.as_str()), ("has", "link")];
    assert_eq!(with(&all).await, std::slice::from_ref(&a));
}

async fn messages_with_files_are_found_as_long_as_they_have_them(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let word = unique("w");
    ada.says(&room, &format!("{word} without")).await;
    let media = upload(&ada, "notes.bin", "application/octet-stream", &bytes(100)).await;
    let message = id_of(&posts(&ada, &room, &format!("{word} with"), &[&media]).await);
    let with_file = [("q", word.as_str()), ("has", "file")];
    assert_eq!(found(&ada, &with_file).await, std::slice::from_ref(&message));
    let edit = json!({"body": format!("{word} edited")});
    ada.patch(&format!("/v1/messages/{message}"), edit).await.ok(200);
    assert_eq!(found(&ada, &with_file).await, std::slice::from_ref(&message));
    ada.delete(&format!("/v1/messages/{message}")).await.ok(204);
    assert_eq!(found(&ada, &with_file).await, Vec::<String>::new());
}

async fn what_is_found_follows_messages_and_memberships(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let (public, _) = ada.channel().await;
    let word = unique("w");
    let kept = id_of(&ada.says(&room, &format!("{word} kept")).await);
    let edited = id_of(&ada.says(&room, &format!("{word} before")).await);
    let deleted = id_of(&ada.says(&room, &format!("{word} secret")).await);
    let open = id_of(&ada.says(&public, &format!("{word} in public")).await);
    let change = json!({"body": format!("{word} changed")});
    ada.patch(&format!("/v1/messages/{edited}"), change).await.ok(200);
    ada.delete(&format!("/v1/messages/{deleted}")).await.ok(204);
    assert_eq!(words(&bob, &word).await, [&edited, &kept].map(String::clone));
    assert_eq!(words(&bob, &format!("{word} before")).await, Vec::<String>::new());
    assert_eq!(words(&bob, &format!("{word} secret")).await, Vec::<String>::new());
    assert_eq!(words(&bob, &format!("{word} changed")).await, std::slice::from_ref(&edited));
    // A public room is searched by who is in it.
    assert_eq!(words(&ada, &format!("{word} public")).await, std::slice::from_ref(&open));
    eve.get(&path(&[("q", &word), ("room", &public)])).await.problem(404, "not_found");
    eve.put_empty(&format!("/v1/rooms/{public}/members/me")).await;
    assert_eq!(words(&eve, &word).await, std::slice::from_ref(&open));
    // Blocked people's messages are found as they are read.
    eve.put_empty(&format!("/v1/users/me/blocks/{}", ada.id)).await.ok(204);
    assert_eq!(words(&eve, &word).await, std::slice::from_ref(&open));
    // Archived rooms are found; left ones, and those one was banned from, are not.
    ada.delete(&format!("/v1/rooms/{public}")).await.ok(204);
    assert_eq!(words(&eve, &word).await, std::slice::from_ref(&open));
    bob.delete(&format!("/v1/rooms/{room}/members/me")).await.ok(204);
    assert_eq!(words(&bob, &word).await, Vec::<String>::new());
    bob.get(&path(&[("q", &word), ("room", &room)])).await.problem(404, "not_found");
    ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": bob.id})).await;
    assert_eq!(words(&bob, &word).await, [&edited, &kept].map(String::clone));
    ada.put(&format!("/v1/rooms/{room}/bans/{}", bob.id), json!({})).await.ok(204);
    assert_eq!(words(&bob, &word).await, Vec::<String>::new());
}

async fn a_snippet_is_html_that_marks_what_matched(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let snippet = async |body: &str, q: &str| {
        ada.says(&room, body).await;
        let found = search(&ada, &[("q", q), ("limit", "1")]).await;
        found[0]["snippet"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        snippet("<script>alert(\"Tom & 'Jerry'\")</script>", "jerry").await,
        "&lt;script&gt;alert(&quot;Tom &amp; &#39;<mark>Jerry</mark>&#39;&quot;)&lt;/script&gt;"
    );
    assert_eq!(
        snippet("<mark>zebra</mark>", "zebra").await,
        "&lt;mark&gt;<mark>zebra</mark>&lt;/mark&gt;"
    );
    assert_eq!(
        snippet("say big red dog", "\"red dog\" big").await,
        "say <mark>big</mark> <mark>red dog</mark>"
    );
    let long = format!("{}needle {}", "hay & ".repeat(600), "straw ".repeat(600));
    let html = snippet(&long, "needle").await;
    assert!(html.starts_with('…') && html.ends_with('…') && html.contains("<mark>needle</mark>"));
    assert!(html.chars().count() < 300, "{html}");
}

async fn pages_go_on(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let word = unique("w");
    let mut posted = Vec::new();
    for number in 0..7 {
        posted.push(id_of(&ada.says(&room, &format!("{word} {number}")).await));
    }
    posted.reverse();
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("q", word.as_str()), ("limit", "3")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = ada.get(&path(&query)).await.ok(200);
        all.extend(items(&page).iter().map(|one| id_of(&one["message"])));
        match page["next_cursor"].as_str() {
            None => break,
            // What comes meanwhile is on no later page.
            Some(next) => cursor = Some(next.to_owned()),
        }
        ada.says(&room, &format!("{word} later")).await;
    }
    assert_eq!(all, posted);
    // A cursor is good for its own search, and for its own user.
    let cursor = cursor.unwrap();
    for other in [
        vec![("q", "other"), ("cursor", cursor.as_str())],
        vec![("q", word.as_str()), ("has", "link"), ("cursor", cursor.as_str())],
        vec![("q", word.as_str()), ("cursor", "x")],
    ] {
        ada.get(&path(&other)).await.problem(400, "validation_failed");
    }
    let bob = Person::register(&place, "bob").await;
    let theirs = [("q", word.as_str()), ("cursor", cursor.as_str())];
    bob.get(&path(&theirs)).await.problem(400, "validation_failed");
}

async fn other_writings_are_found(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    for (body, queries) in [
        ("我在北京大学学习", &["北京", "大学", "习", "\"京大学\"", "北京大学"][..]),
        ("東京ｶﾞｲﾄﾞ", &["ガイド", "京ガ"]),
        ("한국어를 배워요", &["국어", "배워", "요"]),
        ("Ὀδυσσεύς και ΣΊΣΥΦΟΣ", &["οδυσσευς", "σισυφοσ"]),
        ("Straße ﬁn Åse", &["STRASSE", "fin", "ase"]),
        ("done 🎉 👍🏽", &["🎉", "👍", "done 👍🏿"]),
        ("ภาษาไทย", &["ไทย"]),
    ] {
        let posted = id_of(&ada.says(&room, body).await);
        for q in queries {
            assert_eq!(words(&ada, q).await, std::slice::from_ref(&posted), "{q}");
        }
    }
}

async fn hostile_queries_are_words_like_any_other(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let id = id_of(&ada.says(&room, "NEAR and OR $where o'neil 100% a_b (x)").await);
    let long = "a".repeat(500);
    let many = "w* ".repeat(166);
    for (q, finds) in [
        ("NEAR", true),
        ("near OR", true),
        ("NEAR(and OR)", true),
        ("\"near and\"", true),
        ("{\"$where\": 1}", false),
        ("$where", true),
        ("o'neil", true),
        ("o'neil'; DROP TABLE messages; --", false),
        ("100%", true),
        ("a_b", true),
        ("a%", true),
        ("(x)", true),
        ("(((", false),
        ("\"", false),
        ("\"\"\"\"", false),
        ("\"near", true),
        ("near\"", true),
        ("*", false),
        ("***", false),
        ("^near", true),
        ("near:and", true),
        ("body:near", false),
        ("-near", true),
        ("{near} + [and]", true),
        ("(a+)+$", true),
        (".*.*.*.*.*x", true),
        ("\\", false),
        ("\u{0}near\u{1}", true),
        ("\u{202e}", false),
        ("\u{e000}", false),
        ("near AND", true),
        ("1 OR 1=1", false),
        (&long, false),
        (&many, true),
    ] {
        let found = words(&ada, q).await;
        assert_eq!(found.contains(&id), finds, "{q:?}: {found:?}");
    }
}

async fn a_search_is_refused_for_what_is_wrong(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let eve = Person::register(&place, "eve").await;
    let too_long = "\u{1f389}".repeat(501);
    for wrong in [
        vec![],
        vec![("q", "")],
        vec![("q", too_long.as_str())],
        vec![("q", "x"), ("room", "general")],
        vec![("q", "x"), ("from", "ada")],
        vec![("q", "x"), ("after", "yesterday")],
        vec![("q", "x"), ("before", "2026-13-01T00:00:00Z")],
        vec![("q", "x"), ("has", "image")],
        vec![("q", "x"), ("limit", "0")],
        vec![("q", "x"), ("limit", "201")],
        vec![("q", "x"), ("query", "x")],
        vec![("q", "x"), ("q", "y")],
    ] {
        ada.get(&path(&wrong)).await.problem(400, "validation_failed");
    }
    assert_eq!(words(&ada, &"\u{1f389}".repeat(500)).await, Vec::<String>::new());
    assert_eq!(words(&ada, " ").await, Vec::<String>::new());
    let in_room = [("q", "x"), ("room", room.as_str())];
    eve.get(&path(&in_room)).await.problem(404, "not_found");
    eve.get(&path(&[("q", "x"), ("room", &format!("room_{}", "0".repeat(26)))]))
        .await
        .problem(404, "not_found");
    tests::kit::person::Stranger::new(&place)
        .get(&path(&in_room))
        .await
        .problem(401, "unauthenticated");
}
