//! Words of Kratos that lead people astray, where no one line of a configuration is to blame. `doctor` finds none of these; they are here to
//! be looked up.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::Note;

pub(super) const ALL: &[&Explanation] = &[
    &MESSAGE_NO_STRATEGY,
    &MESSAGE_TOO_OLD,
    &MESSAGE_EXISTS_ALREADY,
    &MESSAGE_ALIEN_HOOK,
    &MESSAGE_CSRF,
    &MESSAGE_EMPTY_HOOK,
];

pub static MESSAGE_NO_STRATEGY: Explanation = Explanation {
    code: "message-no-strategy",
    severity: Note,
    title: "\"Could not find a strategy …\"",
    sees: "\"Could not find a strategy to update your settings. Did you fill out the form correctly?\", or the same about signing up or in.",
    why: "Nothing in what was submitted belongs to a method that is switched on. The method is off, or `method` is missing or misspelt, or its \
          field is empty (`passkey_settings_register`, `webauthn_register`), or a page submitted something Kratos reads as another method's. It \
          does not mean that a strategy is missing in Kratos.",
    mend: "Look at what the browser submitted: `method` and the field of that method have to be there. See `passkey-disabled` and \
           `webauthn-disabled` for a method that is off.",
    example: "",
    errors: &[
        "Could not find a strategy",
        "Could not find a strategy to log you in with. Did you fill out the form correctly?",
        "Could not find a strategy to sign you up with. Did you fill out the form correctly?",
        "Could not find a strategy to update your settings. Did you fill out the form correctly?",
        "4010002",
        "4010003",
        "4010004",
    ],
    observed: "Kratos v1.3.1 to v26.2.0",
    stops_start: false,
};

pub static MESSAGE_TOO_OLD: Explanation = Explanation {
    code: "message-session-too-old",
    severity: Note,
    title: "\"The login session is too old\"",
    sees: "403 `session_refresh_required`, after the sensor was touched; sometimes again and again.",
    why: "Changing credentials needs a sign-in younger than `privileged_session_max_age`. `required_aal` has nothing to do with it. Sending the \
          person to the login page without `refresh=true` leads straight back, for there is a session: nobody signed in again, and a page that \
          does this by itself loops.",
    mend: "Go where `redirect_browser_to` of the answer leads, as a navigation: Kratos has kept what was submitted. Or open \
           `/self-service/login/browser?refresh=true&return_to=…`. See `privileged-age-zero`, `privileged-age-short` and `required-aal-lowered`.",
    example: "",
    errors: &[
        "session_refresh_required",
        "The login session is too old and thus not allowed to update these fields. Please re-authenticate.",
    ],
    observed: "Kratos v1.3.1 to v26.2.0",
    stops_start: false,
};

pub static MESSAGE_EXISTS_ALREADY: Explanation = Explanation {
    code: "message-exists-already",
    severity: Note,
    title: "\"An account with the same identifier exists already\" at the second try",
    sees: "The first registration ended in an error, the second says that the account exists (4000007).",
    why: "A hook that does not ignore the answer failed after the identity was stored. The error was about the hook, not about the registration.",
    mend: "The person can sign in. Let the hook ignore the answer: see `hook-blocking`, `hook-without-body`, `hook-url-odd`.",
    example: "response:\n  ignore: true",
    errors: &["4000007", "An account with the same identifier (email, phone, username, ...) exists already."],
    observed: V26,
    stops_start: false,
};

pub static MESSAGE_ALIEN_HOOK: Explanation = Explanation {
    code: "message-b2b-sso",
    severity: Note,
    title: "Kratos refuses to start and speaks of `b2b_sso`",
    sees: "`value must be one of \"b2b_sso\", \"organization\"`, although nobody wrote either.",
    why: "Kratos compares a hook with every kind it knows, and prints why the last one did not fit. What is wrong is the hook at the path in the \
          line (`…/hooks/0`), and it can be anything: a name, a `config` where there is none, an unknown or missing setting, two that exclude each \
          other.",
    mend: "Run `doctor` on the file: it names the mistake. The codes are `hook-unknown`, `hook-session-with-config`, `hook-not-allowed-here`, \
           `hook-unknown-key`, `hook-incomplete`, `hook-wrong-type`, `hook-parse-with-ignore`, `hook-can-interrupt-with-ignore` and \
           `hook-auth-invalid`.",
    example: "",
    errors: &[
        "value must be one of \"b2b_sso\", \"organization\"",
        "doesn't validate with \"#/definitions/selfServiceAfterRegistrationMethod\"",
        "doesn't validate with \"#/definitions/b2bSSOHook\"",
    ],
    observed: V26,
    stops_start: false,
};

pub static MESSAGE_CSRF: Explanation = Explanation {
    code: "message-csrf",
    severity: Note,
    title: "\"Please retry the flow and optionally clear your cookies\"",
    sees: "400 or 403 `security_csrf_violation`, in every browser, however often cookies are cleared.",
    why: "Kratos's CSRF cookie did not come back with the form. Nearly always the browser never kept it: another host (`localhost` beside \
          `127.0.0.1`), a `Secure` cookie over plain HTTP, a domain that is not the host's, or a page of another origin that does not send \
          credentials.",
    mend: "Run `doctor`: see `localhost-and-address`, `cookie-secure-over-http`, `cookie-domain-wrong`, `cookie-cross-site` and \
           `cors-without-credentials`.",
    example: "",
    errors: &[
        "security_csrf_violation",
        "A security violation was detected, please fill out the form again.",
        "Please retry the flow and optionally clear your cookies. The request was rejected to protect you from Cross-Site-Request-Forgery",
    ],
    observed: V26,
    stops_start: false,
};

pub static MESSAGE_EMPTY_HOOK: Explanation = Explanation {
    code: "message-hook-error-ignored",
    severity: Note,
    title: "\"Webhook request failed but the error was ignored\"",
    sees: "Nothing for the person. One line at level `warning` in Kratos's log.",
    why: "The only trace of a hook that was not sent. The words after it say why: no body, a template that fails, an address that cannot be reached \
          or is private, a certificate that is not trusted, an answer of 400 or more.",
    mend: "Run `doctor --live`. Watch for this line: the hook is not tried again.",
    example: "",
    errors: &[
        "Webhook request failed but the error was ignored because the configuration indicated that the upstream response should be ignored",
    ],
    observed: V26,
    stops_start: false,
};
