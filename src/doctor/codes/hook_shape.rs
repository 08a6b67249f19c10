//! Hooks that Kratos does not take.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::Error;

pub(super) const ALL: &[&Explanation] = &[
    &HOOK_SESSION_WITH_CONFIG,
    &HOOK_TAKES_NO_CONFIG,
    &HOOK_UNKNOWN,
    &HOOK_NOT_ALLOWED_HERE,
    &HOOK_METHOD_UNKNOWN,
    &HOOK_INCOMPLETE,
    &HOOK_UNKNOWN_KEY,
    &HOOK_WRONG_TYPE,
    &HOOK_DOUBLED,
    &HOOK_PARSE_WITH_IGNORE,
    &HOOK_CAN_INTERRUPT_WITH_IGNORE,
    &HOOK_AUTH_INVALID,
];

/// The last alternative Kratos tries for a hook, and so the last line it prints, whatever was wrong with it.
const LAST_ALTERNATIVE: &str = "value must be one of \"b2b_sso\", \"organization\"";

const NO_MATCH: &str = "doesn't validate with \"#/definitions/selfServiceAfterRegistrationMethod\"";

const ANY_OF: &str = "anyOf failed";

const REFUSES: &str = "Kratos refuses to start, so nobody can register or sign in.";

pub static HOOK_SESSION_WITH_CONFIG: Explanation = Explanation {
    code: "hook-session-with-config",
    severity: Error,
    title: "The `session` hook has a `config`",
    sees: REFUSES,
    why: "The `session` hook takes no `config`. Kratos tries every kind of hook it knows and prints the refusal of the \
          last one, which is about something else entirely.",
    mend: "Take the `config` away from the `session` hook.",
    example: "hooks:\n  - hook: web_hook\n    config: { … }\n  - hook: session",
    errors: &[LAST_ALTERNATIVE, NO_MATCH, "additionalProperties \"config\" not allowed", ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_TAKES_NO_CONFIG: Explanation = Explanation {
    code: "hook-takes-no-config",
    severity: Error,
    title: "A hook that takes no `config` has one",
    sees: REFUSES,
    why: "Only `web_hook` (and `b2b_sso`, `organization`) take a `config`.",
    mend: "Take the `config` away from this hook.",
    example: "hooks:\n  - hook: show_verification_ui",
    errors: &["additionalProperties \"config\" not allowed", LAST_ALTERNATIVE, NO_MATCH],
    observed: V26,
    stops_start: true,
};

pub static HOOK_UNKNOWN: Explanation = Explanation {
    code: "hook-unknown",
    severity: Error,
    title: "There is no hook of this name",
    sees: REFUSES,
    why: "The name is misspelt, or the hook was in another version. Kratos does not say which word it did not know.",
    mend: "Write one of the hooks that this list takes.",
    example: "hooks:\n  - hook: web_hook",
    errors: &[LAST_ALTERNATIVE, "value must be \"session\"", "value must be \"web_hook\"", NO_MATCH, ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_NOT_ALLOWED_HERE: Explanation = Explanation {
    code: "hook-not-allowed-here",
    severity: Error,
    title: "This hook cannot stand in this list",
    sees: REFUSES,
    why: "Each list of hooks takes its own kinds. `session` belongs after the registration by a method: a login makes its \
          session by itself, and the general list of `after.hooks` takes web hooks only.",
    mend: "Move the hook into the list of each method, or take it away.",
    example: "registration:\n  after:\n    password:\n      hooks:\n        - hook: web_hook\n          config: { … }\n        - hook: session",
    errors: &[LAST_ALTERNATIVE, "missing properties: \"config\"", NO_MATCH, ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_METHOD_UNKNOWN: Explanation = Explanation {
    code: "hook-method-unknown",
    severity: Error,
    title: "Hooks are listed for something that is no method of this flow",
    sees: REFUSES,
    why: "Below `after` stand the methods of the flow, `hooks` for all that have no list of their own, and \
          `default_browser_return_url`. Nothing else is taken.",
    mend: "Name a method that this flow has.",
    example: "registration:\n  after:\n    password:\n      hooks: [ … ]",
    errors: &[
        "additionalProperties \"totp\" not allowed",
        "doesn't validate with \"#/definitions/selfServiceAfterRegistration\"",
    ],
    observed: V26,
    stops_start: true,
};

pub static HOOK_INCOMPLETE: Explanation = Explanation {
    code: "hook-incomplete",
    severity: Error,
    title: "A web hook has no `config`, `url` or `method`",
    sees: REFUSES,
    why: "A `web_hook` needs a `config` with a `url` and a `method`.",
    mend: "Write what is missing.",
    example: "- hook: web_hook\n  config:\n    url: http://localhost:5050/api/kratos/hooks/registration/password\n    method: POST\n    body: file://hooks/registration.jsonnet",
    errors: &["missing properties: \"config\"", LAST_ALTERNATIVE, ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_UNKNOWN_KEY: Explanation = Explanation {
    code: "hook-unknown-key",
    severity: Error,
    title: "A web hook has a setting that Kratos does not know",
    sees: REFUSES,
    why: "Kratos takes no unknown settings in a hook, and does not say which one it did not take.",
    mend: "Correct the name, or take the setting away.",
    example: "",
    errors: &[LAST_ALTERNATIVE, NO_MATCH, ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_WRONG_TYPE: Explanation = Explanation {
    code: "hook-wrong-type",
    severity: Error,
    title: "A setting of a web hook is of the wrong type",
    sees: REFUSES,
    why: "`true` and `\"true\"` are two things: switches take the first, addresses and names take text.",
    mend: "Write the value as the type that is named.",
    example: "response:\n  ignore: true",
    errors: &[LAST_ALTERNATIVE, NO_MATCH, ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_DOUBLED: Explanation = Explanation {
    code: "hook-doubled",
    severity: Error,
    title: "The same hook stands twice in one list",
    sees: REFUSES,
    why: "Kratos takes each hook once in a list.",
    mend: "Take one of them away.",
    example: "",
    errors: &["items at index 0 and 1 are equal"],
    observed: V26,
    stops_start: true,
};

pub static HOOK_PARSE_WITH_IGNORE: Explanation = Explanation {
    code: "hook-parse-with-ignore",
    severity: Error,
    title: "`response.parse` and `response.ignore` exclude each other",
    sees: REFUSES,
    why: "An answer that is ignored cannot be parsed. Kratos does not say so; it prints the refusal of another kind of hook.",
    mend: "For this service keep `ignore: true` and take `parse` away.",
    example: "response:\n  ignore: true",
    errors: &[
        LAST_ALTERNATIVE,
        NO_MATCH,
        "A webhook is configured to ignore the response but also to parse the response. This is not possible.",
    ],
    observed: V26,
    stops_start: true,
};

pub static HOOK_CAN_INTERRUPT_WITH_IGNORE: Explanation = Explanation {
    code: "hook-can-interrupt-with-ignore",
    severity: Error,
    title: "`can_interrupt` and `response.ignore` exclude each other",
    sees: REFUSES,
    why: "`can_interrupt` is the old name of `response.parse`: an answer that is ignored cannot interrupt anything. Kratos \
          does not say so; it prints the refusal of another kind of hook.",
    mend: "Take `can_interrupt` away.",
    example: "response:\n  ignore: true",
    errors: &[LAST_ALTERNATIVE, NO_MATCH, ANY_OF],
    observed: V26,
    stops_start: true,
};

pub static HOOK_AUTH_INVALID: Explanation = Explanation {
    code: "hook-auth-invalid",
    severity: Error,
    title: "The `auth` of a web hook is not one Kratos has",
    sees: REFUSES,
    why: "Kratos has two: `api_key`, with `name`, `value` and `in: header` or `in: cookie`, and `basic_auth`, with `user` and \
          `password`. No more settings and no fewer.",
    mend: "Write one of the two.",
    example: "auth:\n  type: api_key\n  config:\n    name: X-Onboarding-Key\n    value: YOUR-KEY\n    in: header",
    errors: &[LAST_ALTERNATIVE, NO_MATCH, ANY_OF],
    observed: V26,
    stops_start: true,
};
