//! Do the identity schemas let a passkey be made and used?

use serde_json::Value;

use crate::doctor::codes::{
    FILE_BESIDE, FILE_UNREADABLE, NOT_FETCHED, SCHEMA_DEFAULT_MISSING, SCHEMA_NO_PASSKEY_NAME,
    SCHEMA_NO_WEBAUTHN_IDENTIFIER, SCHEMA_NONE, SCHEMA_NOT_FOLLOWED, SCHEMA_PASSKEY_NAME_BORROWED,
    SCHEMA_PASSKEY_NAME_HIDDEN, SCHEMA_UNREADABLE,
};
use crate::doctor::document::{Place, Spot};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::source::{self, Found, NotFound};
use crate::doctor::subject::Subject;

/// Deeper schemas are not looked into.
const DEPTH_MAX: usize = 32;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let identity = subject.at("identity");
    let schemas: Vec<Place<'_>> = identity.get("schemas").items().collect();
    if schemas.is_empty() {
        findings.push(Finding::new(&SCHEMA_NONE, &identity.get("schemas"), "`identity.schemas` is empty."));
        return;
    }
    let default = identity.get("default_schema_id");
    let id = default.text().unwrap_or("default");
    if schemas.iter().all(|schema| schema.get("id").text() != Some(id)) {
        let message = format!("The default schema is `{id}`, and none of {} has this id.", schemas.len());
        findings.push(Finding::new(&SCHEMA_DEFAULT_MISSING, &default, message));
    }
    for schema in &schemas {
        let is_default = schema.get("id").text() == Some(id);
        one(subject, schema, is_default, findings);
    }
}

fn one(subject: &Subject<'_>, schema: &Place<'_>, is_default: bool, findings: &mut Vec<Finding>) {
    let url = schema.get("url");
    let id = schema.get("id").text().unwrap_or("?");
    let Some(address) = url.text() else {
        let message = format!("The schema `{id}` has no `url`.");
        findings.push(Finding::new(&SCHEMA_UNREADABLE, schema, message));
        return;
    };
    let found = match source::read(address, subject.directory()) {
        Ok(found) => found,
        Err(NotFound::Remote) => {
            findings.push(Finding::new(&NOT_FETCHED, &url, format!("The schema `{id}` lies on a server.")));
            return;
        }
        Err(error @ NotFound::Missing(_)) => {
            let message = format!("The schema `{id}`: {error}.");
            findings.push(Finding::new(&SCHEMA_UNREADABLE, &url, message).mended_by(
                "Correct the name. A relative `file://` is relative to the directory Kratos is started in.",
            ));
            return;
        }
        Err(error) => {
            let message = format!("The schema `{id}`: {error}.");
            let sees = "Kratos refuses to start, so nobody can register or sign in.";
            findings.push(Finding::new(&FILE_UNREADABLE, &url, message).seen_as(sees));
            return;
        }
    };
    if let (Some(asked), Some(file)) = (&found.beside, &found.file) {
        let message = format!("`{}` is not here; `{}` was looked at.", asked.display(), file.display());
        findings.push(Finding::new(&FILE_BESIDE, &url, message));
    }
    match serde_json::from_str::<Value>(&found.text) {
        Ok(read) => marks(subject, &url, id, is_default, &read, findings),
        Err(error) => {
            let spot = Spot { line: error.line().max(1), column: error.column().max(1) };
            let message = format!("The schema `{id}` is not JSON: {error}.");
            let finding = Finding::new(&SCHEMA_UNREADABLE, &url, message);
            findings.push(at(finding, &found, spot));
        }
    }
}

fn at(finding: Finding, found: &Found, spot: Spot) -> Finding {
    match &found.file {
        Some(file) => finding.at(file.clone(), spot),
        None => finding,
    }
}

/// What `ory.sh/kratos` says of one trait.
#[derive(Debug, Default, Clone)]
struct Marks {
    passkey_names: Vec<Trait>,
    webauthn_identifiers: Vec<Trait>,
    refers: bool,
}

#[derive(Debug, Clone)]
struct Trait {
    title: Option<String>,
    is_at_top: bool,
}

