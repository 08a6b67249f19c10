//! What a running Kratos and a running service say.

use super::{Explanation, SERVICE, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &LIVE_PUBLIC_UNREACHABLE,
    &LIVE_ADMIN_UNREACHABLE,
    &LIVE_NOT_KRATOS,
    &LIVE_VERSION,
    &LIVE_HOOK_UNREACHABLE,
    &LIVE_HOOK_REFUSED,
    &LIVE_CLOCK_SKEW,
    &LIVE_PRIVILEGED_AGE,
    &LIVE_CORS,
    &LIVE_NOT_CHECKED,
];

pub static LIVE_PUBLIC_UNREACHABLE: Explanation = Explanation {
    code: "live-public-unreachable",
    severity: Error,
    title: "Kratos's public API cannot be reached",
    sees: "The service answers 503 to the page; nothing can be offered.",
    why: "The service asks Kratos's public API who is signed in, and browsers speak to it.",
    mend: "Start Kratos, or correct the address. From another machine than the service's the way may be closed, which is no mistake.",
    example: "",
    errors: &["connection refused", "kratos_unreachable"],
    observed: SERVICE,
    stops_start: false,
};

pub static LIVE_ADMIN_UNREACHABLE: Explanation = Explanation {
    code: "live-admin-unreachable",
    severity: Error,
    title: "Kratos's admin API cannot be reached",
    sees: "Which passkeys somebody has stays unknown until the next hook.",
    why: "The service asks the admin API which passkeys a person has.",
    mend: "Correct `kratos.admin_url`. From another machine than the service's the way may be closed, which is how it should be.",
    example: "",
    errors: &["connection refused"],
    observed: SERVICE,
    stops_start: false,
};

pub static LIVE_NOT_KRATOS: Explanation = Explanation {
    code: "live-not-kratos",
    severity: Error,
    title: "What answers at this address is not Kratos",
    sees: "The page cannot be told who is signed in.",
    why: "`/health/alive` and `/version` did not answer as Kratos does.",
    mend: "Correct the address; a proxy in front may need its path.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static LIVE_VERSION: Explanation = Explanation {
    code: "live-version",
    severity: Note,
    title: "The version of Kratos is old, or not known",
    sees: "Nothing.",
    why: "This service was tried with v1.3.1, v25.4 and v26.2.0.",
    mend: "Nothing, unless something behaves otherwise than written here.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static LIVE_HOOK_UNREACHABLE: Explanation = Explanation {
    code: "live-hook-unreachable",
    severity: Error,
    title: "Nothing of ours answers where a hook goes",
    sees: "Nothing: with `ignore: true` the registration succeeds and nobody notices. If the hook does not ignore the answer, the person gets an \
           error although their identity is stored.",
    why: "The address of the hook was asked from this machine. Kratos may run on another one and see another network.",
    mend: "Start the service, or correct the address of the hook.",
    example: "",
    errors: &[
        "giving up after 3 attempt(s)",
        "connect: connection refused",
        "no such host",
        "tls: failed to verify certificate",
    ],
    observed: V26,
    stops_start: false,
};

pub static LIVE_HOOK_REFUSED: Explanation = Explanation {
    code: "live-hook-refused",
    severity: Error,
    title: "The service does not accept the hook's key",
    sees: "Nothing: the service answers 401, which Kratos does not try again.",
    why: "An empty request with the hook's own credentials was refused.",
    mend: "List the key in `webhook.api_keys` of the service, or write one that is listed.",
    example: "",
    errors: &["webhook failed with status code 401"],
    observed: SERVICE,
    stops_start: false,
};

pub static LIVE_CLOCK_SKEW: Explanation = Explanation {
    code: "live-clock-skew",
    severity: Warning,
    title: "The clocks of Kratos and of this machine differ",
    sees: "People are asked to sign in again without need, or touch the sensor and then get a 403.",
    why: "The page compares when Kratos says somebody signed in with the clock of the service.",
    mend: "Let both machines keep their time by NTP.",
    example: "",
    errors: &["session_refresh_required"],
    observed: SERVICE,
    stops_start: false,
};

pub static LIVE_PRIVILEGED_AGE: Explanation = Explanation {
    code: "live-privileged-age",
    severity: Error,
    title: "Kratos applies another `privileged_session_max_age` than the file says",
    sees: "People touch the sensor and then get a 403, or sign in again without need.",
    why: "The environment (`SELFSERVICE_FLOWS_SETTINGS_PRIVILEGED_SESSION_MAX_AGE`) wins over the file, and a Kratos that was started with another \
          file keeps what it read.",
    mend: "Restart Kratos with this file, or correct the environment.",
    example: "",
    errors: &["session_refresh_required"],
    observed: V26,
    stops_start: false,
};

pub static LIVE_CORS: Explanation = Explanation {
    code: "live-cors",
    severity: Error,
    title: "Kratos does not let the page read its answers",
    sees: "The page says that it cannot reach the sign-in service, and offers nothing.",
    why: "A preflight request of the page's origin was not answered with that origin and with credentials.",
    mend: "See `cors-off`, `cors-without-page` and `cors-without-credentials`; a proxy in front may take the headers away.",
    example: "",
    errors: &["has been blocked by CORS policy"],
    observed: V26,
    stops_start: false,
};

pub static LIVE_NOT_CHECKED: Explanation = Explanation {
    code: "live-not-checked",
    severity: Note,
    title: "Something could not be checked",
    sees: "Nothing.",
    why: "What is needed for it was not given.",
    mend: "Give what the message names, or leave it.",
    example: "",
    errors: &[],
    observed: "doctor",
    stops_start: false,
};
