//! How far people come, as operators ask for it.

use super::*;

#[tokio::test]
async fn the_funnel_counts_everybody_once_a_step() {
    let house = registered().await;
    house.tell_of(STRANGER).await;
    house.decision().await;
    house.reported("offered", json!({})).await;
    house.reported("started", json!({})).await;
    house.reported("failed", json!({ "kind": "network" })).await;
    house.reported("failed", json!({ "kind": "network" })).await;
    house.hook("v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json").await;
    let funnel = async |query: &str| {
        document(ask(&house.service, Method::GET, &format!("/admin/funnel{query}")).send().await.unwrap())
            .await
    };
    let all = funnel("").await;
    let expected = json!({
        "eligible": 2, "offered": 1, "started": 1, "completed": 1, "signed_in": 0, "upgraded": 0,
        "upgrade_signed_in": 0,
        "cancelled": 0, "failed": { "network": 2 }, "unavailable": {},
    });
    assert_eq!((&all["total"], &all["by_registration_method"]["password"]), (&expected, &expected), "{all}");
    assert_eq!(all["by_day"].as_object().unwrap().len(), 1);
    assert_eq!(funnel("?registration_method=oidc").await["total"]["eligible"], 0);
    assert_eq!(funnel("?from=2001-01-01&to=2001-02-01").await["total"]["eligible"], 0);
    for (query, expected) in [
        ("?from=yesterday", "from: is not a day"),
        ("?from=2026-01-02&to=2026-01-01", "from: is after `to`"),
        ("?from=2020-01-01", "from: is more than 400 days"),
        ("?registration_method=x", "registration_method: is none of password"),
    ] {
        let answer = ask(&house.service, Method::GET, &format!("/admin/funnel{query}")).send().await.unwrap();
        let told = refusal(answer, 400).await["error"]["reason"].as_str().unwrap().to_owned();
        assert!(told.starts_with(expected), "{query}: {told}");
    }
    for (line, expected) in [
        ("onboarding_funnel_total{step=\"eligible\",method=\"password\"}", 2.0),
        ("onboarding_funnel_total{step=\"completed\",method=\"password\"}", 1.0),
        ("onboarding_funnel_failures_total{outcome=\"failed\",kind=\"network\",method=\"password\"}", 2.0),
    ] {
        assert_eq!(house.service.metric(line).await, expected, "{line}");
    }
}
