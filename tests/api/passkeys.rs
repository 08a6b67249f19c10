//! The verb `passkeys`: who has which, as Kratos says and as this service believes; and taking one away.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::cli::{err, out};
use crate::database::Database;
use crate::directory::{Directory, base64, credential, person};
use crate::recordings;
use crate::service::Service;

const OLD: &str = "2026-11-01T00:00:00Z";
const NEW: &str = "2026-11-20T00:00:00Z";

struct House {
    kratos: Directory,
    service: Service,
    database: Database,
}

impl House {
    /// Kratos and the records here are of one mind about three people, who hold one passkey, none and two.
    async fn start() -> House {
        let kratos = Directory::start().await;
        let service = kratos.plan().start();
        let house = House { database: Database::of(&service), kratos, service };
        for (nth, passkeys) in [(1, 1), (2, 0), (3, 2)] {
            house.kratos.holds(&person(nth), passkeys, OLD);
        }
        assert!(house.run(&["reconcile"], None).status.success());
        house
    }

    fn run(&self, arguments: &[&str], input: Option<&str>) -> Output {
        let mut command = self.kratos.plan().command(self.service.directory(), arguments);
        command.env("LOGNAME", "Ada.L").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn listed(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[&["passkeys", "--format", "json"], arguments].concat(), None);
        assert!(output.status.success(), "{}", err(&output));
        out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn revoke(&self, nth: u32, key: u8, further: &[&str]) -> Output {
        let (id, credential) = (person(nth), credential(key));
        let arguments = ["passkeys", "revoke", "--id", &id, "--credential", &credential];
        self.run(&[&arguments, further].concat(), None)
    }

    fn held(&self, nth: u32) -> Vec<Value> {
        let identity = self.kratos.identity(&person(nth));
        identity["credentials"]["passkey"]["config"]["credentials"].as_array().unwrap().clone()
    }
}

fn refused(output: &Output) -> String {
    assert_eq!((output.status.code(), out(output)), (Some(1), String::new()), "{}", err(output));
    err(output)
}

#[tokio::test]
async fn one_person_is_shown_as_kratos_has_them_and_as_they_are_believed_to_be() {
    let house = House::start().await;
    let [shown] = house.listed(&["--id", &person(3)]).try_into().unwrap();
    assert_eq!(shown["identity_id"], json!(person(3)));
    assert_eq!(shown["kratos"]["passkeys"], 2);
    assert_eq!(shown["here"]["stage"], "enrolled");
    assert_eq!(shown["here"]["counts"]["passkeys"], json!({ "reading": "exactly", "count": 2 }));
    assert_eq!(shown["difference"], Value::Null);
    let key = &shown["keys"][1];
    assert_eq!(key["credential"], json!(credential(1)));
    assert_eq!((&key["kind"], &key["backed_up"]), (&json!("passkey"), &json!(false)));
    assert_eq!(key["aaguid"], "01020304-0506-0708-0102-030405060708");
    assert_eq!(key["last_way_to_sign_in"], json!(false), "there is the other one");
    assert!(key["added_at"].is_string());
    let [shown] = house.listed(&["--id", &person(1)]).try_into().unwrap();
    assert_eq!(shown["keys"][0]["last_way_to_sign_in"], Value::Null, "there may be a password");
}

#[tokio::test]
async fn the_table_names_the_difference_and_what_to_do() {
    let house = House::start().await;
    house.kratos.holds(&person(1), 2, NEW);
    house.kratos.change(&person(1), |identity| {
        let keys = &mut identity["credentials"]["passkey"]["config"]["credentials"];
        keys[0]["display_name"] = json!("Ada\u{1b}[2J's phone");
        // iCloud Keychain's.
        keys[0]["authenticator"]["aaguid"] = json!("+/wwBxVOTsyMC24CBVfXvQ==");
    });
    let output = house.run(&["passkeys", "--id", &person(1)], None);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("IDENTITY") && lines[0].ends_with("LAST WAY  CREDENTIAL"), "{text}");
    assert!(lines[1].starts_with(&person(1)) && lines[1].ends_with(&credential(0)), "{text}");
    assert!(lines[1].contains("iCloud Keychain") && lines[1].contains("Ada\\u{1b}[2J's phone"), "{text}");
    assert_eq!(lines[3], "  here: enrolled, 1 passkey, as of 2026-11-01T00:00:00Z", "{text}");
    assert_eq!(
        lines[4],
        "  DIFFERENT: Kratos 2 passkeys, here 1 passkey: a hook was missed; `reconcile` corrects it",
        "{text}"
    );
    assert_eq!(
        err(&output),
        "1 identities, 2 passkeys, 0 security keys, 0 identities without either, 1 not as believed here\n"
    );
}

