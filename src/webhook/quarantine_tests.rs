use serde_json::json;

use super::*;
use crate::store::{QuarantineReason, seal, unseal};
use crate::webhook::recordings::{heard, keys};

const ID: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";

fn hook() -> Hook {
    Hook::from_path("settings", "passkey").unwrap()
}

fn aside(why: Unreadable, body: &str) -> NewQuarantined {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    put_aside(hook(), heard(), why, parsed.as_ref(), body.as_bytes(), &keys())
}

fn kept(body: &Value) -> Value {
    match aside(Unreadable::NoIdentity, &body.to_string()).body {
        Kept::Json(kept) => kept,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_names_hook_reason_hash_and_size() {
    let entry = aside(Unreadable::NoIdentity, "{}");
    assert_eq!(
        (entry.hook.as_str(), entry.reason, entry.size),
        ("settings/passkey", QuarantineReason::NoIdentity, 2)
    );
    assert_eq!(
        hex::encode(entry.body_sha256),
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    );
}

#[test]
fn only_named_fields_are_kept_each_in_its_form() {
    let body = json!({
        "version": 7, "hook": "settings", "method": "passkey", "secret": "SECRET", "email": "SECRET",
        "identity_id": "SECRET", "user_id": 4_915_112_345_i64, "id": ID,
        "flow": {
            "id": ID, "type": "browser", "active": "SECRET!", "issued_at": "2026-01-02T00:00:00Z", "x": "SECRET",
            "ui": { "nodes": [
                { "attributes": { "name": "passkey_remove", "value": "0a" } },
                { "attributes": { "name": "csrf_token", "value": "SECRET" } },
            ] },
        },
        "identity": {
            "id": ID, "schema_id": "person", "state": "SECRET", "updated_at": "SECRET", "traits": { "a": "SECRET" },
            "created_at": "2026-01-01T00:00:00Z", "identifiers": [{ "value": "SECRET" }],
        },
        "session": {
            "id": "SECRET", "tokenized": "SECRET",
            "authentication_methods": [
                { "method": "passkey", "aal": "aal1", "completed_at": "2026-01-02T00:00:00Z", "x": "SECRET" },
                { "method": "SECRET!", "aal": "SECRET" }, "SECRET",
            ],
        },
        "request_cookies": { "ory_kratos_session": "SECRET" },
    });
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_json_snapshot!("kept_by_allow_list", kept(&body));
    });
}

#[test]
fn what_is_no_object_is_kept_as_its_type() {
    for (body, told) in [
        (json!(null), "[null]"),
        (json!(true), "[boolean]"),
        (json!([1]), "[array]"),
        (json!("ada@example.org"), "[string of 15 bytes]"),
        (json!(5), "[number]"),
    ] {
        assert_eq!(kept(&body), json!(told));
    }
    assert_eq!(kept(&json!({ "identity": "ada" }))["identity"], json!("[string of 3 bytes]"));
}

#[test]
fn what_does_not_parse_is_sealed_and_cut() {
    let body = format!("{{\"cookie\": \"SECRET\"{}", " ".repeat(9000));
    let entry = aside(Unreadable::NotJson, &body);
    let Kept::Sealed(sealed) = &entry.body else { panic!("{:?}", entry.body) };
    assert!(sealed.len() < 4200 && !sealed.windows(6).any(|window| window == b"SECRET"));
    assert_eq!(unseal(&keys(), sealed).unwrap(), body.as_bytes()[..4096]);
    assert_eq!(entry.size, 9019);
}

#[test]
fn a_replay_reads_what_is_kept_under_the_time_and_key_it_came_with() {
    let body = json!({ "identity_id": ID, "email": "ada@example.org" }).to_string();
    let heard = heard();
    let entry = aside(Unreadable::ContentType, &body);
    let event = replay(&entry.body, &entry.hook, heard, &keys()).unwrap();
    assert_eq!(event.identity.to_string(), ID);
    assert_eq!((event.id, event.at, event.dedupe), (heard.id, heard.at, heard.dedupe));
    let sealed = Kept::Sealed(seal(&keys(), body.as_bytes()).unwrap());
    let event = replay(&sealed, &entry.hook, heard, &keys()).unwrap();
    assert!(event.profile.identifiers.is_some(), "a sealed body is whole");
}

#[test]
fn a_replay_that_cannot_be_says_why() {
    let replay = |kept: &Kept, hook: &str| replay(kept, hook, heard(), &keys()).unwrap_err();
    let broken = Kept::Sealed(seal(&keys(), b"{").unwrap());
    assert_eq!(replay(&broken, "login/code"), ReplayError::Unreadable(Unreadable::NotJson));
    let cut = format!("{{\"id\":\"{ID}\"}}{}", " ".repeat(5000));
    assert_eq!(replay(&aside(Unreadable::NotJson, &format!("{cut}!")).body, "login/code"), ReplayError::Cut);
    assert_eq!(replay(&Kept::None, "login/code"), ReplayError::NothingKept);
    assert_eq!(replay(&Kept::Json(json!({})), "login"), ReplayError::UnknownHook);
    assert_eq!(replay(&Kept::Json(json!("[array]")), "login/code"), Unreadable::NotAnObject.into());
    assert_eq!(
        replay(&Kept::Sealed(vec![0; 60]), "login/code"),
        ReplayError::Sealed(UnsealError::UnknownKey)
    );
}
