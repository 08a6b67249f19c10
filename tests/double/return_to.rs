//! Where people may be sent: by scheme, host and path prefix, and always to Kratos's own flows.

use url::Url;

use super::config::Config;
use super::refusal::Refusal;

/// `wanted` where it is allowed, `default` where nothing is wanted.
pub fn settle(config: &Config, wanted: Option<&str>, default: &str) -> Result<String, Refusal> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(default.to_owned()) };
    let base = Url::parse(default).ok();
    let Ok(url) = Url::options().base_url(base.as_ref()).parse(wanted) else {
        return Err(Refusal::bad_request("Unable to parse the return_to query parameter as an URL"));
    };
    let own = config.public("self-service");
    let allowed = config.allowed_return_urls.iter().map(String::as_str).chain([own.as_str()]);
    let allowed = allowed.filter_map(|allowed| Url::parse(allowed).ok()).any(|allowed| {
        allowed.origin() == url.origin()
            && allowed.origin().is_tuple()
            && url.path().starts_with(allowed.path())
    });
    if allowed { Ok(url.to_string()) } else { Err(Refusal::return_to_forbidden(wanted)) }
}

/// `url` with parameters added.
pub fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{url}{}{query}", if url.contains('?') { "&" } else { "?" })
}
