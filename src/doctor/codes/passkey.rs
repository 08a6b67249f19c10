//! Methods and relying parties.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &PASSKEY_DISABLED,
    &NO_ENROL_METHOD,
    &WEBAUTHN_DISABLED,
    &PASSKEY_WITHOUT_CONFIG,
    &RP_INCOMPLETE,
    &RP_MISSING,
    &RP_ID_NOT_A_NAME,
    &RP_ID_NOT_OF_PAGE,
    &RP_ORIGINS_MISSING,
    &RP_OLD_ORIGIN,
    &RP_ORIGIN_NOT_LISTED,
    &RP_ORIGIN_MALFORMED,
    &RP_IDS_DIFFER,
    &WEBAUTHN_SECOND_FACTOR,
    &PAGE_NOT_SECURE,
];

const AFTER_SENSOR: &str = "The person touches the sensor, and then gets an error.";

pub static PASSKEY_DISABLED: Explanation = Explanation {
    code: "passkey-disabled",
    severity: Error,
    title: "Passkeys are switched off in Kratos",
    sees: "The page offers a passkey and then says that it cannot be set up: the settings have no form for it.",
    why: "`methods` of this service says that people enrol with a passkey (it does unless it is set), and \
          `selfservice.methods.passkey.enabled` is not `true`, which is its default.",
    mend: "Enable the method, or set `methods` of the service to what people are to enrol with.",
    example: "selfservice:\n  methods:\n    passkey:\n      enabled: true\n      config:\n        rp:\n          id: example.org\n          display_name: Example\n          origins:\n            - https://onboarding.example.org",
    errors: &[
        "Could not find a strategy to update your settings. Did you fill out the form correctly?",
        "Could not find a strategy",
    ],
    observed: V26,
    stops_start: false,
};

pub static NO_ENROL_METHOD: Explanation = Explanation {
    code: "no-enrol-method",
    severity: Error,
    title: "There is no method that people could enrol with",
    sees: "The page offers a passkey and then says that it cannot be set up.",
    why: "Neither `passkey` nor `webauthn` with `passwordless: true` is enabled.",
    mend: "Enable `passkey`.",
    example: "selfservice:\n  methods:\n    passkey:\n      enabled: true",
    errors: &["Could not find a strategy to update your settings. Did you fill out the form correctly?"],
    observed: V26,
    stops_start: false,
};

pub static WEBAUTHN_DISABLED: Explanation = Explanation {
    code: "webauthn-disabled",
    severity: Error,
    title: "The settings say people enrol with `webauthn`, and it is switched off",
    sees: "The page offers it and then says that it cannot be set up.",
    why: "`methods` of this service lists `webauthn`, and `selfservice.methods.webauthn.enabled` is not `true`.",
    mend: "Enable the method, or take `webauthn` out of `methods`.",
    example: "selfservice:\n  methods:\n    webauthn:\n      enabled: true\n      config:\n        passwordless: true",
    errors: &["Could not find a strategy to update your settings. Did you fill out the form correctly?"],
    observed: V26,
    stops_start: false,
};

pub static PASSKEY_WITHOUT_CONFIG: Explanation = Explanation {
    code: "passkey-without-config",
    severity: Error,
    title: "`passkey` or `webauthn` is enabled without a `config`",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "The method has to know the relying party.",
    mend: "Write the `config` with `rp`.",
    example: "passkey:\n  enabled: true\n  config:\n    rp:\n      id: example.org\n      display_name: Example\n      origins:\n        - https://onboarding.example.org",
    errors: &["if-then failed", "missing properties: \"config\""],
    observed: V26,
    stops_start: true,
};

pub static RP_INCOMPLETE: Explanation = Explanation {
    code: "rp-incomplete",
    severity: Error,
    title: "The relying party has no `id` or `display_name`, or something it cannot have",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "`rp` needs an `id` and a `display_name`; `origins` is a list.",
    mend: "Write what is missing.",
    example: "rp:\n  id: example.org\n  display_name: Example\n  origins:\n    - https://onboarding.example.org",
    errors: &[
        "missing properties: \"id\"",
        "missing properties: \"display_name\"",
        "expected array, but got string",
        "not failed",
    ],
    observed: V26,
    stops_start: true,
};

pub static RP_MISSING: Explanation = Explanation {
    code: "rp-missing",
    severity: Error,
    title: "There is no relying party",
    sees: "Kratos starts, and every page with a passkey on it fails: people cannot even register.",
    why: "`config` is there, but `config.rp` is not: without an `id` there are no options for a ceremony.",
    mend: "Write `rp` with `id`, `display_name` and `origins`.",
    example: "rp:\n  id: example.org\n  display_name: Example\n  origins:\n    - https://onboarding.example.org",
    errors: &[
        "error generating credential creation: the relying party id must be provided via the configuration or a functional option for a creation",
    ],
    observed: V26,
    stops_start: false,
};

pub static RP_ID_NOT_A_NAME: Explanation = Explanation {
    code: "rp-id-not-a-name",
    severity: Error,
    title: "`rp.id` is not the name of a host",
    sees: "The browser refuses at once: no dialogue appears.",
    why: "It is a bare host name: no scheme, no port, no path, and no IP address (WebAuthn, \"Relying Party Identifier\").",
    mend: "Write the host of the pages, or a parent domain of it.",
    example: "rp:\n  id: example.org",
    errors: &[
        "SecurityError: The relying party ID is not a registrable domain suffix of, nor equal to the current domain.",
        "SecurityError: This is an invalid domain.",
        "The operation is insecure.",
    ],
    observed: "browsers",
    stops_start: false,
};

