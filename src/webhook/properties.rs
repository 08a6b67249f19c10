//! Whatever arrives is an event or a reason: nothing panics, nothing is lost, nothing secret is kept.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::hook::Hook;
use super::payload::{Delivery, Unreadable};
use super::quarantine::{ReplayError, put_aside, replay};
use super::recordings::{self, heard, keys};
use crate::onboarding::{Method, Record};
use crate::store::Kept;

static BODIES: LazyLock<Vec<String>> =
    LazyLock::new(|| recordings::all().iter().map(|recorded| recorded.body().to_owned()).collect());

/// Every field that is read, and some that are not.
const FIELDS: [&str; 34] = [
    "identity",
    "identity_id",
    "identityId",
    "userId",
    "user_id",
    "id",
    "version",
    "hook",
    "method",
    "flow",
    "type",
    "active",
    "issued_at",
    "ui",
    "nodes",
    "attributes",
    "name",
    "value",
    "schema_id",
    "state",
    "created_at",
    "updated_at",
    "identifiers",
    "traits",
    "email",
    "phone",
    "session",
    "authentication_methods",
    "aal",
    "completed_at",
    "passkeys",
    "security_keys",
    "verifiable_addresses",
    "x",
];

fn hooks() -> impl Strategy<Value = Hook> {
    let named = (0_usize..3, 0_usize..Method::ALL.len()).prop_map(|(kind, method)| {
        Hook::from_path(["registration", "settings", "login"][kind], Method::ALL[method].as_str()).unwrap()
    });
    prop_oneof![Just(Hook::POST_REGISTRATION), named]
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[0-9a-f]{2,64}".prop_map(Value::from),
        any::<u128>().prop_map(|id| Value::from(uuid::Uuid::from_u128(id).to_string())),
        Just(Value::from("00000000-0000-0000-0000-000000000000")),
        prop::sample::select(vec![
            "2026-01-02T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "-009999-01-02T01:59:59Z",
            "9999-12-30T22:00:00.999999999Z",
            "passkey",
            "webauthn",
            "aal1",
            "settings",
            "passkey_remove",
            "webauthn_register_trigger",
            "active",
            "\0",
        ])
        .prop_map(Value::from),
        Just(Value::from(1)),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(6, 64, 8, |inner| {
        let named = (prop::sample::select(FIELDS.to_vec()), inner.clone());
        let object = prop::collection::vec(named, 0..10).prop_map(|fields| {
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
        });
        prop_oneof![prop::collection::vec(inner, 0..8).prop_map(Value::from), object.prop_map(Value::from)]
    })
}

fn bodies() -> impl Strategy<Value = String> {
    (0_usize..BODIES.len()).prop_map(|at| BODIES[at].clone())
}

/// What the server does with a body, to the end.
fn take(hook: Hook, body: &[u8]) -> Result<Delivery, Unreadable> {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let taken = Delivery::parse(hook, body, &keys());
    match &taken {
        Ok(delivery) => {
            let event = delivery.clone().into_event(heard());
            let (mut record, _) = Record::begin(&event);
            assert!(!record.apply(&event).is_change(), "told twice changes nothing");
        }
        Err(why) => {
            let entry = put_aside(hook, heard(), *why, parsed.as_ref(), body, &keys());
            assert_eq!(matches!(entry.body, Kept::None), body.is_empty());
            let again = replay(&entry.body, &entry.hook, heard(), &keys());
            let is_told = matches!(
                again,
                Err(ReplayError::Unreadable(_) | ReplayError::Cut | ReplayError::NothingKept)
            );
            assert!(is_told, "{again:?}");
        }
    }
    taken
}

/// Reading what is kept comes to the same, but for the identifiers and the exact reason.
fn kept_alike(hook: Hook, body: &Value) -> Result<(), TestCaseError> {
    let text = body.to_string();
    let entry = put_aside(hook, heard(), Unreadable::ContentType, Some(body), text.as_bytes(), &keys());
    let replayed = replay(&entry.body, &entry.hook, heard(), &keys()).ok();
    let mut expected = Delivery::read(hook, body, &keys()).ok().map(|delivery| delivery.into_event(heard()));
    if let Some(event) = &mut expected {
        event.profile.identifiers = None;
    }
    prop_assert_eq!(replayed, expected);
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes(hook in hooks(), body in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = take(hook, &body);
    }

    #[test]
    fn any_json(hook in hooks(), body in json()) {
        let _ = take(hook, body.to_string().as_bytes());
        kept_alike(hook, &body)?;
    }

    #[test]
    fn a_recording_cut_short(hook in hooks(), body in bodies(), at in any::<prop::sample::Index>()) {
        let at = at.index(body.len());
        let whole = at >= body.trim_end().len();
        let why = if at == 0 { Unreadable::Empty } else { Unreadable::NotJson };
        prop_assert_eq!(take(hook, &body.as_bytes()[..at]) == Err(why), !whole);
    }

    #[test]
    fn a_recording_with_bytes_changed(
        hook in hooks(), body in bodies(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut body = body.into_bytes();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = take(hook, &body);
    }

    #[test]
    fn a_recording_with_any_value_in_any_place(
        hook in hooks(), body in bodies(), place in any::<prop::sample::Index>(), value in json(),
    ) {
        let mut body: Value = serde_json::from_str(&body).unwrap();
        let places = pointers(&body);
        *body.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        let _ = take(hook, body.to_string().as_bytes());
        kept_alike(hook, &body)?;
    }

    #[test]
    fn any_depth(hook in hooks(), body in bodies(), depth in 0_usize..30_000) {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body = body.replacen('{', &format!("{{\"x\":{deep}0,").replace("]0", "]"), 1);
        let _ = take(hook, body.as_bytes());
    }
}

fn pointers(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(name, value)| {
        pointers(value).into_iter().map(move |rest| format!("/{name}{rest}")).collect::<Vec<_>>()
    });
    std::iter::once(String::new()).chain(below).collect()
}
