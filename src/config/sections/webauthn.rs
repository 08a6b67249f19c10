use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::ceremony::Party;
use crate::config::parse::{self, Units};
use crate::config::reader::{Noted, Reader, Refused};
use crate::config::settings::{Brand, Kratos, Listener, Origin, Webauthn};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebauthnFile {
    /// For whom passkeys are made; the same as Kratos's `selfservice.methods.passkey.config.rp.id`, or nobody can sign in
    /// with them: a domain without scheme and port. Without it passkeys are only made by Kratos's settings flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "example.org")]
    rp_id: Option<String>,
    /// What authenticators call it: 1 to 64 characters. Default: `page.brand.name`, else `webauthn.rp_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Example Shop")]
    rp_name: Option<String>,
    /// A list of origins whose pages make passkeys, the page's own among them: scheme, host and port, as
    /// `https://auth.example.org`; https, but for `localhost`. Default: the page's own, and those of `page.allowed_origins`
    /// that are at `webauthn.rp_id` or below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://auth.example.org", "https://app.example.org"])]
    origins: Vec<String>,
    /// `auto` or `off`: whether a passkey of our own ceremony may be handed in to Kratos by its admin API. `auto`: as long
    /// as Kratos takes it as every recorded version does.
    #[schemars(example = &"auto")]
    import: ImportFile,
    /// How long after signing in a person may add a passkey by our own ceremony: a Go duration as
    /// `kratos.privileged_session_max_age`, which is the default. A longer one holds only for a person's first passkey, in
    /// the very session that registered them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1h")]
    own_ceremony_max_age: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFile {
    Auto,
    Off,
}

impl Default for WebauthnFile {
    fn default() -> WebauthnFile {
        WebauthnFile {
            rp_id: None,
            rp_name: None,
            origins: Vec::new(),
            import: ImportFile::Auto,
            own_ceremony_max_age: None,
        }
    }
}

/// What of other sections it is read in view of; `None` where that is wrong itself.
pub(super) struct Around<'a> {
    pub public: Option<&'a Listener>,
    pub kratos: Option<&'a Kratos>,
    pub brand: Option<&'a Brand>,
}

pub(super) fn read(reader: &mut Reader<'_>, around: &Around<'_>) -> Result<Webauthn, Noted> {
    let rp_id = reader.optional("webauthn.rp_id", |scalar| rp_id(scalar.text()?));
    let rp_name = reader.optional("webauthn.rp_name", |scalar| parse::short_text(scalar.text()?));
    let origins = reader.list("webauthn.origins", |scalar| origin(scalar.text()?));
    let origins = origins.and_then(|origins| pages_own_among(reader, origins, around.public));
    let import = reader.required("webauthn.import", |scalar| match scalar.text()? {
        "auto" => Ok(true),
        "off" => Ok(false),
        _ => Err("is neither `auto` nor `off`".into()),
    });
    let max_age = reader
        .optional("webauthn.own_ceremony_max_age", |scalar| parse::duration(&scalar.written()?, Units::Go));
    let (rp_id, origins) = (rp_id?, origins?);
    if let (Some(rp_id), Some(public)) = (&rp_id, around.public) {
        reaches(reader, rp_id, &origins, public)?;
    }
    let privileged = around.kratos.map_or(SignedDuration::ZERO, |kratos| kratos.privileged_session_max_age);
    let name = rp_name?.or_else(|| around.brand.and_then(|brand| brand.name.clone()));
    Ok(Webauthn {
        rp_name: name.or_else(|| rp_id.clone()).unwrap_or_default(),
        rp_id,
        origins,
        import: import?,
        own_ceremony_max_age: max_age?.unwrap_or(privileged),
    })
}

fn rp_id(text: &str) -> Result<String, Refused> {
    match Party::new(text.to_owned(), String::new(), Vec::new()) {
        Ok(party) => Ok(party.id().to_owned()),
        Err(error) => Err(format!("{error}: it has neither scheme nor port").into()),
    }
}

/// WebAuthn works in secure contexts only.
fn origin(text: &str) -> Result<Origin, Refused> {
    let origin = parse::origin(text)?;
    let url = Url::parse(&origin.0).map_err(|_| Refused::from("is not an origin"))?;
    if url.domain().is_some_and(|host| origin.is_at(host)) { Ok(origin) } else { Err("is not https".into()) }
}

fn pages_own_among(
    reader: &mut Reader<'_>,
    origins: Vec<Origin>,
    public: Option<&Listener>,
) -> Result<Vec<Origin>, Noted> {
    let Some(own) = public.and_then(own_origin) else { return Ok(origins) };
    if origins.is_empty() || origins.contains(&own) {
        return Ok(origins);
    }
    let problem = format!("does not name the page's own origin, {}", own.0);
    Err(reader
        .refuse("webauthn.origins", Refused::so_do(problem, "add it, or correct serve.public.base_url")))
}

/// `None`: known only once the port is bound.
fn own_origin(public: &Listener) -> Option<Origin> {
    let is_known = public.base_url.is_some() || public.port != 0;
    is_known.then(|| Origin(public.url(public.port).origin().ascii_serialization()))
}

/// The page's host is the relying party's domain or below it, or a related origin (WebAuthn Level 3, section 5.11).
fn reaches(reader: &mut Reader<'_>, rp_id: &str, origins: &[Origin], public: &Listener) -> Result<(), Noted> {
    let url = public.url(public.port);
    let own = Origin(url.origin().ascii_serialization());
    let problem = match url.host() {
        Some(Host::Domain(_)) if own.is_at(rp_id) || origins.len() > 1 => return Ok(()),
        Some(Host::Domain(host)) if url.scheme() != "https" && host.ends_with(rp_id) => {
            format!("needs https on the page's host, {host}")
        }
        Some(Host::Domain(host)) => format!("is not the page's host, {host}, or a domain above it"),
        _ => "cannot be used on a page that is reached by an IP address".to_owned(),
    };
    let remedy = "correct it, or serve.public.base_url; several webauthn.origins are for related ones";
    Err(reader.refuse("webauthn.rp_id", Refused::so_do(problem, remedy)))
}
