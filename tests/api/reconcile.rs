//! `reconcile`, the verb and the loop in the background: what the hooks missed.

use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::{err, out};
use crate::database::Database;
use crate::directory::{Directory, person};
use crate::double::{Kratos, Session, ago};
use crate::recordings;
use crate::service::{Plan, Service, delivered};

const OLD: &str = "2026-11-01T00:00:00Z";
const NEW: &str = "2026-11-20T00:00:00Z";
const PATIENCE: Duration = Duration::from_secs(20);
/// The person of the recordings.
const REGISTERED: &str = "v26.2.0/hooks/registration-password.ctx.json";
const ONE_PASSKEY: &str = "v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json";
/// After the registration, and before the passkey was added.
const IN_BETWEEN: &str = "2026-11-22T04:34:57.000001Z";

/// When it was, as its hook says.
const AFTER: &str = "2026-11-22T04:34:58.571471Z";

struct House {
    kratos: Directory,
    service: Service,
    database: Database,
}

impl House {
    async fn start() -> House {
        House::with(Directory::plan).await
    }

    async fn with(plan: impl FnOnce(&Directory) -> Plan) -> House {
        let kratos = Directory::start().await;
        let service = plan(&kratos).start();
        let database = Database::of(&service);
        House { kratos, service, database }
    }

    /// Known here as Kratos has it.
    async fn known(&self, id: &str, passkeys: u8, at: &str) {
        self.kratos.holds(id, passkeys, at);
        self.done(&[]);
    }

    fn verb(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let arguments = [&["reconcile"], arguments].concat();
        let mut command = self.kratos.plan().command(self.service.directory(), &arguments);
        command.stdin(Stdio::null());
        command
    }

