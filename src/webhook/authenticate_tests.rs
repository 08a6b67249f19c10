use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::config::{Basic, SigningSecret};

const NOW: i64 = 1_790_000_000;

fn webhook() -> Webhook {
    let basic = |user: &str, password: &str| Basic { user: user.into(), password: password.into() };
    Webhook {
        api_keys: vec![SecretString::from("key-new"), SecretString::from("key-old")],
        api_key_name: "X-Onboarding-Key".to_owned(),
        basic_auth: vec![basic("kratos", "new:with colon"), basic("kratos", "old")],
        signing_secrets: vec![SigningSecret(vec![1; 32]), SigningSecret(vec![2; 32])],
    }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn judge(pairs: &[(&str, &str)]) -> Standing {
    Authenticator::new(&webhook()).judge(&headers(pairs), Timestamp::from_second(NOW).unwrap())
}

fn is_admitted(pairs: &[(&str, &str)]) -> bool {
    matches!(judge(pairs), Standing::Admitted)
}

fn reason(pairs: &[(&str, &str)]) -> String {
    match judge(pairs) {
        Standing::Denied(denied) => denied.to_string(),
        other => panic!("{other:?}"),
    }
}

fn basic(pair: &str) -> String {
    format!("basic {}", STANDARD.encode(pair))
}

#[test]
fn every_key_of_the_list_is_accepted_in_header_and_cookie() {
    for key in ["key-new", "key-old"] {
        assert!(is_admitted(&[("x-onboarding-key", key)]));
        assert!(is_admitted(&[("cookie", &format!("a=b; X-Onboarding-Key={key}; c=d"))]));
        assert!(is_admitted(&[("cookie", &format!("X-Onboarding-Key=\"{key}\""))]));
    }
    for wrong in ["key-ne", "key-new ", "KEY-NEW", ""] {
        assert!(!is_admitted(&[("x-onboarding-key", wrong)]), "{wrong}");
    }
    assert!(!is_admitted(&[("cookie", "x-onboarding-key=key-new")]), "a cookie's name keeps its case");
}

#[test]
fn basic_authentication_takes_every_pair_of_the_list() {
    assert!(is_admitted(&[("authorization", &basic("kratos:new:with colon"))]));
    assert!(is_admitted(&[("authorization", &basic("kratos:old").replace("basic", "BASIC"))]));
    for wrong in ["kratos:", ":old", "kratos", "", "kratos:old2"] {
        assert!(!is_admitted(&[("authorization", &basic(wrong))]), "{wrong}");
    }
    assert!(!is_admitted(&[("authorization", "Basic not base64!")]));
    assert!(!is_admitted(&[("authorization", &basic("kratos:old").replace("basic", "bearer"))]));
}

#[test]
fn one_right_credential_among_wrong_ones_is_enough() {
    assert!(is_admitted(&[("x-onboarding-key", "wrong"), ("x-onboarding-key", "key-old")]));
    assert!(is_admitted(&[
        ("x-onboarding-key", "wrong"),
        ("cookie", "X-Onboarding-Key=wrong"),
        ("authorization", &basic("kratos:old")),
        ("webhook-id", "msg"),
    ]));
}

#[test]
fn a_denial_says_what_was_seen_and_not_what_it_held() {
    assert_eq!(
        reason(&[]),
        "API key in the header: missing; API key in a cookie: missing; basic authentication: missing; \
         Standard Webhooks signature: missing"
    );
    let seen = reason(&[
        ("x-onboarding-key", "SECRET"),
        ("cookie", "X-Onboarding-Key=SECRET; session=SECRET"),
        ("authorization", &basic("SECRET:SECRET")),
        ("webhook-id", "SECRET"),
    ]);
    assert!(!seen.contains("SECRET") && seen.contains("webhook-timestamp"), "{seen}");
    assert!(seen.contains("in the header: not accepted; API key in a cookie: not accepted"), "{seen}");
}

#[test]
fn nothing_is_accepted_where_nothing_is_configured() {
    let nothing = Webhook { api_keys: vec![], basic_auth: vec![], signing_secrets: vec![], ..webhook() };
    let signature = format!("v1,{}", STANDARD.encode([0; 32]));
    let sent = headers(&[
        ("x-onboarding-key", ""),
        ("authorization", &basic("")),
        ("webhook-id", "m"),
        ("webhook-timestamp", &NOW.to_string()),
        ("webhook-signature", &signature),
    ]);
    let standing = Authenticator::new(&nothing).judge(&sent, Timestamp::from_second(NOW).unwrap());
    assert!(matches!(standing, Standing::Denied(_)));
}

fn signed(id: &str, at: &str, signature: &str) -> Standing {
    judge(&[("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signature)])
}

fn verify(id: &str, at: i64, signature: &str, body: &[u8]) -> bool {
    match signed(id, &at.to_string(), signature) {
        Standing::Unproven(head) => match Authenticator::new(&webhook()).verify(head, body) {
            Ok(sender) => sender == Sender::Signed { message_id: id.to_owned() },
            Err(_) => false,
        },
        Standing::Admitted | Standing::Denied(_) => false,
    }
}

fn oracle(secret: u8, id: &str, at: i64, body: &str) -> String {
    standardwebhooks::Webhook::from_bytes(vec![secret; 32]).unwrap().sign(id, at, body.as_bytes()).unwrap()
}

#[test]
fn a_signature_holds_for_300_s_both_ways() {
    for (off, holds) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
        let at = NOW + off;
        assert_eq!(verify("msg", at, &oracle(1, "msg", at, "{}"), b"{}"), holds, "{off}");
    }
    assert!(matches!(
        signed("msg", &(NOW + 301).to_string(), &oracle(1, "msg", NOW, "")),
        Standing::Denied(_)
    ));
}

#[test]
fn a_signature_among_others_of_other_versions_is_found() {
    let right = oracle(2, "msg", NOW, "{}");
    assert!(verify("msg", NOW, &format!("v1a,abc v1,{} {right}", STANDARD.encode([0; 32])), b"{}"));
    assert!(!verify("msg", NOW, &right.replace("v1,", "v2,"), b"{}"));
}

#[test]
fn what_is_malformed_is_denied_before_the_body() {
    let right = oracle(1, "msg", NOW, "{}");
    let at = NOW.to_string();
    let long = "x".repeat(257);
    let too_large = format!("{at}0000000000000000000000");
    for (id, at, signature) in [
        ("", at.as_str(), right.as_str()),
        (&long, &at, &right),
        ("msg", "", &right),
        ("msg", "soon", &right),
        ("msg", &format!("+{at}"), &right),
        ("msg", &format!("0{at}"), &right),
        ("msg", &too_large, &right),
        ("msg", &i64::MIN.to_string(), &right),
        ("msg", &at, ""),
        ("msg", &at, "v1,"),
        ("msg", &at, "v1,AAAA"),
    ] {
        assert!(matches!(signed(id, at, signature), Standing::Denied(_)), "{id} {at} {signature}");
    }
}

proptest! {
    #[test]
    fn what_the_reference_signs_is_accepted_and_nothing_else(
        secret in 1_u8..4, id in "[!-~]{1,64}", off in -300_i64..=300, body in ".{0,200}", change in 0_u8..4,
    ) {
        let at = NOW + off;
        let signature = oracle(secret, &id, at, &body);
        let holds = match change {
            1 => verify(&format!("{id}x"), at, &signature, body.as_bytes()),
            2 => verify(&id, if at > NOW { at - 1 } else { at + 1 }, &signature, body.as_bytes()),
            3 => verify(&id, at, &signature, format!("{body} ").as_bytes()),
            _ => verify(&id, at, &signature, body.as_bytes()),
        };
        prop_assert_eq!(holds, change == 0 && secret < 3);
    }
}
