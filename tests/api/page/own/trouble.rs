//! Kratos fails, or does what no recording shows.

use super::*;

#[tokio::test]
async fn kratos_down_for_a_while_leaves_nothing_half_done() {
    let world = World::start().await;
    let brought = world.brought(&world.options().await);
    world.directory.patches_fail(100, 503);
    let body = refused(world.add(&brought).await, 503, "passkey_unsure").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains("same body"), "{body}");
    assert!(world.held().is_empty() && world.kinds().await.is_empty());
    world.directory.patches_fail(0, 0);
    for _ in 0..2 {
        // As where the first answer was lost.
        assert_eq!(added(world.add(&brought).await).await["passkey_count"], 1);
    }
    assert_eq!((world.held().len(), world.kinds().await), (1, vec!["passkey_made".to_owned()]));
    assert_eq!(world.house.decision().await["ceremony"], "own", "trouble passes");
}

#[tokio::test]
async fn the_first_answer_as_in_no_recording_sends_everybody_through_the_settings_flow() {
    type Break = fn(&Directory);
    let breaks: [Break; 2] = [Directory::refuses_patches, Directory::loses_patches];
    for broken in breaks {
        let world = World::start().await;
        let brought = world.brought(&world.options().await);
        broken(&world.directory);
        let body = refused(world.add(&brought).await, 409, "settings_flow_required").await;
        assert_eq!(
            body["error"]["details"]["credential_id"],
            hex::encode([7; 32]),
            "to be told to the authenticator"
        );
        assert_eq!(world.house.decision().await["ceremony"], "settings");
        refused(world.options_of(world.person()).await, 409, "settings_flow_required").await;
        assert_eq!(world.house.service.metric("onboarding_passkey_import").await, 0.0);
        let ready = world.house.service.get("/health/ready").send().await.unwrap();
        assert_eq!(document(ready).await, json!({ "status": "ok", "degraded": ["passkey_import"] }));
        assert!(world.house.service.log().contains("ERROR"), "{}", world.house.service.log());
        assert!(world.held().is_empty());
    }
}

#[tokio::test]
async fn what_may_be_of_one_identity_alone_sends_that_person_through_the_settings_flow() {
    let world = World::start().await;
    let mut people = Vec::new();
    for nth in 1..=4 {
        people.push(world.somebody(nth).await);
    }
    // Afterwards they are given none.
    let mut made = Vec::new();
    for (nth, of) in (1..).zip([0, 0, 0, 1, 0, 1, 2, 3]) {
        let options = document(world.options_of(&people[of]).await).await["options"].clone();
        made.push((&people[of], Brought { id: vec![nth; 16], ..world.brought(&options) }));
    }
    let fail = async |nth: usize| {
        world.directory.patches_fail(2, 400);
        let (person, brought) = &made[nth];
        refused(world.add_as(person, brought).await, 409, "settings_flow_required").await
    };
    for nth in 0..4 {
        fail(nth).await;
    }
    assert_eq!(world.house.decision().await["ceremony"], "own", "two people may be odd");
    let (person, taken) = &made[4];
    added(world.add_as(person, taken).await).await;
    fail(5).await;
    fail(6).await;
    assert_eq!(world.house.decision().await["ceremony"], "own", "since it went well with one");
    added(world.add_as(person, taken).await).await;
    fail(7).await;
    assert_eq!(world.house.decision().await["ceremony"], "settings", "what is there already is no news");
}

#[tokio::test]
async fn whose_passkey_was_not_taken_is_sent_through_the_settings_flow() {
    let world = World::start().await;
    let [first, second] = [world.brought(&world.options().await), world.brought(&world.options().await)];
    let second = Brought { id: vec![8; 16], ..second };
    let third = Brought { id: vec![9; 16], ..world.brought(&world.options().await) };
    world.directory.patches_fail(100, 503);
    refused(world.add(&first).await, 503, "passkey_unsure").await;
    assert_eq!(world.ceremony_of(world.person()).await, "own", "trouble passes");
    world.directory.patches_fail(0, 0);
    added(world.add(&first).await).await;
    world.directory.patches_fail(2, 400);
    refused(world.add(&second).await, 409, "settings_flow_required").await;

    let (tag, decision) = world.house.tagged().await;
    assert_eq!(decision["ceremony"], "settings");
    let body = refused(world.options_of(world.person()).await, 409, "settings_flow_required").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains("of this account lately"), "{body}");
    let other = world.somebody(1).await;
    assert_eq!(world.ceremony_of(&other).await, "own", "theirs are taken");
    document(world.options_of(&other).await).await;

    added(world.add(&first).await).await;
    assert_eq!(world.ceremony_of(world.person()).await, "settings", "it was there already");
    added(world.add(&third).await).await;
    let (now, decision) = world.house.tagged().await;
    assert_eq!(decision["ceremony"], "own");
    assert_ne!(now, tag);
    world.options().await;
}

