//! Which pages may act for a person, and which may read what they are told.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

use super::{House, WHOAMI, document, header, verdict};
use crate::double::Kratos;
use crate::service::{Plan, refusal};

const APP: &str = "https://app.example.org";
const FOREIGN: [&str; 6] = [
    "null",
    "https://evil.example",
    "https://app.example.org.evil.example",
    "https://app.example.org:8443",
    "http://app.example.org",
    "https://app.example.org/",
];
const TOKEN: &str = "ory_st_abcdefghijklmnopqrstuvwxyz012345";

fn plan(kratos: &Kratos) -> Plan {
    kratos.plan_without_admin().with("PAGE__ALLOWED_ORIGINS", APP)
}

async fn house() -> House {
    let house = House::with(plan).await;
    house.hook(super::REGISTERED).await;
    house
}

fn by_cookie(house: &House, action: &str) -> RequestBuilder {
    let request = house.service.post(&format!("/api/onboarding/{action}"));
    request.header("Cookie", house.person.cookies()).json(&json!({}))
}

fn lists(answer: &Response, name: &str) -> Vec<String> {
    let listed = header(answer.headers(), name).unwrap_or_default();
    listed.split(',').map(|item| item.trim().to_ascii_lowercase()).collect()
}

fn assert_readable(answer: &Response, origin: &str) {
    let of = |name: &str| header(answer.headers(), name);
    assert_eq!(of("access-control-allow-origin").as_deref(), Some(origin), "{answer:?}");
    assert_eq!(of("access-control-allow-credentials").as_deref(), Some("true"), "{answer:?}");
    assert!(lists(answer, "vary").contains(&"origin".to_owned()), "{answer:?}");
}

