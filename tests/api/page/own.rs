//! Our own ceremony: what the browser is to make, and what becomes of what it made.

use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use super::*;
use crate::authenticator::{BE, Brought, UP};
use crate::directory::Directory;
use crate::double::ago;
use crate::service::refusal;

/// Whoever reaches the service by its name.
struct World {
    house: House,
    directory: Directory,
}

impl World {
    async fn start() -> World {
        World::with(|plan| plan).await
    }

    async fn with(change: impl FnOnce(Plan) -> Plan) -> World {
        let directory = Directory::start().await;
        let house = House::with(|kratos| {
            let plan = kratos
                .plan_without_admin()
                .with("KRATOS__ADMIN_URL", directory.server.uri())
                .with("SERVE__PUBLIC__HOST", "0.0.0.0")
                .with("SERVE__ADMIN__HOST", "127.0.0.1")
                .with("WEBAUTHN__RP_ID", "localhost")
                .with("WEBAUTHN__RP_NAME", "Example");
            change(plan)
        })
        .await;
        let world = World { house, directory };
        world.knows(&world.house.person, 0);
        world
    }

    /// Kratos holds so many passkeys of the person.
    fn knows(&self, person: &Session, passkeys: u8) {
        self.directory.holds(&person.identity(), passkeys, &ago(60).to_string());
    }

    fn person(&self) -> &Session {
        &self.house.person
    }

    async fn post(&self, person: &Session, path: &str, body: &Value) -> Response {
        self.house.report_as(person, path).json(body).send().await.unwrap()
    }

    async fn options_of(&self, person: &Session) -> Response {
        self.post(person, "passkeys/options", &json!({})).await
    }

    async fn options(&self) -> Value {
        document(self.options_of(self.person()).await).await["options"].clone()
    }

    /// As the person's authenticator answers these options.
    fn brought(&self, options: &Value) -> Brought {
        let challenge = options["challenge"].as_str().unwrap();
        Brought::new(challenge, &self.house.service.public, options["rp"]["id"].as_str().unwrap())
    }

    async fn add(&self, brought: &Brought) -> Response {
        self.add_as(self.person(), brought).await
    }

    async fn add_as(&self, person: &Session, brought: &Brought) -> Response {
        self.post(person, "passkeys", &json!({ "credential": brought.json(), "device": "Laptop" })).await
    }

    fn held(&self) -> Vec<Value> {
        let identity = self.directory.identity(&self.person().identity());
        identity["credentials"]["passkey"]["config"]["credentials"].as_array().cloned().unwrap_or_default()
    }

    async fn kinds(&self) -> Vec<String> {
        self.house.told_by(self.person()).await
    }
}