#[tokio::test]
async fn what_people_bring_about_by_themselves_stays_theirs() {
    let world = World::start().await;
    for nth in 1..=6 {
        let person = world.somebody(nth).await;
        let options = document(world.options_of(&person).await).await["options"].clone();
        let nth = u8::try_from(nth).unwrap();
        let brought = Brought { id: vec![nth; 32], ..world.brought(&options) };
        // In the settings flow, under a handle of its own.
        world.knows(&person, 1);
        if nth > 3 {
            // With the same id, and another key.
            world.directory.change(&person.identity(), |identity| {
                let held = &mut identity["credentials"]["passkey"]["config"]["credentials"][0];
                held["id"] = json!(crate::directory::base64(nth));
            });
        }
        refused(world.add_as(&person, &brought).await, 409, "settings_flow_required").await;
        assert_eq!(world.ceremony_of(&person).await, "settings");
        assert_eq!(world.house.decision().await["ceremony"], "own", "{nth}");
    }
}

#[tokio::test]
async fn only_an_instance_that_hands_in_tries_again() {
    let world = World::start().await;
    let brought = world.brought(&world.options().await);
    world.directory.refuses_patches();
    refused(world.add(&brought).await, 409, "settings_flow_required").await;
    let other = world.somebody(1).await;
    let is_off = async || drop(refused(world.options_of(&other).await, 409, "settings_flow_required").await);
    is_off().await;

    let settings = world.plan_beside().with("PAGE__CEREMONY", "settings").start();
    is_off().await;
    drop(settings);
    let taken = world.house.service.public.rsplit(':').next().unwrap().to_owned();
    let files = tempfile::tempdir().unwrap();
    let same_port = world.plan_beside().with("SERVE__PUBLIC__PORT", taken);
    let ended = same_port.command(files.path(), &["serve"]).output().unwrap();
    assert!(!ended.status.success(), "{ended:?}");
    is_off().await;
    let _beside = world.plan_beside().start();
    let off = "SELECT count(*) FROM meta WHERE name = 'checkpoint.import.off' AND value IS NOT NULL";
    Database::of(&world.house.service).until(off, 0).await;
    document(world.options_of(&other).await).await;
}

#[tokio::test]
async fn whoever_is_too_fast_costs_neither_kratos_nor_the_database_a_question() {
    let world = World::start().await;
    let brought = world.brought(&world.options().await);
    added(world.add(&brought).await).await;
    let second = Brought { id: vec![8; 16], ..world.brought(&world.options().await) };
    world.directory.refuses_patches();
    refused(world.add(&second).await, 409, "settings_flow_required").await;
    for _ in 0..40 {
        world.options_of(world.person()).await;
    }
    world.directory.forget();
    refused(world.options_of(world.person()).await, 429, "too_many_requests").await;
    refused(world.add(&brought).await, 429, "too_many_requests").await;
    assert!(world.directory.asked("").is_empty());
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_whatever_happened_since() {
    let world = World::start().await;
    let brought = world.brought(&world.options().await);
    added(world.add(&brought).await).await;
    world.directory.refuses_patches();
    let second = Brought { id: vec![8; 16], ..world.brought(&world.options().await) };
    refused(world.add(&second).await, 409, "settings_flow_required").await;
    assert_eq!(world.house.decision().await["ceremony"], "settings");
    added(world.add(&brought).await).await;
    assert_eq!(world.kinds().await, ["passkey_made"]);
    let id = world.person().identity();
    world.directory.change(&id, |identity| {
        identity["credentials"].as_object_mut().unwrap().remove("passkey");
    });
    refused(world.add(&brought).await, 409, "settings_flow_required").await;
    assert!(world.held().is_empty(), "what is gone since is not put back by an old answer");
}

#[tokio::test]
async fn what_was_taken_away_does_not_come_back_by_bringing_it_again() {
    let world = World::start().await;
    let brought = world.brought(&world.options().await);
    added(world.add(&brought).await).await;
    let id = world.person().identity();
    world.directory.change(&id, |identity| {
        identity["credentials"].as_object_mut().unwrap().remove("passkey");
    });
    refused(world.add(&brought).await, 409, "challenge_unknown").await;
    assert!(world.held().is_empty());
}

#[tokio::test]
async fn what_is_taken_away_while_it_waits_for_its_turn_is_not_handed_in() {
    let world = World::start().await;
    let brought = world.brought(&world.options().await);
    let database = Database::of(&world.house.service);
    database.take_turn(&world.person().identity(), 60).await;
    let adding = world.add(&brought);
    let removing = async {
        database.until("SELECT count(*) FROM made_passkeys", 1).await;
        database.execute("UPDATE made_passkeys SET removed_at = 1").await;
        database.end_turns().await;
    };
    let (answer, ()) = futures_util::future::join(adding, removing).await;
    refused(answer, 409, "challenge_unknown").await;
    assert!(world.held().is_empty());
}
