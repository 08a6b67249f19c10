//! The page, and what it may ask of Kratos.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &PAGE_UNKNOWN,
    &PAGE_NOT_ALLOWED_TO_RETURN,
    &LANDING_ELSEWHERE,
    &RETURN_WILDCARD,
    &CORS_OFF,
    &CORS_WITHOUT_PAGE,
    &CORS_WITHOUT_CREDENTIALS,
    &CORS_WILDCARD,
    &CORS_METHODS,
    &CORS_HEADERS,
    &BASE_URL_MISSING,
    &BASE_URL_DIFFERS,
    &LOCALHOST_AND_ADDRESS,
];

const BLOCKED: &str = "has been blocked by CORS policy";
const NO_CONNECTION: &str = "The page says that it cannot reach the sign-in service, and offers nothing.";

pub static PAGE_UNKNOWN: Explanation = Explanation {
    code: "page-unknown",
    severity: Note,
    title: "It is not known where the page is",
    sees: "Nothing.",
    why: "Neither the settings of the service, nor `--page`, nor `registration.after.default_browser_return_url` says so. What depends on the \
          page's address was not looked at.",
    mend: "Run `doctor` with `-c` and the settings of the service, or with `--page https://…/post-registration`.",
    example: "",
    errors: &[],
    observed: "doctor",
    stops_start: false,
};

pub static PAGE_NOT_ALLOWED_TO_RETURN: Explanation = Explanation {
    code: "page-not-allowed-to-return",
    severity: Error,
    title: "The page is not in `allowed_return_urls`",
    sees: "Whoever has to sign in again before adding a passkey gets an error page instead of the sign-in.",
    why: "The page sends people to sign in and wants them back by `return_to`. Kratos answers 400 unless scheme and host are those of an \
          entry, and the path begins with the entry's.",
    mend: "List the page's address.",
    example: "selfservice:\n  allowed_return_urls:\n    - https://onboarding.example.org/",
    errors: &["self_service_flow_return_to_forbidden", "Requested return_to URL", "is not allowed."],
    observed: V26,
    stops_start: false,
};

