use super::{Explanation, SERVICE, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

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
    &HOOK_WITHOUT_BODY,
    &HOOK_BEFORE_IDENTITY,
    &HOOK_BLOCKING,
    &HOOK_MISSING,
    &HOOK_GLOBAL_HIDDEN,
    &HOOK_GLOBAL_ONLY,
    &HOOK_SETTINGS_MISSING,
    &HOOK_LOGIN_MISSING,
    &HOOK_OPTIONAL_MISSING,
    &SESSION_HOOK_MISSING,
    &HOOK_NOT_POST,
    &HOOK_WRONG_PATH,
    &HOOK_NAMES_ANOTHER_FLOW,
    &HOOK_URL_ODD,
    &HOOK_URL_NOT_OURS,
    &HOOK_URL_SCHEME,
    &HOOK_WITHOUT_KEY,
    &HOOK_KEY_PLACEHOLDER,
    &HOOK_KEY_NAME,
    &HOOK_KEY_UNKNOWN,
    &HOOK_KEY_ODD,
    &HOOK_KEY_IN_CLEAR,
    &HOOK_CONTENT_TYPE,
    &HOOK_NO_TRIGGER_ID,
    &HOOK_PRIVATE_ADDRESS,
    &HOOK_CERTIFICATE,
];

/// The last alternative Kratos tries for a hook, and so the last line it prints, whatever was wrong with it.
const LAST_ALTERNATIVE: &str = "value must be one of \"b2b_sso\", \"organization\"";
const NO_MATCH: &str = "doesn't validate with \"#/definitions/selfServiceAfterRegistrationMethod\"";
const ANY_OF: &str = "anyOf failed";
const REFUSES: &str = "Kratos refuses to start, so nobody can register or sign in.";
const IGNORED: &str = "Webhook request failed but the error was ignored because the configuration indicated that the \
                       upstream response should be ignored";

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

pub static HOOK_WITHOUT_BODY: Explanation = Explanation {
    code: "hook-without-body",
    severity: Error,
    title: "A web hook has no `body`",
    sees: "Nothing: the registration succeeds and this service never hears of it. If the hook does not ignore the answer, \
           the person gets an error although their identity is stored, and their second try says it exists already.",
    why: "Every method but TRACE sends what a Jsonnet template makes of the flow. Without a template nothing is sent.",
    mend: "Name a template.",
    example: "body: file://hooks/registration.jsonnet",
    errors: &["got empty template path for request with body", IGNORED],
    observed: V26,
    stops_start: false,
};

pub static HOOK_BEFORE_IDENTITY: Explanation = Explanation {
    code: "hook-before-identity",
    severity: Error,
    title: "The hook is sent before the identity is stored",
    sees: "The person registers, and this service puts every delivery aside: their identity id is all zeros.",
    why: "With `response.parse: true`, or the older `can_interrupt: true`, Kratos calls before it stores the identity, and \
          sends `00000000-0000-0000-0000-000000000000` for its id. In a settings flow it sends what was true before the change.",
    mend: "Take `parse` and `can_interrupt` away and write `response: { ignore: true }`.",
    example: "response:\n  ignore: true",
    errors: &[
        "00000000-0000-0000-0000-000000000000",
        "error while parsing webhook response: got no validation errors",
    ],
    observed: V26,
    stops_start: false,
};

pub static HOOK_BLOCKING: Explanation = Explanation {
    code: "hook-blocking",
    severity: Warning,
    title: "People wait for this hook, and fail with it",
    sees: "While the service cannot be reached, the person waits some seconds and gets an error, although their identity is \
           stored. Their second try says that it exists already (4000007).",
    why: "Without `response.ignore: true` Kratos waits for the answer, tries three times, and fails the flow if none was good.",
    mend: "Write `response: { ignore: true }`: Kratos then tells the service beside the flow.",
    example: "response:\n  ignore: true",
    errors: &[
        "giving up after 3 attempt(s)",
        "Webhook request failed",
        "ExecutePostRegistrationPostPersistHook hook failed with an error.",
        "A third-party upstream service could not be reached. Please try again later.",
        "A third-party upstream service responded improperly. Please try again later.",
        "An account with the same identifier (email, phone, username, ...) exists already.",
    ],
    observed: V26,
    stops_start: false,
};

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

pub static HOOK_NOT_POST: Explanation = Explanation {
    code: "hook-not-post",
    severity: Error,
    title: "A hook to this service is not sent by POST",
    sees: "Nothing: the service answers 405, which Kratos does not try again, and knows nothing of the registration.",
    why: "Kratos sends the hook with whatever method is written, body and all. This service takes POST, in capitals.",
    mend: "Write `method: POST`.",
    example: "method: POST",
    errors: &["webhook failed with status code 405"],
    observed: V26,
    stops_start: false,
};

