//! `doctor --live --write` finds the double to take passkeys as Kratos does, in each version of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::double::config::Version;
use super::super::double::identity::Identity;
use super::browser::world;

#[actix_web::test]
async fn it_takes_what_the_service_hands_in_and_the_identity_is_gone() {
    for version in [Version::V1_3_1, Version::V26_2_0, Version::Main] {
        let world = world(|config| config.kratos = version);
        let mut ada = world.person("ada@example.org").await;
        let before = ada.identity().await;
        let said = doctor(&world.running.public, &world.running.admin);
        let findings = said["findings"].as_array().unwrap().iter();
        let codes: Vec<&str> = findings.map(|finding| finding["code"].as_str().unwrap()).collect();
        assert!(!codes.iter().any(|code| code.contains("-import-") || code.contains("-write-")), "{said:#}");
        let well = said["well"].to_string();
        assert!(
            well.contains("nothing else changed") && well.contains("is deleted again"),
            "{version:?}: {well}"
        );
        world.running.kratos.change(|state| {
            let left: Vec<String> = state.identities.values().map(Identity::email).collect();
            assert_eq!(left, ["ada@example.org"], "{version:?}");
        });
        assert_eq!(ada.identity().await, before, "{version:?}");
    }
}

fn doctor(public: &str, admin: &str) -> Value {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos-configs");
    let directory = tempfile::tempdir().unwrap();
    for name in ["identity.schema.json", "login.jsonnet", "own.jsonnet", "settings.jsonnet"] {
        fs::copy(fixtures.join(name), directory.path().join(name)).unwrap();
    }
    let text = fs::read_to_string(fixtures.join("good.yml")).unwrap();
    let text = text.replace("http://localhost:4433", public).replace("http://localhost:4434", admin);
    fs::write(directory.path().join("kratos.yml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
    command.args(["doctor", "--live", "--write", "--kratos-config", "kratos.yml", "--format", "json"]);
    let output = command.current_dir(directory.path()).env_clear().output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}
