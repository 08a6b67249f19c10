//! `doctor --live --write`: an identity is made, two passkeys are handed in, and it is always gone afterwards.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use super::live::{Bench, answer, message, well, whole_kratos};
use super::{Said, status};
use crate::cli::{err, out};
use crate::directory::Directory;

/// A directory of identities that `doctor` is let loose on.
struct World {
    directory: Directory,
    bench: Bench,
    kratos: MockServer,
}

impl World {
    async fn start() -> World {
        let (directory, kratos) = (Directory::start().await, whole_kratos().await);
        let bench = Bench::on(&kratos.uri(), &directory.server.uri(), "http://localhost:1");
        World { directory, bench, kratos }
    }

    /// Of the own ceremony, or without it.
    fn command(&self, form: &str, settings: &[(&str, &str)]) -> Command {
        let mut command = self.bench.command(&["--write", "--format", form], None);
        command.envs(settings.iter().map(|(name, value)| (format!("ONBOARDING__{name}"), value)));
        command
    }

    fn said(&self, settings: &[(&str, &str)]) -> Said {
        let output = tokio::task::block_in_place(|| self.command("json", settings).output().unwrap());
        Said::of(&output)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KRATOS__PUBLIC_URL", self.kratos.uri()),
            ("KRATOS__ADMIN_URL", self.directory.server.uri()),
            ("SERVE__PUBLIC__BASE_URL", "http://localhost:5050".to_owned()),
            ("DSN", "sqlite://unused.db".to_owned()),
            ("WEBHOOK__API_KEYS", crate::service::KEY.to_owned()),
            ("SECRETS__PII", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
            ("WEBAUTHN__RP_ID", "localhost".to_owned()),
        ]
    }

