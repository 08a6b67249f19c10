//! The file itself, and what it names.

use super::{Explanation, V26};
use crate::doctor::finding::Severity::{Error, Note};

pub(super) const ALL: &[&Explanation] = &[
    &CONFIG_EXTENSION,
    &CONFIG_KEY_TWICE,
    &CONFIG_KEY_UNKNOWN,
    &FILE_MISSING,
    &FILE_UNREADABLE,
    &FILE_BESIDE,
    &NOT_FETCHED,
];

pub static CONFIG_EXTENSION: Explanation = Explanation {
    code: "config-extension",
    severity: Error,
    title: "Kratos does not read a file of this name",
    sees: "Kratos refuses to start.",
    why: "Kratos knows by the end of the name how to read a configuration: `.yaml`, `.yml`, `.json` or `.toml`.",
    mend: "Rename the file. It was read as YAML here.",
    example: "",
    errors: &["unknown config file extension"],
    observed: V26,
    stops_start: true,
};

pub static CONFIG_KEY_TWICE: Explanation = Explanation {
    code: "config-key-twice",
    severity: Error,
    title: "A setting is written twice",
    sees: "Kratos refuses to start.",
    why: "In one mapping each name can stand once.",
    mend: "Keep one of the two, or put what is below them together.",
    example: "",
    errors: &["mapping key \"selfservice\" already defined at line"],
    observed: V26,
    stops_start: true,
};

pub static CONFIG_KEY_UNKNOWN: Explanation = Explanation {
    code: "config-key-unknown",
    severity: Error,
    title: "Kratos does not know a setting",
    sees: "Kratos refuses to start.",
    why: "In most places Kratos takes the settings it knows and nothing else.",
    mend: "Correct the name, or take the setting away.",
    example: "",
    errors: &[
        "additionalProperties \"selfservices\" not allowed",
        "additionalProperties \"passkeys\" not allowed",
    ],
    observed: V26,
    stops_start: true,
};

pub static FILE_MISSING: Explanation = Explanation {
    code: "file-missing",
    severity: Error,
    title: "A file that the configuration names is not there",
    sees: "A missing template: nothing, the hook is never sent. A missing schema: nobody can register or sign in.",
    why: "It was looked for where the configuration says, and beside the configuration. A relative `file://` is relative to the \
          directory Kratos is started in, not to its configuration.",
    mend: "Correct the name, or run `doctor` where the files are. A file may be the content itself: `base64://…`.",
    example: "body: file:///etc/kratos/hooks/registration.jsonnet",
    errors: &["unable to open file: ", "no such file or directory"],
    observed: V26,
    stops_start: false,
};

pub static FILE_UNREADABLE: Explanation = Explanation {
    code: "file-unreadable",
    severity: Error,
    title: "What the configuration names cannot be read",
    sees: "A template: nothing, the hook is never sent. A schema: nobody can register or sign in.",
    why: "It is no base64 (with its padding), no text, larger than a template or schema can be, or an address of a kind that Kratos does not know.",
    mend: "Name it as `file://…`, `base64://…`, `http://…` or `https://…`.",
    example: "body: base64://ZnVuY3Rpb24oY3R4KSB7IGlkZW50aXR5X2lkOiBjdHguaWRlbnRpdHkuaWQgfQ==",
    errors: &["base64decode: ", "illegal base64 data at input byte 0", "unable to open file: ftp://"],
    observed: V26,
    stops_start: false,
};

pub static FILE_BESIDE: Explanation = Explanation {
    code: "file-beside",
    severity: Note,
    title: "A file was found beside the configuration, not where the configuration says",
    sees: "Nothing.",
    why: "The path is one of the machine that runs Kratos. Here a file of the same name lies beside the configuration, and that \
          one was looked at.",
    mend: "Nothing, if it is the same file.",
    example: "",
    errors: &[],
    observed: "doctor",
    stops_start: false,
};

pub static NOT_FETCHED: Explanation = Explanation {
    code: "not-fetched",
    severity: Note,
    title: "A template or schema lies on a server and was not looked at",
    sees: "Nothing.",
    why: "`doctor` opens no address that stands in a configuration. Kratos fetches it when it needs it; a server that is \
          down then means hooks that are not sent.",
    mend: "Name a file, or give the content as `base64://…`.",
    example: "",
    errors: &[],
    observed: "doctor",
    stops_start: false,
};
