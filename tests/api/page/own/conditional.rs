//! A passkey that is made in the background after a sign-in with a password, where the operator wants that.

use super::*;
use crate::authenticator::BS;

async fn wanted() -> World {
    World::with(|plan| plan.with("PAGE__CONDITIONAL_CREATE", "true")).await
}

impl World {
    async fn unasked(&self, person: &Session) -> Response {
        self.post(person, "passkeys/options", &json!({ "mediation": "conditional" })).await
    }

    /// As a password manager answers that saw the password typed: nobody was asked.
    async fn upgrades(&self, nth: u8) -> Value {
        let answer = document(self.unasked(self.person()).await).await;
        let brought = Brought { id: vec![nth; 16], flags: BE | BS, ..self.brought(&answer["options"]) };
        added(self.add(&brought).await).await
    }
}

async fn says(world: &World, person: &Session) -> u64 {
    let answer = world.house.service.get("/api/onboarding?fresh=1").header("Cookie", person.cookies());
    document(answer.send().await.unwrap()).await["conditional_create_for_s"].as_u64().unwrap()
}

#[tokio::test]
async fn neither_presence_nor_verification_is_demanded_of_it_alone() {
    let world = wanted().await;
    assert!((290..=300).contains(&says(&world, world.person()).await));
    let asked = document(world.options_of(world.person()).await).await;
    assert_eq!(asked["options"]["authenticatorSelection"]["userVerification"], "required");
    let unverified = Brought { flags: BE | BS, ..world.brought(&asked["options"]) };
    refused(world.add(&unverified).await, 400, "credential_refused").await;

    let answer = document(world.unasked(world.person()).await).await;
    let options = &answer["options"];
    assert_eq!(options["authenticatorSelection"]["userVerification"], "preferred");
    assert!(answer["valid_for_s"].as_u64().unwrap() <= 300, "{answer}");
    let brought = Brought { flags: BE | BS, ..world.brought(options) };
    let answer = added(world.add(&brought).await).await;
    assert_eq!(verdict(&answer).0, "done");
    assert_eq!(answer["conditional_create_for_s"], 0);
    let [held] = world.held().try_into().unwrap();
    let flags = json!({ "user_present": false, "user_verified": false, "backup_eligible": true, "backup_state": true });
    assert_eq!(held["flags"], flags, "as they came");
    refused(world.unasked(world.person()).await, 409, "conditional_create_not_allowed").await;
}

#[tokio::test]
async fn it_is_no_offer_and_is_counted_apart() {
    let world = wanted().await;
    world.house.tell_of(&world.person().identity()).await;
    world.upgrades(1).await;
    assert_eq!(world.kinds().await, ["passkey_made"]);
    for (step, expected) in
        [("eligible", 1.0), ("upgraded", 1.0), ("offered", 0.0), ("started", 0.0), ("completed", 0.0)]
    {
        let line = format!("onboarding_funnel_total{{step=\"{step}\",method=\"password\"}}");
        assert_eq!(world.house.service.metric(&line).await, expected, "{step}");
    }
}

#[tokio::test]
async fn only_soon_after_a_password_and_only_where_the_person_would_be_asked() {
    let world = wanted().await;
    let late = Session::fresh().authenticated(5 * 60);
    let mut code = Session::fresh();
    code.body["authentication_methods"][0]["method"] = json!("code");
    for (session, why) in [(late, "last five minutes"), (code, "no password was typed")] {
        world.house.kratos.signed_in(&session);
        assert_eq!(says(&world, &session).await, 0);
        let body = refused(world.unasked(&session).await, 409, "conditional_create_not_allowed").await;
        assert!(body["error"]["reason"].as_str().unwrap().contains(why), "{body}");
    }
    world.house.kratos.signed_in(world.person());
    document(world.unasked(world.person()).await).await;
    world.house.reported("skip", json!({})).await;
    assert_eq!(says(&world, world.person()).await, 0);
    refused(world.unasked(world.person()).await, 409, "conditional_create_not_allowed").await;
}

#[tokio::test]
async fn whoever_has_a_passkey_by_now_gets_no_other_one() {
    let world = wanted().await;
    assert!(says(&world, world.person()).await > 0);
    world.knows(world.person(), 1);
    let body = refused(world.unasked(world.person()).await, 409, "conditional_create_not_allowed").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains("has a passkey"), "{body}");
}

