//! Our own ceremony: what the browser is to make, and what becomes of what it made.

mod conditional;
mod leave;
mod restore;
mod trouble;

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
        let house = House::with(|kratos| change(plan(kratos, &directory))).await;
        let world = World { house, directory };
        world.knows(&world.house.person, 0);
        world
    }

    /// Stopped, and started again on the same files.
    async fn restarted(self, change: impl FnOnce(Plan) -> Plan) -> World {
        let World { house: House { kratos, service, person }, directory } = self;
        service.signal("TERM");
        let (_, files, _) = service.ended();
        let service = change(plan(&kratos, &directory)).on(files).start();
        World { house: House { kratos, service, person }, directory }
    }

    /// For another instance on the same files.
    fn plan_beside(&self) -> Plan {
        let file = self.house.service.directory().join("test.db");
        plan(&self.house.kratos, &self.directory).with("DSN", format!("sqlite://{}", file.display()))
    }

    /// Who is signed in, and holds none.
    async fn somebody(&self, nth: u32) -> Session {
        let person = self.house.somebody(&crate::directory::person(nth)).await;
        self.knows(&person, 0);
        person
    }

    async fn ceremony_of(&self, person: &Session) -> Value {
        document(self.house.get_as(person, "").send().await.unwrap()).await["ceremony"].clone()
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

fn plan(kratos: &Kratos, directory: &Directory) -> Plan {
    kratos
        .plan_without_admin()
        .with("KRATOS__ADMIN_URL", directory.server.uri())
        .with("SERVE__PUBLIC__HOST", "0.0.0.0")
        .with("SERVE__ADMIN__HOST", "127.0.0.1")
        .with("WEBAUTHN__RP_ID", "localhost")
        .with("WEBAUTHN__RP_NAME", "Example")
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
