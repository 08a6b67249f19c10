use super::*;

/// On public names, with everything else in order.
fn public(kratos: &str, page: &str) -> Configuration {
    Configuration::good()
        .replacing("http://localhost:4455", page)
        .replacing("http://localhost:4433", kratos)
        .replacing("\"localhost\"", "\"example.org\"")
}

fn cookies(more: Json) -> Configuration {
    public("https://auth.example.org", "https://app.example.org").with("/cookies", more)
}

#[test]
fn the_cookie_reaches_the_page() {
    public("https://auth.example.org", "https://app.example.org").says(&["error cookie-domain-missing"]);
    cookies(json!({ "domain": "example.org" })).says(&[]);
    cookies(json!({ "domain": ".example.org" })).says(&[]);
    cookies(json!({ "domain": "auth.example.org" })).says(&["error cookie-domain-wrong"]);
    cookies(json!({ "domain": "example.net" })).says(&["error cookie-domain-wrong"]);
    cookies(json!({ "domain": "org" })).says(&["error cookie-domain-wrong"]);
    cookies(json!({ "domain": "https://example.org" })).says(&["error cookie-domain-wrong"]);
    cookies(json!({ "domain": "nothing.example.net" }))
        .with("/session/cookie/domain", json!("example.org"))
        .says(&[]);
    let suggestion =
        public("https://auth.example.org", "https://app.example.org").finding("cookie-domain-missing");
    assert_eq!(suggestion.mend(), "Write `domain: example.org`.");
}

#[test]
fn two_sites_share_no_cookie() {
    let codes = public("https://auth.example.org", "https://app.example.net").codes();
    assert!(codes.contains(&"error cookie-cross-site".to_owned()), "{codes:?}");
    let schemes = public("https://auth.example.org", "http://app.example.org")
        .with("/cookies/domain", json!("example.org"))
        .codes();
    assert!(schemes.contains(&"error cookie-cross-site".to_owned()), "{schemes:?}");
}

#[test]
fn the_settings_of_the_cookie_are_ones_kratos_takes() {
    for wrong in [json!({ "same_site": "lax" }), json!({ "name": "x" }), json!({ "secure": true })] {
        Configuration::good().with("/cookies", wrong).says(&["error cookie-setting-invalid"]);
    }
}

#[test]
fn strict_loses_people_and_none_needs_https() {
    cookies(json!({ "domain": "example.org", "same_site": "Strict" }))
        .says(&["warning cookie-same-site-strict"]);
    cookies(json!({ "domain": "example.org", "same_site": "None" })).says(&[]);
    cookies(json!({ "domain": "example.org", "same_site": "None", "secure": "false" }))
        .says(&["error cookie-same-site-none"]);
    Configuration::good()
        .with("/cookies", json!({ "same_site": "None" }))
        .says(&["error cookie-same-site-none"]);
}

#[test]
fn a_secure_cookie_needs_https() {
    let plain = public("http://auth.example.org", "https://app.example.org")
        .with("/cookies/domain", json!("example.org"))
        .codes();
    assert!(plain.contains(&"error cookie-secure-over-http".to_owned()), "{plain:?}");
    Configuration::good()
        .with("/cookies", json!({ "secure": "true" }))
        .says(&["warning cookie-secure-over-http"]);
}

#[test]
fn a_path_keeps_the_cookie_from_others() {
    Configuration::good().with("/cookies", json!({ "path": "/auth" })).says(&["error cookie-path"]);
    Configuration::good().with("/session/cookie", json!({ "path": "/" })).says(&[]);
}

#[test]
fn the_name_is_the_one_the_service_looks_for() {
    let named = |settings: &[(&str, &str)]| {
        with_settings(settings).with("/session/cookie", json!({ "name": "my_session" }))
    };
    named(&[]).says(&["error cookie-name-differs"]);
    named(&[("KRATOS__SESSION_COOKIE_NAME", "my_session")]).says(&[]);
    with_settings(&[("KRATOS__SESSION_COOKIE_NAME", "my_session")]).says(&["error cookie-name-differs"]);
}
