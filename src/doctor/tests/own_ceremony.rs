use super::*;

const HELD: [(&str, &str); 2] =
    [("KRATOS__ADMIN_URL", "http://localhost:4434"), ("WEBAUTHN__RP_ID", "localhost")];

fn held(more: &[(&str, &str)]) -> Configuration {
    with_settings(&[&HELD, more].concat())
}

#[test]
fn both_are_of_one_mind() {
    held(&[]).says(&[]);
    let other = held(&[]).with(&format!("{PASSKEY}/config/rp/id"), json!("example.org"));
    let finding = other.finding("own-rp-id-differs");
    assert!(finding.mend().contains("rp_id: example.org"), "{}", finding.mend());
}

#[test]
fn kratos_has_to_let_people_sign_in_with_it() {
    let off = held(&[]).with(&format!("{PASSKEY}/enabled"), json!(false));
    off.says(&["error own-without-passkey", "error passkey-disabled"]);
    let not_ours = |more: (&str, &str)| held(&[more]).with(&format!("{PASSKEY}/enabled"), json!(false));
    for more in [("WEBAUTHN__IMPORT", "off"), ("PAGE__CEREMONY", "settings")] {
        not_ours(more).says(&["error passkey-disabled"]);
    }
}

#[test]
fn a_code_may_be_a_second_factor() {
    let by_code = |more| held(more).with("/selfservice/methods/code/mfa_enabled", json!(true));
    assert!(by_code(&[]).codes().contains(&"error own-code-mfa".to_owned()));
    assert!(!by_code(&[("KRATOS__CODE_MFA", "true")]).codes().contains(&"error own-code-mfa".to_owned()));
}

#[test]
fn a_longer_age_is_named() {
    held(&[("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "1h")]).says(&["warning own-age-longer"]);
    held(&[("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "5m")]).says(&[]);
}