    fn said_with_own_ceremony(&self, more: &[(&'static str, &str)]) -> Said {
        let mut settings = self.settings();
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.said(&settings)
    }
}

fn severity(said: &Said, code: &str) -> Option<String> {
    let finding = said.findings().find(|finding| finding["code"] == code)?;
    Some(finding["severity"].as_str().unwrap().to_owned())
}

fn about_writing(said: &Said) -> Vec<String> {
    let codes = said.codes().into_iter();
    codes.filter(|code| code.contains("live-import") || code.contains("live-write")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_and_the_identity_is_gone() {
    let world = World::start().await;
    world.directory.holds("00000001-0000-4000-8000-000000000001", 1, "2026-11-22T05:13:25Z");
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), Vec::<String>::new(), "{:#}", said.0);
    let told = well(&said).join("\n");
    assert!(told.contains("two were handed in, read back, and nothing else changed"), "{told}");
    assert!(told.contains("is deleted again"), "{told}");
    assert_eq!((world.directory.count(), world.directory.deleted()), (1, 1));
    let [made] = <[Value; 1]>::try_from(world.directory.made()).unwrap();
    assert_eq!((&made["schema_id"], &made["state"]), (&json!("person"), &json!("inactive")));
    assert!(made["traits"]["email"].as_str().unwrap().ends_with(".invalid"), "{made}");
    assert!(made["metadata_admin"]["made_by"].as_str().unwrap().contains("doctor --live --write"));
    let patched = world.directory.asked("/admin/identities/");
    assert!(patched.iter().all(|url| !url.contains("00000001-")), "nobody else is looked at: {patched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_be_done_is_said_before_and_does_not_get_between_what_a_program_reads() {
    let world = World::start().await;
    let output = tokio::task::block_in_place(|| world.command("text", &[]).output().unwrap());
    assert!(err(&output).contains("doctor --write: makes the identity doctor-"), "{}", err(&output));
    assert!(out(&output).contains("well  Kratos takes passkeys"), "{}", out(&output));
    let sarif = tokio::task::block_in_place(|| world.command("sarif", &[]).output().unwrap());
    assert!(serde_json::from_slice::<Value>(&sarif.stdout).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_error_where_the_service_would_hand_passkeys_in() {
    let world = World::start().await;
    world.directory.refuses_patches();
    for (more, expected) in [
        (&[][..], "error"),
        (&[("WEBAUTHN__IMPORT", "off")][..], "warning"),
        (&[("PAGE__CEREMONY", "settings")][..], "warning"),
    ] {
        let said = world.said_with_own_ceremony(more);
        assert_eq!(
            severity(&said, "live-import-refused").as_deref(),
            Some(expected),
            "{more:?} {:#}",
            said.0
        );
        let told = message(&said, "live-import-refused");
        assert!(told.contains("first passkey") && told.contains("403"), "{told}");
    }
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), ["warning live-import-refused"], "nothing is known of the service");
    assert_eq!((world.directory.count(), world.directory.deleted()), (0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_and_not_kept_is_found() {
    let world = World::start().await;
    world.directory.loses_patches();
    let said = world.said_with_own_ceremony(&[]);
    assert_eq!(about_writing(&said), ["error live-import-differs"], "{:#}", said.0);
    assert!(message(&said, "live-import-differs").contains("not there"));
    assert_eq!((world.directory.count(), world.directory.deleted()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_changes_is_named_and_not_shown() {
    let world = World::start().await;
    world.directory.patches_change(|identity| {
        identity["traits"]["email"] = json!("somebody-else@example.org");
        identity["metadata_admin"] = Value::Null;
        identity["credentials"].as_object_mut().unwrap().remove("password");
    });
    let output = tokio::task::block_in_place(|| world.command("json", &[]).output().unwrap());
    let said = Said::of(&output);
    let told = message(&said, "live-import-differs");
    for field in ["`traits` changed", "`metadata_admin` changed", "`credentials.password` changed"] {
        assert!(told.contains(field), "{field}: {told}");
    }
    assert!(!out(&output).contains("somebody-else"));
    assert_eq!(world.directory.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_becomes_another_and_one_that_goes_are_found() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 3] = [
        (
            |it| it["credentials"]["passkey"]["config"]["credentials"][0]["public_key"] = json!("AAAA"),
            "cannot be read",
        ),
        (|it| it["credentials"]["passkey"]["config"]["user_handle"] = json!("AAAA"), "user handle"),
        (
            |it| {
                let keys = it["credentials"]["passkey"]["config"]["credentials"].as_array_mut().unwrap();
                if keys.len() > 1 {
                    keys.remove(0);
                }
            },
            "there is 1",
        ),
    ];
    for (change, expected) in cases {
        let world = World::start().await;
        world.directory.patches_change(change);
        let said = world.said_with_own_ceremony(&[]);
        let told = message(&said, "live-import-differs");
        assert!(told.contains(expected), "{expected}: {told}");
        assert_eq!((world.directory.count(), world.directory.deleted()), (0, 1), "{expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_deleted_is_named_with_how_to_delete_it() {
    let world = World::start().await;
    world.directory.refuses_to_delete();
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), ["error live-write-left-behind"], "{:#}", said.0);
    let finding = said.findings().find(|finding| finding["code"] == "live-write-left-behind").unwrap();
    let id = "fc11f6c4-4b2c-4cd7-9a03-b9a1f2863b9b";
    assert!(finding["message"].as_str().unwrap().contains(id), "{finding}");
    let mend = format!("curl -X DELETE {}/admin/identities/{id}", world.directory.server.uri());
    assert!(finding["mend"].as_str().unwrap().contains(&mend), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_refuses_the_traits_is_told_in_the_words_of_kratos() {
    let world = World::start().await;
    world
        .directory
        .refuses_to_make("I[#/traits] S[#/properties/traits/required] missing \"iban\"\u{1b}[2J\n");
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), ["warning live-write-not-tried"], "{:#}", said.0);
    let told = message(&said, "live-write-not-tried");
    assert!(told.contains("missing \"iban\"") && !told.contains('\u{1b}'), "{told}");
    // First what is needed, then all that the schema names.
    let made = world.directory.made();
    assert_eq!(made.len(), 2);
    assert!(made[0]["traits"].get("name").is_none() && made[1]["traits"].get("name").is_some(), "{made:?}");
    assert_eq!(world.directory.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_made_without_an_answer_is_found_and_deleted() {
    let world = World::start().await;
    world.directory.making_is_answered(502);
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), ["warning live-write-not-tried"], "{:#}", said.0);
    assert!(message(&said, "live-write-not-tried").contains("502"));
    assert_eq!((world.directory.count(), world.directory.deleted()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_may_have_been_made_and_is_not_found_is_named() {
    let (kratos, admin) = (whole_kratos().await, whole_kratos().await);
    answer(&admin, "POST", "/admin/identities", ResponseTemplate::new(504)).await;
    answer(&admin, "GET", "/admin/identities", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    let bench = Bench::on(&kratos.uri(), &admin.uri(), "http://localhost:1");
    let output = tokio::task::block_in_place(|| bench.call(&["--write", "--format", "json"], None));
    let said = Said::of(&output);
    assert_eq!(about_writing(&said), ["warning live-write-left-behind", "warning live-write-not-tried"]);
    let finding = said.findings().find(|finding| finding["code"] == "live-write-left-behind").unwrap();
    let mend = finding["mend"].as_str().unwrap();
    assert!(mend.contains("credentials_identifier=doctor-") && mend.contains(".invalid"), "{mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_not_here_is_had_of_kratos() {
    let mut world = World::start().await;
    let file = "url: file:///etc/kratos/identity.schema.json";
    world.bench = world.bench.replacing(file, "url: https://schemas.example/person.json");
    let said = world.said(&[]);
    let told = message(&said, "live-write-not-tried");
    assert!(told.contains("`person` is not here") && told.contains("404"), "{told}");
    assert_eq!(world.directory.made(), Vec::<Value>::new());

    let schema = std::fs::read(super::fixtures().join("identity.schema.json")).unwrap();
    answer(&world.kratos, "GET", "/schemas/person", ResponseTemplate::new(200).set_body_bytes(schema)).await;
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), Vec::<String>::new(), "{:#}", said.0);
    assert_eq!((world.directory.count(), world.directory.deleted()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tried_where_nobody_answers_as_kratos_does() {
    let (kratos, stranger) = (whole_kratos().await, MockServer::start().await);
    let bench = Bench::on(&kratos.uri(), &stranger.uri(), "http://localhost:1");
    let output = tokio::task::block_in_place(|| bench.call(&["--write", "--format", "json"], None));
    assert!(message(&Said::of(&output), "live-write-not-tried").contains("does not answer as Kratos"));
    let asked = stranger.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.method.as_str() == "GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kratos_that_is_too_slow_is_not_waited_for_and_nothing_is_left_behind() {
    let world = World::start().await;
    for _ in 0..2 {
        world.directory.slow("include_credential", Duration::from_secs(60));
    }
    let said = world.said(&[]);
    assert_eq!(about_writing(&said), ["warning live-write-not-tried"], "{:#}", said.0);
    assert!(message(&said, "live-write-not-tried").contains("did not answer in time"));
    assert_eq!((world.directory.count(), world.directory.deleted()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_interrupts_it_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        let world = World::start().await;
        world.directory.slow("include_credential", Duration::from_secs(60));
        let mut command = world.command("json", &[]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        world.directory.is_asked("include_credential").await;
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let output = tokio::task::block_in_place(|| ended(child));
        assert_eq!(status(&output), 1, "{}", err(&output));
        let said = Said::of(&output);
        assert_eq!(about_writing(&said), ["warning live-write-not-tried"], "{:#}", said.0);
        assert!(message(&said, "live-write-not-tried").contains("interrupted"));
        assert_eq!((world.directory.count(), world.directory.deleted()), (0, 1));
    }
}

fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

#[test]
fn without_live_it_is_a_wrong_call() {
    let output = super::doctor(&["--kratos-config", "good.yml", "--write"]);
    assert_eq!(status(&output), 2);
    assert!(err(&output).contains("--live"), "{}", err(&output));
}
