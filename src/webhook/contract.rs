//! Contract with Kratos: what each recorded hook of each version comes to. The snapshots hold digests only.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::hook::Hook;
use super::payload::{Delivery, Unreadable};
use super::quarantine::{put_aside, replay};
use super::recordings::{self, Recorded, heard, keys, now};
use crate::onboarding::{
    Decision, Event, EventKind, HookKind, Observation, Policy, Reading, Record, SessionDigest, SessionFacts,
    Source, decide,
};

fn event(recorded: &Recorded) -> Event {
    let attempt = &recorded.attempts[0];
    let delivery = Delivery::parse(recorded.hook, attempt.body.as_bytes(), &keys()).unwrap();
    delivery.into_event(attempt.heard(recorded.hook))
}

fn understood() -> impl Iterator<Item = Recorded> {
    recordings::all().into_iter().filter(|recorded| !recorded.is_parse_true())
}

fn decision(event: &Event) -> Decision {
    let session = SessionFacts {
        digest: SessionDigest([7; 16]),
        authenticated_at: "2026-11-22T11:30:00Z".parse().unwrap(),
        expires_at: None,
        state: None,
        schema_id: None,
        passkey_used_at: None,
        security_key_used_at: None,
    };
    decide(&Record::begin(event).0, &session, &Policy::default(), now())
}

#[test]
fn every_recorded_hook_comes_to_its_event_and_decision() {
    let mut seen = 0;
    for recorded in understood() {
        let event = event(&recorded);
        let decision = decision(&event);
        let comes_to = json!({
            "event": {
                "identity": event.identity,
                "kind": event.kind,
                "cause": event.cause.as_str(),
                "dedupe": hex::encode(event.dedupe.0),
                "profile": event.profile,
                "observed": event.observed,
            },
            "decision": {
                "verdict": decision.verdict,
                "reason": decision.reason,
                "passkey_count": decision.passkey_count,
                "may_skip": decision.may_skip,
                "next_offer_at": decision.next_offer_at,
            },
        });
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_json_snapshot!(recorded.name.clone(), comes_to);
        });
        seen += 1;
    }
    assert!(seen >= 80, "only {seen} recordings were found");
}

#[test]
fn the_legacy_address_understands_every_registration_and_claims_no_method_it_was_not_told() {
    for recorded in understood().filter(|recorded| recorded.hook.kind() == HookKind::Registration) {
        let delivery = Delivery::read(Hook::POST_REGISTRATION, &recorded.json(), &keys()).unwrap();
        assert_eq!(delivery.identity, event(&recorded).identity);
        assert_eq!(delivery.observed.passkeys.is_some(), delivery.method.is_some(), "{}", recorded.name);
    }
}

#[test]
fn what_came_before_the_identity_was_stored_says_so() {
    let mut seen = 0;
    for recorded in recordings::all().into_iter().filter(Recorded::is_parse_true) {
        let why = Delivery::parse(recorded.hook, recorded.body().as_bytes(), &keys()).unwrap_err();
        assert_eq!(why, Unreadable::ZeroIdentity, "{}", recorded.name);
        assert!(
            why.to_string().contains("response.parse: true") && why.to_string().contains("can_interrupt")
        );
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} recordings were found");
}

