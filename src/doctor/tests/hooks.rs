use super::*;

#[test]
fn a_hook_that_stops_kratos_is_told_from_the_others() {
    let good = Configuration::good;
    let response = |value: Json| good().with(&format!("{CONFIG}/response"), value);
    let session = format!("{FLOWS}/registration/after/password/hooks/1");
    let cases: Vec<(Configuration, &str)> = vec![
        (
            good().with(&format!("{session}/config"), json!({ "check_session_aal": false })),
            "hook-session-with-config",
        ),
        (good().with(&format!("{session}/config"), json!({})), "hook-session-with-config"),
        (
            good().with(&session, json!({ "hook": "show_verification_ui", "config": {} })),
            "hook-takes-no-config",
        ),
        (good().with(&format!("{HOOK}/hook"), json!("webhook")), "hook-unknown"),
        (good().with(&format!("{HOOK}/hook"), json!("send_mail")), "hook-unknown"),
        (good().with(HOOK, json!({ "hook": "revoke_active_sessions" })), "hook-not-allowed-here"),
        (
            good().with(&format!("{FLOWS}/login/after/password/hooks"), json!([{ "hook": "session" }])),
            "hook-not-allowed-here",
        ),
        (
            good().with(&format!("{FLOWS}/registration/after/hooks"), json!([{ "hook": "session" }])),
            "hook-not-allowed-here",
        ),
        (
            good().with(&format!("{FLOWS}/registration/after/totp"), json!({ "hooks": [] })),
            "hook-method-unknown",
        ),
        (good().without(&format!("{CONFIG}/url")), "hook-incomplete"),
        (good().without(&format!("{CONFIG}/method")), "hook-incomplete"),
        (good().without(CONFIG), "hook-incomplete"),
        (good().with(&format!("{CONFIG}/retries"), json!(3)), "hook-unknown-key"),
        (good().with(&format!("{CONFIG}/response/ignored"), json!(true)), "hook-unknown-key"),
        (response(json!({ "ignore": "true" })), "hook-wrong-type"),
        (good().with(&format!("{CONFIG}/emit_analytics_event"), json!("false")), "hook-wrong-type"),
        (
            good().with(&format!("{CONFIG}/url"), json!("/api/kratos/hooks/registration/password")),
            "hook-wrong-type",
        ),
        (response(json!({ "ignore": true, "parse": true })), "hook-parse-with-ignore"),
        (good().with(&format!("{CONFIG}/can_interrupt"), json!(true)), "hook-can-interrupt-with-ignore"),
        (
            good().with(&format!("{CONFIG}/auth"), json!({ "type": "bearer", "config": { "token": "x" } })),
            "hook-auth-invalid",
        ),
        (good().without(&format!("{CONFIG}/auth/config/in")), "hook-auth-invalid"),
        (good().with(&format!("{CONFIG}/auth/config/in"), json!("query")), "hook-auth-invalid"),
        (good().with(&format!("{CONFIG}/auth/config/prefix"), json!("x")), "hook-auth-invalid"),
        (
            good().with(
                &format!("{FLOWS}/registration/after/password/hooks"),
                json!([{ "hook": "session" }, { "hook": "session" }]),
            ),
            "hook-doubled",
        ),
    ];
    for (configuration, code) in cases {
        let finding = configuration.finding(code);
        assert_eq!(finding.severity, Severity::Error, "{code}");
        assert!(finding.explanation.stops_start, "{code}");
    }
}

