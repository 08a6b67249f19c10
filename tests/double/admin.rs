//! The admin API, as far as the service and the tests use it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::clock;
use super::config::Version;
use super::exchange::Exchange;
use super::identity::{self, Credential, Identity};
use super::kratos::Kratos;
use super::refusal::Refusal;
use super::return_to::with_query;
use super::state::State;

const PAGE: usize = 250;

fn found<'a>(exchange: &Exchange, state: &'a State) -> Result<&'a Identity, Refusal> {
    let id = Uuid::parse_str(&exchange.path_id).ok();
    id.and_then(|id| state.identities.get(&id)).ok_or_else(|| Refusal::not_found(None))
}

pub fn get(_: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let include = exchange.every_query("include_credential");
    Ok(Answer::Json(200, found(exchange, state)?.admin(&include)))
}

/// By id, a page after another; or whoever has an identifier.
pub fn list(_: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let include = exchange.every_query("include_credential");
    let size = exchange.query("page_size").and_then(|size| size.parse().ok()).unwrap_or(PAGE).clamp(1, 1000);
    let after =
        exchange.query("page_token").and_then(|token| Uuid::parse_str(&token).ok()).unwrap_or(Uuid::nil());
    let identifier =
        exchange.query("credentials_identifier").map(|identifier| identifier.trim().to_lowercase());
    let ids = exchange.every_query("ids");
    let wanted = |identity: &&Identity| {
        let has = |identifier: &String| {
            identity.credentials.values().any(|credential| credential.identifiers.contains(identifier))
        };
        identity.id > after
            && identifier.as_ref().is_none_or(has)
            && (ids.is_empty() || ids.contains(&identity.id.to_string()))
    };
    let mut people: Vec<&Identity> = state.identities.values().filter(wanted).take(size + 1).collect();
    let more = people.len() > size;
    people.truncate(size);
    let link = |token: Uuid, rel: &str| {
        let mut parameters: Vec<(&str, String)> = Vec::new();
        if let Some(identifier) = &identifier {
            parameters.push(("credentials_identifier", identifier.clone()));
        }
        parameters.extend(include.iter().map(|kind| ("include_credential", kind.clone())));
        parameters.push(("page_size", size.to_string()));
        parameters.push(("page_token", token.to_string()));
        let parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        format!("<{}>; rel=\"{rel}\"", with_query("/admin/identities", &parameters))
    };
    let mut links = vec![link(Uuid::nil(), "first")];
    if let Some(last) = people.last().filter(|_| more) {
        links.push(link(last.id, "next"));
    }
    let body = people.iter().map(|identity| identity.admin(&include)).collect();
    Ok(Answer::With(200, ("link", links.join(",")), body))
}

pub fn create(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let body = &exchange.body;
    identity::check_traits(&body["traits"])
        .map_err(|message| Refusal::bad_request(message.body()["text"].as_str().unwrap_or_default()))?;
    let mut identity = Identity::new(&kratos.config, body["traits"].clone());
    if let Some(password) = body["credentials"]["password"]["config"]["password"].as_str() {
        identity.set_password(password);
    }
    if let Some(state) = body["state"].as_str() {
        identity.state = state.to_owned();
    }
    identity.metadata_public = body["metadata_public"].clone();
    identity.metadata_admin = body["metadata_admin"].clone();
    if state.taken(&identity) {
        return Err(Refusal::conflict("This identity conflicts with another identity that already exists."));
    }
    // As Kratos answers: without what the admin alone sees, and before the credentials have dates.
    let mut body = identity.public();
    body["credentials"] = identity.admin(&[])["credentials"].clone();
    for credential in body["credentials"].as_object_mut().unwrap().values_mut() {
        credential["created_at"] = json!(identity::never());
        credential["updated_at"] = json!(identity::never());
    }
    state.identities.insert(identity.id, identity);
    Ok(Answer::Json(201, body))
}

pub fn delete(_: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let id = found(exchange, state)?.id;
    state.identities.remove(&id);
    state.sessions.retain(|_, session| session.identity != id);
    Ok(Answer::Nothing)
}

/// Signs a person out everywhere.
pub fn delete_sessions(_: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let id = found(exchange, state)?.id;
    state.sessions.retain(|_, session| session.identity != id);
    Ok(Answer::Nothing)
}

/// JSON Patch on the person with all credentials. v1.3.1 shows them without their configuration to the patch, so
/// appending to a list in one finds nothing there.
pub fn patch(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let refused = |error: &dyn std::fmt::Display| {
        let mut refusal = Refusal::bad_request("An error occured when applying the JSON patch");
        refusal.body["error"]["message"] = json!(error.to_string());
        refusal
    };
    let old = kratos.config.kratos == Version::V1_3_1;
    let person = found(exchange, state)?.clone();
    let patch: json_patch::Patch =
        serde_json::from_value(exchange.body.clone()).map_err(|error| refused(&error))?;
    for operation in patch.iter() {
        let path = operation.path().as_str();
        if matches!(operation, json_patch::PatchOperation::Test(_)) {
            return Err(refused(&"unsupported operation: test"));
        }
        if ["/id", "/stateChangedAt", "/credentials"].contains(&path)
            || path.starts_with("/credentials/oidc/")
        {
            return Err(refused(&format!("patch includes denied path: {path}")));
        }
        if old && path.contains("/config/") {
            return Err(Refusal::not_found(None));
        }
    }
    let mut document = serde_json::to_value(&person).unwrap();
    json_patch::patch(&mut document, &patch).map_err(|error| refused(&error))?;
    let mut changed: Identity = serde_json::from_value(document).map_err(|error| refused(&error))?;
    changed.follow_traits();
    if state.taken(&changed) {
        return Err(Refusal::conflict("This identity conflicts with another identity that already exists."));
    }
    if !old {
        changed.updated_at = clock::stored();
    }
    let answer = Answer::Json(200, changed.admin(&[]));
    for (kind, credential) in &mut changed.credentials {
        store(person.credentials.get(kind), credential);
    }
    state.identities.insert(changed.id, changed);
    Ok(answer)
}

/// The dates of a credential are made when it is stored.
fn store(before: Option<&Credential>, credential: &mut Credential) {
    let now = clock::stored();
    match before {
        Some(before) if before == credential => {}
        Some(before) => {
            credential.created_at.clone_from(&before.created_at);
            credential.updated_at = now;
        }
        None => {
            credential.created_at.clone_from(&now);
            credential.updated_at = now;
        }
    }
}

pub fn version(kratos: &Kratos, _: &mut Exchange, _: &mut State) -> Result<Answer, Refusal> {
    let version = match kratos.config.kratos {
        Version::V1_3_1 => "v1.3.1",
        // What a Kratos built without a version says.
        Version::V26_2_0 | Version::Main => "master",
    };
    Ok(Answer::Json(200, json!({ "version": version })))
}

pub fn healthy(_: &Kratos, _: &mut Exchange, _: &mut State) -> Result<Answer, Refusal> {
    Ok(Answer::Json(200, json!({ "status": "ok" })))
}

/// The body of a patch is a list, which no form is.
pub fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}
