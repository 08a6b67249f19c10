use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::parse::{self, Units};
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::onboarding::{
    Cohort, CohortName, IdentityId, Method, NameError, Policy, Requirement, SchemaId, Share,
};

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
    /// The pause after a ceremony failed: a duration as above, or `none`: a device that cannot says nothing against the
    /// account.
    #[schemars(example = &"none")]
    failed_pause: String,
    /// The pause after the last passkey was removed: a duration, numbers with the units `w`, `d`, `h`, `m` or `s`, such
    /// as `90d`, longer than nothing, at most ten years; or `never`: whoever removed it is not asked again.
    #[schemars(example = "90d")]
    removed_pause: String,
    /// From which offer on, counted from 1, people can say "don't ask again": 1 to 1000, or `never`.
    #[schemars(example = 2)]
    dismiss_from_offer: DismissFrom,
    /// A list of identity ids that are never asked: machines, shared accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["5eddbeec-b3d3-4769-ad6d-07e5374f94b7"])]
    denied: Vec<String>,
    /// Path of a file with the values of `policy.denied`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/etc/kratos-onboarding/denied")]
    denied_file: Option<String>,
    /// How many of the people are offered a passkey: `0%` to `100%`, with two decimals at most. Always the same ones;
    /// a larger share adds people and takes none out.
    #[schemars(example = "25%")]
    rollout: String,
    /// How many of the people are left out to compare with: `0%` to `100%`, with two decimals at most. Always the same
    /// ones, drawn apart from `policy.rollout`.
    #[schemars(example = "5%")]
    hold_out: String,
    /// Of whom a passkey is required: a name for each cohort, such as `staff`, and below it who and by when.
    required: BTreeMap<String, RequirementFile>,
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
pub struct RequirementFile {
    /// From when on these people are told that a passkey is required: an instant of RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2027-01-01T00:00:00Z")]
    from: Option<String>,
    /// Until when it can still be skipped: an instant of RFC 3339, not before `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2027-03-01T00:00:00Z")]
    by: Option<String>,
    /// Nobody has to sooner than this after they registered: a duration, numbers with the units `w`, `d`, `h`, `m` or
    /// `s`, such as `14d`, at most ten years; or `none`, the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "14d")]
    grace: Option<String>,
    /// A list of ids of identity schemas. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["staff"])]
    schemas: Option<Vec<String>>,
    /// A list of registration methods, as in `policy.registration_methods`. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["password"])]
    registration_methods: Option<Vec<String>>,
    /// Only who registered then or later: an instant of RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2026-06-01T00:00:00Z")]
    registered_from: Option<String>,
    /// Only who registered before then: an instant of RFC 3339, after `registered_from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2027-01-01T00:00:00Z")]
    registered_before: Option<String>,
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
            failed_pause: policy.failed_pause.as_ref().map_or_else(|| "none".to_owned(), written),
            removed_pause: policy.removed_pause.as_ref().map_or_else(|| "never".to_owned(), written),
            dismiss_from_offer: policy
                .dismiss_from_offer
                .map_or(DismissFrom::Word(Never::Never), DismissFrom::Offer),
            denied: Vec::new(),
            denied_file: None,
            rollout: policy.rollout.to_string(),
            hold_out: policy.hold_out.to_string(),
            required: BTreeMap::new(),
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
    let enabled = reader.required("policy.enabled", |scalar| scalar.truth());
    let registration_methods = subset(reader, "policy.registration_methods", registration_method);
    let schemas = subset(reader, "policy.schemas", schema);
    let max_offers = reader.required("policy.max_offers", |scalar| scalar.whole(1, 1000));
    let skip_pauses = reader.list("policy.skip_pauses", pause);
    let cancelled_pause = reader.required("policy.cancelled_pause", pause);
    let failed_pause = reader.required("policy.failed_pause", |scalar| pause_or(scalar, "none"));
    let removed_pause = reader.required("policy.removed_pause", |scalar| pause_or(scalar, "never"));
    let dismiss_from_offer = reader.required("policy.dismiss_from_offer", |scalar| match scalar {
        Scalar::Text("never") => Ok(None),
        number => number.whole(1, 1000).map(Some),
    });
    let denied = reader.secrets("policy.denied", |scalar| {
        scalar.text()?.parse::<IdentityId>().map_err(|error| error.to_string().into())
    });
    let rollout = reader.required("policy.rollout", share);
    let hold_out = reader.required("policy.hold_out", share);
    let required = reader.entries::<CohortName, _>("policy.required", requirement);
    let skip_pauses = skip_pauses?;
    if skip_pauses.is_empty() {
        return Err(reader.refuse("policy.skip_pauses", "is empty".into()));
    }
    Ok(Policy {
        enabled: enabled?,
        registration_methods: registration_methods?,
        schemas: schemas?,
        denied: denied?.into_iter().collect(),
        rollout: rollout?,
        hold_out: hold_out?,
        max_offers: max_offers?,
        skip_pauses,
        cancelled_pause: cancelled_pause?,
        failed_pause: failed_pause?,
        removed_pause: removed_pause?,
        dismiss_from_offer: dismiss_from_offer?,
        required: required?,
        ..Policy::default()
    })
}

