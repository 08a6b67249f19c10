//! The session cookie.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &COOKIE_DOMAIN_MISSING,
    &COOKIE_DOMAIN_WRONG,
    &COOKIE_NAME_DIFFERS,
    &COOKIE_PATH,
    &COOKIE_CROSS_SITE,
    &COOKIE_SAME_SITE_STRICT,
    &COOKIE_SAME_SITE_NONE,
    &COOKIE_SECURE_OVER_HTTP,
    &COOKIE_SETTING_INVALID,
];

const NOBODY: &str = "The page says that nobody is signed in, right after a registration.";

pub static COOKIE_DOMAIN_MISSING: Explanation = Explanation {
    code: "cookie-domain-missing",
    severity: Error,
    title: "The session cookie does not reach the page's host",
    sees: NOBODY,
    why: "Without `cookies.domain` a cookie belongs to the very host that set it. Kratos and the page have two.",
    mend: "Set `cookies.domain` to the domain both share, or serve both under one host.",
    example: "cookies:\n  domain: example.org   # for auth.example.org and onboarding.example.org",
    errors: &["no_session_cookie", "No valid session credentials found in the request."],
    observed: V26,
    stops_start: false,
};

pub static COOKIE_DOMAIN_WRONG: Explanation = Explanation {
    code: "cookie-domain-wrong",
    severity: Error,
    title: "The domain of the cookie is not one of its hosts' domains",
    sees: "Nobody is signed in anywhere: the browser throws the cookie away. Or the page says that nobody is signed in.",
    why: "A cookie's domain has to be the host that sets it or a parent of it (RFC 6265, section 5.3), and reaches only hosts below it. A \
          public suffix such as `co.uk`, an address, and a URL are no domains of a cookie.",
    mend: "Write the bare domain that Kratos and the page share.",
    example: "cookies:\n  domain: example.org",
    errors: &["no_session_cookie", "Please retry the flow and optionally clear your cookies."],
    observed: "browsers",
    stops_start: false,
};

pub static COOKIE_NAME_DIFFERS: Explanation = Explanation {
    code: "cookie-name-differs",
    severity: Error,
    title: "The session cookie has another name than the service looks for",
    sees: NOBODY,
    why: "`session.cookie.name` of Kratos and `kratos.session_cookie_name` of the service have to be the same. Without the settings both have \
          `ory_kratos_session`.",
    mend: "Write the same name in both.",
    example: "# in the settings of the service\nkratos:\n  session_cookie_name: my_session",
    errors: &["no_session_cookie"],
    observed: "this service",
    stops_start: false,
};

pub static COOKIE_PATH: Explanation = Explanation {
    code: "cookie-path",
    severity: Error,
    title: "The path of the session cookie keeps it from the page",
    sees: NOBODY,
    why: "A cookie with a path is sent to what lies below it only.",
    mend: "Write `path: /`.",
    example: "cookies:\n  path: /",
    errors: &["no_session_cookie"],
    observed: "browsers",
    stops_start: false,
};

pub static COOKIE_CROSS_SITE: Explanation = Explanation {
    code: "cookie-cross-site",
    severity: Error,
    title: "The page and Kratos are two sites",
    sees: NOBODY,
    why: "A cookie of `example.org` never reaches a page's service on `example.net`, and browsers keep third-party cookies even from scripts. \
          `http` and `https` of one domain are two sites as well.",
    mend: "Put the page on a host below the domain of Kratos, with the same scheme.",
    example: "",
    errors: &["no_session_cookie"],
    observed: "browsers",
    stops_start: false,
};

pub static COOKIE_SAME_SITE_STRICT: Explanation = Explanation {
    code: "cookie-same-site-strict",
    severity: Warning,
    title: "`SameSite=Strict` loses the session when people come from elsewhere",
    sees: "Whoever comes back from a provider of `oidc`, or from a link in an e-mail, seems signed out on the first page.",
    why: "With `Strict` the browser sends no cookie on a navigation that began on another site.",
    mend: "Write `Lax`, which is what Kratos has by itself.",
    example: "cookies:\n  same_site: Lax",
    errors: &["A security violation was detected, please fill out the form again."],
    observed: "browsers",
    stops_start: false,
};

pub static COOKIE_SAME_SITE_NONE: Explanation = Explanation {
    code: "cookie-same-site-none",
    severity: Error,
    title: "`SameSite=None` without `Secure`",
    sees: "Nobody is signed in: the browser throws the cookie away.",
    why: "Browsers take `SameSite=None` only together with `Secure`, and `Secure` only over `https`. `kratos serve --dev` leaves `Secure` out.",
    mend: "Write `Lax`, or serve everything over `https` without `--dev`.",
    example: "cookies:\n  same_site: Lax",
    errors: &[
        "This attempt to set a cookie via a Set-Cookie header was blocked because it had the \"SameSite=None\" attribute but did not have the \"Secure\" attribute",
    ],
    observed: "browsers",
    stops_start: false,
};

pub static COOKIE_SECURE_OVER_HTTP: Explanation = Explanation {
    code: "cookie-secure-over-http",
    severity: Error,
    title: "A `Secure` cookie over plain HTTP",
    sees: "Nobody is signed in: the browser throws the cookie away, or does not send it to the page.",
    why: "Cookies are `Secure` unless Kratos runs with `--dev` or `secure` says otherwise, and browsers keep such cookies to `https` (some of them \
          make an exception for `localhost`).",
    mend: "Use `https` for Kratos and for the page; on your own machine start `kratos serve --dev`.",
    example: "",
    errors: &["no_session_cookie", "Please retry the flow and optionally clear your cookies."],
    observed: "browsers",
    stops_start: false,
};

pub static COOKIE_SETTING_INVALID: Explanation = Explanation {
    code: "cookie-setting-invalid",
    severity: Error,
    title: "A setting of the cookies is not one Kratos takes",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "`same_site` is `Strict`, `Lax` or `None`, in this spelling; `secure` is text, `\"true\"` or `\"false\"`; the name of the session cookie is \
          `session.cookie.name`, not `cookies.name`.",
    mend: "Write it as Kratos takes it.",
    example: "cookies:\n  same_site: Lax\n  secure: \"true\"",
    errors: &[
        "value must be one of \"Strict\", \"Lax\", \"None\"",
        "expected string, but got boolean",
        "additionalProperties \"name\" not allowed",
    ],
    observed: V26,
    stops_start: true,
};
