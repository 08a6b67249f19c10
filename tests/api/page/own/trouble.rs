//! Kratos fails, or does what no recording shows; and what it lost is put back.

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
    let mut people = vec![world.person().clone()];
    for nth in 1..=3 {
        let person = world.house.somebody(&crate::directory::person(nth)).await;
        world.knows(&person, 0);
        people.push(person);
    }
    let fail = async |person: &Session, nth: u8| {
        let options = document(world.options_of(person).await).await["options"].clone();
        world.directory.patches_fail(2, 400);
        let brought = Brought { id: vec![nth; 16], ..world.brought(&options) };
        refused(world.add_as(person, &brought).await, 409, "settings_flow_required").await
    };
    for _ in 0..3 {
        fail(&people[0], 1).await;
    }
    fail(&people[1], 2).await;
    assert_eq!(world.house.decision().await["ceremony"], "own", "two people may be odd");
    let brought = Brought { id: vec![9; 16], ..world.brought(&world.options().await) };
    added(world.add(&brought).await).await;
    fail(&people[1], 3).await;
    fail(&people[2], 4).await;
    assert_eq!(world.house.decision().await["ceremony"], "own", "since it went well with one");
    fail(&people[3], 5).await;
    assert_eq!(world.house.decision().await["ceremony"], "settings");
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

/// The settings hook that shows these passkeys as left.
async fn settings_changed(world: &World, passkeys: &[&str]) {
    let at = ago(-1).to_string();
    let body = json!({
        "version": 1, "hook": "settings", "method": "passkey",
        "flow": { "id": "4d748bf4-c155-49be-ac8d-168904cf9a29", "type": "browser", "issued_at": at },
        "identity": { "id": world.person().identity(), "updated_at": at },
        "passkeys": passkeys,
        "security_keys": null,
    });
    let hook = world.house.service.hook("/api/kratos/hooks/settings/passkey", body.to_string());
    assert_eq!(delivered(hook).await.status(), 204);
}

fn restore(world: &World, further: &[&str]) -> (bool, String) {
    let plan = Plan::new().with("KRATOS__ADMIN_URL", world.directory.server.uri());
    let arguments = [&["passkeys", "restore", "--operator", "ada"], further].concat();
    let output = plan.command(world.house.service.directory(), &arguments).output().unwrap();
    (output.status.success(), format!("{}{}", crate::cli::out(&output), crate::cli::err(&output)))
}

#[tokio::test]
async fn what_kratos_lost_is_put_back_and_what_the_person_removed_is_not() {
    let world = World::start().await;
    let id = world.person().identity();
    let backup = world.directory.identity(&id);
    for nth in [1, 2] {
        let brought = Brought { id: vec![nth; 16], ..world.brought(&world.options().await) };
        added(world.add(&brought).await).await;
    }
    let [kept, removed] = [1, 2].map(|nth| hex::encode([nth; 16]));
    settings_changed(&world, &[&kept]).await;
    assert_eq!(restore(&world, &["--all"]), (true, "0 put back, 1 are there, 0 could not be\n".to_owned()));

    world.directory.put(backup);
    let (_, said) = restore(&world, &["--id", &id, "--dry-run"]);
    assert!(said.contains("1 would be put back") && said.contains(&kept), "{said}");
    assert!(world.held().is_empty());
    let (done, said) = restore(&world, &["--all"]);
    assert!(done && said.contains("1 put back") && !said.contains(&removed), "{said}");
    assert_eq!(world.held().len(), 1);
    let log = world.house.log().await;
    assert_eq!(
        log.last().unwrap()[1..],
        ["operator:ada".to_owned(), "cli".to_owned(), "passkey_restored".to_owned()]
    );

    world.directory.delete(&id);
    let (done, said) = restore(&world, &["--all"]);
    assert!(!done && said.contains("Kratos knows no such identity"), "{said}");
}
