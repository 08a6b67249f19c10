//! What the page sends with a report.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::envelope::{BodyError, Fields};
use crate::onboarding::{AttemptId, ExceptionName, FailureKind, PageAction};

/// A day.
const LONGEST_DURATION: u64 = 86_400_000;
const KINDS: &str = "one of timeout, no_gesture, already_registered, config, network, kratos, \
                     privilege_not_gained, unsupported, unknown";

/// All fields are optional but `kind`, which `failed` and `unavailable` need. An empty body is `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
pub struct Report {
    /// One try at a ceremony, named by the page.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub attempt_id: Option<AttemptId>,
    pub device: Option<Device>,
    #[schema(maximum = 86400000)]
    pub duration_ms: Option<u32>,
    /// Why it did not end in a passkey.
    pub kind: Option<FailureKind>,
    /// Name of the DOMException.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{1,64}$")]
    pub exception: Option<ExceptionName>,
}

/// What the device can do; null where the browser does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
pub struct Device {
    /// A passkey can be kept on this device.
    pub platform: Option<bool>,
    /// A phone can be used instead.
    pub hybrid: Option<bool>,
}

impl Report {
    /// Fields it does not know are ignored: pages are newer than services.
    pub fn parse(body: &[u8], action: PageAction) -> Result<Report, BodyError> {
        let body = Fields::parse(body)?;
        let milliseconds = "a whole number of milliseconds from 0 to 86400000, or null";
        let report = Report {
            attempt_id: body
                .text("attempt_id", "1 to 64 of A-Z a-z 0-9 _ -, or null", |id| id.parse().ok())?,
            device: device(&body)?,
            duration_ms: body
                .whole("duration_ms", LONGEST_DURATION, milliseconds)?
                .and_then(|ms| u32::try_from(ms).ok()),
            kind: body.text("kind", KINDS, failure_kind)?,
            exception: body
                .text("exception", "1 to 64 letters and digits, or null", |name| name.parse().ok())?,
        };
        let needs_kind = matches!(action, PageAction::Failed | PageAction::Unavailable);
        if needs_kind && report.kind.is_none() {
            return Err(BodyError::Field { field: "kind", given: "nothing", allowed: KINDS });
        }
        Ok(report)
    }
}

fn failure_kind(name: &str) -> Option<FailureKind> {
    FailureKind::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name)).ok()
}

fn device(body: &Fields) -> Result<Option<Device>, BodyError> {
    let Some(device) = body.object("device")? else { return Ok(None) };
    Ok(Some(Device {
        platform: device.truth("platform", "device.platform")?,
        hybrid: device.truth("hybrid", "device.hybrid")?,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str) -> Result<Report, String> {
        Report::parse(body.as_bytes(), PageAction::Started).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_report_is_understood() {
        let body = r#"{"attempt_id":"a-1","device":{"platform":true,"hybrid":null},"duration_ms":86400000,
            "kind":"no_gesture","exception":"NotAllowedError","later":{"than":"this"}}"#;
        let report = parse(body).unwrap();
        assert_eq!(report.attempt_id.unwrap().as_str(), "a-1");
        assert_eq!(report.device, Some(Device { platform: Some(true), hybrid: None }));
        assert_eq!((report.duration_ms, report.kind), (Some(86_400_000), Some(FailureKind::NoGesture)));
        assert_eq!(parse(""), Ok(Report::default()));
        assert_eq!(parse(" {} "), Ok(Report::default()));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        for (body, expected) in [
            (
                r#"{"device":{"platform":"secret"}}"#,
                "device.platform: given a text; allowed: true, false or null",
            ),
            (r#"{"device":[]}"#, "device: given an array; allowed: an object or null"),
            (r#"{"attempt_id":"secret secret"}"#, "attempt_id: given another text;"),
            (r#"{"duration_ms":86400001}"#, "duration_ms: given a larger number;"),
            (r#"{"duration_ms":-1}"#, "duration_ms: given a number;"),
            (r#"{"duration_ms":1.5}"#, "duration_ms: given a number;"),
            (r#"{"kind":"secret"}"#, "kind: given another text; allowed: one of timeout,"),
            (r#"{"exception":7}"#, "exception: given a number;"),
            ("[]", "body: given an array; allowed: an object"),
            ("secret", "The body is not valid JSON (line 1, column 1)."),
        ] {
            let said = parse(body).unwrap_err();
            assert!(said.starts_with(expected), "{body}: {said}");
            assert!(!said.contains("secret"));
        }
    }

    #[test]
    fn a_failure_needs_its_kind() {
        for action in [PageAction::Failed, PageAction::Unavailable] {
            assert!(Report::parse(b"{}", action).unwrap_err().to_string().starts_with("kind: given nothing"));
            assert!(Report::parse(br#"{"kind":"timeout"}"#, action).is_ok());
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Report::parse(&body, PageAction::Failed);
        }

        #[test]
        fn no_value_of_a_field_panics(field in "attempt_id|device|duration_ms|kind|exception", value in "[ -~]{0,40}") {
            let _ = Report::parse(format!("{{\"{field}\":{value}}}").as_bytes(), PageAction::Started);
        }
    }
}