#[tokio::test]
async fn everybody_is_shown_page_by_page() {
    let house = House::start().await;
    for nth in 10..610 {
        house.kratos.holds(&person(nth), 1, OLD);
    }
    let shown = house.listed(&["--all"]);
    assert_eq!(shown.len(), 603);
    assert_eq!(shown.iter().filter(|person| person["here"].is_null()).count(), 600);
    assert!(shown[602]["difference"].as_str().unwrap().contains("no hook came"), "{}", shown[602]);
    assert_eq!(house.kratos.asked("page_size=250").len() - 1, 3, "and one of reconcile");
    let table = house.run(&["passkeys", "--all"], None);
    assert_eq!(out(&table).lines().filter(|line| line.starts_with("IDENTITY")).count(), 1);
    assert!(
        err(&table).starts_with("603 identities, 603 passkeys, 0 security keys, 1 identities without"),
        "{}",
        err(&table)
    );
}

#[tokio::test]
async fn somebody_is_found_by_an_address_that_is_never_shown() {
    let house = House::start().await;
    let email = "00000003@example.org";
    for (given, input) in [(email, None), ("-", Some("00000003@example.org\nsomething else\n"))] {
        for form in ["table", "json"] {
            let output = house.run(&["passkeys", "--email", given, "--format", form], input);
            assert!(output.status.success(), "{}", err(&output));
            assert!(out(&output).contains(&person(3)) && !out(&output).contains('@'), "{}", out(&output));
            assert!(!err(&output).contains('@'), "{}", err(&output));
        }
    }
    for (given, input) in [("nobody@example.org", ""), ("-", "nobody@example.org")] {
        let said = refused(&house.run(&["passkeys", "--email", given], Some(input)));
        assert!(said.contains("nobody signs in with this address") && !said.contains('@'), "{said}");
    }
    assert!(refused(&house.run(&["passkeys", "--email", "-"], None)).contains("there is no address"));
}

#[tokio::test]
async fn who_holds_nothing_but_a_passkey_is_found_by_the_records_here() {
    let house = House::start().await;
    house.kratos.change(&person(1), |identity| {
        identity["credentials"].as_object_mut().unwrap().retain(|method, _| method == "passkey");
    });
    let [shown] = house.listed(&["--email", "00000001@example.org"]).try_into().unwrap();
    assert_eq!(shown["identity_id"], json!(person(1)));
    assert_eq!(shown["keys"][0]["last_way_to_sign_in"], true);
}

#[tokio::test]
async fn who_is_not_at_kratos_is_told_with_what_is_believed_here() {
    let house = House::start().await;
    house.kratos.delete(&person(1));
    let said = refused(&house.run(&["passkeys", "--id", &person(1)], None));
    assert!(said.contains("Kratos knows no identity") && said.contains("here enrolled, 1 passkey"), "{said}");
    let said = refused(&house.run(&["passkeys", "--id", &person(9)], None));
    assert!(said.contains("here nothing is known"), "{said}");
}