fn marks(
    subject: &Subject<'_>,
    url: &Place<'_>,
    id: &str,
    is_default: bool,
    schema: &Value,
    findings: &mut Vec<Finding>,
) {
    let mut marks = Marks::default();
    let traits = schema.pointer("/properties/traits");
    if let Some(traits) = traits {
        gather(traits, 0, &mut marks);
    }
    let named = !marks.passkey_names.is_empty() || !marks.webauthn_identifiers.is_empty();
    let identified = !marks.webauthn_identifiers.is_empty();
    let passkey = subject.is_enabled("passkey");
    let webauthn = subject.is_enabled("webauthn") && subject.is_passwordless();
    if marks.refers && (passkey && !named || webauthn && !identified) {
        let message = format!("The schema `{id}` has a `$ref`.");
        findings.push(Finding::new(&SCHEMA_NOT_FOLLOWED, url, message));
        return;
    }
    // Only people of another schema meet it.
    let milder =
        |finding: Finding| if is_default { finding } else { finding.as_severe_as(Severity::Warning) };
    if passkey && !named {
        let message = format!("In the schema `{id}` no trait is marked for `passkey` or `webauthn`.");
        findings.push(milder(Finding::new(&SCHEMA_NO_PASSKEY_NAME, url, message)));
    } else if passkey && marks.passkey_names.is_empty() {
        let message = format!("In the schema `{id}` no trait has `passkey: {{display_name: true}}`.");
        findings.push(Finding::new(&SCHEMA_PASSKEY_NAME_BORROWED, url, message));
    }
    if passkey && named && is_default && subject.can_register() {
        findings.extend(hidden(url, id, &marks, schema));
    }
    if webauthn && !identified {
        let message = format!("In the schema `{id}` no trait has `webauthn: {{identifier: true}}`.");
        findings.push(milder(Finding::new(&SCHEMA_NO_WEBAUTHN_IDENTIFIER, url, message)));
    }
}

/// At a registration Kratos finds the trait by its title.
fn hidden(url: &Place<'_>, id: &str, marks: &Marks, schema: &Value) -> Option<Finding> {
    let marked = || marks.passkey_names.iter().chain(&marks.webauthn_identifiers);
    let mut titles: Vec<&str> = marked().filter_map(|one| one.title.as_deref()).collect();
    titles.sort_unstable();
    titles.dedup();
    let top = schema.pointer("/properties/traits/properties").and_then(Value::as_object);
    let title = |value: &Value| value.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
    // With none or several Kratos looks for a trait without a title, and takes the first.
    let wanted = match titles.as_slice() {
        [one] => *one,
        _ => "",
    };
    if top.into_iter().flatten().any(|(_, value)| title(value) == wanted) {
        return None;
    }
    let why = match titles.len() {
        0 => "the marked trait has no `title`".to_owned(),
        1 if marked().all(|one| !one.is_at_top) => {
            "the marked trait is not at the top of `traits`".to_owned()
        }
        1 => "no trait at the top of `traits` has the title of the marked one".to_owned(),
        several => format!("{several} traits with a title are marked"),
    };
    let message = format!("In the schema `{id}` {why}.");
    Some(Finding::new(&SCHEMA_PASSKEY_NAME_HIDDEN, url, message))
}

fn gather(schema: &Value, depth: usize, marks: &mut Marks) {
    if depth > DEPTH_MAX {
        return;
    }
    match schema {
        Value::Object(object) => {
            marks.refers |= object.contains_key("$ref");
            let credentials = schema.pointer("/ory.sh~1kratos/credentials");
            let is = |pointer: &str| {
                credentials.and_then(|all| all.pointer(pointer)).and_then(Value::as_bool) == Some(true)
            };
            let one = || Trait {
                title: object
                    .get("title")
                    .and_then(Value::as_str)
                    .filter(|title| !title.is_empty())
                    .map(str::to_owned),
                // traits, its properties, the trait.
                is_at_top: depth == 2,
            };
            if is("/passkey/display_name") {
                marks.passkey_names.push(one());
            }
            if is("/webauthn/identifier") {
                marks.webauthn_identifiers.push(one());
            }
            let inner = object.iter().filter(|(key, _)| *key != "ory.sh/kratos" && *key != "examples");
            inner.for_each(|(_, value)| gather(value, depth + 1, marks));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, depth + 1, marks)),
        _ => {}
    }
}
