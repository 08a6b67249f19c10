//! What the answer looks like.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{House, verdict};
use crate::double::{Kratos, Session};

fn keys(of: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = of.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn assert_whole(document: &Value) {
    let expected = [
        "ceremony",
        "conditional_create_for_s",
        "decision",
        "kratos",
        "links",
        "may_dismiss",
        "may_skip",
        "next_offer_at",
        "offers_left",
        "passkey_count",
        "reason",
        "recorded",
        "required_by",
        "server_time",
        "session",
        "subject",
        "valid_until",
        "version",
    ];
    assert_eq!(keys(document), expected);
    assert_eq!(keys(&document["session"]), ["expires_in_s", "privileged", "privileged_for_s"]);
    assert_eq!(keys(&document["kratos"]), ["browser_url"]);
    assert_eq!(keys(&document["links"]), ["manage", "reauthenticate", "return_to", "settings", "sign_in"]);
}

#[tokio::test]
async fn every_field_is_always_there_and_null_where_unknown() {
    let house = House::start().await;
    let unknown = house.decision().await;
    assert_whole(&unknown);
    for field in ["passkey_count", "next_offer_at", "required_by"] {
        assert_eq!(unknown[field], Value::Null, "{field}");
    }
    house.hook(super::REGISTERED).await;
    let offered = house.decision().await;
    assert_whole(&offered);
    assert_eq!(offered["passkey_count"], 0);
    let skipped = house.reported("skip", json!({})).await;
    assert_whole(&skipped);
    assert!(skipped["next_offer_at"].is_string());
    house.hook(super::ONE_PASSKEY).await;
    let done = house.decision().await;
    assert_whole(&done);
    assert_eq!((verdict(&done), &done["passkey_count"]), (("done", "passkey_enrolled"), &json!(1)));
}

#[tokio::test]
async fn a_session_that_never_ends_says_null() {
    let house = House::registered().await;
    let mut session = Session::fresh().with_cookie("the-cookie-of-a-session-without-end");
    session.body["expires_at"] = Value::Null;
    house.kratos.signed_in(&session);
    let answer = super::document(house.get_as(&session, "").send().await.unwrap()).await;
    assert_whole(&answer);
    assert_eq!(answer["session"]["expires_in_s"], Value::Null);
}

#[tokio::test]
async fn the_document_as_it_is_sent() {
    let browser_url = "https://auth.example.org/kratos";
    let house =
        House::with(|kratos| kratos.plan_without_admin().with("KRATOS__BROWSER_URL", browser_url)).await;
    house.hook(super::REGISTERED).await;
    let mut document = house.decision().await;
    for running in ["server_time", "valid_until"] {
        assert!(document[running].is_string(), "{running}");
        document[running] = json!("[a time]");
    }
    for running in ["privileged_for_s", "expires_in_s"] {
        assert!(document["session"][running].is_u64(), "{running}");
        document["session"][running] = json!("[seconds]");
    }
    let port = house.service.public.rsplit(':').next().unwrap();
    let text = document.to_string();
    let text = text.replace(&format!("A{port}"), "APORT").replace(&format!(":{port}"), ":PORT");
    let document: Value = serde_json::from_str(&text).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_json_snapshot!("decision_after_registration", document);
    });
}

#[tokio::test]
async fn the_running_times_are_those_of_the_session() {
    let house = House::registered().await;
    let session =
        Session::fresh().authenticated(600).expires(7200).with_cookie("a-cookie-of-ten-minutes-ago");
    house.kratos.signed_in(&session);
    let answer = super::document(house.get_as(&session, "").send().await.unwrap()).await;
    let seconds = |field: &str| answer["session"][field].as_u64().unwrap();
    assert_eq!(answer["session"]["privileged"], true);
    assert!((2_940..=3_000).contains(&seconds("privileged_for_s")), "{answer}");
    assert!((7_140..=7_200).contains(&seconds("expires_in_s")), "{answer}");
    let old = Session::fresh().authenticated(3_601).with_cookie("a-cookie-of-an-hour-ago");
    house.kratos.signed_in(&old);
    let answer = super::document(house.get_as(&old, "").send().await.unwrap()).await;
    assert_eq!(answer["session"]["privileged"], false);
    assert_eq!(answer["session"]["privileged_for_s"], 0);
}

