//! Whatever bytes an accepted sender delivers: an event or a reason, never a panic.
//!
//! The first byte picks the hook, the rest is the body. In this folder, after `mkdir -p corpus/payload`:
//! `cargo +nightly fuzz run payload corpus/payload seeds/payload -- -dict=payload.dict -max_len=65537`

#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use kratos_onboarding::onboarding::{DedupeKey, EventId, Method, PiiKey, PiiKeys, Record};
use kratos_onboarding::store::Kept;
use kratos_onboarding::webhook::{Delivery, Heard, Hook, Unreadable, put_aside, replay};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use uuid::Uuid;

static KEYS: LazyLock<PiiKeys> =
    LazyLock::new(|| PiiKeys::new(PiiKey::new(vec![7; 32]).expect("32 bytes are enough"), vec![]));

fn hook(byte: u8) -> Hook {
    let (kind, method) = (byte % 4, usize::from(byte / 4) % Method::ALL.len());
    let kinds = ["registration", "settings", "login"];
    let kind = kinds.get(usize::from(kind));
    kind.and_then(|kind| Hook::from_path(kind, Method::ALL[method].as_str()))
        .unwrap_or(Hook::POST_REGISTRATION)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let hook = hook(*first);
    let heard = Heard { id: EventId(Uuid::nil()), at: Timestamp::UNIX_EPOCH, dedupe: DedupeKey([0; 32]) };
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let why = match Delivery::parse(hook, body, &KEYS) {
        Ok(delivery) => {
            let event = delivery.into_event(heard);
            let (mut record, _) = Record::begin(&event);
            assert!(!record.apply(&event).is_change(), "told twice changes nothing");
            Unreadable::ContentType
        }
        Err(why) => why,
    };
    let entry = put_aside(hook, heard, why, parsed.as_ref(), body, &KEYS);
    assert_eq!(matches!(entry.body, Kept::None), body.is_empty());
    let again = replay(&entry.body, &entry.hook, heard, &KEYS);
    assert_eq!(again.is_ok(), why == Unreadable::ContentType, "what is kept reads as it did");
});
