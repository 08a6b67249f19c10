use super::*;

#[test]
fn people_may_come_back_to_the_page() {
    let urls = |list: Json| Configuration::good().with("/selfservice/allowed_return_urls", list);
    urls(json!(["http://localhost:9999"])).says(&["error page-not-allowed-to-return"]);
    urls(json!([])).says(&["error page-not-allowed-to-return"]);
    Configuration::good()
        .without("/selfservice/allowed_return_urls")
        .says(&["error page-not-allowed-to-return"]);
    urls(json!(["http://localhost:4455/settings"])).says(&["error page-not-allowed-to-return"]);
    urls(json!(["http://localhost:4455/", "https://*"])).says(&["warning return-wildcard"]);
}

#[test]
fn the_page_may_read_what_kratos_answers() {
    let cors =
        |key: &str, value: Json| Configuration::good().with(&format!("/serve/public/cors/{key}"), value);
    cors("enabled", json!(false)).says(&["error cors-off"]);
    Configuration::good().without("/serve/public/cors").says(&["error cors-off"]);
    cors("allowed_origins", json!(["http://localhost:9999"])).says(&["error cors-without-page"]);
    cors("allowed_origins", json!(["http://localhost:4455/"])).says(&["error cors-without-page"]);
    cors("allowed_origins", json!(["*"])).says(&["warning cors-wildcard"]);
    Configuration::good().without("/serve/public/cors/allowed_origins").says(&["warning cors-wildcard"]);
    cors("allow_credentials", json!(false)).says(&["error cors-without-credentials"]);
    Configuration::good().without("/serve/public/cors/allow_credentials").says(&[]);
    cors("allowed_methods", json!(["GET"])).says(&["error cors-methods"]);
    cors("allowed_headers", json!(["Authorization"])).says(&["error cors-headers"]);
    Configuration::good().with("/serve/cors", json!({ "enabled": true })).says(&["error config-key-unknown"]);
}

#[test]
fn one_origin_needs_no_cors() {
    Configuration::good()
        .without("/serve/public/cors")
        .replacing("http://localhost:4433/", "http://localhost:4455/")
        .says(&[]);
}

#[test]
fn localhost_and_its_address_are_two_hosts() {
    let mixed = Configuration::good().replacing("http://localhost:4433/", "http://127.0.0.1:4433/").codes();
    assert!(mixed.contains(&"error localhost-and-address".to_owned()), "{mixed:?}");
}

#[test]
fn where_the_page_is_comes_from_whoever_knows() {
    let nobody =
        Configuration::good().without("/selfservice/flows/registration/after/default_browser_return_url");
    nobody.says(&[]);
    nobody.finding("page-unknown");
    nobody.page("http://localhost:9999/post-registration").says(&[
        "error cors-without-page",
        "error page-not-allowed-to-return",
        "error rp-origin-not-listed",
    ]);
    let elsewhere = with_settings(&[("SERVE__PUBLIC__BASE_URL", "http://localhost:5050/")]);
    assert!(elsewhere.codes().contains(&"error cors-without-page".to_owned()));
    elsewhere.finding("landing-elsewhere");
}

#[test]
fn the_service_sends_browsers_to_this_kratos() {
    with_settings(&[("KRATOS__BROWSER_URL", "http://localhost:9999/")]).says(&["error base-url-differs"]);
    with_settings(&[
        ("KRATOS__PUBLIC_URL", "http://kratos:4433/"),
        ("KRATOS__BROWSER_URL", "http://localhost:4433/"),
    ])
    .says(&[]);
}