async fn added(answer: Response) -> Value {
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert_eq!(status, 201, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn refused(answer: Response, status: u16, id: &str) -> Value {
    let body = refusal(answer, status).await;
    assert_eq!(body["error"]["id"], id, "{body}");
    body
}

#[tokio::test]
async fn a_passkey_is_made_and_kratos_has_it() {
    let world = World::start().await;
    assert_eq!(world.house.decision().await["ceremony"], "own");
    let options = world.options().await;
    assert_eq!(options["rp"], json!({ "id": "localhost", "name": "Example" }));
    assert_eq!(options["excludeCredentials"], json!([]));
    let brought = world.brought(&options);
    let answer = added(world.add(&brought).await).await;
    assert_eq!(answer["credential_id"], hex::encode([7; 32]));
    assert_eq!((verdict(&answer).0, &answer["passkey_count"]), ("done", &json!(1)));
    let [held] = world.held().try_into().unwrap();
    assert_eq!((&held["display_name"], &held["flags"]["backup_state"]), (&json!("Laptop"), &json!(true)));
    let identity = world.directory.identity(&world.person().identity());
    let handle = identity["credentials"]["passkey"]["identifiers"][0].as_str().unwrap().to_owned();
    assert_eq!(handle.len(), 64);
    assert_eq!(world.kinds().await, ["passkey_made"]);

    let options = world.options().await;
    let excluded = options["excludeCredentials"][0].clone();
    assert_eq!(excluded["transports"], json!(["hybrid", "internal"]), "and how it is reached");
    let user = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        options["user"]["id"].as_str().unwrap(),
    );
    assert_eq!(user.unwrap(), handle.as_bytes(), "one handle for all");
    let second = Brought { id: vec![8; 16], ..world.brought(&options) };
    assert_eq!(added(world.add(&second).await).await["passkey_count"], 2);
    assert_eq!(world.held().len(), 2);
}

#[tokio::test]
async fn it_is_called_by_the_person_else_by_its_provider_else_by_the_device() {
    let world = World::start().await;
    let icloud =
        [0xfb, 0xfc, 0x30, 0x07, 0x15, 0x4e, 0x4e, 0xcc, 0x8c, 0x0b, 0x6e, 0x02, 0x05, 0x57, 0xd7, 0xbd];
    let names = [
        (json!("My key"), icloud, "My key"),
        (json!(null), icloud, "iCloud Keychain"),
        (json!(null), [0; 16], "Laptop"),
    ];
    for (nth, (name, aaguid, expected)) in (1..).zip(names) {
        let brought = Brought { id: vec![nth; 16], aaguid, ..world.brought(&world.options().await) };
        let body = json!({ "credential": brought.json(), "name": name, "device": "Laptop" });
        assert_eq!(added(world.post(world.person(), "passkeys", &body).await).await["name"], expected);
    }
    for wrong in [json!(""), json!(5), json!("x".repeat(65)), json!("a\nb")] {
        let body = json!({ "credential": world.brought(&world.options().await).json(), "name": wrong });
        let answer = refused(world.post(world.person(), "passkeys", &body).await, 400, "bad_request").await;
        assert!(answer["error"]["reason"].as_str().unwrap().contains("name"), "{answer}");
    }
    assert_eq!(world.held().len(), 3);
}

#[tokio::test]
async fn what_was_not_asked_for_is_refused_and_nothing_is_handed_in() {
    let world = World::start().await;
    type Change = fn(&mut Brought);
    let wrong: [(&str, Change); 6] = [
        ("another origin", |brought| brought.origin = "https://evil.example".into()),
        ("another relying party", |brought| brought.rp_id = "example.org".into()),
        ("not verified", |brought| brought.flags = UP | BE),
        ("not kept", |brought| brought.resident = false),
        ("an attestation", |brought| brought.format = "packed"),
        ("no key", |brought| brought.key = vec![0xa0]),
    ];
    for (what, change) in wrong {
        let mut brought = world.brought(&world.options().await);
        change(&mut brought);
        let body = refusal(world.add(&brought).await, 400).await;
        assert_eq!(body["error"]["id"], "credential_refused", "{what}: {body}");
        let right = world.brought(&json!({ "challenge": brought.challenge, "rp": { "id": "localhost" } }));
        // What cannot be read says nothing of a challenge; any other try used it up.
        if !["no key", "an attestation"].contains(&what) {
            refused(world.add(&right).await, 409, "challenge_unknown").await;
        }
    }
    for garbage in [json!({}), json!({ "response": {} }), json!(null), json!("?"), json!([])] {
        let body = json!({ "credential": garbage });
        refused(world.post(world.person(), "passkeys", &body).await, 400, "bad_request").await;
    }
    assert!(world.held().is_empty() && world.kinds().await.is_empty());
}

#[tokio::test]
async fn a_challenge_is_for_one_session_once_and_not_for_long() {
    let world = World::start().await;
    let stranger = world.house.somebody(ANOTHER).await;
    world.knows(&stranger, 0);
    let other_session =
        world.person().clone().named(ANOTHER).with_cookie("cookie-of-another-session-of-theirs");
    world.house.kratos.signed_in(&other_session);
    let brought = world.brought(&world.options().await);
    for person in [&stranger, &other_session] {
        refused(world.add_as(person, &brought).await, 409, "challenge_unknown").await;
    }
    let never = Brought { challenge: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(), ..brought.clone() };
    refused(world.add(&never).await, 409, "challenge_unknown").await;
    Database::of(&world.house.service).execute("UPDATE ceremonies SET expires_at = 0").await;
    refused(world.add(&brought).await, 409, "challenge_unknown").await;
    assert!(world.held().is_empty());

    let brought = world.brought(&world.options().await);
    added(world.add(&brought).await).await;
    let again = Brought { id: vec![9; 32], ..brought };
    refused(world.add(&again).await, 409, "challenge_unknown").await;
    assert_eq!(world.held().len(), 1);
}

#[tokio::test]
async fn a_credential_is_one_persons() {
    let world = World::start().await;
    added(world.add(&world.brought(&world.options().await)).await).await;
    let stranger = world.house.somebody(ANOTHER).await;
    world.knows(&stranger, 0);
    let options = document(world.options_of(&stranger).await).await["options"].clone();
    refused(world.add_as(&stranger, &world.brought(&options)).await, 409, "credential_known").await;
    assert!(world.directory.identity(ANOTHER)["credentials"].get("passkey").is_none());
}

#[tokio::test]
async fn kratos_s_own_clock_decides_unless_the_operator_says_otherwise() {
    let late = Session::fresh().authenticated(20 * 60);
    let soon = Session::fresh().authenticated(14 * 60);
    let world = World::with(|plan| plan.with("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m")).await;
    let answer = document(world.options_of(world.person()).await).await;
    assert_eq!(answer["valid_for_s"], 300);
    let brought = world.brought(&answer["options"]);
    world.house.kratos.signed_in(&soon);
    let answer = document(world.options_of(&soon).await).await;
    assert!((50..=60).contains(&answer["valid_for_s"].as_u64().unwrap()), "{answer}");
    world.house.kratos.signed_in(&late);
    let body = refused(world.options_of(&late).await, 403, "session_refresh_required").await;
    let to = body["redirect_browser_to"].as_str().unwrap();
    assert!(to.contains("/self-service/login/browser?refresh=true"), "{to}");
    refused(world.add(&brought).await, 403, "session_refresh_required").await;
    world.house.kratos.signed_in(world.person());
    added(world.add(&brought).await).await;

    let world = World::with(|plan| {
        plan.with("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m").with("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "1h")
    })
    .await;
    let mut registered = late.clone();
    registered.body["identity"]["created_at"] = registered.body["issued_at"].clone();
    world.house.kratos.signed_in(&late);
    refused(world.options_of(&late).await, 403, "session_refresh_required").await;
    world.house.kratos.signed_in(&registered);
    added(world.add(&world.brought(&world.options().await)).await).await;
    refused(world.options_of(&late).await, 403, "session_refresh_required").await;
    assert!(world.house.service.log().contains("own_ceremony_max_age"), "it is named at the start");
}

#[tokio::test]
async fn a_second_factor_and_an_inactive_account_are_not_gone_around() {
    let world = World::start().await;
    let id = world.person().identity();
    let brought = world.brought(&world.options().await);
    world.directory.change(&id, |identity| identity["credentials"]["totp"] = json!({ "type": "totp" }));
    refused(world.options_of(world.person()).await, 409, "settings_flow_required").await;
    refused(world.add(&brought).await, 409, "settings_flow_required").await;
    world.directory.change(&id, |identity| {
        identity["credentials"].as_object_mut().unwrap().remove("totp");
        identity["state"] = json!("inactive");
    });
    refused(world.options_of(world.person()).await, 403, "identity_inactive").await;
    refused(world.add(&brought).await, 403, "identity_inactive").await;
    world.directory.change(&id, |identity| identity["state"] = json!("active"));
    added(world.add(&brought).await).await;
}

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
async fn a_longer_age_is_for_one_passkey_also_where_two_come_at_once() {
    let world = World::with(|plan| {
        plan.with("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m").with("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "1h")
    })
    .await;
    let mut registered = Session::fresh().authenticated(20 * 60);
    registered.body["identity"]["created_at"] = registered.body["issued_at"].clone();
    world.house.kratos.signed_in(&registered);
    let mut brought = Vec::new();
    for nth in 1..=4 {
        brought.push(Brought { id: vec![nth; 16], ..world.brought(&world.options().await) });
    }
    let answers = join_all(brought.iter().map(|brought| world.add(brought))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses, world.held().len()), (vec![201, 403, 403, 403], 1));
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
async fn two_at_once_are_two_passkeys() {
    let world = World::start().await;
    for already in [0, 1] {
        world.knows(world.person(), already);
        let mut brought = Vec::new();
        for nth in 10 + already..14 {
            brought.push(Brought { id: vec![nth; 16], ..world.brought(&world.options().await) });
        }
        for answer in join_all(brought.iter().map(|brought| world.add(brought))).await {
            added(answer).await;
        }
        assert_eq!(world.held().len(), 4);
    }
}

#[tokio::test]
async fn without_a_relying_party_the_settings_flow_is_the_way() {
    for change in [
        (|plan: Plan| plan.without("WEBAUTHN__RP_ID")) as fn(Plan) -> Plan,
        |plan| plan.with("PAGE__CEREMONY", "settings"),
        |plan| plan.with("WEBAUTHN__IMPORT", "off"),
    ] {
        let world = World::with(change).await;
        assert_eq!(world.house.decision().await["ceremony"], "settings");
        refused(world.options_of(world.person()).await, 409, "settings_flow_required").await;
    }
}

#[tokio::test]
async fn pages_of_the_app_make_passkeys_where_a_browser_lets_them() {
    let apps = "http://app.localhost:3000,https://elsewhere.example";
    let world = World::with(|plan| plan.with("PAGE__ALLOWED_ORIGINS", apps)).await;
    let ask = |origin: &'static str| {
        let request = world.house.service.post("/api/onboarding/passkeys/options");
        request.header("Cookie", world.person().cookies()).header("Origin", origin).send()
    };
    let options = document(ask("http://app.localhost:3000").await.unwrap()).await["options"].clone();
    let brought = Brought { origin: "http://app.localhost:3000".to_owned(), ..world.brought(&options) };
    added(world.add(&brought).await).await;
    let body = refused(ask("https://elsewhere.example").await.unwrap(), 409, "settings_flow_required").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains("webauthn.origins"), "{body}");
}

#[tokio::test]
async fn nobody_else_may_and_nobody_too_often() {
    let world = World::start().await;
    let evil = world.house.service.post("/api/onboarding/passkeys/options");
    let evil = evil.header("Cookie", world.person().cookies()).header("Origin", "https://evil.example");
    refused(evil.send().await.unwrap(), 403, "origin_not_allowed").await;
    let anonymous = world.house.service.post("/api/onboarding/passkeys").json(&json!({}));
    refused(anonymous.send().await.unwrap(), 401, "session_inactive").await;
    let other = world.house.report("passkeys/options").header("If-Subject", "somebody else");
    refused(other.send().await.unwrap(), 409, "identity_changed").await;
    let long = json!({ "credential": { "response": { "attestationObject": "A".repeat(40_000) } } });
    refused(world.post(world.person(), "passkeys", &long).await, 413, "payload_too_large").await;
    let mut last = world.options_of(world.person()).await;
    for _ in 0..40 {
        last = world.options_of(world.person()).await;
    }
    assert_eq!(last.headers()["retry-after"], "60");
    refused(last, 429, "too_many_requests").await;
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