pub static HOOK_WRONG_PATH: Explanation = Explanation {
    code: "hook-wrong-path",
    severity: Error,
    title: "There is no such hook at this service",
    sees: "Nothing: the service answers 404, which Kratos does not try again, and knows nothing of the registration.",
    why: "Hooks go to `/api/kratos/hooks/{registration|settings|login}/{method}`, or `/api/kratos/post-registration-webauthn`.",
    mend: "Correct the path.",
    example: "url: http://localhost:5050/api/kratos/hooks/registration/password",
    errors: &["webhook failed with status code 404"],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_NAMES_ANOTHER_FLOW: Explanation = Explanation {
    code: "hook-names-another-flow",
    severity: Warning,
    title: "The URL of a hook names another flow or method than it stands at",
    sees: "The service counts the registration as one by another method, or takes a sign-in for a registration.",
    why: "What Kratos sends does not name the method for password, passkey and webauthn, so the URL decides.",
    mend: "Let the URL end in the flow and method where the hook stands.",
    example: "code:\n  hooks:\n    - hook: web_hook\n      config:\n        url: http://localhost:5050/api/kratos/hooks/registration/code",
    errors: &[],
    observed: "Kratos v1.3.1 to v26.2.0",
    stops_start: false,
};

pub static HOOK_URL_ODD: Explanation = Explanation {
    code: "hook-url-odd",
    severity: Error,
    title: "One hook goes to another address than all the others",
    sees: "Nothing: with `ignore: true` nobody notices a hook that reaches nobody. If the hook does not ignore the answer, the \
           person gets an error although their identity is stored, and their second try says it exists already.",
    why: "The hooks of one service go to one scheme, host and port. What listens where the odd one goes is somebody else, or \
          nobody, or does not speak this scheme.",
    mend: "Write the same scheme, host and port as in the other hooks.",
    example: "",
    errors: &[
        "dial tcp 127.0.0.1:5999: connect: connection refused",
        "giving up after 3 attempt(s)",
        "tls: first record does not look like a TLS handshake",
        IGNORED,
    ],
    observed: V26,
    stops_start: false,
};

pub static HOOK_URL_NOT_OURS: Explanation = Explanation {
    code: "hook-url-not-ours",
    severity: Error,
    title: "A hook goes where the settings say this service does not listen",
    sees: "Nothing: with `ignore: true` nobody notices a hook that reaches nobody.",
    why: "The settings of this service say which port it listens on, whether it speaks TLS there, and what its paths begin \
          with. The URL of the hook says something else.",
    mend: "Write the address of this service as Kratos reaches it.",
    example: "",
    errors: &["connect: connection refused", "tls: first record does not look like a TLS handshake", IGNORED],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_URL_SCHEME: Explanation = Explanation {
    code: "hook-url-scheme",
    severity: Error,
    title: "The URL of a hook is neither `http://` nor `https://`",
    sees: "Nothing: the registration succeeds and the hook is never sent.",
    why: "`localhost:5050/…` is an address of the scheme `localhost` to Kratos. It takes it, and fails when the hook is to be sent.",
    mend: "Write `http://` or `https://` before it.",
    example: "url: http://localhost:5050/api/kratos/hooks/registration/password",
    errors: &["unsupported protocol scheme"],
    observed: V26,
    stops_start: false,
};

pub static HOOK_WITHOUT_KEY: Explanation = Explanation {
    code: "hook-without-key",
    severity: Error,
    title: "A hook to this service carries no key",
    sees: "Nothing: the service answers 401, which Kratos does not try again, and knows nothing of the registration.",
    why: "Anybody could post registrations otherwise.",
    mend: "Add `auth` with a key that `webhook.api_keys` of the service lists. `kratos-onboarding keygen` makes one.",
    example: "auth:\n  type: api_key\n  config:\n    name: X-Onboarding-Key\n    value: YOUR-KEY\n    in: header",
    errors: &["webhook failed with status code 401"],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_KEY_PLACEHOLDER: Explanation = Explanation {
    code: "hook-key-placeholder",
    severity: Note,
    title: "The key is the placeholder of the example",
    sees: "Nothing, as long as the real key is put in when the file is deployed, or comes from the environment. If not, the \
           service answers 401.",
    why: "The example configuration holds a placeholder, so that no key lies in a repository.",
    mend: "Put the key in when deploying; `kratos-config/README.md` shows how.",
    example: "",
    errors: &["webhook failed with status code 401"],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_KEY_NAME: Explanation = Explanation {
    code: "hook-key-name",
    severity: Error,
    title: "The key comes under another name than this service looks for",
    sees: "Nothing: the service answers 401, which Kratos does not try again.",
    why: "The header or cookie is named by `auth.config.name` in Kratos and by `webhook.api_key_name` in this service.",
    mend: "Write the same name in both.",
    example: "name: X-Onboarding-Key",
    errors: &["webhook failed with status code 401"],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_KEY_UNKNOWN: Explanation = Explanation {
    code: "hook-key-unknown",
    severity: Error,
    title: "This service does not accept the key of a hook",
    sees: "Nothing: the service answers 401, which Kratos does not try again.",
    why: "The value is none of those in `webhook.api_keys` or `webhook.basic_auth` of the settings.",
    mend: "List the key in the settings of the service, or write one that is listed.",
    example: "",
    errors: &["webhook failed with status code 401"],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_KEY_ODD: Explanation = Explanation {
    code: "hook-key-odd",
    severity: Warning,
    title: "One hook carries another key than all the others",
    sees: "Nothing, if the service accepts both. If not, it answers 401 to this hook alone.",
    why: "While keys are changed this is right for a moment; afterwards it is a hook that was forgotten.",
    mend: "Write the same key in every hook; a YAML anchor keeps them together.",
    example: "auth: &onboarding_key\n  type: api_key\n  config: { … }\n# and elsewhere\nauth: *onboarding_key",
    errors: &["webhook failed with status code 401"],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_KEY_IN_CLEAR: Explanation = Explanation {
    code: "hook-key-in-clear",
    severity: Warning,
    title: "The key travels unencrypted to a public name",
    sees: "Nothing, until somebody on the way reads the key and posts registrations of their own.",
    why: "The key is all that tells the service that Kratos is speaking, and plain `http` shows it to every machine on the way.",
    mend: "Use `https`, or an address that stays inside a network of yours.",
    example: "url: https://onboarding.example.org/api/kratos/hooks/registration/password",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static HOOK_CONTENT_TYPE: Explanation = Explanation {
    code: "hook-content-type",
    severity: Error,
    title: "A hook is declared as something else than JSON",
    sees: "Nothing: Kratos sends nothing at all, or the service puts every delivery aside.",
    why: "`headers` sets a Content-Type. Kratos renders `application/json` and `application/x-www-form-urlencoded` only, \
          compared to the letter (`; charset=utf-8` is another one); this service reads JSON.",
    mend: "Take the header away: JSON is what Kratos sends by itself.",
    example: "",
    errors: &[
        "invalid config - incorrect Content-Type for request with body",
        "json: cannot unmarshal object into Go value of type string",
        IGNORED,
    ],
    observed: V26,
    stops_start: false,
};

pub static HOOK_NO_TRIGGER_ID: Explanation = Explanation {
    code: "hook-no-trigger-id",
    severity: Warning,
    title: "The hook carries no Trigger-ID",
    sees: "Nothing. Two attempts of one delivery are told from two deliveries by their content alone.",
    why: "With `emit_analytics_event: false` Kratos leaves out the headers `Ory-Webhook-Trigger-ID` and \
          `Ory-Webhook-Request-ID`, by which this service knows an attempt again.",
    mend: "Take `emit_analytics_event: false` away.",
    example: "",
    errors: &[],
    observed: "Kratos v26.2.0; v1.3.1 never sends one",
    stops_start: false,
};

pub static HOOK_PRIVATE_ADDRESS: Explanation = Explanation {
    code: "hook-private-address",
    severity: Error,
    title: "Kratos is told not to call private addresses, and this service is at one",
    sees: "Nothing: the registration succeeds and the hook is never sent.",
    why: "`clients.http.disallow_private_ip_ranges` refuses loopback, private and link-local addresses, unless the URL stands \
          in `private_ip_exception_urls`. Those are compared to the whole URL without its query, letter for letter; `*` \
          stands for anything but `.` and `/`, `**` for anything.",
    mend: "List the URL of the hook as an exception.",
    example: "clients:\n  http:\n    disallow_private_ip_ranges: true\n    private_ip_exception_urls:\n      - http://onboarding:5050/api/kratos/**",
    errors: &["prohibited IP address: 127.0.0.1 is not a permitted destination", IGNORED],
    observed: V26,
    stops_start: false,
};

pub static HOOK_CERTIFICATE: Explanation = Explanation {
    code: "hook-certificate",
    severity: Warning,
    title: "Kratos can hardly trust the certificate at this address",
    sees: "Nothing: with `ignore: true` nobody notices a hook whose connection fails.",
    why: "No public authority gives certificates for `localhost`, bare names, `.internal`, `.local` or private addresses. Kratos \
          trusts what its system trusts and has no setting for more.",
    mend: "Use `http` inside a network of yours, or a public name with a public certificate, or add your authority to the \
           system of Kratos (`SSL_CERT_FILE`).",
    example: "",
    errors: &[
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "tls: first record does not look like a TLS handshake",
        IGNORED,
    ],
    observed: V26,
    stops_start: false,
};