    /// The summary.
    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.verb(&[arguments, &["--format", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", err(&output));
        assert_eq!(err(&output), "", "no bar where nobody looks");
        last_line(&output)["summary"].clone()
    }

    fn begun(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    async fn stage(&self, id: &str) -> Option<String> {
        let id = id.replace('-', "");
        self.database
            .facts()
            .await
            .into_iter()
            .find(|(identity, ..)| *identity == id)
            .map(|(_, _, stage, _)| stage)
    }

    /// What the newest observation of passkeys says.
    async fn passkeys(&self, id: &str) -> Value {
        self.database.record(id).await.unwrap()["passkeys"]["seen"][0]["count"].clone()
    }
}

fn last_line(output: &Output) -> Value {
    serde_json::from_str(out(output).lines().last().unwrap()).unwrap()
}

fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

fn signalled(child: &Child, name: &str) {
    let sent =
        std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn records_become_what_kratos_says_and_those_that_are_stay_untouched() {
    let house = House::start().await;
    for nth in 0..5 {
        house.kratos.holds(&person(nth), 1, OLD);
    }
    assert_eq!(house.done(&[])["created"], 5);
    house.kratos.holds(&person(1), 3, NEW);
    house.kratos.holds(&person(2), 0, NEW);
    house.kratos.delete(&person(3));
    house.kratos.holds(&person(5), 0, NEW);
    let events = house.database.events().await;

    let dry = house.verb(&["--dry-run", "--format", "json"]);
    let rows: Vec<Value> = out(&dry).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changes: Vec<(&Value, &Value)> =
        rows[..4].iter().map(|row| (&row["identity_id"], &row["change"])).collect();
    let expected = [(person(5), "created"), (person(1), "up"), (person(2), "down"), (person(3), "gone")]
        .map(|(id, change)| (json!(id), json!(change)));
    assert_eq!(changes, expected.iter().map(|(id, change)| (id, change)).collect::<Vec<_>>());
    assert_eq!(rows[1]["here"]["passkeys"], json!({ "reading": "exactly", "count": 1 }));
    assert_eq!(rows[1]["kratos"]["passkeys"]["count"], 3);
    assert_eq!(rows[4]["dry_run"], true);
    assert_eq!(house.database.events().await, events, "a dry run writes nothing");

    let summary = house.done(&[]);
    for change in ["seen", "created", "up", "down", "learned", "profile", "returned", "gone"] {
        assert_eq!(summary[change], rows[4]["summary"][change], "what was said would be done was done");
    }
    assert_eq!(house.database.events().await, events + 4, "and nothing for those that were right");
    assert_eq!(house.passkeys(&person(1)).await, 3);
    assert_eq!(house.stage(&person(2)).await.unwrap(), "waiting");
    assert_eq!(house.stage(&person(3)).await.unwrap(), "gone");
    let log = house.database.log().await;
    let [.., newest] = log.as_slice() else { panic!() };
    assert_eq!(newest[1..], ["service", "reconcile", "identity_gone"]);

    let again = house.done(&[]);
    assert_eq!(
        (again["created"].as_u64(), again["up"].as_u64(), again["gone"].as_u64()),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!(house.database.events().await, events + 4);
}

#[tokio::test]
async fn a_dry_run_shows_a_table_and_the_sum_aside() {
    let house = House::start().await;
    house.known(&person(1), 1, OLD).await;
    house.kratos.holds(&person(1), 0, NEW);
    house.kratos.holds(&person(2), 2, NEW);
    let output = house.verb(&["--dry-run"]);
    assert_eq!(
        out(&output),
        "IDENTITY                              CHANGE    HERE                            AT KRATOS\n\
         00000002-0000-4000-8000-000000000001  created   -                               2 passkeys\n\
         00000001-0000-4000-8000-000000000001  down      1 passkey                       no passkey\n"
    );
    assert_eq!(
        err(&output),
        "2 identities compared, 2 would be corrected: 1 created, 0 up, 1 down, 0 learned, 0 profiles, 0 returned, 0 gone\n"
    );
}

#[tokio::test]
async fn a_hook_that_comes_while_kratos_answers_is_not_set_back() {
    let house = House::start().await;
    let registered = recordings::hook(REGISTERED);
    let id = registered.identity();
    assert_eq!(house.service.send(&registered).await.status(), 204);
    // An answer of before the hook, that differs from the record and is on its way while the hook is stored.
    house.kratos.holds(&id, 2, IN_BETWEEN);
    house.kratos.slow("&ids=", Duration::from_secs(2));
    let verb = house.begun(&["--format", "json"]);
    house.kratos.is_asked("&ids=").await;
    assert_eq!(house.service.send(&recordings::hook(ONE_PASSKEY)).await.status(), 204);
    let output = ended(verb);
    assert!(output.status.success(), "{}", err(&output));
    let record = house.database.record(&id).await.unwrap();
    let seen = record["passkeys"]["seen"].as_array().unwrap();
    assert_eq!(seen[0]["count"], 1, "the hook speaks: {record}");
    assert!(seen.iter().any(|seen| seen["count"] == 2), "and the answer was taken all the same: {record}");
}

#[tokio::test]
async fn a_hook_that_comes_while_a_page_answers_is_not_set_back() {
    let house = House::start().await;
    let registered = recordings::hook(REGISTERED);
    let id = registered.identity();
    house.kratos.holds(&id, 2, IN_BETWEEN);
    house.kratos.slow("page_size", Duration::from_secs(2));
    let verb = house.begun(&["--format", "json"]);
    house.kratos.is_asked("page_size").await;
    house.kratos.holds(&id, 1, AFTER);
    for recording in [REGISTERED, ONE_PASSKEY] {
        assert_eq!(house.service.send(&recordings::hook(recording)).await.status(), 204);
    }
    assert!(ended(verb).status.success());
    assert_eq!(house.passkeys(&id).await, 1);
}

#[tokio::test]
async fn whose_passkey_is_gone_is_asked_again_after_a_pause() {
    let kratos = Kratos::start().await;
    let session = Session::fresh();
    kratos.signed_in(&session);
    let admin = Directory::start().await;
    let plan = || admin.plan().with("KRATOS__PUBLIC_URL", kratos.server.uri());
    let service = plan().start();
    let id = session.identity();
    let decided = async || {
        let asked = service.get("/api/onboarding?fresh=1").header("Cookie", session.cookies());
        asked.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let reconciled = || {
        let output = plan().command(service.directory(), &["reconcile"]).output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
    };
    admin.holds(&id, 1, &ago(7200).to_string());
    reconciled();
    assert_eq!(decided().await["decision"], "done");
    admin.holds(&id, 0, &ago(3600).to_string());
    reconciled();
    // The service hears of what another process wrote within two seconds.
    eventually("heard of", async || decided().await["reason"] == "removed").await;
    let decision = decided().await;
    assert_eq!(decision["decision"], "later", "{decision}");
    assert!(decision["next_offer_at"].is_string(), "{decision}");
}

#[tokio::test]
async fn an_interrupted_pass_goes_on_where_it_was() {
    let house = House::with(|kratos| kratos.plan().with("RECONCILE__PAGE_SIZE", "2")).await;
    for nth in 0..6 {
        house.kratos.holds(&person(nth), 1, OLD);
    }
    let two = |arguments: &[&str]| {
        let mut command = house.command(arguments);
        command.env("ONBOARDING__RECONCILE__PAGE_SIZE", "2").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let second: &'static str = Box::leak(format!("page_token={}", person(1)).into_boxed_str());
    for signal in ["TERM", "INT"] {
        house.kratos.slow(second, Duration::from_secs(60));
        let verb = two(&[]);
        house.kratos.is_asked(second).await;
        let begun = Instant::now();
        signalled(&verb, signal);
        let output = ended(verb);
        assert!(begun.elapsed() < Duration::from_secs(5), "it ends at once");
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("the next pass goes on from there"), "{}", err(&output));
        assert_eq!(house.database.records().await, 2, "what was done stays");
        house.kratos.forget();
    }
    let output = ended(two(&["--format", "json"]));
    assert!(output.status.success(), "{}", err(&output));
    let pages: Vec<String> = house.kratos.asked("include_credential");
    assert!(pages[0].contains(second), "{pages:?}");
    assert_eq!(
        (house.database.records().await, last_line(&output)["summary"]["seen"].as_u64()),
        (6, Some(6))
    );

    house.kratos.slow(second, Duration::from_secs(60));
    house.kratos.forget();
    let verb = two(&[]);
    house.kratos.is_asked(second).await;
    signalled(&verb, "KILL");
    ended(verb);
    house.kratos.refuses_tokens();
    house.database.execute("DELETE FROM leases").await;
    let output = house.verb(&["--format", "json"]);
    assert!(output.status.success(), "a token that is refused begins anew: {}", err(&output));
    assert_eq!(last_line(&output)["summary"]["seen"], 6);
}

#[tokio::test]
async fn one_at_a_time() {
    let house = House::start().await;
    house.kratos.holds(&person(1), 1, OLD);
    house.kratos.slow("page_size", Duration::from_secs(3));
    let first = house.begun(&[]);
    house.kratos.is_asked("page_size").await;
    let second = house.verb(&[]);
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains("another instance is at it"), "{}", err(&second));
    assert!(house.verb(&["--dry-run"]).status.success(), "which writes nothing");
    assert!(ended(first).status.success());
    assert!(house.verb(&[]).status.success(), "the turn was given back");
}

#[tokio::test]
async fn another_kratos_is_not_taken_for_one_where_everybody_left() {
    let house = House::start().await;
    for nth in 0..30 {
        house.kratos.holds(&person(nth), 1, OLD);
    }
    house.done(&[]);
    house.kratos.delete_all();
    let refused = house.verb(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        err(&refused).contains("kratos.admin_url") && err(&refused).contains("--accept-gone"),
        "{}",
        err(&refused)
    );
    assert_eq!(house.stage(&person(1)).await.unwrap(), "enrolled");
    assert_eq!(house.done(&["--accept-gone"])["gone"], 30);
    assert_eq!(house.stage(&person(1)).await.unwrap(), "gone");

    house.kratos.holds(&person(1), 1, NEW);
    assert_eq!(house.done(&[])["returned"], 1);
    assert_eq!(house.stage(&person(1)).await.unwrap(), "enrolled");
}

#[tokio::test]
async fn trouble_at_kratos_is_waited_out() {
    let house = House::start().await;
    house.kratos.holds(&person(1), 1, OLD);
    house.kratos.trouble(&[503, 500, 429]);
    assert_eq!(house.done(&[])["created"], 1);
}

#[tokio::test]
async fn without_anybody_to_ask_it_says_what_is_missing() {
    let service = Service::start();
    let output = service.cli(&["reconcile"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("kratos.admin_url is not set"), "{}", err(&output));
}

fn in_the_background(kratos: &Directory) -> Plan {
    let plan = kratos.plan().with("RECONCILE__ENABLED", "true");
    plan.with("RECONCILE__EVERY", "1s").with("RECONCILE__JITTER", "none")
}

async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn it_goes_on_in_the_background() {
    let house = House::with(in_the_background).await;
    house.kratos.holds(&person(1), 0, OLD);
    eventually("created", async || house.stage(&person(1)).await.as_deref() == Some("waiting")).await;
    house.kratos.holds(&person(1), 1, NEW);
    eventually("corrected", async || house.stage(&person(1)).await.as_deref() == Some("enrolled")).await;
    house.kratos.delete(&person(1));
    eventually("noticed", async || house.stage(&person(1)).await.as_deref() == Some("gone")).await;
    let service = &house.service;
    for outcome in ["created", "up", "gone"] {
        let line = format!("onboarding_reconcile_identities_total{{outcome=\"{outcome}\"}}");
        assert_eq!(service.metric(&line).await, 1.0, "{outcome}");
    }
    eventually("counted", async || {
        service.metric("onboarding_reconcile_runs_total{result=\"completed\"}").await >= 3.0
    })
    .await;
    let last = service.metric("onboarding_reconcile_last_success_timestamp_seconds").await;
    assert!((ago(60).as_second() as f64..=ago(0).as_second() as f64).contains(&last), "{last}");
}

#[tokio::test]
async fn several_instances_share_the_work() {
    let kratos = Directory::start().await;
    let first = in_the_background(&kratos).with("RECONCILE__EVERY", "1h").start();
    eventually("done", async || {
        first.metric("onboarding_reconcile_runs_total{result=\"completed\"}").await == 1.0
    })
    .await;
    let url = format!("sqlite://{}", first.directory().join("test.db").display());
    let second = in_the_background(&kratos).with("RECONCILE__EVERY", "1h").with("DSN", url).start_as_it_is();
    let last = "onboarding_reconcile_last_success_timestamp_seconds";
    eventually("known there too", async || second.metric(last).await > 0.0).await;
    assert_eq!(
        second.metric("onboarding_reconcile_runs_total{result=\"completed\"}").await,
        0.0,
        "the other did it"
    );
}

#[tokio::test]
async fn the_service_stops_at_once_whatever_kratos_does() {
    let house = House::with(|kratos| {
        kratos.slow("page_size", Duration::from_secs(60));
        in_the_background(kratos)
    })
    .await;
    house.kratos.is_asked("page_size").await;
    let begun = Instant::now();
    house.service.signal("TERM");
    let (status, directory, log) = house.service.ended();
    assert!(status.success() && begun.elapsed() < Duration::from_secs(5), "{log}");
    // And the turn is free.
    let service = house.kratos.plan().on(directory).start();
    let output = house.kratos.plan().command(service.directory(), &["reconcile"]).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
}

#[tokio::test]
async fn a_kratos_that_is_down_is_told_and_costs_the_service_nothing() {
    let house = House::with(|_| {
        let nobody = Plan::new().with("KRATOS__ADMIN_URL", "http://127.0.0.1:9");
        nobody.with("RECONCILE__ENABLED", "true").with("RECONCILE__JITTER", "none")
    })
    .await;
    let hook = recordings::hook(REGISTERED);
    assert_eq!(house.service.send(&hook).await.status(), 204);
    let alive = delivered(house.service.get("/health/ready")).await;
    assert_eq!(alive.status(), 200);
}