pub static RP_ID_NOT_OF_PAGE: Explanation = Explanation {
    code: "rp-id-not-of-page",
    severity: Error,
    title: "`rp.id` is not the page's host nor a parent domain of it",
    sees: "The browser refuses at once: no dialogue appears.",
    why: "A page can use a relying party of its own host name or of a parent domain of it, and of no other. `localhost` and \
          `127.0.0.1` are two hosts.",
    mend: "Write the domain that all your pages share. Passkeys are bound to it for ever: changing it makes those that exist useless.",
    example: "rp:\n  id: example.org   # for onboarding.example.org and app.example.org",
    errors: &[
        "SecurityError: The relying party ID is not a registrable domain suffix of, nor equal to the current domain.",
        "SecurityError: The RP ID \"example.org\" is invalid for this domain",
        "The operation is insecure.",
    ],
    observed: "browsers",
    stops_start: false,
};

pub static RP_ORIGINS_MISSING: Explanation = Explanation {
    code: "rp-origins-missing",
    severity: Error,
    title: "`rp.origins` is missing, and what Kratos puts there is not the page",
    sees: AFTER_SENSOR,
    why: "Without `origins` Kratos takes the scheme of its own address and `rp.id`, without a port and without subdomains. It \
          compares only when the result is submitted.",
    mend: "List every origin whose pages run the ceremony, port and all.",
    example: "rp:\n  id: example.org\n  origins:\n    - https://onboarding.example.org\n    - https://app.example.org",
    errors: &[
        "Error validating origin",
        "Expected Values: [http://localhost], Received: http://localhost:4455",
    ],
    observed: V26,
    stops_start: false,
};

pub static RP_OLD_ORIGIN: Explanation = Explanation {
    code: "rp-old-origin",
    severity: Error,
    title: "`rp.origin` means nothing to `passkey`",
    sees: AFTER_SENSOR,
    why: "`origin` is the old key of `webauthn`. In `passkey` Kratos takes it without a word and does not look at it.",
    mend: "Write `origins`, a list.",
    example: "rp:\n  origins:\n    - https://onboarding.example.org",
    errors: &["Error validating origin"],
    observed: V26,
    stops_start: false,
};

pub static RP_ORIGIN_NOT_LISTED: Explanation = Explanation {
    code: "rp-origin-not-listed",
    severity: Error,
    title: "The page's origin is not in `rp.origins`",
    sees: AFTER_SENSOR,
    why: "Kratos compares the origin only when the result of the ceremony is submitted. Scheme, host and port have to be the same.",
    mend: "Add the page's origin.",
    example: "rp:\n  origins:\n    - https://onboarding.example.org",
    errors: &["Error validating origin"],
    observed: V26,
    stops_start: false,
};

pub static RP_ORIGIN_MALFORMED: Explanation = Explanation {
    code: "rp-origin-malformed",
    severity: Error,
    title: "An entry of `rp.origins` is no origin",
    sees: AFTER_SENSOR,
    why: "An origin is scheme, host and port: no path, no `/` at the end, no wildcard. Kratos takes anything that is text and then \
          finds nothing equal to it.",
    mend: "Write it as a browser does: `https://app.example.org`, `http://localhost:4455`.",
    example: "rp:\n  origins:\n    - https://onboarding.example.org",
    errors: &["Error validating origin"],
    observed: V26,
    stops_start: false,
};

pub static RP_IDS_DIFFER: Explanation = Explanation {
    code: "rp-ids-differ",
    severity: Warning,
    title: "`passkey` and `webauthn` are of two relying parties",
    sees: "A key that was set up with one method cannot be used where the other asks for it.",
    why: "A credential is bound to the `rp.id` it was made for.",
    mend: "Write the same `rp.id` in both.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static WEBAUTHN_SECOND_FACTOR: Explanation = Explanation {
    code: "webauthn-second-factor",
    severity: Warning,
    title: "`webauthn` is a second factor here, and can lock people out",
    sees: "Somebody who adds a key is asked for it at every sign-in; without it they reach neither their account nor the page \
           (403 `session_aal2_required`). The key does not sign them in.",
    why: "Without `passwordless: true` a `webauthn` key is a second factor. With `required_aal: highest_available` (the default) a \
          session counts only after it was used. This service never counts such a key as a passkey.",
    mend: "Set `passwordless: true`, switch `webauthn` off and use `passkey`, or give people another second factor to fall back on \
           (`lookup_secret`).",
    example: "webauthn:\n  enabled: true\n  config:\n    passwordless: true",
    errors: &[
        "session_aal2_required",
        "Session does not fulfill the requested Authenticator Assurance Level",
    ],
    observed: V26,
    stops_start: false,
};

pub static PAGE_NOT_SECURE: Explanation = Explanation {
    code: "page-not-secure",
    severity: Error,
    title: "The page is served over plain HTTP",
    sees: "The page says that this browser has no passkeys.",
    why: "Browsers offer WebAuthn on `https` only, and on `localhost`.",
    mend: "Serve the page over `https`.",
    example: "",
    errors: &["navigator.credentials is undefined", "PublicKeyCredential is not defined"],
    observed: "browsers",
    stops_start: false,
};
