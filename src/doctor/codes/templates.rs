//! What a template makes of `ctx`.

use super::{Explanation, SERVICE, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &TEMPLATE_SYNTAX,
    &TEMPLATE_FAILS,
    &TEMPLATE_CANCELS,
    &TEMPLATE_NOT_A_FUNCTION,
    &TEMPLATE_ENDLESS,
    &TEMPLATE_IMPORTS,
    &TEMPLATE_NOT_JUDGED,
    &TEMPLATE_NOT_UNDERSTOOD,
    &TEMPLATE_SENDS_COOKIES,
    &TEMPLATE_SENDS_HEADERS,
    &TEMPLATE_SENDS_WHOLE_CTX,
    &TEMPLATE_SENDS_SECRETS,
    &TEMPLATE_TOO_LARGE,
    &TEMPLATE_NEAR_LIMIT,
    &TEMPLATE_WITHOUT_SCHEME,
    &TEMPLATE_COUNTS_NO_PASSKEYS,
];

const SILENT: &str = "Nothing: the registration succeeds and the hook is never sent.";
const IGNORED: &str = "Webhook request failed but the error was ignored";

pub static TEMPLATE_SYNTAX: Explanation = Explanation {
    code: "template-syntax",
    severity: Error,
    title: "The template of a hook is not Jsonnet",
    sees: SILENT,
    why: "Kratos reads the template when the hook is to be sent, not when it starts, and writes one line into its log.",
    mend: "Correct the template where the message points.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &["Unexpected end of file", "Expected token", "Unknown variable: ", "ERROR: ", IGNORED],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_FAILS: Explanation = Explanation {
    code: "template-fails",
    severity: Error,
    title: "The template of a hook fails",
    sees: SILENT,
    why: "It asks for something that is not in `ctx` of this flow and method, or says `error`. A field that may be missing has to \
          be asked for: `std.objectHas(ctx, 'session')`.",
    mend: "Ask before you take: `if std.objectHas(ctx.identity.traits, 'phone') then ctx.identity.traits.phone else null`.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &["RUNTIME ERROR: Field does not exist: ", "RUNTIME ERROR: ", IGNORED],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_CANCELS: Explanation = Explanation {
    code: "template-cancels",
    severity: Error,
    title: "The template of a hook cancels it",
    sees: "Nothing: the registration succeeds, the hook is not sent, and Kratos counts it as sent.",
    why: "`error 'cancel'` tells Kratos to leave the request out, without a word in its log. With a usual registration the \
          template does so.",
    mend: "Take the `cancel` away, or let it say so only where nothing is to be sent.",
    example: "",
    errors: &["RUNTIME ERROR: cancel"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_NOT_A_FUNCTION: Explanation = Explanation {
    code: "template-not-a-function",
    severity: Error,
    title: "The template of a hook is no function of `ctx`",
    sees: "Nothing: every registration sends the same, or nothing at all.",
    why: "Kratos hands what it knows to a function whose parameter is called `ctx`. A template that is an object is sent as it \
          stands; one with another parameter fails.",
    mend: "Begin the template with `function(ctx)`.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &["function has no parameter ctx", "Missing argument: ", "Unknown variable: ctx"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_ENDLESS: Explanation = Explanation {
    code: "template-endless",
    severity: Error,
    title: "The template of a hook does not come to an end",
    sees: SILENT,
    why: "It was stopped here after its time, memory or stack was used up; Kratos stops its helper process as well.",
    mend: "Look for a recursion without an end.",
    example: "",
    errors: &["RUNTIME ERROR: max stack frames exceeded.", "runtime: out of memory: cannot allocate"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_IMPORTS: Explanation = Explanation {
    code: "template-imports",
    severity: Error,
    title: "The template of a hook imports a file",
    sees: SILENT,
    why: "Kratos lets a template read nothing: neither `import` nor `importstr` works.",
    mend: "Write what is imported into the template itself.",
    example: "",
    errors: &["import not available"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_NOT_JUDGED: Explanation = Explanation {
    code: "template-not-judged",
    severity: Note,
    title: "The template uses something that `doctor` does not know",
    sees: "Nothing.",
    why: "The interpreter in `doctor` has not every function of the one in Kratos. Kratos adds none of its own to Jsonnet.",
    mend: "Try the template on Kratos itself: register, and look for the hook.",
    example: "",
    errors: &[],
    observed: "doctor",
    stops_start: false,
};

pub static TEMPLATE_NOT_UNDERSTOOD: Explanation = Explanation {
    code: "template-not-understood",
    severity: Error,
    title: "This service does not understand what the template sends",
    sees: "Nothing: the delivery is put in quarantine and answered 202.",
    why: "The service needs the id of the identity: `identity.id`, or one of `identity_id`, `identityId`, `userId`, `user_id`.",
    mend: "Send the id, or use the templates of `kratos-config/hooks`.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static TEMPLATE_SENDS_COOKIES: Explanation = Explanation {
    code: "template-sends-cookies",
    severity: Error,
    title: "The template sends the person's cookies",
    sees: "Nothing, until somebody reads a session cookie on the way or in a log and is signed in as that person.",
    why: "`ctx.request_cookies` holds every cookie of the request, the session cookie too, and `ctx.request_headers` may hold them \
          again.",
    mend: "Take the cookies out. This service needs none of them.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_SENDS_HEADERS: Explanation = Explanation {
    code: "template-sends-headers",
    severity: Warning,
    title: "The template sends the request's headers",
    sees: "Nothing.",
    why: "Which headers are in `ctx.request_headers` is decided by `clients.web_hook.header_allowlist`; with `Cookie` or \
          `Authorization` in it they are credentials.",
    mend: "Take the headers out, or pick the one you need.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_SENDS_WHOLE_CTX: Explanation = Explanation {
    code: "template-sends-whole-ctx",
    severity: Error,
    title: "The template sends the whole `ctx`",
    sees: "Nothing, as long as `ctx` is small; then hooks are missing for some people. Cookies and every trait travel along.",
    why: "`ctx` holds every cookie of the request, the session cookie too, all traits, and the whole form. Kratos cannot render \
          more than 64 KiB; what is longer is never sent.",
    mend: "Let the template pick what it sends, as those in `kratos-config/hooks` do.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &["bufio.Scanner: token too long"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_SENDS_SECRETS: Explanation = Explanation {
    code: "template-sends-secrets",
    severity: Warning,
    title: "The template sends something that signs a person in or speaks for them",
    sees: "Nothing, until somebody reads it on the way or in a log.",
    why: "The form of a flow holds a CSRF token; a session holds its own id and the person's devices.",
    mend: "Let the template pick the fields it needs.",
    example: "",
    errors: &[],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_TOO_LARGE: Explanation = Explanation {
    code: "template-too-large",
    severity: Error,
    title: "Template and `ctx` do not fit into 64 KiB",
    sees: SILENT,
    why: "Kratos hands the template and `ctx` to a helper process that reads no more than 64 KiB at once, and takes no longer body \
          from it.",
    mend: "Make the template shorter.",
    example: "",
    errors: &["bufio.Scanner: token too long"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_NEAR_LIMIT: Explanation = Explanation {
    code: "template-near-limit",
    severity: Warning,
    title: "What the template sends grows with the person, to over 64 KiB",
    sees: "Nothing: hooks are missing for people with many credentials, long traits or large cookies.",
    why: "With a large but possible `ctx` the body is over what Kratos can render and this service takes.",
    mend: "Let the template pick what it sends instead of handing on whole parts of `ctx`.",
    example: "function(ctx) { identity: { id: ctx.identity.id } }",
    errors: &["bufio.Scanner: token too long"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_WITHOUT_SCHEME: Explanation = Explanation {
    code: "template-without-scheme",
    severity: Warning,
    title: "The template is named without `file://`",
    sees: "Nothing yet.",
    why: "Kratos still reads it as a file, and says that a later version will not.",
    mend: "Write `file://` before the path.",
    example: "body: file:///etc/kratos/hooks/registration.jsonnet",
    errors: &["support for filepaths without a 'file://' scheme will be dropped in the next release"],
    observed: V26,
    stops_start: false,
};

pub static TEMPLATE_COUNTS_NO_PASSKEYS: Explanation = Explanation {
    code: "template-counts-no-passkeys",
    severity: Note,
    title: "The template of a settings hook does not say which passkeys are left",
    sees: "Nothing. The service has to ask the admin API after each change, if it may.",
    why: "The form of the settings flow shows one `passkey_remove` node a passkey, already up to date when the hook is sent.",
    mend: "Use `kratos-config/hooks/settings.jsonnet`.",
    example: "",
    errors: &[],
    observed: "Kratos v1.3.1 to v26.2.0",
    stops_start: false,
};
