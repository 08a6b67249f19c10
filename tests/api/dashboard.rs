//! The Grafana dashboard asks for nothing that the binary does not export.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::directory::{Directory, person};
use crate::events::receiver::Receiver;
use crate::events::{register, telling};
use crate::page::House;
use crate::service::delivered;

const DASHBOARD: &str = include_str!("../../grafana/dashboards/kratos-onboarding.json");
const REGISTERED: &str = "v26.2.0/hooks/registration-password.ctx.json";

/// Names of metrics, and the labels each was seen with.
type Exported = BTreeMap<String, BTreeSet<String>>;

fn exported(text: &str) -> Exported {
    let mut all = Exported::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).unwrap();
        let labels = rest.split_once('}').map_or("", |(labels, _)| labels);
        let names =
            labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
        all.entry(name.to_owned()).or_default().extend(names);
    }
    all
}

/// Everything a service exports that was asked for everything.
async fn everything() -> Exported {
    let house = House::start().await;
    house.hook(REGISTERED).await;
    house.decision().await;
    house.reported("offered", json!({})).await;
    house.reported("failed", json!({ "kind": "network" })).await;
    let broken = house.service.hook("/api/kratos/hooks/registration/password", "{");
    assert_eq!(delivered(broken).await.status(), 202);
    house.service.signal("HUP");
    while house.service.metric("onboarding_policy_reloads_total{result=\"same\"}").await < 1.0 {}
    let kratos = Directory::start().await;
    kratos.holds(&person(1), 1, "2026-11-01T00:00:00Z");
    let reconciling =
        kratos.plan().with("RECONCILE__ENABLED", "true").with("RECONCILE__JITTER", "none").start();
    while reconciling.metric("onboarding_reconcile_last_success_timestamp_seconds").await == 0.0 {}
    let receiver = Receiver::start().await;
    let telling = telling(&[("crm", &receiver.url())]).start();
    register(&telling, 1).await;
    while telling.metric("onboarding_outbox_deliveries_total{receiver=\"crm\",result=\"delivered\"}").await
        < 1.0
    {}
    let mut all = Exported::new();
    for service in [&house.service, &reconciling, &telling] {
        let answer = service.http.get(format!("{}/metrics/prometheus", service.admin)).send().await.unwrap();
        for (name, labels) in exported(&answer.text().await.unwrap()) {
            all.entry(name).or_default().extend(labels);
        }
    }
    all
}

/// Each metric of an expression with the labels it is filtered or summed by.
fn asked(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = |text: &str| -> BTreeSet<String> {
        text.split(',')
            .map(|part| part.trim().split(['=', '!', '~']).next().unwrap().trim().to_owned())
            .collect()
    };
    let by = expression.split("by (").skip(1).map(|rest| rest.split(')').next().unwrap());
    let by: BTreeSet<String> = by.flat_map(words).collect();
    let mut all = Vec::new();
    for (at, _) in expression.match_indices("onboarding_") {
        let rest = &expression[at..];
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        let filter = rest[name.len()..].strip_prefix('{').map(|filter| filter.split('}').next().unwrap());
        let labels = filter.map(words).unwrap_or_default();
        all.push((name, labels.union(&by).cloned().collect()));
    }
    assert!(!all.is_empty(), "{expression}");
    all
}

#[tokio::test]
async fn every_panel_asks_for_what_is_exported() {
    let exported = everything().await;
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut expressions: Vec<&str> = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        expressions.extend(
            panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap()),
        );
    }
    assert!(expressions.len() > 12);
    for expression in expressions {
        for (name, labels) in asked(expression) {
            let there =
                exported.get(&name).unwrap_or_else(|| panic!("{name} is not exported:\n{exported:#?}"));
            assert!(labels.is_subset(there), "{name} has {there:?}, not all of {labels:?}: {expression}");
        }
    }
}

#[tokio::test]
async fn every_metric_is_on_the_dashboard_or_left_out_on_purpose() {
    /// For those who look closer.
    const LEFT_OUT: [&str; 5] = [
        "onboarding_batch_events",
        "onboarding_page_reports",
        "onboarding_session_cache_hits",
        "onboarding_reconcile_runs",
        "onboarding_commit_seconds",
    ];
    for name in everything().await.keys() {
        let shown = DASHBOARD.contains(name.as_str());
        assert!(shown || LEFT_OUT.iter().any(|left_out| name.starts_with(left_out)), "{name} is on no panel");
    }
}
