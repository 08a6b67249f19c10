//! The policy while the service runs, and why it decides what it does.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::page::{House, header, verdict};
use crate::service::Service;

const PATIENCE: Duration = Duration::from_secs(20);
const IDENTITY: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";
const REGISTERED: &str = "v26.2.0/hooks/registration-password.ctx.json";
const PAUSED: &str = "policy: { enabled: false }\n";
const OFFERING: &str = "policy: { enabled: true }\n";

/// Somebody registered with a password, under the settings of a file.
async fn registered_under(settings: &str) -> House {
    let house = House::with(|kratos| kratos.plan_without_admin().file(settings)).await;
    house.hook(REGISTERED).await;
    house
}

async fn until_decided(house: &House, expected: (&str, &str)) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = house.decision().await;
        if verdict(&answer) == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{answer}\n{}", house.service.log());
    }
}

async fn until_reloaded(service: &Service, result: &str, times: f64) {
    let deadline = Instant::now() + PATIENCE;
    while service.metric(&format!("onboarding_policy_reloads_total{{result=\"{result}\"}}")).await < times {
        assert!(Instant::now() < deadline, "{}", service.log());
    }
}

#[tokio::test]
async fn a_changed_file_is_in_force_without_a_restart() {
    let house = registered_under(PAUSED).await;
    assert_eq!(verdict(&house.decision().await), ("later", "offers_paused"));
    std::fs::write(house.service.settings_file(), OFFERING).unwrap();
    until_decided(&house, ("offer", "no_passkey")).await;
}

#[tokio::test]
async fn a_page_that_waits_hears_of_another_policy_at_once() {
    let house = registered_under(PAUSED).await;
    let (tag, _) = house.tagged().await;
    let waiting = tokio::spawn(house.get("?wait=25").header("If-None-Match", tag).send());
    house.until_waiting(1.0).await;
    std::fs::write(house.service.settings_file(), OFFERING).unwrap();
    house.service.signal("HUP");
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(header(answer.headers(), "etag").is_some());
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(verdict(&answer), ("offer", "no_passkey"));
}

#[tokio::test]
async fn a_file_with_a_mistake_is_refused_and_the_old_policy_stays() {
    let house = registered_under(OFFERING).await;
    std::fs::write(
        house.service.settings_file(),
        "policy: { enabled: false, max_offers: 0, rollout: half }\n",
    )
    .unwrap();
    until_reloaded(&house.service, "refused", 1.0).await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    let log = house.service.log();
    for told in ["policy.max_offers", "policy.rollout", "the old policy stays"] {
        assert!(log.contains(told), "{told} is not in:\n{log}");
    }
    std::fs::write(house.service.settings_file(), PAUSED).unwrap();
    until_decided(&house, ("later", "offers_paused")).await;
}

#[tokio::test]
async fn a_hangup_reads_the_same_policy_again_and_says_so() {
    let house = registered_under(OFFERING).await;
    house.service.signal("HUP");
    until_reloaded(&house.service, "same", 1.0).await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
}

#[tokio::test]
async fn who_is_added_to_the_deny_list_is_not_asked_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let denied = directory.path().join("denied");
    std::fs::write(&denied, "9b7a92df-7c3d-443c-9566-2e905aa14ed5\n").unwrap();
    let house = registered_under(&format!("policy: {{ denied_file: {} }}\n", denied.display())).await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    std::fs::write(&denied, format!("9b7a92df-7c3d-443c-9566-2e905aa14ed5\n{IDENTITY}\n")).unwrap();
    until_decided(&house, ("never", "deny_listed")).await;
}

#[tokio::test]
async fn a_cohort_is_required_by_its_deadline() {
    let settings = "
policy:
  rollout: 0%
  required:
    passwords:
      { from: 2020-01-01T00:00:00Z, by: 2020-02-01T00:00:00Z, grace: 3650d, registration_methods: [password] }
";
    let answer = registered_under(settings).await.decision().await;
    assert_eq!(verdict(&answer), ("required", "required_by_policy"));
    assert_eq!((&answer["may_skip"], &answer["may_dismiss"]), (&Value::Bool(true), &Value::Bool(false)));
    assert!(answer["required_by"].is_string(), "{answer}");
}

#[tokio::test]
async fn explain_names_the_rule_that_decides_and_what_would_change_it() {
    let house = registered_under(OFFERING).await;
    house.reported("skip", serde_json::json!({})).await;
    let explained = house.service.cli(&["policy", "explain", "--id", IDENTITY]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.status.success(), "{}", String::from_utf8_lossy(&explained.stderr));
    assert!(text.contains("decision  later: skipped, until 20"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("->") && line.contains("policy.skip_pauses")), "{text}");
    assert!(text.contains("What would change it: The pause ends"), "{text}");

    let explained = house.service.cli(&["policy", "explain", "--id", IDENTITY, "--format", "json"]);
    let document: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!((&document["decided_by"], &document["reason"]), (&"pause".into(), &"skipped".into()));
    assert_eq!(document["rules"].as_array().unwrap().len(), 17);
}

#[tokio::test]
async fn explain_says_what_to_do_where_nothing_is_known() {
    let service = Service::start();
    let explained = service.cli(&["policy", "explain", "--id", IDENTITY]);
    assert_eq!(explained.status.code(), Some(1));
    let text = String::from_utf8(explained.stderr).unwrap();
    assert!(text.contains("nothing is known") && text.contains("reconcile"), "{text}");
}
