//! What the pages may do (Content Security Policy Level 3; Trusted Types).

use actix_web::http::header::HeaderValue;
use url::Url;

/// No inline script or style, no third party but Kratos and the logo, no frame around, no markup made from text.
///
/// `logo`: only where there is one.
pub fn content_security_policy(base_url: &Url, browser_url: &Url, logo: Option<&Url>) -> HeaderValue {
    let own = base_url.origin();
    let besides = |url: &Url| match url.origin() {
        origin if origin == own => String::new(),
        origin => format!(" {}", origin.ascii_serialization()),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{kratos}; \
         img-src 'self' data:{logo}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        kratos = besides(browser_url),
        logo = logo.map_or_else(String::new, besides),
    );
    // An origin's serialisation is visible ASCII. Were it not, nothing at all may be loaded.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(base_url: &str, browser_url: &str, logo: Option<&str>) -> String {
        let url = |text: &str| text.parse::<Url>().unwrap();
        let logo = logo.map(url);
        let value = content_security_policy(&url(base_url), &url(browser_url), logo.as_ref());
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn on_one_origin_nothing_else_is_named() {
        let policy = policy(
            "https://app.example.org/onboarding/",
            "https://app.example.org/kratos",
            Some("https://app.example.org/logo.svg"),
        );
        assert!(
            policy.contains("connect-src 'self';") && policy.contains("img-src 'self' data:;"),
            "{policy}"
        );
        assert!(!policy.contains("https:") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn kratos_and_the_logo_are_named_by_their_origins() {
        let policy = policy(
            "https://id.example.org/",
            "https://auth.example.org:8443/kratos?x=y",
            Some("https://cdn.example.net/a;b/logo.svg"),
        );
        assert!(policy.contains("; connect-src 'self' https://auth.example.org:8443; "), "{policy}");
        assert!(policy.contains("; img-src 'self' data: https://cdn.example.net; "), "{policy}");
    }

    #[test]
    fn a_name_beyond_ascii_is_written_as_browsers_write_it() {
        let policy = policy("https://id.example.org/", "https://münchen.example/", None);
        assert!(policy.contains("connect-src 'self' https://xn--mnchen-3ya.example;"), "{policy}");
    }
}
