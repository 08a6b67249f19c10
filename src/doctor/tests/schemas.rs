use super::*;

fn credentials(traits: &mut Json) -> &mut serde_json::Map<String, Json> {
    traits.pointer_mut("/email/ory.sh~1kratos/credentials").unwrap().as_object_mut().unwrap()
}

#[test]
fn a_passkey_needs_a_name_and_webauthn_an_identifier() {
    let borrowed = Configuration::good().schema(|traits| drop(credentials(traits).remove("passkey")));
    borrowed.says(&["warning schema-passkey-name-borrowed"]);
    let none = Configuration::good().schema(|traits| {
        credentials(traits).remove("passkey");
        credentials(traits).remove("webauthn");
    });
    none.says(&["error schema-no-passkey-name", "error schema-no-webauthn-identifier"]);
    let unidentified = Configuration::good().schema(|traits| drop(credentials(traits).remove("webauthn")));
    unidentified.says(&["error schema-no-webauthn-identifier"]);
}

/// Seen: `nested` is answered 500 "no identifier found", the others are not.
#[test]
fn at_a_registration_the_name_is_found_by_its_title() {
    let nested = Configuration::good().schema(|traits| {
        credentials(traits).remove("passkey");
        credentials(traits).remove("webauthn");
        traits["name"]["title"] = json!("Name");
        traits["name"]["properties"]["first"] =
            json!({ "type": "string", "title": "First", "ory.sh/kratos": { "credentials": { "passkey": { "display_name": true } } } });
    });
    nested.says(&["error schema-no-webauthn-identifier", "error schema-passkey-name-hidden"]);
    Configuration::good()
        .schema(|traits| drop(traits["email"].as_object_mut().unwrap().remove("title")))
        .says(&[]);
}

#[test]
fn a_schema_has_to_be_there() {
    let url = |address: &str| Configuration::good().with("/identity/schemas/0/url", json!(address));
    url("file:///etc/kratos/nothing.json").says(&["error schema-unreadable"]);
    url("base64://e25vcGU=").says(&["error schema-unreadable"]);
    url("base64://!").says(&["error file-unreadable"]);
    url("https://example.org/schema.json").says(&[]);
    url("https://example.org/schema.json").finding("not-fetched");
    Configuration::good()
        .with("/identity/default_schema_id", json!("nobody"))
        .says(&["error schema-default-missing"]);
    Configuration::good().without("/identity/default_schema_id").says(&["error schema-default-missing"]);
    Configuration::good().with("/identity/schemas", json!([])).says(&["error schema-none"]);
}