#[tokio::test]
async fn one_of_two_is_taken_away_and_that_is_on_record() {
    let house = House::start().await;
    let before = house.kratos.identity(&person(3));
    let output = house.revoke(3, 0, &["--yes"]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(out(&output), "taken away; 1 passkeys and 0 security keys are left\n");

    assert_eq!(house.held(3)[0]["id"], json!(base64(1)));
    let after = house.kratos.identity(&person(3));
    for kept in ["traits", "metadata_public", "metadata_admin", "state", "verifiable_addresses"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    for method in ["password", "code", "webauthn"] {
        assert_eq!(after["credentials"][method], before["credentials"][method], "{method}");
    }
    let log = house.database.log().await;
    let [.., intent, outcome] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!(intent[1..], ["operator:adal", "cli", "passkey_revoked"]);
    assert_eq!(outcome[1..], ["service", "cli", "passkeys_observed"]);
    let record = house.database.record(&person(3)).await.unwrap();
    assert_eq!(record["passkeys"]["seen"][0]["count"], 1, "{record}");
    assert_eq!(house.listed(&["--id", &person(3)])[0]["difference"], Value::Null);
}

#[tokio::test]
async fn it_waits_for_an_addition_that_is_under_way_and_gives_up_in_the_end() {
    let house = House::start().await;
    house.database.take_turn(&person(3), 60).await;
    let events = house.database.events().await;
    let said = refused(&house.revoke(3, 0, &["--yes"]));
    assert!(said.contains("nothing was taken away: try again"), "{said}");
    assert_eq!((house.held(3).len(), house.database.events().await), (2, events));
    house.database.take_turn(&person(3), 2).await;
    let output = house.revoke(3, 0, &["--yes"]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(house.held(3).len(), 1);
    let again = house.revoke(3, 1, &["--yes", "--force"]);
    assert!(again.status.success(), "the turn was given back: {}", err(&again));
}

#[tokio::test]
async fn an_operator_can_be_named() {
    let house = House::start().await;
    assert!(house.revoke(3, 0, &["--yes", "--operator", "help-desk_7"]).status.success());
    let log = house.database.log().await;
    assert!(log.iter().any(|entry| entry[1] == "operator:help-desk_7"), "{log:?}");
    let wrong = house.revoke(3, 1, &["--yes", "--operator", "Ada Lovelace"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test]
async fn the_last_way_in_is_taken_away_by_force_only() {
    let house = House::start().await;
    let events = house.database.events().await;
    let said = refused(&house.revoke(1, 0, &["--yes"]));
    assert!(said.contains("may be the only way") && said.contains("--force"), "{said}");
    house.kratos.change(&person(1), |identity| {
        identity["credentials"].as_object_mut().unwrap().retain(|method, _| method == "passkey");
    });
    let said = refused(&house.revoke(1, 0, &["--yes"]));
    assert!(said.contains("is the only way") && said.contains("--force"), "{said}");
    assert_eq!((house.held(1).len(), house.database.events().await), (1, events), "nothing happened");

    let output = house.revoke(1, 0, &["--yes", "--force"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(house.held(1).is_empty());
    let record = house.database.record(&person(1)).await.unwrap();
    assert_eq!(record["passkeys"]["seen"][0]["count"], 0, "{record}");
}

#[tokio::test]
async fn it_asks_first_and_does_nothing_where_nobody_can_answer() {
    let house = House::start().await;
    let said = refused(&house.revoke(3, 0, &[]));
    assert!(said.contains("--yes is needed"), "{said}");
    assert_eq!(house.held(3).len(), 2);
}

#[tokio::test]
async fn a_person_at_a_terminal_is_asked() {
    let house = House::start().await;
    for (answer, left) in [("n", 2), ("", 2), ("y", 1)] {
        let program = env!("CARGO_BIN_EXE_kratos-onboarding");
        let call = format!("{program} passkeys revoke --id {} --credential {}", person(3), credential(0));
        // A terminal of its own, with the answer typed.
        let command = house.kratos.plan().command(house.service.directory(), &[]);
        let mut terminal = std::process::Command::new("script");
        terminal.args(["-qec", &call, "/dev/null"]).current_dir(house.service.directory());
        terminal.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = terminal.spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = out(&output);
        assert!(
            said.contains("Take the passkey") && said.contains(&person(3)) && said.contains("[y/N]"),
            "{said}"
        );
        assert_eq!(house.held(3).len(), left, "{answer:?}: {said}");
    }
}

#[tokio::test]
async fn what_kratos_refuses_is_told_and_the_attempt_is_on_record() {
    let house = House::start().await;
    let said = refused(&house.revoke(3, 7, &["--yes"]));
    assert!(said.contains("holds no such passkey"), "{said}");
    let said = refused(&house.revoke(9, 0, &["--yes"]));
    assert!(said.contains("Kratos knows no such identity"), "{said}");
    house.kratos.refuses_patches();
    let said = refused(&house.revoke(3, 0, &["--yes"]));
    assert!(said.contains("403") && said.contains("nothing was taken away"), "{said}");
    let log = house.database.log().await;
    let [.., intent, outcome] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!((intent[3].as_str(), outcome[3].as_str()), ("passkey_revoked", "passkeys_observed"));
    let record = house.database.record(&person(3)).await.unwrap();
    assert_eq!(record["passkeys"]["seen"][0]["count"], 2, "{record}");
}

#[tokio::test]
async fn a_record_that_is_written_by_a_hook_is_not_different_for_its_source() {
    let house = House::start().await;
    let hook = recordings::hook("v26.2.0/hooks/registration-password.ctx.json");
    assert_eq!(house.service.send(&hook).await.status(), 204);
    let body: Value = serde_json::from_str(&hook.body).unwrap();
    house.kratos.holds(&hook.identity(), 0, body["identity"]["updated_at"].as_str().unwrap());
    house.kratos.change(&hook.identity(), |identity| {
        for told in ["traits", "verifiable_addresses", "recovery_addresses", "schema_id"] {
            identity[told] = body["identity"][told].clone();
        }
    });
    let [shown] = house.listed(&["--id", &hook.identity()]).try_into().unwrap();
    assert_eq!(shown["difference"], Value::Null, "{shown}");
    assert_eq!(shown["here"]["counts"]["passkeys"]["count"], 0, "{shown}");
}
