//! How recent a sign-in has to be, and which factors it needs.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &PRIVILEGED_AGE_NOT_A_DURATION,
    &PRIVILEGED_AGE_ZERO,
    &PRIVILEGED_AGE_SHORT,
    &PRIVILEGED_AGE_DIFFERS,
    &REQUIRED_AAL_UNKNOWN,
    &REQUIRED_AAL_LOWERED,
    &SESSION_SHORTER_THAN_PRIVILEGE,
];

const TOO_OLD: &str = "session_refresh_required";
const TOO_OLD_TEXT: &str =
    "The login session is too old and thus not allowed to update these fields. Please re-authenticate.";

pub static PRIVILEGED_AGE_NOT_A_DURATION: Explanation = Explanation {
    code: "privileged-age-not-a-duration",
    severity: Error,
    title: "`privileged_session_max_age` is no duration",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "It is text: whole numbers with the units `ns`, `us`, `ms`, `s`, `m`, `h`. Days are not a unit, and a number alone is not text.",
    mend: "Write it with a unit.",
    example: "selfservice:\n  flows:\n    settings:\n      privileged_session_max_age: 1h",
    errors: &["expected string, but got number", "does not match pattern \"^([0-9]+(ns|us|ms|s|m|h))+$\""],
    observed: V26,
    stops_start: true,
};

pub static PRIVILEGED_AGE_ZERO: Explanation = Explanation {
    code: "privileged-age-zero",
    severity: Error,
    title: "`privileged_session_max_age: 0s` refuses every change for ever",
    sees: "Adding a passkey gets 403, also right after signing in; a page that sends people to sign in again does so in a loop.",
    why: "A sign-in counts while it is younger than this. Nothing is younger than no time at all.",
    mend: "Write `1h`, or what your policy says, but not nothing.",
    example: "selfservice:\n  flows:\n    settings:\n      privileged_session_max_age: 1h",
    errors: &[TOO_OLD, TOO_OLD_TEXT],
    observed: V26,
    stops_start: false,
};

pub static PRIVILEGED_AGE_SHORT: Explanation = Explanation {
    code: "privileged-age-short",
    severity: Warning,
    title: "`privileged_session_max_age` is short for people",
    sees: "Whoever reads the page before they decide has to sign in again, right after they registered.",
    why: "Adding a passkey needs a sign-in younger than this. Registering, reading the offer and finding the sensor takes some minutes.",
    mend: "15 minutes are kind, an hour is what Kratos has by itself. Set `kratos.privileged_session_max_age` of the service to the same.",
    example: "selfservice:\n  flows:\n    settings:\n      privileged_session_max_age: 15m",
    errors: &[TOO_OLD, TOO_OLD_TEXT],
    observed: V26,
    stops_start: false,
};

pub static PRIVILEGED_AGE_DIFFERS: Explanation = Explanation {
    code: "privileged-age-differs",
    severity: Error,
    title: "The service believes in another `privileged_session_max_age` than Kratos",
    sees: "If the service believes in a longer one, people touch the sensor and then get a 403. If in a shorter one, they sign in again \
           without need.",
    why: "The page looks at the clock before the person touches the sensor, by `kratos.privileged_session_max_age` of the service; Kratos \
          judges afterwards, by its own.",
    mend: "Write the same in both. Without the setting Kratos has `1h`.",
    example: "# in the settings of the service\nkratos:\n  privileged_session_max_age: 1h",
    errors: &[TOO_OLD],
    observed: V26,
    stops_start: false,
};

pub static REQUIRED_AAL_UNKNOWN: Explanation = Explanation {
    code: "required-aal-unknown",
    severity: Error,
    title: "`required_aal` is set to a level that does not exist",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "There are `aal1` and `highest_available`. `aal2` is what a session has, not what can be demanded here.",
    mend: "Write `highest_available`.",
    example: "required_aal: highest_available",
    errors: &[
        "value must be one of \"aal1\", \"highest_available\"",
        "doesn't validate with \"#/definitions/featureRequiredAal\"",
    ],
    observed: V26,
    stops_start: true,
};

pub static REQUIRED_AAL_LOWERED: Explanation = Explanation {
    code: "required-aal-lowered",
    severity: Warning,
    title: "`required_aal: aal1` does not help against \"your session is too old\"",
    sees: "The 403 `session_refresh_required` stays. And whoever has the password alone gets past a second factor here.",
    why: "`required_aal` is about second factors, and answers 403 `session_aal2_required`. How old a sign-in may be is \
          `privileged_session_max_age`, and nothing else. With a second factor enabled, `aal1` takes a protection away from people who have one.",
    mend: "Write `highest_available`. Against the 403 sign in again with `refresh=true`, or make `privileged_session_max_age` longer.",
    example: "required_aal: highest_available",
    errors: &["session_aal2_required", TOO_OLD],
    observed: "Kratos v1.3.1 to v26.2.0",
    stops_start: false,
};

pub static SESSION_SHORTER_THAN_PRIVILEGE: Explanation = Explanation {
    code: "session-shorter-than-privilege",
    severity: Note,
    title: "Sessions end before their privilege does",
    sees: "Nothing.",
    why: "`session.lifespan` is shorter than `privileged_session_max_age`: every session there is may change credentials.",
    mend: "Nothing, if that is meant.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};