#[test]
fn three_attempts_are_one_delivery() {
    let retries =
        recordings::all().into_iter().find(|recorded| recorded.name.ends_with("__retries.ctx")).unwrap();
    let keys: Vec<_> = retries.attempts.iter().map(|attempt| attempt.heard(retries.hook).dedupe).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn two_recordings_are_two_deliveries() {
    let all: Vec<_> = recordings::all();
    let keys: BTreeSet<_> = all.iter().map(|one| one.attempts[0].heard(one.hook).dedupe).collect();
    assert_eq!(keys.len(), all.len());
}

/// The counts are in the names of the recordings.
#[test]
fn a_settings_hook_of_a_browser_tells_the_exact_set() {
    let mut seen = 0;
    for recorded in understood() {
        let Some(counts) = recorded.name.split("ctx.").nth(1).filter(|rest| rest.contains("passkeys")) else {
            continue;
        };
        let digits: Vec<u32> = counts.chars().filter_map(|c| c.to_digit(10)).collect();
        let observed = event(&recorded).observed;
        let told = [observed.passkeys, observed.security_keys].map(|told| told.unwrap());
        assert_eq!(told.map(|told| told.count).to_vec(), digits, "{}", recorded.name);
        assert!(told.iter().all(|told| told.source == Source::Hook));
        seen += 1;
    }
    assert!(seen >= 12, "only {seen} recordings were found");
}

#[test]
fn a_native_app_settings_hook_never_lowers_a_count() {
    let mut silent = 0;
    for recorded in understood().filter(|one| one.name.contains("settings-") && one.name.ends_with(".api")) {
        let event = event(&recorded);
        let holding = |observation: Observation| {
            let mut before = event.clone();
            before.kind = EventKind::PasskeysObserved;
            (before.observed.passkeys, before.observed.security_keys) =
                (Some(observation), Some(observation));
            Record::begin(&before).0
        };
        let mut record = holding(Observation {
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            source: Source::Admin { about: None, settles: 0 },
            count: 1,
        });
        record.apply(&event);
        assert_eq!(record.passkeys.reading(), Reading::Exactly(1), "{}", recorded.name);
        assert_eq!(record.security_keys.reading(), Reading::Exactly(1), "{}", recorded.name);
        silent += u32::from(event.observed.passkeys.is_none());
    }
    assert!(silent >= 2, "v1.3.1 shows no passkey nodes there");
}

/// Every secret and personal value of a whole `ctx`.
fn secrets(recorded: &Recorded) -> BTreeSet<String> {
    fn texts(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(into.insert(text.clone())),
            Value::Array(list) => list.iter().for_each(|one| texts(one, into)),
            Value::Object(object) => object.values().for_each(|one| texts(one, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let body = recorded.json();
    let mut found = BTreeSet::new();
    for part in ["/request_cookies", "/request_headers", "/identity/traits", "/identity/email", "/email"] {
        texts(body.pointer(part).unwrap_or(&Value::Null), &mut found);
    }
    for node in body.pointer("/flow/ui/nodes").and_then(Value::as_array).into_iter().flatten() {
        let attributes = &node["attributes"];
        if attributes["name"] == "csrf_token" || attributes["name"] == "traits.email" {
            texts(&attributes["value"], &mut found);
        }
    }
    found.into_iter().filter(|secret| secret.len() > 4).collect()
}

#[test]
fn no_cookie_trait_or_header_outlives_the_reading() {
    let mut checked = 0;
    for recorded in recordings::all() {
        let body = recorded.json();
        let entry = |parsed| {
            put_aside(
                recorded.hook,
                heard(),
                Unreadable::NoIdentity,
                parsed,
                recorded.body().as_bytes(),
                &keys(),
            )
        };
        let delivery = Delivery::read(recorded.hook, &body, &keys());
        let shown = format!("{:?} {:?} {delivery:?}", entry(Some(&body)), entry(None));
        for secret in secrets(&recorded) {
            assert!(!shown.contains(&secret), "{} shows {secret}", recorded.name);
            checked += 1;
        }
    }
    assert!(checked > 500, "only {checked} values were looked for");
}

#[test]
fn what_is_kept_of_a_recording_comes_to_the_same_event_but_for_its_identifiers() {
    for recorded in understood() {
        let entry = put_aside(
            recorded.hook,
            heard(),
            Unreadable::ContentType,
            Some(&recorded.json()),
            recorded.body().as_bytes(),
            &keys(),
        );
        let mut expected = Delivery::read(recorded.hook, &recorded.json(), &keys()).unwrap();
        expected.profile.identifiers = None;
        let replayed = replay(&entry.body, &entry.hook, heard(), &keys()).unwrap();
        assert_eq!(replayed, expected.into_event(heard()), "{}", recorded.name);
    }
}
