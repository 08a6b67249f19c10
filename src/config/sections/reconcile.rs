use std::num::NonZeroU32;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::parse::{self, Units};
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::Reconcile;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReconcileFile {
    /// `true` or `false`: whether `serve` compares its records with Kratos's admin API in the background. Default: `true`
    /// where `kratos.admin_url` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = true)]
    enabled: Option<bool>,
    /// From the end of one pass to the begin of the next: a duration, numbers with the units `w`, `d`, `h`, `m` or `s`, such
    /// as `1h`; longer than nothing, at most ten years. The first begins within `jitter` of the start.
    #[schemars(example = &"1h")]
    every: String,
    /// Up to so much longer, at random, so that services that are started together do not ask together: a duration as
    /// above, or `none`.
    #[schemars(example = &"10m")]
    jitter: String,
    /// Identities of one answer, 1 to 500.
    #[schemars(example = 250)]
    page_size: u32,
    /// Questions a second that Kratos is asked at most, 1 to 1000.
    #[schemars(example = 10)]
    rate: u32,
}

impl Default for ReconcileFile {
    fn default() -> ReconcileFile {
        ReconcileFile {
            enabled: None,
            every: "1h".to_owned(),
            jitter: "10m".to_owned(),
            page_size: 250,
            rate: 10,
        }
    }
}

/// `can_ask`: there is a `kratos.admin_url`.
pub(super) fn read(reader: &mut Reader<'_>, can_ask: Option<bool>) -> Result<Reconcile, Noted> {
    let enabled = reader.optional("reconcile.enabled", |scalar| scalar.truth());
    let every = reader.required("reconcile.every", duration);
    let jitter = reader.required("reconcile.jitter", |scalar| match scalar {
        Scalar::Text(text) if text.trim() == "none" => Ok(SignedDuration::ZERO),
        scalar => duration(scalar),
    });
    let page_size = reader.required("reconcile.page_size", |scalar| positive(scalar, 500));
    let rate = reader.required("reconcile.rate", |scalar| positive(scalar, 1000));
    let enabled = enabled?;
    if enabled == Some(true) && can_ask == Some(false) {
        let refused = Refused::so_do(
            "is true, and there is nobody to ask: kratos.admin_url is not set",
            "set kratos.admin_url, or leave this out",
        );
        return Err(reader.refuse("reconcile.enabled", refused));
    }
    Ok(Reconcile {
        enabled: enabled.or(can_ask).unwrap_or(false),
        every: every?,
        jitter: jitter?,
        page_size: page_size?,
        rate: rate?,
    })
}

fn duration(scalar: &Scalar<'_>) -> Result<SignedDuration, Refused> {
    parse::duration(&scalar.written()?, Units::Calendar)
}

fn positive(scalar: &Scalar<'_>, most: u32) -> Result<NonZeroU32, Refused> {
    NonZeroU32::new(scalar.whole(1, most)?).ok_or_else(|| "is nothing".into())
}
