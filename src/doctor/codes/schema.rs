//! Identity schemas.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Note, Warning};

pub(super) const ALL: &[&Explanation] = &[
    &SCHEMA_UNREADABLE,
    &SCHEMA_DEFAULT_MISSING,
    &SCHEMA_NONE,
    &SCHEMA_NO_PASSKEY_NAME,
    &SCHEMA_PASSKEY_NAME_BORROWED,
    &SCHEMA_PASSKEY_NAME_HIDDEN,
    &SCHEMA_NO_WEBAUTHN_IDENTIFIER,
    &SCHEMA_NOT_FOLLOWED,
];

pub static SCHEMA_UNREADABLE: Explanation = Explanation {
    code: "schema-unreadable",
    severity: Error,
    title: "An identity schema is no JSON Schema",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "Kratos reads every schema of `identity.schemas` when it starts.",
    mend: "Correct the schema where the message points.",
    example: "",
    errors: &["invalid character", "no such file or directory"],
    observed: V26,
    stops_start: true,
};

pub static SCHEMA_DEFAULT_MISSING: Explanation = Explanation {
    code: "schema-default-missing",
    severity: Error,
    title: "`identity.default_schema_id` names no schema",
    sees: "Nobody can register.",
    why: "The id has to be one of those in `identity.schemas`; without the setting it is `default`.",
    mend: "Write the id of a schema that is listed.",
    example: "identity:\n  default_schema_id: person\n  schemas:\n    - id: person\n      url: file:///etc/kratos/identity.schema.json",
    errors: &["unable to find identity schema with id: nobody"],
    observed: V26,
    stops_start: false,
};

pub static SCHEMA_NONE: Explanation = Explanation {
    code: "schema-none",
    severity: Error,
    title: "There is no identity schema",
    sees: "Kratos refuses to start, so nobody can register or sign in.",
    why: "`identity.schemas` needs one at least.",
    mend: "Name a schema.",
    example: "identity:\n  default_schema_id: person\n  schemas:\n    - id: person\n      url: file:///etc/kratos/identity.schema.json",
    errors: &["minimum 1 items allowed, but found 0 items", "missing properties: \"schemas\""],
    observed: V26,
    stops_start: true,
};

pub static SCHEMA_NO_PASSKEY_NAME: Explanation = Explanation {
    code: "schema-no-passkey-name",
    severity: Error,
    title: "The identity schema gives a passkey no name",
    sees: "The settings show no passkeys at all, and the page says that none can be set up.",
    why: "Kratos names the passkey after the trait with `passkey: {display_name: true}`, else after the one with `webauthn: \
          {identifier: true}`. This schema has neither.",
    mend: "Mark the trait by which people know their account, usually the e-mail address.",
    example: "# in the schema, at the trait:\n\"ory.sh/kratos\": { \"credentials\": { \"passkey\": { \"display_name\": true } } }",
    errors: &[
        "no identifier found",
        "Could not find any login identifiers. Did you forget to set them? This could also be caused by a server misconfiguration.",
    ],
    observed: V26,
    stops_start: false,
};

pub static SCHEMA_PASSKEY_NAME_BORROWED: Explanation = Explanation {
    code: "schema-passkey-name-borrowed",
    severity: Warning,
    title: "A passkey is named after the `webauthn` identifier",
    sees: "It works; the passkey gets the name, in lower case, of the trait that `webauthn` signs in with.",
    why: "No trait has `passkey: {display_name: true}`, so Kratos borrows the one with `webauthn: {identifier: true}`. Take \
          `webauthn` away one day and no passkey can be made any more.",
    mend: "Mark the trait by which people know their account.",
    example: "# in the schema, at the trait:\n\"ory.sh/kratos\": { \"credentials\": { \"passkey\": { \"display_name\": true } } }",
    errors: &["no identifier found"],
    observed: V26,
    stops_start: false,
};

pub static SCHEMA_PASSKEY_NAME_HIDDEN: Explanation = Explanation {
    code: "schema-passkey-name-hidden",
    severity: Error,
    title: "Kratos does not find the name of a passkey when people register",
    sees: "The registration page fails for everybody: 500.",
    why: "At a registration Kratos looks for the one trait with `passkey: {display_name: true}` or `webauthn: {identifier: true}` by its \
          `title`, and only among the traits at the top of `traits`.",
    mend: "Give exactly one trait at the top of `traits` the mark, and a `title` of its own.",
    example: "# in the schema:\n\"email\": { \"type\": \"string\", \"title\": \"E-Mail\", \"ory.sh/kratos\": { … } }",
    errors: &["no identifier found"],
    observed: V26,
    stops_start: false,
};

pub static SCHEMA_NO_WEBAUTHN_IDENTIFIER: Explanation = Explanation {
    code: "schema-no-webauthn-identifier",
    severity: Error,
    title: "The identity schema has no identifier for `webauthn`",
    sees: "People who set up a key cannot sign in with it.",
    why: "Signing in with `webauthn` asks for the identifier first: the trait with `webauthn: {identifier: true}`.",
    mend: "Mark the trait people sign in with, usually the e-mail address.",
    example: "# in the schema, at the trait:\n\"ory.sh/kratos\": { \"credentials\": { \"webauthn\": { \"identifier\": true } } }",
    errors: &[
        "Could not find any login identifiers. Did you forget to set them? This could also be caused by a server misconfiguration.",
    ],
    observed: V26,
    stops_start: false,
};

pub static SCHEMA_NOT_FOLLOWED: Explanation = Explanation {
    code: "schema-not-followed",
    severity: Note,
    title: "The identity schema refers to another one",
    sees: "Nothing.",
    why: "`doctor` does not follow `$ref` to another file; what is behind it was not looked at.",
    mend: "Nothing, if the marks for `passkey` and `webauthn` are there.",
    example: "",
    errors: &[],
    observed: "doctor",
    stops_start: false,
};
