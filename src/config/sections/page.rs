use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::parse;
use crate::config::reader::{Noted, Reader};
use crate::config::settings::{Listener, Page};

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PageFile {
    /// A list of origins besides the service's own whose pages may call with a person's cookie: scheme, host and
    /// port, as `https://app.example.org`. Neither `null` nor a path nor a wildcard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://app.example.org"])]
    allowed_origins: Vec<String>,
    /// Where the page will go on to if nothing else was asked for; checked already, and used once the page is part of
    /// the service. An http or https URL without a password. Always allowed. Default: `/` below
    /// `serve.public.base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://app.example.org/welcome")]
    default_return_url: Option<String>,
    /// A list of http or https URLs where a person may be sent afterwards: scheme, host and port as they stand, and a
    /// path that the target's path begins with, whole segments only. No query, fragment, password or wildcard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://app.example.org/"])]
    allowed_return_urls: Vec<String>,
}

/// `public`: `None` when its own settings are wrong.
pub(super) fn read(reader: &mut Reader<'_>, public: Option<&Listener>) -> Result<Page, Noted> {
    let origins = reader.list("page.allowed_origins", |scalar| parse::origin(scalar.text()?));
    let default = reader.optional("page.default_return_url", |scalar| parse::return_url(scalar.text()?));
    let prefixes = reader.list("page.allowed_return_urls", |scalar| parse::return_prefix(scalar.text()?));
    let default_return_url = match (default?, public) {
        (Some(url), _) => url,
        (None, Some(public)) => public.url(public.port),
        (None, None) => return Err(Noted),
    };
    Ok(Page { allowed_origins: origins?, default_return_url, allowed_return_urls: prefixes? })
}