pub(super) fn denied_file(reader: &mut Reader<'_>) -> Result<Option<PathBuf>, Noted> {
    reader.optional("policy.denied_file", |scalar| scalar.text().map(PathBuf::from))
}

fn registration_method(text: &str) -> Result<Method, Refused> {
    let known = Method::ALL.into_iter().find(|method| method.as_str() == text);
    known.ok_or_else(|| "is not a registration method of Kratos".into())
}

fn schema(text: &str) -> Result<SchemaId, Refused> {
    text.parse().map_err(|error: NameError| error.to_string().into())
}

fn pause(scalar: &Scalar<'_>) -> Result<SignedDuration, Refused> {
    parse::duration(&scalar.written()?, Units::Calendar)
}

fn pause_or(scalar: &Scalar<'_>, word: &str) -> Result<Option<SignedDuration>, Refused> {
    match scalar {
        Scalar::Text(text) if text.trim() == word => Ok(None),
        duration => pause(duration).map(Some),
    }
}

fn instant(scalar: &Scalar<'_>) -> Result<Timestamp, Refused> {
    scalar.text()?.parse().map_err(|_| "is not an instant of RFC 3339".into())
}

/// Digits, two decimals at most, and the sign: `0.5` alone could be a half or half a percent.
fn share(scalar: &Scalar<'_>) -> Result<Share, Refused> {
    let written = scalar.written()?;
    let Some(number) = written.strip_suffix('%') else { return Err("has no % at the end".into()) };
    let (whole, decimals) = number.trim_end().split_once('.').unwrap_or((number.trim_end(), "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
        return Err("is not a percentage with two decimals at most".into());
    }
    let points = format!("{whole}{decimals:0<2}").parse::<u16>().ok().and_then(Share::of_basis_points);
    points.ok_or_else(|| "is more than 100%".into())
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

fn requirement(reader: &mut Reader<'_>, path: &str) -> Result<Requirement, Noted> {
    let at = |name: &str| format!("{path}.{name}");
    let from = reader.required(&at("from"), instant);
    let by = reader.required(&at("by"), instant);
    let grace = reader.optional(&at("grace"), |scalar| pause_or(scalar, "none"));
    let schemas = subset(reader, &at("schemas"), schema);
    let registration_methods = subset(reader, &at("registration_methods"), registration_method);
    let registered_from = reader.optional(&at("registered_from"), instant);
    let registered_before = reader.optional(&at("registered_before"), instant);
    let (from, by, registered_from, registered_before) = (from?, by?, registered_from?, registered_before?);
    if by < from {
        return Err(reader.refuse(&at("by"), format!("is before {path}.from").into()));
    }
    if let (Some(first), Some(end)) = (registered_from, registered_before)
        && end <= first
    {
        let problem = format!("is not after {path}.registered_from: nobody would be meant");
        return Err(reader.refuse(&at("registered_before"), problem.into()));
    }
    let cohort = Cohort {
        schemas: schemas?,
        registration_methods: registration_methods?,
        registered_from,
        registered_before,
    };
    Ok(Requirement { cohort, from, by, grace: grace?.flatten().unwrap_or_default() })
}
