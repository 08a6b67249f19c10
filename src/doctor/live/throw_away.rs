//! Who is made to try something on: by its address anybody sees that it is nobody.

use serde_json::{Value, json};

use super::ask::{client, send};
use super::{Asked, WITHIN};
use crate::doctor::made_up::{Extent, Person};
use crate::doctor::source::{self, NotFound};
use crate::doctor::subject::Subject;
use crate::kratos::ThrowAway;

/// Never anybody's: `.invalid` is reserved (RFC 2606, section 2).
const DOMAIN: &str = "kratos-onboarding.invalid";
const NOTE: &str =
    "kratos-onboarding doctor --live --write, to try something; it deletes it again, and so may you";

/// The default schema with its id: as the configuration names it, else as the running Kratos gives it.
pub(super) async fn schema(subject: &Subject<'_>, public: &Asked<'_>) -> Result<(String, Value), String> {
    let (id, url) = subject.default_schema();
    let address = url.and_then(|url| url.text()).ok_or(NotFound::Remote);
    let text = match address.and_then(|address| source::read(address, subject.directory())) {
        Ok(found) => found.text.into_bytes(),
        Err(why) => of_kratos(id, public).await.map_err(|told| {
            let here = if why == NotFound::Remote { " is not here".to_owned() } else { format!(": {why}") };
            format!("The default schema `{id}`{here}, and Kratos does not give it ({told}).")
        })?,
    };
    let schema = serde_json::from_slice(&text);
    Ok((id.to_owned(), schema.map_err(|error| format!("The default schema `{id}` is not JSON: {error}."))?))
}

async fn of_kratos(id: &str, public: &Asked<'_>) -> Result<Vec<u8>, String> {
    let mut url = public.url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["schemas", id]);
    }
    let client = client(WITHIN).map_err(|error| error.to_string())?;
    let answer = send(client.get(url)).await?;
    if answer.status == 200 { Ok(answer.body) } else { Err(format!("status {}", answer.status)) }
}

/// Its address, and how it may be made: with what identifies somebody and is required, else with all that the schema names.
pub(super) fn made_up(
    schema_id: String,
    schema: &Value,
) -> Result<(String, [ThrowAway; 2]), getrandom::Error> {
    let mut drawn = [0; 9];
    getrandom::fill(&mut drawn)?;
    let [tel, name @ ..] = drawn;
    let name = format!("doctor-{}", hex::encode(name));
    let person = Person {
        email: format!("{name}@{DOMAIN}"),
        // Numbers that belong to nobody, for films (NANPA, 555-0100 to 555-0199).
        tel: format!("+120255501{:02}", tel % 100),
        name,
        url: format!("https://{DOMAIN}/"),
    };
    let people = [Extent::Identified, Extent::Everything].map(|extent| ThrowAway {
        schema: schema_id.clone(),
        traits: person.traits(schema, extent).unwrap_or_else(|| json!({})),
        note: NOTE.to_owned(),
    });
    Ok((person.email, people))
}