fn assert_unreadable(answer: &Response) {
    assert_eq!(header(answer.headers(), "access-control-allow-origin"), None, "{answer:?}");
    assert_eq!(header(answer.headers(), "access-control-allow-credentials"), None, "{answer:?}");
    assert!(lists(answer, "vary").contains(&"origin".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_change_by_cookie_needs_an_allowed_origin() {
    let house = house().await;
    let before = house.log().await;
    let origins = FOREIGN.map(Some).into_iter().chain([None]);
    for origin in origins {
        for action in ["skip", "completed", "sorcery"] {
            let mut request = by_cookie(&house, action);
            if let Some(origin) = origin {
                request = request.header("Origin", origin);
            }
            let answer = request.send().await.unwrap();
            assert_unreadable(&answer);
            let said = refusal(answer, 403).await;
            assert_eq!(said["error"]["id"], "origin_not_allowed", "{origin:?} {action}");
        }
    }
    assert_eq!(house.log().await, before, "nothing is stored");
    assert_eq!(house.kratos.calls(WHOAMI).await, 0, "and Kratos is not asked");
}

#[tokio::test]
async fn its_own_origin_and_the_listed_ones_may_change() {
    let house = house().await;
    for origin in [house.service.public.as_str(), APP] {
        let answer = by_cookie(&house, "started").header("Origin", origin).send().await.unwrap();
        assert_readable(&answer, origin);
        document(answer).await;
    }
    assert_eq!(house.told_by(&house.person).await, ["started", "started"]);
}

#[tokio::test]
async fn who_shows_a_token_needs_no_origin() {
    let house = house().await;
    house.kratos.signed_in_by_token(TOKEN, &house.person);
    for (name, value) in [("X-Session-Token", TOKEN.to_owned()), ("Authorization", format!("Bearer {TOKEN}"))]
    {
        let request = house.service.post("/api/onboarding/started").header(name, value).json(&json!({}));
        assert_eq!(verdict(&document(request.send().await.unwrap()).await), ("offer", "no_passkey"));
    }
    let both = by_cookie(&house, "started").header("X-Session-Token", TOKEN).header("Origin", FOREIGN[1]);
    let answer = both.send().await.unwrap();
    assert_unreadable(&answer);
    assert_eq!(answer.status(), 200, "the token counts, and the cookie does not");
}

#[tokio::test]
async fn reading_needs_no_origin_and_a_foreign_one_cannot_read() {
    let house = house().await;
    for origin in FOREIGN {
        let answer = house.get("").header("Origin", origin).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_unreadable(&answer);
    }
    let answer = house.get("").send().await.unwrap();
    assert_unreadable(&answer);
}

#[tokio::test]
async fn a_preflight_needs_no_session() {
    let house = house().await;
    let wanted =
        "content-type,if-none-match,if-subject,idempotency-key,last-event-id,x-session-token,authorization";
    for (path, method) in [
        ("/api/onboarding", "GET"),
        ("/api/onboarding/events", "GET"),
        ("/api/onboarding/skip", "POST"),
        ("/api/onboarding/completed", "POST"),
    ] {
        let preflight = |origin: &str| {
            house
                .service
                .http
                .request(Method::OPTIONS, house.service.url(path))
                .header("Origin", origin)
                .header("Access-Control-Request-Method", method)
                .header("Access-Control-Request-Headers", wanted)
                .send()
        };
        let answer = preflight(APP).await.unwrap();
        assert!(matches!(answer.status().as_u16(), 200 | 204), "{path}: {}", answer.status());
        assert_readable(&answer, APP);
        let allowed = lists(&answer, "access-control-allow-headers");
        for name in wanted.split(',') {
            assert!(allowed.contains(&name.to_owned()), "{name} in {allowed:?}");
        }
        assert!(lists(&answer, "access-control-allow-methods").contains(&method.to_ascii_lowercase()));
        for origin in FOREIGN {
            assert_unreadable(&preflight(origin).await.unwrap());
        }
    }
    assert_eq!(house.kratos.calls(WHOAMI).await, 0);
}

#[tokio::test]
async fn every_answer_can_be_read_by_the_allowed_and_varies_by_origin() {
    let house = house().await;
    let down = Plan::new().with("PAGE__ALLOWED_ORIGINS", APP).start();
    let (tag, _) = house.tagged().await;
    let nobody = || house.service.get("/api/onboarding");
    let not_there = || house.service.get("/api/onboarding/nothing/here");
    let unreachable = || down.get("/api/onboarding").header("Cookie", house.person.cookies());
    let not_modified = || house.get("").header("If-None-Match", &tag);
    let malformed = || house.service.post("/api/onboarding/skip").header("X-Session-Token", "short");
    let bad = || house.get("?wait=x");
    let answers: [(&str, u16, &dyn Fn() -> RequestBuilder); 8] = [
        ("decision", 200, &|| house.get("")),
        ("events", 200, &|| house.get("/events")),
        ("not modified", 304, &not_modified),
        ("bad request", 400, &bad),
        ("nobody", 401, &nobody),
        ("malformed", 401, &malformed),
        ("not there", 404, &not_there),
        ("Kratos is down", 503, &unreachable),
    ];
    for (what, status, request) in answers {
        let plain = request().send().await.unwrap();
        assert_eq!(plain.status(), status, "{what}");
        assert_unreadable(&plain);
        let answer = request().header("Origin", APP).send().await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert_readable(&answer, APP);
        let exposed = lists(&answer, "access-control-expose-headers");
        assert_eq!(exposed, ["etag", "retry-after", "x-request-id"], "{what}");
    }
}

#[tokio::test]
async fn no_answer_may_be_kept_by_anybody_but_the_persons_browser() {
    let house = house().await;
    let down = Plan::new().start();
    let (tag, _) = house.tagged().await;
    let another = house.report("started").header("If-Subject", "somebody-else").json(&json!({}));
    let answers: [(&str, u16, RequestBuilder); 10] = [
        ("decision", 200, house.get("")),
        ("not modified", 304, house.get("").header("If-None-Match", &tag)),
        ("bad request", 400, house.get("?wait=x")),
        ("nobody", 401, house.service.get("/api/onboarding")),
        ("no origin", 403, by_cookie(&house, "started")),
        ("not there", 404, house.get("/nothing/here")),
        ("another method", 405, house.service.post("/api/onboarding")),
        ("another person", 409, another),
        ("report", 200, house.report("started").json(&json!({}))),
        ("Kratos is down", 503, down.get("/api/onboarding").header("Cookie", house.person.cookies())),
    ];
    for (what, status, request) in answers {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(header(answer.headers(), "cache-control").as_deref(), Some("private, no-cache"), "{what}");
    }
}