pub static LANDING_ELSEWHERE: Explanation = Explanation {
    code: "landing-elsewhere",
    severity: Note,
    title: "A registration does not end at the page",
    sees: "People are offered a passkey only where something leads them to the page.",
    why: "`registration.after.default_browser_return_url` is another address, or not set. A `return_to` on the registration flow wins over it.",
    mend: "Let it be the page, unless your pages lead there by `return_to` or hold the element themselves.",
    example: "registration:\n  after:\n    default_browser_return_url: https://onboarding.example.org/post-registration",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static RETURN_WILDCARD: Explanation = Explanation {
    code: "return-wildcard",
    severity: Note,
    title: "An entry of `allowed_return_urls` is ignored or very wide",
    sees: "Nothing, or an error page where Kratos ignores the entry.",
    why: "`*` alone, and `*` before a public suffix, are ignored. `https://*.example.org` allows every host below it, also those of other people.",
    mend: "List hosts by name.",
    example: "",
    errors: &["Ignoring wildcard"],
    observed: V26,
    stops_start: false,
};

pub static CORS_OFF: Explanation = Explanation {
    code: "cors-off",
    severity: Error,
    title: "CORS is off, and the page is on another origin than Kratos",
    sees: NO_CONNECTION,
    why: "The page reads and submits Kratos's flows from the browser. Another port is another origin. `serve.public.cors.enabled` is `false` \
          unless it is set.",
    mend: "Enable CORS for the page's origin, with credentials.",
    example: "serve:\n  public:\n    cors:\n      enabled: true\n      allow_credentials: true\n      allowed_origins:\n        - https://onboarding.example.org",
    errors: &[
        BLOCKED,
        "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
        "Cross-Origin Request Blocked",
    ],
    observed: V26,
    stops_start: false,
};

pub static CORS_WITHOUT_PAGE: Explanation = Explanation {
    code: "cors-without-page",
    severity: Error,
    title: "CORS does not allow the page's origin",
    sees: NO_CONNECTION,
    why: "`serve.public.cors.allowed_origins` has to hold the page's origin: scheme, host and port, without a `/` at the end.",
    mend: "Add the page's origin.",
    example: "allowed_origins:\n  - https://onboarding.example.org",
    errors: &[
        BLOCKED,
        "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
        "Cross-Origin Request Blocked",
    ],
    observed: V26,
    stops_start: false,
};

pub static CORS_WITHOUT_CREDENTIALS: Explanation = Explanation {
    code: "cors-without-credentials",
    severity: Error,
    title: "CORS does not allow credentials",
    sees: NO_CONNECTION,
    why: "The page calls Kratos with the person's cookie. With `allow_credentials: false` the browser keeps the answer from it.",
    mend: "Write `allow_credentials: true`.",
    example: "serve:\n  public:\n    cors:\n      allow_credentials: true",
    errors: &[
        "The value of the 'Access-Control-Allow-Credentials' header in the response is '' which must be 'true'",
        BLOCKED,
    ],
    observed: V26,
    stops_start: false,
};

pub static CORS_WILDCARD: Explanation = Explanation {
    code: "cors-wildcard",
    severity: Warning,
    title: "CORS allows every origin",
    sees: "The page may be refused by the browser; or any page on the web can speak to Kratos with the person's cookie.",
    why: "`*` together with credentials is what browsers refuse; an entry like `https://*.example.org` trusts every host below it.",
    mend: "List exact origins.",
    example: "allowed_origins:\n  - https://onboarding.example.org",
    errors: &["must not be the wildcard '*' when the request's credentials mode is 'include'"],
    observed: V26,
    stops_start: false,
};

pub static CORS_METHODS: Explanation = Explanation {
    code: "cors-methods",
    severity: Error,
    title: "CORS does not allow what the page does",
    sees: "The page offers a passkey, and fails when it is to be stored.",
    why: "The page reads by GET and submits by POST; `serve.public.cors.allowed_methods` lists what is allowed.",
    mend: "Allow GET and POST, or leave the setting out.",
    example: "allowed_methods: [GET, POST, PUT, PATCH, DELETE]",
    errors: &["is not allowed by Access-Control-Allow-Methods in preflight response", BLOCKED],
    observed: V26,
    stops_start: false,
};

pub static CORS_HEADERS: Explanation = Explanation {
    code: "cors-headers",
    severity: Error,
    title: "CORS does not allow the header the page sends",
    sees: "The page offers a passkey, and fails when it is to be stored.",
    why: "The page submits JSON and says so in `Content-Type`; `serve.public.cors.allowed_headers` lists what is allowed.",
    mend: "Allow `Content-Type`, or leave the setting out.",
    example: "allowed_headers: [Content-Type, X-CSRF-Token, X-Session-Token]",
    errors: &[
        "Request header field content-type is not allowed by Access-Control-Allow-Headers in preflight response",
        BLOCKED,
    ],
    observed: V26,
    stops_start: false,
};

pub static BASE_URL_MISSING: Explanation = Explanation {
    code: "base-url-missing",
    severity: Warning,
    title: "Kratos does not know its own address",
    sees: "Links and forms lead to a host name that browsers may not know.",
    why: "Without `serve.public.base_url` Kratos makes the address from its host name and port. What depends on it (CORS, cookies) was not \
          looked at.",
    mend: "Write the address browsers use.",
    example: "serve:\n  public:\n    base_url: https://auth.example.org/",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static BASE_URL_DIFFERS: Explanation = Explanation {
    code: "base-url-differs",
    severity: Error,
    title: "The service sends browsers to another Kratos than this one",
    sees: "The page speaks to an address where this Kratos, and its cookie, are not.",
    why: "`kratos.browser_url` of the service (or `kratos.public_url`, without it) and `serve.public.base_url` of Kratos are two origins.",
    mend: "Write the address browsers use in both.",
    example: "# in the settings of the service\nkratos:\n  browser_url: https://auth.example.org/",
    errors: &[],
    observed: "this service",
    stops_start: false,
};

pub static LOCALHOST_AND_ADDRESS: Explanation = Explanation {
    code: "localhost-and-address",
    severity: Error,
    title: "`localhost` here and `127.0.0.1` there",
    sees: "The page says that nobody is signed in, right after a registration.",
    why: "To a browser they are two hosts: the session cookie of the one is never sent to the other, and a passkey of the one does not work \
          on the other.",
    mend: "Write `localhost` everywhere.",
    example: "",
    errors: &["No valid session credentials found in the request.", "no_session_cookie"],
    observed: "browsers",
    stops_start: false,
};
