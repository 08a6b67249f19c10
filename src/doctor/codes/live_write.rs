//! What a running Kratos makes of passkeys that are handed in: `--write`.

use super::{Explanation, SERVICE, V26};
use crate::doctor::finding::Severity::{Error, Warning};

pub(super) const ALL: &[&Explanation] =
    &[&LIVE_IMPORT_REFUSED, &LIVE_IMPORT_DIFFERS, &LIVE_WRITE_NOT_TRIED, &LIVE_WRITE_LEFT_BEHIND];

pub static LIVE_IMPORT_REFUSED: Explanation = Explanation {
    code: "live-import-refused",
    severity: Error,
    title: "Kratos does not take a passkey of the service's own ceremony",
    sees: "The first person who sets a passkey up gets a dead one and is sent to Kratos's settings flow; after that everybody is, as \
           without the own ceremony.",
    why: "The service hands passkeys in by JSON Patch on `/admin/identities/{id}`. This was tried with an identity made for it, and \
          refused. v1.3.1, v25.4, v26.2.0 and main take it; a proxy in front of the admin API may not let `PATCH` through.",
    mend: "Let `PATCH /admin/identities/{id}` through to Kratos, or write `import: off` below `webauthn` in the service's settings.",
    example: "",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static LIVE_IMPORT_DIFFERS: Explanation = Explanation {
    code: "live-import-differs",
    severity: Error,
    title: "What Kratos holds after a passkey was handed in is not what was handed in",
    sees: "A passkey is set up and may never sign anybody in, or something else of the person is changed with it. The service \
           switches itself back to Kratos's settings flow once it has seen this.",
    why: "Kratos answered that it was done, and what was read afterwards differs in what the message says. None of the versions this \
          service was tried with (v1.3.1, v25.4, v26.2.0, main) does that; another version may, or a proxy that changes bodies.",
    mend: "Write `import: off` below `webauthn` in the service's settings, and tell us which version it is.",
    example: "",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static LIVE_WRITE_NOT_TRIED: Explanation = Explanation {
    code: "live-write-not-tried",
    severity: Warning,
    title: "Whether Kratos takes passkeys of the service's own ceremony could not be tried",
    sees: "Nothing. It shows when the first person sets a passkey up; where Kratos does not take it, they are sent to its settings flow.",
    why: "`--write` makes an identity of the default schema, whose traits are made up from that schema. `$ref` and `pattern` are not \
          followed, so a schema can ask for more than could be made up.",
    mend: "Do what the message says, or leave it: the service finds out by itself and falls back.",
    example: "",
    errors: &["I[#/traits]", "missing properties"],
    observed: V26,
    stops_start: false,
};

pub static LIVE_WRITE_LEFT_BEHIND: Explanation = Explanation {
    code: "live-write-left-behind",
    severity: Error,
    title: "An identity that was made to try something is still there",
    sees: "An identity that belongs to nobody among your people. It is not active, has no password, and nobody has the private keys \
           of its passkeys, so nobody can sign in as it.",
    why: "`--write` deletes the identity it made; Kratos did not let it, or did not answer.",
    mend: "Delete it: `DELETE /admin/identities/{id}` of the admin API.",
    example: "",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};
