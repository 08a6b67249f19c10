//! Where our hooks go, and with which key.

use super::{Explanation, SERVICE, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &HOOK_URL_ODD,
    &HOOK_URL_NOT_OURS,
    &HOOK_URL_SCHEME,
    &HOOK_WITHOUT_KEY,
    &HOOK_KEY_PLACEHOLDER,
    &HOOK_KEY_NAME,
    &HOOK_KEY_UNKNOWN,
    &HOOK_KEY_ODD,
    &HOOK_KEY_IN_CLEAR,
    &HOOK_PRIVATE_ADDRESS,
    &HOOK_CERTIFICATE,
];

const IGNORED: &str = "Webhook request failed but the error was ignored because the configuration indicated that the \
                       upstream response should be ignored";

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
