use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::parse::{self, Units};
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::onboarding::{Method, Policy, Requirement, SchemaId};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyFile {
    /// `true` or `false`; `false` pauses every offer.
    #[schemars(example = true)]
    enabled: bool,
    /// A list of the registration methods whose people are offered a passkey: `password`, `oidc`, `saml`, `code`,
    /// `link`, `webauthn`, `passkey`, `totp`, `lookup_secret`, `profile`, `deviceauthn`, `identifier_first`, `other`.
    /// Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["password", "oidc"])]
    registration_methods: Option<Vec<String>>,
    /// A list of the ids of the identity schemas whose people are offered a passkey, 1 to 255 characters each.
    /// Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["person"])]
    schemas: Option<Vec<String>>,
    /// How often a person is offered a passkey at most, 1 to 1000.
    #[schemars(example = 4)]
    max_offers: u32,
    /// A list of pauses after the first, second, … skip; the last holds for all further ones. Durations: numbers with
    /// the units `w`, `d`, `h`, `m` or `s`, such as `14d`; longer than nothing, at most ten years.
    #[schemars(example = ["14d", "30d", "90d"])]
    skip_pauses: Vec<String>,
    /// The pause after the browser's dialogue was cancelled: a duration, numbers with the units `w`, `d`, `h`, `m` or
    /// `s`, such as `24h`; longer than nothing, at most ten years.
    #[schemars(example = "24h")]
    cancelled_pause: String,
    /// The pause after the last passkey was removed: a duration, numbers with the units `w`, `d`, `h`, `m` or `s`, such
    /// as `90d`; longer than nothing, at most ten years.
    #[schemars(example = "90d")]
    removed_pause: String,
    /// From which offer on, counted from 1, people can say "don't ask again": 1 to 1000, or `never`.
    #[schemars(example = 2)]
    dismiss_from_offer: DismissFrom,
    /// When a passkey is required; by default never.
    required: RequiredFile,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum DismissFrom {
    Offer(u32),
    Word(Never),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Never {
    Never,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequiredFile {
    /// From when on people are told that a passkey is required: an instant of RFC 3339, with `policy.required.by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2027-01-01T00:00:00Z")]
    from: Option<String>,
    /// Until when it can still be skipped: an instant of RFC 3339, not before `policy.required.from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2027-03-01T00:00:00Z")]
    by: Option<String>,
}

impl Default for PolicyFile {
    fn default() -> PolicyFile {
        let policy = Policy::default();
        PolicyFile {
            enabled: policy.enabled,
            registration_methods: None,
            schemas: None,
            max_offers: policy.max_offers,
            skip_pauses: policy.skip_pauses.iter().map(written).collect(),
            cancelled_pause: written(&policy.cancelled_pause),
            removed_pause: written(&policy.removed_pause),
            dismiss_from_offer: policy
                .dismiss_from_offer
                .map_or(DismissFrom::Word(Never::Never), DismissFrom::Offer),
            required: RequiredFile::default(),
        }
    }
}

/// As a person would write it.
fn written(duration: &SignedDuration) -> String {
    match duration.as_secs() {
        seconds if seconds % 86_400 == 0 && seconds > 86_400 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds => format!("{seconds}s"),
    }
}

/// `enrol` and `privileged_session_max_age` stand elsewhere in the file: here they keep their defaults.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Policy, Noted> {
    let pause = |scalar: &Scalar<'_>| parse::duration(&scalar.written()?, Units::Calendar);
    let enabled = reader.required("policy.enabled", |scalar| scalar.truth());
    let registration_methods = subset(reader, "policy.registration_methods", |text| {
        let known = Method::ALL.into_iter().find(|method| method.as_str() == text);
        known.ok_or_else(|| "is not a registration method of Kratos".into())
    });
    let schemas = subset(reader, "policy.schemas", |text| {
        text.parse::<SchemaId>().map_err(|error| error.to_string().into())
    });
    let max_offers = reader.required("policy.max_offers", |scalar| scalar.whole(1, 1000));
    let skip_pauses = reader.list("policy.skip_pauses", pause);
    let cancelled_pause = reader.required("policy.cancelled_pause", pause);
    let removed_pause = reader.required("policy.removed_pause", pause);
    let dismiss_from_offer = reader.required("policy.dismiss_from_offer", |scalar| match scalar {
        Scalar::Text("never") => Ok(None),
        number => number.whole(1, 1000).map(Some),
    });
    let required = requirement(reader);
    let skip_pauses = skip_pauses?;
    if skip_pauses.is_empty() {
        return Err(reader.refuse("policy.skip_pauses", "is empty".into()));
    }
    Ok(Policy {
        enabled: enabled?,
        registration_methods: registration_methods?,
        schemas: schemas?,
        max_offers: max_offers?,
        skip_pauses,
        cancelled_pause: cancelled_pause?,
        removed_pause: removed_pause?,
        dismiss_from_offer: dismiss_from_offer?,
        required: required?,
        ..Policy::default()
    })
}

/// `None` when not set, which is everything; an empty list would be nothing, and is refused.
fn subset<T: Ord>(
    reader: &mut Reader<'_>,
    path: &str,
    parse: impl Fn(&str) -> Result<T, Refused>,
) -> Result<Option<BTreeSet<T>>, Noted> {
    if !reader.is_set(path) {
        return Ok(None);
    }
    let items: BTreeSet<T> = reader.list(path, |scalar| parse(scalar.text()?))?.into_iter().collect();
    if items.is_empty() {
        let refused = Refused::so_do(
            "is empty",
            "leave it out to mean all, or set policy.enabled to false to mean nobody",
        );
        return Err(reader.refuse(path, refused));
    }
    Ok(Some(items))
}

fn requirement(reader: &mut Reader<'_>) -> Result<Option<Requirement>, Noted> {
    let instant = |scalar: &Scalar<'_>| {
        let parsed = scalar.text()?.parse::<Timestamp>();
        parsed.map_err(|_| Refused::from("is not an instant of RFC 3339"))
    };
    let from = reader.optional("policy.required.from", instant);
    let by = reader.optional("policy.required.by", instant);
    match (from?, by?) {
        (None, None) => Ok(None),
        (Some(from), Some(by)) if from <= by => Ok(Some(Requirement { from, by })),
        (Some(_), Some(_)) => {
            Err(reader.refuse("policy.required.by", "is before policy.required.from".into()))
        }
        (Some(_), None) => {
            Err(reader.refuse("policy.required.by", "is not set, but policy.required.from is".into()))
        }
        (None, Some(_)) => {
            Err(reader.refuse("policy.required.from", "is not set, but policy.required.by is".into()))
        }
    }
}
