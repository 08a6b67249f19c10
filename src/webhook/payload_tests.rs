use serde_json::json;

use super::*;
use crate::onboarding::{IdentityState, Observation, PiiKey, Source};
use crate::webhook::recordings::{heard, keys};

const ID: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";
const OTHER: &str = "4d748bf4-c155-49be-ac8d-168904cf9a29";
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

fn registration(method: &str) -> Hook {
    Hook::from_path("registration", method).unwrap()
}

fn read(hook: Hook, body: &Value) -> Result<Delivery, Unreadable> {
    Delivery::read(hook, body, &keys())
}

fn settings(body: &Value) -> Observed {
    read(Hook::from_path("settings", "passkey").unwrap(), body).unwrap().observed
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn every_spelling_of_the_id_is_understood() {
    for body in [
        json!({ "identity": { "id": ID } }),
        json!({ "identity_id": ID, "email": "ada@example.org" }),
        json!({ "identityId": ID, "traits": { "email": "ada@example.org" } }),
        json!({ "userId": ID }),
        json!({ "user_id": ID, "identity": null }),
        json!({ "id": ID, "traits": 7 }),
        json!({ "identity": { "id": ID }, "identity_id": OTHER, "id": 5, "unknown": [[[{}]]] }),
        json!({ "identity_id": ID, "identity": {}, "id": OTHER }),
        json!({ "identity": { "id": ID.to_uppercase() } }),
    ] {
        let delivery = read(registration("code"), &body);
        assert_eq!(delivery.map(|delivery| delivery.identity.to_string()), Ok(ID.to_owned()), "{body}");
    }
}

#[test]
fn what_is_not_understood_says_why() {
    use Unreadable::{BadValue, NoIdentity, NotAnObject, WrongType, ZeroIdentity};
    for (body, why) in [
        (json!(null), NotAnObject),
        (json!([{ "id": ID }]), NotAnObject),
        (json!(ID), NotAnObject),
        (json!({}), NoIdentity),
        (json!({ "identity": null, "id": null }), NoIdentity),
        (json!({ "identity": {}, "id": ID }), NoIdentity),
        (json!({ "flow": { "id": OTHER }, "id": ID }), NoIdentity),
        (json!({ "identity": ID }), WrongType),
        (json!({ "identity": [] , "id": ID }), WrongType),
        (json!({ "identity": { "id": 7 }, "identity_id": ID }), WrongType),
        (json!({ "user_id": true }), WrongType),
        (json!({ "user_id": "ada@example.org" }), BadValue),
        (json!({ "user_id": "" }), BadValue),
        (json!({ "user_id": format!("{ID}\0") }), BadValue),
        (json!({ "user_id": ID.replace('-', "") }), BadValue),
        (json!({ "user_id": "x".repeat(60_000) }), BadValue),
        (json!({ "identity": { "id": ZERO } }), ZeroIdentity),
        (json!({ "identity_id": ZERO }), ZeroIdentity),
    ] {
        assert_eq!(read(registration("code"), &body), Err(why), "{body}");
    }
}

#[test]
fn what_is_not_json_is_no_panic() {
    let deep = format!("{{\"identity_id\":\"{ID}\",\"x\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let cases: [&[u8]; 6] = [b"{", b"nul", b"\xff\xfe{}", b"{\"id\":\"\xff\"}", b"{} {}", deep.as_bytes()];
    for body in cases {
        assert_eq!(Delivery::parse(registration("code"), body, &keys()), Err(Unreadable::NotJson));
    }
    assert_eq!(Delivery::parse(registration("code"), b"", &keys()), Err(Unreadable::Empty));
}

#[test]
fn of_a_doubled_key_the_last_one_counts() {
    let body = format!("{{\"identity_id\":\"{OTHER}\",\"identity_id\":\"{ID}\"}}");
    let delivery = Delivery::parse(registration("code"), body.as_bytes(), &keys()).unwrap();
    assert_eq!(delivery.identity.to_string(), ID);
}

#[test]
fn a_field_of_the_wrong_type_or_over_its_limit_was_not_told() {
    for bad in [json!(5), json!([]), json!({ "a": 1 }), json!("\0"), json!("x".repeat(3000)), json!("")] {
        let body = json!({
            "identity": {
                "id": ID, "schema_id": bad, "state": bad, "created_at": bad, "updated_at": bad,
                "traits": bad, "verifiable_addresses": [bad, { "value": 5 }],
            },
            "flow": { "id": bad, "active": bad, "issued_at": bad, "ui": bad },
            "method": bad, "hook": bad, "session": bad, "passkeys": bad, "version": bad,
        });
        let delivery = read(Hook::from_path("settings", "profile").unwrap(), &body).unwrap();
        assert_eq!(
            delivery.profile,
            Profile { schema_id: delivery.profile.schema_id.clone(), ..Profile::default() }
        );
        assert_eq!(delivery.profile.schema_id, None, "{bad}");
        assert_eq!(delivery.observed, Observed::default(), "{bad}");
        assert_eq!((delivery.flow, delivery.method), (None, Some(Method::Profile)), "{bad}");
    }
}

#[test]
fn the_profile_is_read_and_a_time_that_was_never_set_is_none() {
    let body = json!({ "identity": {
        "id": ID, "schema_id": "person", "state": "inactive",
        "created_at": "0001-01-01T00:00:00Z", "updated_at": "2026-11-22T04:34:48.101032Z",
    } });
    let profile = read(registration("code"), &body).unwrap().profile;
    assert_eq!(profile.schema_id.unwrap().as_str(), "person");
    assert_eq!(profile.state, Some(IdentityState::Inactive));
    assert_eq!(profile.created_at, None);
    assert_eq!(profile.as_of, Some(at("2026-11-22T04:34:48.101032Z")));
    assert_eq!(profile.identifiers, None);
}

#[test]
fn identifiers_are_digests_one_a_person_however_they_are_told() {
    let digest = |raw: &str| keys().digest(&Identifier::parse(raw).unwrap());
    let address = json!([{ "via": "email", "value": "ada@example.org" }]);
    let of = |body: &Value| read(registration("code"), body).unwrap().profile.identifiers;
    let ada = Some(BTreeSet::from([digest("ada@example.org")]));
    for body in [
        json!({ "identity": { "id": ID, "identifiers": address } }),
        json!({ "identity": { "id": ID, "verifiable_addresses": address, "recovery_addresses": address } }),
        json!({ "identity": { "id": ID, "traits": { "email": " Ada@Example.org" }, "verifiable_addresses": address } }),
        json!({ "identity": { "id": ID, "email": "ada@example.org" } }),
        json!({ "identity_id": ID, "email": "ADA@example.org" }),
        json!({ "identity_id": ID, "traits": { "email": "ada@example.org" } }),
    ] {
        assert_eq!(of(&body), ada, "{body}");
    }
    let all = json!({ "id": ID, "traits": { "email": "a@b.c", "phone": "+49 151", "username": "ada" } });
    assert_eq!(of(&all).unwrap(), BTreeSet::from(["a@b.c", "+49151", "ada"].map(digest)));
    assert_eq!(of(&json!({ "identity": { "id": ID, "identifiers": [] } })), Some(BTreeSet::new()));
    let many: Vec<_> = (0..100).map(|n| json!({ "value": format!("{n}@b.c") })).collect();
    assert_eq!(of(&json!({ "identity": { "id": ID, "identifiers": many } })).unwrap().len(), IDENTIFIERS_MAX);
}

#[test]
fn no_digest_is_of_another_key() {
    let other = PiiKeys::new(PiiKey::new(vec![8; 32]).unwrap(), vec![]);
    let body = json!({ "id": ID, "email": "ada@example.org" });
    let told =
        |keys: &PiiKeys| Delivery::read(registration("code"), &body, keys).unwrap().profile.identifiers;
    assert_ne!(told(&keys()), told(&other));
}

#[test]
fn the_body_names_the_method_better_than_the_address() {
    let method = |address: Hook, body: Value| read(address, &body).unwrap().method;
    let active = |active: &str| json!({ "id": null, "identity_id": ID, "flow": { "active": active } });
    assert_eq!(method(registration("password"), active("")), Some(Method::Password));
    assert_eq!(method(registration("password"), active("oidc")), Some(Method::Oidc));
    assert_eq!(
        method(registration("password"), active("profile")),
        Some(Method::Password),
        "a step of the form"
    );
    assert_eq!(method(registration("password"), active("POST")), Some(Method::Password));
    assert_eq!(method(registration("sorcery"), active("")), Some(Method::Other));
    assert_eq!(method(Hook::POST_REGISTRATION, active("code")), Some(Method::Code));
    assert_eq!(method(Hook::POST_REGISTRATION, active("")), None);
    assert_eq!(
        method(Hook::POST_REGISTRATION, json!({ "id": ID, "method": "passkey" })),
        Some(Method::Passkey)
    );
}

#[test]
fn the_template_says_which_flow_it_was_written_for() {
    let body = json!({ "version": 1, "hook": "login", "identity": { "id": ID } });
    let delivery = read(registration("password"), &body).unwrap();
    assert_eq!((delivery.hook, delivery.observed.clone()), (HookKind::Login, Observed::default()));
    let event = delivery.into_event(heard());
    assert_eq!(event.kind, EventKind::SignedIn { method: Some(Method::Password) });
    assert_eq!(event.cause, Cause::Hook(HookKind::Login));
}

#[test]
fn a_registration_tells_the_counts_by_its_method() {
    let counts = |method: &str| {
        let observed = read(registration(method), &json!({ "id": ID })).unwrap().observed;
        let at = |told: &Observation| told.at == Timestamp::UNIX_EPOCH && told.source == Source::Registration;
        assert!(observed.passkeys.iter().chain(&observed.security_keys).all(at));
        (observed.passkeys.map(|told| told.count), observed.security_keys.map(|told| told.count))
    };
    assert_eq!(counts("passkey"), (Some(1), Some(0)));
    assert_eq!(counts("webauthn"), (Some(0), Some(1)));
    for method in ["password", "oidc", "saml", "code"] {
        assert_eq!(counts(method), (Some(0), Some(0)), "{method}");
    }
    for method in ["sorcery", "profile", "identifier_first"] {
        assert_eq!(counts(method), (None, None), "{method}");
    }
}

fn template(passkeys: &Value) -> Value {
    json!({
        "version": 1, "hook": "settings",
        "flow": { "issued_at": "2026-01-02T00:00:00Z" },
        "identity": { "id": ID, "updated_at": "2026-01-01T00:00:00Z" },
        "passkeys": passkeys, "security_keys": null,
    })
}

#[test]
fn our_template_tells_the_exact_set_or_that_it_was_not_shown() {
    let count = |list: Value| settings(&template(&list)).passkeys.map(|told| told.count);
    assert_eq!(count(json!([])), Some(0));
    assert_eq!(count(json!(["0a", "0b", "0a"])), Some(2), "doubled is one");
    assert_eq!(count(Value::Null), None);
    for not_ids in [json!(["0a", 5]), json!([""]), json!(["not hex"]), json!(["a".repeat(2048)]), json!({})] {
        assert_eq!(count(not_ids.clone()), None, "{not_ids}");
    }
    assert_eq!(settings(&template(&json!([]))).security_keys, None);
}

#[test]
fn the_lists_mean_something_only_in_a_version_that_is_known() {
    let mut body = template(&json!([]));
    for version in [json!(2), json!("1"), json!(null)] {
        body["version"] = version;
        assert_eq!(settings(&body).passkeys, None);
    }
}

#[test]
fn a_change_is_dated_by_whichever_moved_last_and_undated_it_is_not_told() {
    let at_of = |body: &Value| settings(body).passkeys.map(|told| told.at);
    let mut body = template(&json!([]));
    assert_eq!(at_of(&body), Some(at("2026-01-02T00:00:00Z")), "v1.3.1: only the flow moved");
    body["identity"]["updated_at"] = json!("2026-01-03T00:00:00Z");
    assert_eq!(at_of(&body), Some(at("2026-01-03T00:00:00Z")));
    body["identity"]["updated_at"] = json!("0001-01-01T00:00:00Z");
    body["flow"]["issued_at"] = json!(null);
    assert_eq!(at_of(&body), None);
}

#[test]
fn nodes_tell_the_set_only_where_the_method_is_shown() {
    let node = |name: &str, value: &str| json!({ "attributes": { "name": name, "value": value } });
    let count = |nodes: Value| {
        let flow = json!({ "issued_at": "2026-01-02T00:00:00Z", "ui": { "nodes": nodes } });
        settings(&json!({ "identity": { "id": ID }, "flow": flow })).passkeys.map(|told| told.count)
    };
    let trigger = node("passkey_register_trigger", "");
    assert_eq!(count(json!([])), None);
    assert_eq!(count(json!([node("password", "")])), None);
    assert_eq!(count(json!([trigger])), Some(0));
    assert_eq!(
        count(json!([trigger, node("passkey_remove", "0a"), 5, node("webauthn_remove", "0b")])),
        Some(1)
    );
    assert_eq!(count(json!([node("passkey_remove", "0a")])), Some(1), "no identifier: no register node");
    assert_eq!(count(json!([trigger, { "attributes": { "name": "passkey_remove" } }])), None);
}

#[test]
fn the_newest_use_counts_and_a_second_factor_is_none() {
    let method =
        |method: &str, aal: &str, at: &str| json!({ "method": method, "aal": aal, "completed_at": at });
    let body = json!({ "id": ID, "session": { "authentication_methods": [
        method("passkey", "aal1", "2026-01-02T00:00:00Z"),
        method("passkey", "aal1", "2026-01-01T00:00:00Z"),
        method("webauthn", "aal2", "2026-01-09T00:00:00Z"),
        method("webauthn", "aal1", "2026-01-03T00:00:00Z"),
        method("password", "aal1", "2026-01-09T00:00:00Z"),
        method("passkey", "aal1", "soon"), 5, {},
    ] } });
    let login = read(Hook::from_path("login", "passkey").unwrap(), &body).unwrap().observed;
    assert_eq!(login.passkey_used_at, Some(at("2026-01-02T00:00:00Z")));
    assert_eq!(login.security_key_used_at, Some(at("2026-01-03T00:00:00Z")));
    assert_eq!((login.passkeys, login.security_keys), (None, None));
    let undated = read(Hook::from_path("login", "passkey").unwrap(), &json!({ "id": ID })).unwrap();
    assert_eq!(undated.observed, Observed::default());
}
