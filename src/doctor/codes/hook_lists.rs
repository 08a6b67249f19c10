//! Which hooks stand in which list.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &HOOK_MISSING,
    &HOOK_GLOBAL_HIDDEN,
    &HOOK_GLOBAL_ONLY,
    &HOOK_SETTINGS_MISSING,
    &HOOK_LOGIN_MISSING,
    &HOOK_OPTIONAL_MISSING,
    &SESSION_HOOK_MISSING,
];

pub static HOOK_MISSING: Explanation = Explanation {
    code: "hook-missing",
    severity: Error,
    title: "People register by a method without this service being told",
    sees: "Nothing: they register, and are offered a passkey only if they happen to come to the page.",
    why: "Each method of registration has its own list of hooks, and this one has none of ours.",
    mend: "Add the web hook to the list of this method.",
    example: "code:\n  hooks:\n    - hook: web_hook\n      config:\n        url: http://localhost:5050/api/kratos/hooks/registration/code\n        method: POST\n        body: file://hooks/registration.jsonnet\n        auth: { … }\n        response: { ignore: true }\n    - hook: session",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static HOOK_GLOBAL_HIDDEN: Explanation = Explanation {
    code: "hook-global-hidden",
    severity: Error,
    title: "A method's own list hides the general hook",
    sees: "Nothing: people register by this method and the service is not told, although a hook for all methods is there.",
    why: "`after.hooks` is used only for methods without a list of their own. The lists are not added together.",
    mend: "Write the web hook into the list of this method too, and better have no general one.",
    example: "after:\n  password:\n    hooks:\n      - hook: web_hook\n        config: { … }\n      - hook: session",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static HOOK_GLOBAL_ONLY: Explanation = Explanation {
    code: "hook-global-only",
    severity: Warning,
    title: "One general hook serves all methods",
    sees: "The service cannot always tell how somebody registered, and the general list cannot sign people in.",
    why: "What Kratos sends names no method for password, passkey and webauthn, so the URL has to. And the general list takes \
          no `session` hook.",
    mend: "Give every method a list of its own, with the method in the URL, and take the general one away.",
    example: "after:\n  password:\n    hooks:\n      - hook: web_hook\n        config:\n          url: http://localhost:5050/api/kratos/hooks/registration/password\n      - hook: session",
    errors: &[],
    observed: "Kratos v1.3.1 to v26.2.0",
    stops_start: false,
};

pub static HOOK_SETTINGS_MISSING: Explanation = Explanation {
    code: "hook-settings-missing",
    severity: Warning,
    title: "This service is not told when a passkey is added or removed",
    sees: "A person who has just added or removed a passkey in their settings may be offered one all the same, or not.",
    why: "Adding and removing fire the hook of the method in the settings. Without it the service learns of the change only \
          when it asks the admin API.",
    mend: "Add the web hook after the settings of this method.",
    example: "settings:\n  after:\n    passkey:\n      hooks:\n        - hook: web_hook\n          config:\n            url: http://localhost:5050/api/kratos/hooks/settings/passkey\n            method: POST\n            body: file://hooks/settings.jsonnet\n            auth: { … }\n            response: { ignore: true }",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static HOOK_LOGIN_MISSING: Explanation = Explanation {
    code: "hook-login-missing",
    severity: Warning,
    title: "This service is not told when people sign in by a method",
    sees: "Somebody who signs in without a passkey is not noticed until they come to the page; the funnel misses sign-ins.",
    why: "Each method of signing in has its own list of hooks, and this one has none of ours.",
    mend: "Add the web hook after the login by this method.",
    example: "login:\n  after:\n    password:\n      hooks:\n        - hook: web_hook\n          config:\n            url: http://localhost:5050/api/kratos/hooks/login/password\n            method: POST\n            body: file://hooks/login.jsonnet\n            auth: { … }\n            response: { ignore: true }",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static HOOK_OPTIONAL_MISSING: Explanation = Explanation {
    code: "hook-optional-missing",
    severity: Note,
    title: "A hook that helps a little is not there",
    sees: "Nothing for the person.",
    why: "A sign-in with a second factor, or a changed address, is heard of a little later than it could be.",
    mend: "Add the web hook if you want to know at once.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static SESSION_HOOK_MISSING: Explanation = Explanation {
    code: "session-hook-missing",
    severity: Error,
    title: "People are not signed in after registering",
    sees: "They register, land on the page and are told to sign in: there is no session, so nothing can be offered.",
    why: "After a registration only the `session` hook signs the person in. It has to stand in the list that is used for the \
          method; the general list of `after.hooks` does not take it.",
    mend: "Add `- hook: session` at the end of the list of this method.",
    example: "password:\n  hooks:\n    - hook: web_hook\n      config: { … }\n    - hook: session",
    errors: &[
        "No valid session credentials found in the request.",
        "No active session was found in this request.",
        "session_inactive",
    ],
    observed: V26,
    stops_start: false,
};
