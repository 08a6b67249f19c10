//! One identity and what it holds, as a table shows it and as a script reads it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::reconcile::counts;
use super::super::terminal::harmless;
use crate::clock::Clock;
use crate::kratos::{HeldKey, KeyKind, Told};
use crate::onboarding::{Record, provider};
use crate::reconcile::{Counts, Found};

/// Of widths that are known before the first row is: the credential's id, of any length, comes last.
pub(super) const HEAD: [&str; 8] =
    ["IDENTITY", "KIND", "NAME", "PROVIDER", "ADDED", "BACKED UP", "LAST WAY", "CREDENTIAL"];
const WIDTHS: [usize; 8] = [36, 12, 20, 24, 20, 9, 8, 0];

/// What Kratos says of an identity, and what is believed here.
pub(super) struct Row<'a> {
    pub told: &'a Told,
    pub record: Option<&'a Record>,
    pub clock: &'a Clock,
}

impl Row<'_> {
    pub fn difference(&self) -> Option<String> {
        Found::compare(self.record, self.told, self.clock).map(|found| found.in_words())
    }

    pub fn json(&self) -> Value {
        let Told { identity, held } = self.told;
        json!({
            "identity_id": identity,
            "kratos": {
                "passkeys": held.passkeys,
                "security_keys": held.security_keys,
                "changed_at": held.changed_at,
                "complete": held.keys_are_all,
            },
            "here": self.record.map(|record| json!({
                "stage": record.stage(),
                "counts": counts(Counts::of(record)),
                "since": record.passkeys.as_of(),
            })),
            "difference": self.difference(),
            "keys": held.keys.iter().map(|key| json!({
                "credential": hex::encode(&key.id),
                "kind": key.kind,
                "name": key.name,
                "provider": key.aaguid.and_then(provider),
                "aaguid": key.aaguid,
                "added_at": key.added_at,
                "backed_up": key.backed_up,
                "signs_in": key.signs_in,
                "last_way_to_sign_in": held.is_last_way(key),
            })).collect::<Vec<_>>(),
        })
    }

    /// A line a key, then what is believed here.
    pub fn table(&self) -> String {
        let Told { identity, held } = self.told;
        let mut text = String::new();
        for key in &held.keys {
            let last = match held.is_last_way(key) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "perhaps",
            };
            text.push_str(&line(&[
                &identity.to_string(),
                kind(key),
                &harmless(key.name.as_deref().unwrap_or("-")).replace('\n', " "),
                &keeper(key),
                &key.added_at.map_or("-".to_owned(), date),
                key.backed_up.map_or("-", |is| if is { "yes" } else { "no" }),
                last,
                &hex::encode(&key.id),
            ]));
        }
        if held.keys.is_empty() {
            text.push_str(&line(&[&identity.to_string(), "none"]));
        }
        text.push_str(&format!("  {}\n", self.believed()));
        if let Some(difference) = self.difference() {
            text.push_str(&format!("  DIFFERENT: {difference}\n"));
        }
        if !held.keys_are_all {
            text.push_str("  there may be more: not all that Kratos tells can be read\n");
        }
        text
    }

    fn believed(&self) -> String {
        believed(self.record)
    }
}

/// What is believed here.
pub(super) fn believed(record: Option<&Record>) -> String {
    let Some(record) = record else { return "here: nothing is known".to_owned() };
    let since = record.passkeys.as_of().map(|since| format!(", as of {}", date(since))).unwrap_or_default();
    format!("here: {}, {}{since}", record.stage().as_str(), Counts::of(record))
}

pub(super) fn kind(key: &HeldKey) -> &'static str {
    match key.kind {
        KeyKind::Passkey => "passkey",
        KeyKind::SecurityKey if key.signs_in => "security key",
        KeyKind::SecurityKey => "2nd factor",
    }
}

/// Who keeps it, or the id of a kind that we do not know.
pub(super) fn keeper(key: &HeldKey) -> String {
    match key.aaguid {
        Some(aaguid) if !aaguid.is_nil() => {
            provider(aaguid).map_or_else(|| aaguid.to_string(), |provider| provider.name.to_owned())
        }
        _ => "-".to_owned(),
    }
}

pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Two spaces apart; what is wider than its column moves the rest.
pub(super) fn line(cells: &[&str]) -> String {
    let padded = cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
}