/// Nothing was added, and the authenticator is to be told so.
async fn is_dead(world: &World, person: &Session, brought: &Brought, why: &str) {
    let before = world.directory.identity(&person.identity());
    let body = refused(world.add_as(person, brought).await, 409, "conditional_create_not_allowed").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains(why), "{body}");
    assert_eq!(body["error"]["details"]["credential_id"], hex::encode(&brought.id), "{body}");
    assert_eq!(world.directory.identity(&person.identity()), before);
}

impl World {
    async fn unasked_for(&self, person: &Session, nth: u8) -> Brought {
        let answer = document(self.unasked(person).await).await;
        Brought { id: vec![nth; 16], flags: BE | BS, ..self.brought(&answer["options"]) }
    }
}

#[tokio::test]
async fn who_may_is_asked_again_when_it_comes() {
    let world = wanted().await;
    let brought = world.unasked_for(world.person(), 1).await;
    world.house.reported("skip", json!({})).await;
    is_dead(&world, world.person(), &brought, "not to be offered").await;
    assert_eq!(world.ceremony_of(world.person()).await, "own", "it says nothing of Kratos");

    let person = world.somebody(1).await;
    let brought = world.unasked_for(&person, 2).await;
    let asked = document(world.options_of(&person).await).await;
    let asked = Brought { id: vec![3; 16], ..world.brought(&asked["options"]) };
    added(world.add_as(&person, &asked).await).await;
    is_dead(&world, &person, &brought, "not to be offered").await;

    // Of which nobody told.
    let person = world.somebody(2).await;
    let brought = world.unasked_for(&person, 4).await;
    world.knows(&person, 1);
    is_dead(&world, &person, &brought, "has a passkey").await;
    is_dead(&world, &person, &brought, "has a passkey").await;
}

#[tokio::test]
async fn it_has_to_be_there_within_five_minutes_after_the_password() {
    let world = wanted().await;
    let typed = |seconds| Session::fresh().authenticated(seconds);
    world.house.kratos.signed_in(&typed(4 * 60));
    let answer = document(world.unasked(world.person()).await).await;
    assert!((50..=60).contains(&answer["valid_for_s"].as_u64().unwrap()), "{answer}");
    let database = Database::of(&world.house.service);
    let soon = "SELECT count(*) FROM ceremonies WHERE expires_at <= (unixepoch('subsec') + 60) * 1000000";
    database.until(soon, 1).await;
    let brought = Brought { flags: BE | BS, ..world.brought(&answer["options"]) };
    world.house.kratos.signed_in(&typed(5 * 60));
    is_dead(&world, world.person(), &brought, "last five minutes").await;

    world.house.kratos.signed_in(&typed(4 * 60));
    let late = world.unasked_for(world.person(), 2).await;
    database.execute("UPDATE ceremonies SET expires_at = 0").await;
    refused(world.add(&late).await, 409, "challenge_unknown").await;
    assert!(world.held().is_empty());
}

#[tokio::test]
async fn an_operator_who_ends_it_ends_what_was_begun() {
    let world = wanted().await;
    let answer = document(world.unasked(world.person()).await).await;
    let world = world.restarted(|plan| plan).await;
    let brought = Brought { flags: BE | BS, ..world.brought(&answer["options"]) };
    is_dead(&world, world.person(), &brought, "page.conditional_create").await;
}

#[tokio::test]
async fn the_decision_turns_when_it_is_over() {
    let world = wanted().await;
    world.house.kratos.signed_in(&Session::fresh().authenticated(5 * 60 - 5));
    let (tag, before) = world.house.tagged().await;
    assert!((1..=5).contains(&before["conditional_create_for_s"].as_u64().unwrap()), "{before}");
    let waiting = world.house.get("?wait=25").header("If-None-Match", tag).send().await.unwrap();
    let now = document(waiting).await;
    assert_eq!((&now["decision"], &now["conditional_create_for_s"]), (&before["decision"], &json!(0)));
    let date = |of: &Value| of.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let (until, at) = (date(&before["valid_until"]), date(&now["server_time"]));
    assert!(until <= at && at.duration_since(until).as_secs() < 15, "at once: {until} {at}");
}

#[tokio::test]
async fn unless_the_operator_says_so_nothing_is_made_without_asking() {
    let world = World::start().await;
    assert_eq!(says(&world, world.person()).await, 0);
    let body = refused(world.unasked(world.person()).await, 409, "conditional_create_not_allowed").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains("page.conditional_create"), "{body}");
    for wrong in [json!("silent"), json!("required"), json!(true), json!({})] {
        let body = json!({ "mediation": wrong });
        let answer =
            refused(world.post(world.person(), "passkeys/options", &body).await, 400, "bad_request").await;
        assert!(answer["error"]["reason"].as_str().unwrap().contains("mediation"), "{answer}");
    }
}