#[tokio::test]
async fn the_subject_is_opaque_and_of_person_and_session() {
    let house = House::registered().await;
    let first = house.decision().await;
    let subject = first["subject"].as_str().unwrap();
    assert!(subject.len() == 32 && subject.bytes().all(|byte| byte.is_ascii_hexdigit()), "{subject}");
    let identity = house.person.identity();
    for id in [identity.clone(), identity.replace('-', "")] {
        assert!(!first.to_string().contains(&id), "no identity in the answer: {first}");
    }
    assert_eq!(house.decision().await["subject"], subject, "the same person and session");
    let elsewhere = Session::fresh().named(super::ANOTHER).with_cookie("the-cookie-of-another-browser");
    house.kratos.signed_in(&elsewhere);
    let second = super::document(house.get_as(&elsewhere, "").send().await.unwrap()).await;
    assert_ne!(second["subject"], subject, "another session");
    let somebody = house.somebody(super::ANOTHER).await;
    let third = super::document(house.get_as(&somebody, "").send().await.unwrap()).await;
    assert_ne!(third["subject"], second["subject"], "another person");
}

#[tokio::test]
async fn without_a_destination_that_is_allowed_the_page_goes_on_to_the_default() {
    let default = "https://www.example.org/welcome";
    let house =
        House::with(|kratos| kratos.plan_without_admin().with("PAGE__DEFAULT_RETURN_URL", default)).await;
    let tagged = async |query: &str| {
        let answer = house.get(query).send().await.unwrap();
        (super::header(answer.headers(), "etag"), super::document(answer).await)
    };
    let (plain_tag, plain) = tagged("").await;
    assert_eq!(plain["links"]["return_to"], default);
    let (foreign_tag, foreign) = tagged("?return_to=https://evil.example/").await;
    assert_eq!((foreign_tag, &foreign["links"]), (plain_tag.clone(), &plain["links"]));
    let (asked_tag, asked) = tagged(&format!("?return_to={default}")).await;
    assert_eq!(asked["links"]["return_to"], default, "it is always allowed");
    assert!(asked["links"]["settings"].as_str().unwrap().contains("welcome"), "{asked}");
    let (own_tag, own) = tagged("?return_to=/orders").await;
    assert_eq!(own["links"]["return_to"], format!("{}/orders", house.service.public));
    assert!(own_tag != plain_tag && own_tag != asked_tag);
}

#[tokio::test]
async fn the_links_are_absolute_and_carry_an_allowed_destination() {
    let allowed = "https://app.example.org/app";
    let plan = |kratos: &Kratos| kratos.plan_without_admin().with("PAGE__ALLOWED_RETURN_URLS", allowed);
    let house = House::with(plan).await;
    let plain = house.decision().await;
    for (name, link) in plain["links"].as_object().unwrap() {
        let link: url::Url = link.as_str().unwrap().parse().unwrap();
        assert!(link.has_host(), "{name}: {link}");
    }
    let reauthenticate = plain["links"]["reauthenticate"].as_str().unwrap();
    assert!(reauthenticate.starts_with(&house.kratos.server.uri()), "{reauthenticate}");
    assert!(reauthenticate.contains("/self-service/login/browser?refresh=true&return_to="));
    assert!(plain["links"]["manage"].as_str().unwrap().starts_with(&house.service.public));
    let carried = async |destination: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", destination)
            .finish();
        super::document(house.get(&format!("?{query}")).send().await.unwrap()).await["links"].clone()
    };
    let links = carried("https://app.example.org/app/orders?page=2").await;
    for name in ["settings", "reauthenticate", "sign_in"] {
        let return_to = |link: &str| {
            let link: url::Url = link.parse().unwrap();
            link.query_pairs().find(|(key, _)| key == "return_to").unwrap().1.into_owned()
        };
        let page = return_to(links[name].as_str().unwrap());
        assert!(page.starts_with(&house.service.public), "{name} comes back to the page: {page}");
        assert_eq!(return_to(&page), "https://app.example.org/app/orders?page=2", "{name}");
    }
    assert_eq!(links["return_to"], "https://app.example.org/app/orders?page=2");
    for foreign in ["https://app.example.org/apple", "https://evil.example/app", "//evil.example/app"] {
        assert_eq!(carried(foreign).await, plain["links"], "{foreign}");
    }
}
