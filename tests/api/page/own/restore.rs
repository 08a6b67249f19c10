//! Kratos lost what it was handed, or its person took it away: what `passkeys restore` puts back.

use super::*;

const REMOVED: &str = "SELECT count(*) FROM made_passkeys WHERE removed_at IS NOT NULL";
const UNASKED: &str = "SELECT count(*) FROM made_passkeys WHERE absence = 'unasked'";
const ABSENT: &str = "SELECT count(*) FROM made_passkeys WHERE absence IS NOT NULL";

impl World {
    /// Of these ids, in their order.
    async fn makes(&self, all: &[u8]) {
        for nth in all {
            let brought = Brought { id: vec![*nth; 16], ..self.brought(&self.options().await) };
            added(self.add(&brought).await).await;
        }
    }

    fn has(&self, nth: u8) -> bool {
        let id = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [nth; 16]);
        self.held().iter().any(|held| held["id"] == json!(id))
    }

    /// At Kratos, in its settings flow.
    fn takes_away(&self, nth: u8) {
        let id = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [nth; 16]);
        self.directory.change(&self.person().identity(), |identity| {
            let all = identity["credentials"]["passkey"]["config"]["credentials"].as_array_mut().unwrap();
            all.retain(|held| held["id"] != json!(id));
            identity["updated_at"] = json!(ago(0).to_string());
        });
    }

    /// The settings hook that shows these as left, of a flow that began so many seconds ago.
    async fn settings_hook(&self, left: &[u8], began: i64) {
        let at = ago(began).to_string();
        let body = json!({
            "version": 1, "hook": "settings", "method": "passkey",
            "flow": { "id": uuid::Uuid::new_v4(), "type": "browser", "issued_at": at },
            "identity": { "id": self.person().identity(), "updated_at": at },
            "passkeys": left.iter().map(|nth| hex::encode([*nth; 16])).collect::<Vec<_>>(),
            "security_keys": null,
        });
        let hook = self.house.service.hook("/api/kratos/hooks/settings/passkey", body.to_string());
        assert_eq!(delivered(hook).await.status(), 204);
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let plan = Plan::new().with("KRATOS__ADMIN_URL", self.directory.server.uri());
        let output = plan.command(self.house.service.directory(), arguments).output().unwrap();
        (output.status.success(), format!("{}{}", crate::cli::out(&output), crate::cli::err(&output)))
    }

    fn restore(&self, further: &[&str]) -> (bool, String) {
        self.run(&[&["passkeys", "restore", "--operator", "ada"], further].concat())
    }

    fn reconcile(&self) {
        let (done, said) = self.run(&["reconcile"]);
        assert!(done, "{said}");
    }

    fn database(&self) -> Database {
        Database::of(&self.house.service)
    }

    /// As it is in a backup of now.
    fn backup(&self) -> Value {
        self.directory.identity(&self.person().identity())
    }
}

#[tokio::test]
async fn what_kratos_lost_is_put_back_and_what_the_person_removed_is_not() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1, 2, 3]).await;
    world.takes_away(2);
    world.settings_hook(&[1, 3], 0).await;
    world.database().until(REMOVED, 1).await;
    assert_eq!(world.restore(&["--all"]), (true, "0 put back, 2 are there, 0 could not be\n".to_owned()));

    world.directory.put(backup);
    let id = world.person().identity();
    let (_, said) = world.restore(&["--id", &id, "--dry-run"]);
    assert!(said.contains("2 would be put back") && said.contains(&hex::encode([1; 16])), "{said}");
    assert!(world.held().is_empty());
    let (done, said) = world.restore(&["--all"]);
    assert!(done && said.contains("2 put back") && !said.contains(&hex::encode([2; 16])), "{said}");
    assert!(world.has(1) && world.has(3) && !world.has(2));
    let log = world.house.log().await;
    let expected = ["operator:ada".to_owned(), "cli".to_owned(), "passkey_restored".to_owned()];
    assert_eq!(log.last().unwrap()[1..], expected);
    let (done, said) = world.restore(&["--id", &id, "--credential", &hex::encode([2; 16])]);
    assert!(!done && said.contains("took it away on"), "{said}");
    assert!(!world.has(2), "whoever names it");
}

/// Kratos v1.3.1 leaves the date of the identity, and its flow began before the passkey was made.
#[tokio::test]
async fn a_removal_is_one_whatever_its_hook_is_dated() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1]).await;
    world.takes_away(1);
    world.settings_hook(&[], 50).await;
    world.database().until(REMOVED, 1).await;
    world.directory.put(backup);
    assert_eq!(world.restore(&["--all"]), (true, "0 put back, 0 are there, 0 could not be\n".to_owned()));
    assert!(world.held().is_empty());
}

#[tokio::test]
async fn a_hook_is_answered_before_kratos_is_asked() {
    let world = World::start().await;
    world.makes(&[1]).await;
    world.takes_away(1);
    world.directory.slow("/admin/identities/", std::time::Duration::from_secs(2));
    world.settings_hook(&[], 0).await;
    world.database().until(UNASKED, 1).await;
    world.database().until(REMOVED, 1).await;
}

#[tokio::test]
async fn what_an_instance_that_died_did_not_ask_is_asked_by_another() {
    let world = World::start().await;
    world.makes(&[1]).await;
    world.takes_away(1);
    let dead = "UPDATE made_passkeys SET absence = 'unasked', absent_since = unixepoch() * 1000000";
    world.database().execute(dead).await;
    let World { house: House { service, .. }, directory } = world;
    service.signal("TERM");
    let (_, files, _) = service.ended();
    let service = directory.plan().on(files).start();
    Database::of(&service).until(REMOVED, 1).await;
}

