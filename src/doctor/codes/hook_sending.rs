//! How our hooks are sent.

use super::{Explanation, SERVICE, V26};
use crate::doctor::finding::Severity::{Error, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &HOOK_WITHOUT_BODY,
    &HOOK_BEFORE_IDENTITY,
    &HOOK_BLOCKING,
    &HOOK_NOT_POST,
    &HOOK_WRONG_PATH,
    &HOOK_NAMES_ANOTHER_FLOW,
    &HOOK_CONTENT_TYPE,
    &HOOK_NO_TRIGGER_ID,
];

const IGNORED: &str = "Webhook request failed but the error was ignored because the configuration indicated that the \
                       upstream response should be ignored";

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