/// Kratos does not start with a mistake in a list that is none of ours either.
#[test]
fn hooks_before_a_flow_and_of_other_flows_are_looked_at_too() {
    for (flow, stage) in
        [("registration", "before"), ("login", "before"), ("recovery", "after"), ("verification", "after")]
    {
        let with =
            |hook: Json| Configuration::good().with(&format!("{FLOWS}/{flow}/{stage}/hooks"), json!([hook]));
        with(json!({ "hook": "webhook" })).says(&["error hook-unknown"]);
        with(json!({ "hook": "session" })).says(&["error hook-not-allowed-here"]);
        with(json!({ "hook": "web_hook", "config": { "url": "http://mail/" } }))
            .says(&["error hook-incomplete"]);
        with(json!({ "hook": "web_hook", "config": { "url": "http://mail/", "method": "GET" } })).says(&[]);
    }
    Configuration::good()
        .with(&format!("{FLOWS}/recovery/after/hooks"), json!([{ "hook": "revoke_active_sessions" }]))
        .says(&[]);
}

#[test]
fn a_misspelt_hook_is_corrected() {
    let finding =
        Configuration::good().with(&format!("{HOOK}/hook"), json!("webhook")).finding("hook-unknown");
    assert_eq!(finding.mend(), "Write `hook: web_hook`.");
    assert!(finding.message.contains("registration by password"), "{}", finding.message);
}

#[test]
fn a_hook_without_a_body_is_never_sent() {
    let without = Configuration::good().without(&format!("{CONFIG}/body"));
    without.says(&["error hook-without-body"]);
    assert!(without.finding("hook-without-body").sees().starts_with("Nothing"));
    let blocking = without.without(&format!("{CONFIG}/response"));
    blocking.says(&["error hook-without-body", "warning hook-blocking"]);
    assert!(blocking.finding("hook-without-body").sees().contains("4000007"));
}

#[test]
fn what_is_sent_before_the_identity_is_stored_says_so() {
    for (pointer, value) in
        [("response", json!({ "parse": true })), ("response", json!({ "ignore": false, "parse": true }))]
    {
        Configuration::good()
            .with(&format!("{CONFIG}/{pointer}"), value)
            .says(&["error hook-before-identity"]);
    }
    Configuration::good()
        .without(&format!("{CONFIG}/response"))
        .with(&format!("{CONFIG}/can_interrupt"), json!(true))
        .says(&["error hook-before-identity"]);
}

#[test]
fn a_hook_people_wait_for_is_a_risk() {
    for value in [json!({}), json!({ "ignore": false }), json!({ "parse": false })] {
        Configuration::good().with(&format!("{CONFIG}/response"), value).says(&["warning hook-blocking"]);
    }
}

#[test]
fn every_method_people_register_with_has_to_tell_us_and_sign_them_in() {
    let after = format!("{FLOWS}/registration/after");
    for method in ["password", "code", "passkey", "webauthn", "oidc"] {
        let hook = Configuration::good().without(&format!("{after}/{method}/hooks/0"));
        hook.says(&["error hook-missing"]);
        assert!(hook.finding("hook-missing").path.contains(method));
        Configuration::good()
            .without(&format!("{after}/{method}/hooks/1"))
            .says(&["error session-hook-missing"]);
        Configuration::good()
            .without(&format!("{after}/{method}"))
            .says(&["error hook-missing", "error session-hook-missing"]);
    }
}

#[test]
fn a_method_that_is_off_needs_no_hook() {
    let after = format!("{FLOWS}/registration/after");
    let off = |method: &str| Configuration::good().without(&format!("{after}/{method}"));
    off("oidc").with("/selfservice/methods/oidc/enabled", json!(false)).says(&[]);
    off("code").with("/selfservice/methods/code/passwordless_enabled", json!(false)).says(&[]);
    off("password").with("/selfservice/methods/password/enabled", json!(false)).says(&[]);
    // `code` and `password` are on unless they are switched off.
    off("password")
        .without("/selfservice/methods/password")
        .says(&["error hook-missing", "error session-hook-missing"]);
    Configuration::good()
        .without(&after)
        .with(&format!("{FLOWS}/registration/enabled"), json!(false))
        .page("http://localhost:4455/post-registration")
        .says(&[]);
}

