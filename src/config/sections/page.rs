use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::parse;
use crate::config::reader::{Noted, Reader, Refused};
use crate::config::settings::{Brand, Ceremony, Listener, Logo, Page, Webauthn};

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PageFile {
    /// A list of origins besides the service's own whose pages may call with a person's cookie: scheme, host and
    /// port, as `https://app.example.org`. Neither `null` nor a path nor a wildcard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://app.example.org"])]
    allowed_origins: Vec<String>,
    /// Where the page goes on to if nothing else was asked for, or what was asked for is not allowed. An http or https
    /// URL without a password. Always allowed. Default: `/` on the host of `serve.public.base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://app.example.org/welcome")]
    default_return_url: Option<String>,
    /// A list of http or https URLs where a person may be sent afterwards: scheme, host and port as they stand, and a
    /// path that the target's path begins with, whole segments only. No query, fragment, password or wildcard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://app.example.org/"])]
    allowed_return_urls: Vec<String>,
    /// `auto`, `own` or `settings`: how a passkey is made. `settings`: by Kratos's settings flow. `auto`: by our own ceremony,
    /// handed in to Kratos by its admin API, where that can be; else by the settings flow. `own`: as `auto`, and the service
    /// does not start where a setting that it needs is missing.
    #[schemars(example = &"auto")]
    ceremony: CeremonyFile,
    /// Whether a passkey may be made in the background, without asking, where the person would be offered one, typed a password
    /// less than 5 minutes ago, and the password manager agrees (browsers that know `conditionalCreate`). By our own ceremony
    /// only.
    #[schemars(example = true)]
    conditional_create: bool,
    /// How the pages present the product.
    brand: BrandFile,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CeremonyFile {
    #[default]
    Auto,
    Own,
    Settings,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrandFile {
    /// What the product is called, as in "sign in to …": 1 to 64 characters. Default: what Kratos calls its
    /// relying party (`rp.display_name`), else the host of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Example Shop")]
    name: Option<String>,
    /// An image: an http or https URL without a password, or a path that begins with `/`, on the host of
    /// `serve.public.base_url`. The pages load images from its origin then, and from nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://www.example.org/logo.svg")]
    logo: Option<String>,
    /// The colour of buttons, as `#rgb` or `#rrggbb`; made darker or lighter where text on it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "#1f4fd8")]
    colour: Option<String>,
    /// Where people get help: an http or https URL without a password, or a `mailto:` address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://www.example.org/help")]
    support_url: Option<String>,
}

/// `own` and `conditional_create` ask for what only our own ceremony needs.
pub(super) fn can_be_had(
    reader: &mut Reader<'_>,
    page: &Page,
    webauthn: &Webauthn,
    can_ask: bool,
) -> Result<(), Noted> {
    let lacking = [
        (page.ceremony == Ceremony::Settings, "page.ceremony is settings"),
        (webauthn.rp_id.is_none(), "webauthn.rp_id is not set"),
        (!webauthn.import, "webauthn.import is off"),
        (!can_ask, "kratos.admin_url is not set"),
    ];
    let lacking: Vec<_> = lacking.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let asking = [
        (page.ceremony == Ceremony::Own, "page.ceremony", "own"),
        (page.conditional_create, "page.conditional_create", "true"),
    ];
    let mut can = Ok(());
    for (_, setting, given) in asking.into_iter().filter(|(asks, ..)| *asks) {
        let problem = format!("is {given}, and {}", lacking.join(", and "));
        can = Err(reader.refuse(setting, Refused::so_do(problem, "set what it needs, or leave this out")));
    }
    can
}

/// `public`: `None` when its own settings are wrong.
pub(super) fn read(reader: &mut Reader<'_>, public: Option<&Listener>) -> Result<Page, Noted> {
    let origins = reader.list("page.allowed_origins", |scalar| parse::origin(scalar.text()?));
    let default = reader.optional("page.default_return_url", |scalar| parse::return_url(scalar.text()?));
    let prefixes = reader.list("page.allowed_return_urls", |scalar| parse::return_prefix(scalar.text()?));
    let ceremony = reader.required("page.ceremony", |scalar| match scalar.text()? {
        "auto" => Ok(Ceremony::Auto),
        "own" => Ok(Ceremony::Own),
        "settings" => Ok(Ceremony::Settings),
        _ => Err("is none of `auto`, `own` and `settings`".into()),
    });
    let conditional = reader.required("page.conditional_create", |scalar| scalar.truth());
    let brand = brand(reader);
    let default_return_url = match (default?, public) {
        (Some(url), Some(public)) if is_page(&url, public) => {
            let refused = Refused::so_do(
                "is the page itself, which would go on to itself for ever",
                "name where people are to be after it",
            );
            return Err(reader.refuse("page.default_return_url", refused));
        }
        (Some(url), _) => url,
        (None, Some(public)) => public.root(public.port),
        (None, None) => return Err(Noted),
    };
    Ok(Page {
        allowed_origins: origins?,
        default_return_url,
        allowed_return_urls: prefixes?,
        ceremony: ceremony?,
        conditional_create: conditional?,
        brand: brand?,
    })
}

fn is_page(url: &Url, public: &Listener) -> bool {
    let page = public.url(public.port).join("post-registration");
    page.is_ok_and(|page| page.origin() == url.origin() && page.path() == url.path())
}

fn brand(reader: &mut Reader<'_>) -> Result<Brand, Noted> {
    let name = reader.optional("page.brand.name", |scalar| parse::short_text(scalar.text()?));
    let logo = reader.optional("page.brand.logo", |scalar| logo(scalar.text()?));
    let colour = reader.optional("page.brand.colour", |scalar| colour(scalar.text()?));
    let support_url = reader.optional("page.brand.support_url", |scalar| support_url(scalar.text()?));
    Ok(Brand { name: name?, logo: logo?, colour: colour?, support_url: support_url? })
}

fn logo(text: &str) -> Result<Logo, Refused> {
    if !text.starts_with('/') {
        return parse::return_url(text).map(Logo::Url);
    }
    // To a browser both slashes are the same, and two of them begin a host.
    if text.starts_with("//") || text.contains(['\\', '\t', '\r', '\n']) {
        return Err("is neither a URL with its scheme nor a path".into());
    }
    Ok(Logo::Path(text.to_owned()))
}

/// `#rrggbb`, in lower case.
fn colour(text: &str) -> Result<String, Refused> {
    let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let digits = digits.map(str::to_ascii_lowercase).unwrap_or_default();
    match digits.len() {
        6 => Ok(format!("#{digits}")),
        3 => Ok(digits.chars().fold("#".to_owned(), |colour, digit| format!("{colour}{digit}{digit}"))),
        _ => Err("is not `#` and three or six hexadecimal digits".into()),
    }
}

fn support_url(text: &str) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|error| Refused::from(format!("is not a URL: {error}")))?;
    if url.scheme() != "mailto" {
        return parse::return_url(text);
    }
    let is_address =
        url.path().split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if is_address { Ok(url) } else { Err("is a mailto URL without an address".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_comes_out_one_way() {
        for (written, normal) in [("#FA0", "#ffaa00"), ("#1f4FD8", "#1f4fd8")] {
            assert_eq!(colour(written).as_deref(), Ok(normal));
        }
        for wrong in ["red", "fa0", "#fa", "#fa00", "#ffaa0080", "#ffaagg", "#", "##fa0", "rgb(1,2,3)"] {
            assert!(colour(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_logo_is_a_url_or_a_path() {
        assert_eq!(logo("/assets/logo.svg"), Ok(Logo::Path("/assets/logo.svg".to_owned())));
        assert!(matches!(logo("https://cdn.example.net/logo.svg?v=2"), Ok(Logo::Url(_))));
        for wrong in
            ["//evil.example/x", "/\\evil.example/x", "/\t/evil.example", "logo.svg", "data:image/png,x"]
        {
            assert!(logo(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn help_is_a_page_or_an_address() {
        for right in ["https://www.example.org/help?a=b", "mailto:help@example.org?subject=Passkeys"] {
            assert_eq!(support_url(right).map(String::from).as_deref(), Ok(right));
        }
        for wrong in ["mailto:", "mailto:help", "javascript:alert(1)", "tel:+123", "/help", "https://u:p@a"] {
            assert!(support_url(wrong).is_err(), "{wrong}");
        }
    }
}
