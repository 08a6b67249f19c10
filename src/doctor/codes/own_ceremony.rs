//! What this service's own ceremony and Kratos have to agree on.

use super::{Explanation, SERVICE};
use crate::doctor::finding::Severity::{Error, Warning};

pub(super) const ALL: &[&Explanation] =
    &[&OWN_RP_ID_DIFFERS, &OWN_WITHOUT_PASSKEY, &OWN_CODE_MFA, &OWN_AGE_LONGER];

pub static OWN_RP_ID_DIFFERS: Explanation = Explanation {
    code: "own-rp-id-differs",
    severity: Error,
    title: "`webauthn.rp_id` of the service is another relying party than Kratos's",
    sees: "A passkey is set up and never signs anybody in: the device does not even show it where Kratos asks for one.",
    why: "A passkey is bound to the `rp.id` it was made for. The service makes it for `webauthn.rp_id` and hands it to Kratos, \
          which asks for passkeys of its own `rp.id`.",
    mend: "Write Kratos's `selfservice.methods.passkey.config.rp.id` into `webauthn.rp_id` of the service.",
    example: "",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static OWN_WITHOUT_PASSKEY: Explanation = Explanation {
    code: "own-without-passkey",
    severity: Error,
    title: "The service makes passkeys by its own ceremony, and Kratos's `passkey` is off",
    sees: "A passkey is set up, and there is no button to sign in with it.",
    why: "What is handed to Kratos is a credential of its `passkey` method. The admin API takes it also where the method is off.",
    mend: "Enable `passkey` in Kratos, or take `webauthn.rp_id` out of the service's settings.",
    example: "selfservice:\n  methods:\n    passkey:\n      enabled: true",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static OWN_CODE_MFA: Explanation = Explanation {
    code: "own-code-mfa",
    severity: Error,
    title: "Kratos takes a code as a second factor, and the service does not know it",
    sees: "Nothing unusual. Whoever has stolen a password can add a passkey without the second factor.",
    why: "With `mfa_enabled` a code is a second factor of whoever can be sent one, and the admin API does not say so. The service takes \
          such people for people without a second factor.",
    mend: "Write `code_mfa: true` below `kratos` in the service's settings: these people add passkeys by Kratos's settings flow then.",
    example: "",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};

pub static OWN_AGE_LONGER: Explanation = Explanation {
    code: "own-age-longer",
    severity: Warning,
    title: "The service lets a first passkey be added later after a sign-in than Kratos would",
    sees: "Nothing unusual.",
    why: "`webauthn.own_ceremony_max_age` is longer than Kratos's `privileged_session_max_age`. It holds for a person's first passkey, \
          in the very session that registered them, and for nobody else; whoever finds such a session open can add one of their own.",
    mend: "Take `webauthn.own_ceremony_max_age` away, unless this is what you want.",
    example: "",
    errors: &[],
    observed: SERVICE,
    stops_start: false,
};