#[test]
fn a_list_of_a_method_hides_the_general_one() {
    let after = format!("{FLOWS}/registration/after");
    let general = Configuration::good().value.pointer(&format!("{after}/password/hooks/0")).unwrap().clone();
    let hidden = Configuration::good()
        .without(&format!("{after}/code/hooks/0"))
        .with(&format!("{after}/hooks"), json!([general]));
    hidden.says(&["error hook-global-hidden"]);
    let finding = hidden.finding("hook-global-hidden");
    assert!(finding.path.ends_with("after.code.hooks"), "{}", finding.path);
}

#[test]
fn a_general_list_serves_all_but_signs_nobody_in() {
    let after = format!("{FLOWS}/registration/after");
    let general = Configuration::good().value.pointer(&format!("{after}/password/hooks/0")).unwrap().clone();
    let configuration = Configuration::good()
        .with(&after, json!({ "hooks": [general], "default_browser_return_url": "http://localhost:4455/post-registration" }));
    configuration.says(&["error session-hook-missing", "warning hook-global-only"]);
}

#[test]
fn the_service_wants_to_hear_of_settings_and_logins() {
    for method in ["passkey", "webauthn"] {
        Configuration::good()
            .without(&format!("{FLOWS}/settings/after/{method}"))
            .says(&["warning hook-settings-missing"]);
    }
    Configuration::good()
        .without(&format!("{FLOWS}/login/after/password"))
        .says(&["warning hook-login-missing"]);
}

#[test]
fn a_hook_has_to_go_where_the_service_has_one() {
    let url = |path: &str| {
        Configuration::good().with(&format!("{CONFIG}/url"), json!(format!("http://localhost:5050{path}")))
    };
    url("/api/kratos/hooks/registration/password/").says(&["error hook-wrong-path"]);
    url("/api/kratos/hook/registration/password").says(&["error hook-wrong-path"]);
    url("/api/kratos/hooks/registrations/password").says(&["error hook-wrong-path"]);
    url("/api/kratos/hooks/registration/code").says(&["warning hook-names-another-flow"]);
    url("/api/kratos/hooks/login/password").says(&["warning hook-names-another-flow"]);
    url("/api/kratos/post-registration-webauthn").says(&[]);
    // Somebody else's hook is not ours, so ours is missing.
    url("/mail/welcome").says(&["error hook-missing"]);
    Configuration::good()
        .with(&format!("{CONFIG}/url"), json!("localhost:5050/api/kratos/hooks/registration/password"))
        .says(&["error hook-url-scheme"]);
}

#[test]
fn a_hook_is_posted_as_json_with_its_trigger_id() {
    let with = |key: &str, value: Json| Configuration::good().with(&format!("{CONFIG}/{key}"), value);
    with("method", json!("GET")).says(&["error hook-not-post"]);
    with("method", json!("post")).says(&["error hook-not-post"]);
    with("headers", json!({ "content-type": "application/x-www-form-urlencoded" }))
        .says(&["error hook-content-type"]);
    with("headers", json!({ "Content-Type": "application/json; charset=utf-8" }))
        .says(&["error hook-content-type"]);
    with("headers", json!({ "Content-Type": "application/json", "X-Other": "1" })).says(&[]);
    with("emit_analytics_event", json!(false)).says(&["warning hook-no-trigger-id"]);
}

#[test]
fn a_hook_that_goes_elsewhere_than_all_others_is_a_mistake() {
    let url = |base: &str| {
        Configuration::good()
            .with(&format!("{CONFIG}/url"), json!(format!("{base}/api/kratos/hooks/registration/password")))
    };
    url("http://localhost:5999").says(&["error hook-url-odd"]);
    url("https://localhost:5050").says(&["error hook-url-odd"]);
    assert!(
        url("https://localhost:5050")
            .finding("hook-url-odd")
            .message
            .contains("one port does not speak both")
    );
}

