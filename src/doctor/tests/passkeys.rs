use super::*;

fn rp(key: &str, value: Json) -> Configuration {
    Configuration::good().with(&format!("{PASSKEY}/config/rp/{key}"), value)
}

#[test]
fn the_method_has_to_be_on() {
    let off = || Configuration::good().with(&format!("{PASSKEY}/enabled"), json!(false));
    off().says(&["error passkey-disabled"]);
    Configuration::good().without(PASSKEY).says(&["error passkey-disabled"]);
    off()
        .with("/selfservice/methods/webauthn/enabled", json!(false))
        .says(&["error no-enrol-method", "error passkey-disabled"]);
    let enrol = |methods: &str| {
        let mut configuration = off().replacing("recording-key", "recording-key-of-16");
        configuration.settings = Some(settings(&[("METHODS", methods)]));
        configuration
    };
    enrol("passkey,webauthn").says(&["error passkey-disabled"]);
    enrol("webauthn").says(&[]);
    with_settings(&[("METHODS", "webauthn")])
        .with("/selfservice/methods/webauthn/enabled", json!(false))
        .says(&["error webauthn-disabled"]);
}

#[test]
fn the_relying_party_has_to_be_complete() {
    Configuration::good().without(&format!("{PASSKEY}/config")).says(&["error passkey-without-config"]);
    Configuration::good().with(&format!("{PASSKEY}/config"), json!({})).says(&["error rp-missing"]);
    Configuration::good().without(&format!("{PASSKEY}/config/rp/id")).says(&["error rp-incomplete"]);
    Configuration::good()
        .without(&format!("{PASSKEY}/config/rp/display_name"))
        .says(&["error rp-incomplete"]);
    rp("origins", json!("http://localhost:4455")).says(&["error rp-incomplete"]);
    Configuration::good()
        .with(&format!("{PASSKEY}/config/passwordless"), json!(true))
        .says(&["error config-key-unknown"]);
    Configuration::good()
        .with("/selfservice/methods/webauthn/config/rp/origin", json!("http://localhost:4455"))
        .says(&["error rp-incomplete"]);
}

#[test]
fn the_id_is_a_bare_name_of_the_page() {
    for id in ["http://localhost", "localhost:4455", "localhost/", "127.0.0.1", "[::1]", "*.example.org", ""]
    {
        let codes = rp("id", json!(id)).codes();
        assert!(codes.contains(&"error rp-id-not-a-name".to_owned()), "{id}: {codes:?}");
    }
    assert_eq!(
        rp("id", json!("http://localhost")).finding("rp-id-not-a-name").mend(),
        "Write `id: localhost`."
    );
    assert!(rp("id", json!("co.uk")).codes().contains(&"error rp-id-not-a-name".to_owned()));
    let other = rp("id", json!("example.org")).codes();
    assert!(other.contains(&"error rp-id-not-of-page".to_owned()), "{other:?}");
    let public = Configuration::good()
        .replacing("http://localhost:4455", "https://app.example.org")
        .replacing("http://localhost:4433", "https://auth.example.org")
        .replacing("\"localhost\"", "\"example.org\"")
        .with("/cookies/domain", json!("example.org"));
    public.says(&[]);
    public
        .replacing("\"example.org\"", "\"auth.example.org\"")
        .says(&["error rp-id-not-of-page", "error cookie-domain-wrong"]);
}

#[test]
fn origins_are_compared_after_the_sensor_was_touched() {
    Configuration::good()
        .without(&format!("{PASSKEY}/config/rp/origins"))
        .says(&["error rp-origins-missing"]);
    rp("origins", json!([])).says(&["error rp-origins-missing"]);
    rp("origins", json!(["http://localhost:9999"])).says(&["error rp-origin-not-listed"]);
    rp("origins", json!(["http://localhost:4455/"]))
        .says(&["error rp-origin-malformed", "error rp-origin-not-listed"]);
    rp("origins", json!(["http://localhost:4455", "https://*.example.org"]))
        .says(&["error rp-origin-malformed"]);
    rp("origins", json!(["http://localhost:4455", "android:apk-key-hash:abc"])).says(&[]);
    Configuration::good()
        .without(&format!("{PASSKEY}/config/rp/origins"))
        .with(&format!("{PASSKEY}/config/rp/origin"), json!("http://localhost:4455"))
        .says(&["error rp-old-origin"]);
}

#[test]
fn webauthn_as_a_second_factor_can_lock_people_out() {
    let second =
        Configuration::good().with("/selfservice/methods/webauthn/config/passwordless", json!(false));
    second.says(&["warning webauthn-second-factor"]);
    assert!(second.finding("webauthn-second-factor").message.contains("Backup codes"));
    with_settings(&[("METHODS", "passkey,webauthn")])
        .without("/selfservice/methods/webauthn/config/passwordless")
        .says(&["error webauthn-second-factor"]);
}

#[test]
fn a_page_over_plain_http_has_no_passkeys() {
    let page = Configuration::good().page("http://app.example.org/post-registration");
    assert!(page.codes().contains(&"error page-not-secure".to_owned()));
}

#[test]
fn one_hardware_has_one_relying_party() {
    let configuration = Configuration::good()
        .replacing("http://localhost:4455", "https://app.example.org")
        .replacing("http://localhost:4433", "https://auth.example.org")
        .replacing("\"localhost\"", "\"example.org\"")
        .with("/cookies/domain", json!("example.org"))
        .with(&format!("{PASSKEY}/config/rp/id"), json!("app.example.org"));
    configuration.says(&["warning rp-ids-differ"]);
}