#[tokio::test]
async fn a_removal_whose_hook_was_lost_is_in_doubt_and_put_back_for_whoever_names_it() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1]).await;
    world.takes_away(1);
    let (done, said) = world.restore(&["--all", "--dry-run"]);
    assert!(done && said.contains("in doubt") && !said.contains("1 would be put back"), "{said}");
    world.reconcile();
    world.directory.put(backup);
    let (done, said) = world.restore(&["--all"]);
    assert!(done && said.contains("in doubt since") && said.contains("--credential"), "{said}");
    assert!(world.held().is_empty(), "though Kratos is older than it by now");
    let id = world.person().identity();
    let (done, said) = world.restore(&["--id", &id, "--credential", &hex::encode([1; 16])]);
    assert!(done && said.contains("1 put back"), "{said}");
    assert!(world.has(1));
    world.reconcile();
    world.database().until(ABSENT, 0).await;
}

#[tokio::test]
async fn a_hook_that_is_late_takes_nothing_away() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1, 2]).await;
    world.settings_hook(&[1], 0).await;
    world.database().until(UNASKED, 1).await;
    world.directory.is_asked("/admin/identities/").await;
    let (_, said) = world.restore(&["--all"]);
    assert!(said.contains("2 are there"), "{said}");
    // For so long it could be ahead of what Kratos answers.
    world.database().execute("UPDATE made_passkeys SET absent_since = absent_since - 120000000").await;
    world.reconcile();
    world.database().until(ABSENT, 0).await;
    world.directory.put(backup);
    let (_, said) = world.restore(&["--all"]);
    assert!(said.contains("2 put back"), "{said}");
}

#[tokio::test]
async fn a_removal_is_found_out_when_kratos_can_be_asked_again() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1]).await;
    world.takes_away(1);
    world.directory.trouble(&[403; 1]);
    world.settings_hook(&[], 0).await;
    world.database().until(UNASKED, 1).await;
    world.directory.is_asked("/admin/identities/").await;
    world.reconcile();
    world.database().until(REMOVED, 1).await;
    world.directory.put(backup);
    world.restore(&["--all"]);
    assert!(world.held().is_empty());
}

#[tokio::test]
async fn a_removal_beside_an_addition_is_one_and_the_addition_stays() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1]).await;
    let brought = Brought { id: vec![2; 16], ..world.brought(&world.options().await) };
    world.database().take_turn(&world.person().identity(), 60).await;
    let removing = async {
        world.database().until("SELECT count(*) FROM made_passkeys WHERE imported_at IS NULL", 1).await;
        world.takes_away(1);
        world.settings_hook(&[], 0).await;
        world.database().until(REMOVED, 1).await;
        world.database().end_turns().await;
    };
    let (answer, ()) = futures_util::future::join(world.add(&brought), removing).await;
    added(answer).await;
    assert!(!world.has(1) && world.has(2));
    world.directory.put(backup);
    let (_, said) = world.restore(&["--all"]);
    assert!(said.contains("1 put back") && world.has(2) && !world.has(1), "{said}");
}

#[tokio::test]
async fn what_was_seen_lost_is_put_back_though_its_person_added_another_since() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1, 2]).await;
    world.directory.put(backup);
    world.makes(&[3]).await;
    let (done, said) = world.restore(&["--all"]);
    assert!(done && said.contains("2 put back, 1 are there"), "{said}");
    assert!(world.has(1) && world.has(2) && world.has(3));
}

#[tokio::test]
async fn what_was_put_back_is_put_back_again_from_the_same_backup() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1]).await;
    for _ in 0..2 {
        world.directory.put(backup.clone());
        let (done, said) = world.restore(&["--all"]);
        assert!(done && said.contains("1 put back"), "{said}");
    }
    world.takes_away(1);
    world.settings_hook(&[], 0).await;
    world.database().until(REMOVED, 1).await;
}

#[tokio::test]
async fn what_is_lost_is_known_before_the_first_is_put_back() {
    let world = World::start().await;
    let backup = world.backup();
    world.makes(&[1, 2]).await;
    world.directory.put(backup);
    let second = hex::encode([2; 16]);
    let id = world.person().identity();
    let (done, _) = world.restore(&["--id", &id, "--credential", &hex::encode([1; 16])]);
    assert!(done && world.has(1) && !world.has(2));
    let (done, said) = world.restore(&["--all"]);
    assert!(done && said.contains(&second) && said.contains("1 put back, 1 are there"), "{said}");
}

#[tokio::test]
async fn passkeys_of_a_deleted_identity_are_no_noise() {
    let world = World::start().await;
    world.makes(&[1]).await;
    let id = world.person().identity();
    let identity = world.backup();
    world.directory.delete(&id);
    let all = (
        true,
        "0 put back, 0 are there, 0 could not be, 1 are of identities that Kratos does not know\n".to_owned(),
    );
    assert_eq!(world.restore(&["--all"]), all);
    let (done, said) = world.restore(&["--id", &id]);
    assert!(!done && said.contains("Kratos knows no such identity"), "{said}");
    world.reconcile();
    let gone = "SELECT count(*) FROM made_passkeys WHERE gone_at IS NOT NULL";
    world.database().until(gone, 1).await;
    world.directory.put(identity);
    world.reconcile();
    world.database().until(gone, 0).await;
}