#[test]
fn a_certificate_nobody_vouches_for_is_doubted() {
    let all = |base: &str| Configuration::good().replacing("http://localhost:5050", base);
    all("https://onboarding.internal").says(&["warning hook-certificate"]);
    all("https://127.0.0.1:5050").says(&["warning hook-certificate"]);
    all("https://onboarding.example.org").says(&[]);
    all("http://onboarding:5050").says(&[]);
    all("http://onboarding.example.org").says(&["warning hook-key-in-clear"]);
}

#[test]
fn the_private_address_rule_and_its_exceptions() {
    let client = |exceptions: &[&str]| {
        let rule = json!({ "http": { "disallow_private_ip_ranges": true, "private_ip_exception_urls": exceptions } });
        Configuration::good().with("/clients", rule)
    };
    client(&[]).says(&["error hook-private-address"]);
    client(&["http://localhost:5050/api/kratos/**"]).says(&[]);
    client(&["http://localhost:5050/api/kratos/*"]).says(&["error hook-private-address"]);
    client(&["http://LOCALHOST:5050/api/kratos/**"]).says(&["error hook-private-address"]);
    let one = client(&["http://localhost:5050/api/kratos/hooks/registration/password"]).examine();
    assert!(one.iter().all(|finding| !finding.path.contains("registration.after.password")));
    client(&[]).replacing("http://localhost:5050", "https://8.8.8.8").says(&[]);
    let name = client(&[]).replacing("http://localhost:5050", "https://onboarding.example.org");
    name.says(&[]);
    assert_eq!(name.finding("hook-private-address").severity, Severity::Note);
}

#[test]
fn a_hook_needs_a_key_the_service_accepts() {
    Configuration::good().without(&format!("{CONFIG}/auth")).says(&["error hook-without-key"]);
    let name = |name: &str| format!("{CONFIG}/auth/config/{name}");
    Configuration::good()
        .with(&name("name"), json!("X-Key"))
        .says(&["warning hook-key-name", "warning hook-key-odd"]);
    Configuration::good().with(&name("value"), json!("another")).says(&["warning hook-key-odd"]);
    with_settings(&[]).with(&name("name"), json!("X-Key")).says(&["error hook-key-name"]);
    with_settings(&[]).with(&name("name"), json!("x-onboarding-key")).says(&[]);
    let cookie = with_settings(&[]).with(&name("in"), json!("cookie"));
    cookie.says(&[]);
    cookie.with(&name("name"), json!("x-onboarding-key")).says(&["error hook-key-name"]);
    with_settings(&[]).with(&name("value"), json!("another")).says(&["error hook-key-unknown"]);
    let basic = json!({ "type": "basic_auth", "config": { "user": "kratos", "password": "pass" } });
    let basic =
        |settings: &[(&str, &str)]| with_settings(settings).with(&format!("{CONFIG}/auth"), basic.clone());
    basic(&[]).says(&["error hook-key-unknown"]);
    basic(&[("WEBHOOK__BASIC_AUTH", "kratos:pass")]).says(&[]);
}

#[test]
fn no_finding_repeats_a_key() {
    let odd = Configuration::good().with(&format!("{CONFIG}/auth/config/value"), json!("very-secret-key"));
    for configuration in
        [odd, with_settings(&[]).with(&format!("{CONFIG}/auth/config/value"), json!("very-secret-key"))]
    {
        for finding in configuration.examine() {
            let said = format!("{} {} {}", finding.message, finding.sees(), finding.mend());
            assert!(!said.contains("very-secret-key") && !said.contains("recording-key"), "{said}");
        }
    }
}

#[test]
fn the_settings_say_where_the_service_listens() {
    with_settings(&[("SERVE__PUBLIC__PORT", "5051"), ("SERVE__ADMIN__PORT", "5052")])
        .says(&["error hook-url-not-ours"]);
    with_settings(&[])
        .replacing("http://localhost:5050", "https://localhost:5050")
        .says(&["error hook-url-not-ours"]);
    with_settings(&[])
        .replacing("localhost:5050/api", "localhost:5050/onboarding/api")
        .says(&["warning hook-url-not-ours"]);
}
