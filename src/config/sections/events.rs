use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Host;

use super::webhook::signing_secret;
use crate::config::address::is_public;
use crate::config::parse::{self, Units};
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{EventReceiver, Events, ReceiverUrl};
use crate::onboarding::{ReceiverName, Stage};

/// A try holds one of a receiver's few places.
const LONGEST_TRY: SignedDuration = SignedDuration::from_mins(1);
const MOST_TRIES: usize = 30;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsFile {
    /// Who is told of transitions: a name for each, such as `crm`, and below it where and how. Without anybody nothing is
    /// kept for them.
    receivers: BTreeMap<String, ReceiverFile>,
    /// `true` or `false`: whether a receiver may be at a private, loopback, link-local or otherwise not public address, and
    /// be spoken to without TLS. An address is looked at when it is connected to.
    #[schemars(example = false)]
    allow_private_addresses: bool,
    /// How long a receiver may take to answer: a duration, numbers with the units `m`, `s` or `ms`, such as `15s`; longer
    /// than nothing, at most a minute.
    #[schemars(example = &"15s")]
    timeout: String,
    /// A list of 1 to 30 pauses before the second, third, … try of an event that a receiver did not take; each is up to a
    /// fifth shorter or longer, at random. After the last try it is a dead letter. Durations: numbers with the units `w`,
    /// `d`, `h`, `m`, `s` or `ms`, such as `5m`.
    #[schemars(example = ["5s", "30s", "5m"])]
    retry_pauses: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiverFile {
    /// Where events are posted: an https URL without user name or password, at a public address; with
    /// `events.allow_private_addresses` http and any address too. Messages do not show it: some hold a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true), example = "https://crm.example.org/hooks/onboarding")]
    url: Option<String>,
    /// A list of Standard Webhooks secrets, `whsec_` and base64 of 24 to 64 bytes each. Each of them signs, so a new one
    /// can be there before the old one goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("writeOnly" = true), example = ["whsec_BASE64-OF-32-RANDOM-BYTES"])]
    secrets: Vec<String>,
    /// Path of a file with the values of `secrets`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-events-crm")]
    secrets_file: Option<String>,
    /// A list of the stages that are told when somebody comes to them: `waiting`, `offered`, `started`, `postponed`,
    /// `dismissed`, `enrolled`, `gone`. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["enrolled", "gone"])]
    stages: Option<Vec<String>>,
}

impl Default for EventsFile {
    fn default() -> EventsFile {
        EventsFile {
            receivers: BTreeMap::new(),
            allow_private_addresses: false,
            timeout: "15s".to_owned(),
            retry_pauses: ["5s", "30s", "5m", "30m", "2h", "5h", "10h", "10h"].map(str::to_owned).into(),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Events, Noted> {
    let private = reader.required("events.allow_private_addresses", |scalar| scalar.truth());
    let timeout = reader.required("events.timeout", |scalar| match duration(scalar)? {
        longer if longer > LONGEST_TRY => Err("is longer than a minute".into()),
        timeout => Ok(Duration::try_from(timeout).unwrap_or_default()),
    });
    let retry_pauses = reader.list("events.retry_pauses", duration);
    let receivers =
        reader.entries::<ReceiverName, _>("events.receivers", |reader, path| receiver(reader, path, private));
    let retry_pauses = retry_pauses?;
    if retry_pauses.is_empty() || retry_pauses.len() > MOST_TRIES {
        let problem = format!("has {} pauses; 1 to {MOST_TRIES} are allowed", retry_pauses.len());
        return Err(reader.refuse("events.retry_pauses", problem.into()));
    }
    Ok(Events { receivers: receivers?, allow_private_addresses: private?, timeout: timeout?, retry_pauses })
}

fn receiver(
    reader: &mut Reader<'_>,
    path: &str,
    private: Result<bool, Noted>,
) -> Result<EventReceiver, Noted> {
    let at = |name: &str| format!("{path}.{name}");
    // Where it is not known whether private addresses are allowed, that is the mistake to mend.
    let url = reader.required(&at("url"), |scalar| url(scalar, private.unwrap_or(true)));
    let secrets = reader.secrets(&at("secrets"), signing_secret);
    let stages = stages(reader, &at("stages"));
    let secrets = secrets?;
    if secrets.is_empty() {
        let refused = Refused::so_do(
            "is not set: the receiver could not tell our events from anybody's",
            "make one with `openssl rand -base64 32`, put `whsec_` in front, and give the receiver the same",
        );
        return Err(reader.missing(&at("secrets"), refused));
    }
    Ok(EventReceiver { url: url?, secrets, stages: stages? })
}

fn url(scalar: &Scalar<'_>, private: bool) -> Result<ReceiverUrl, Refused> {
    let url = parse::receiver_url(scalar.text()?)?;
    if private {
        return Ok(ReceiverUrl(url));
    }
    let allow = "use a public https URL, or set events.allow_private_addresses to true";
    if url.scheme() != "https" {
        return Err(Refused::so_do("is not an https URL", allow));
    }
    let is_private = match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(name)) => is_localhost(name),
        None => true,
    };
    if is_private {
        return Err(Refused::so_do("names an address that is not public", allow));
    }
    Ok(ReceiverUrl(url))
}

/// RFC 6761, section 6.3.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

fn stages(reader: &mut Reader<'_>, path: &str) -> Result<Option<BTreeSet<Stage>>, Noted> {
    if !reader.is_set(path) {
        return Ok(None);
    }
    let stages: BTreeSet<Stage> = reader.list(path, |scalar| stage(scalar.text()?))?.into_iter().collect();
    if stages.is_empty() {
        let refused = Refused::so_do("is empty", "leave it out to mean all, or remove the receiver");
        return Err(reader.refuse(path, refused));
    }
    Ok(Some(stages))
}

fn stage(text: &str) -> Result<Stage, Refused> {
    let known = Stage::ALL.into_iter().find(|stage| stage.as_str() == text);
    known.ok_or_else(|| "is not a stage".into())
}

fn duration(scalar: &Scalar<'_>) -> Result<SignedDuration, Refused> {
    parse::duration(&scalar.written()?, Units::Calendar)
}
