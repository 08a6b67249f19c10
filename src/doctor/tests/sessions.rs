use super::*;

const AGE: &str = "/selfservice/flows/settings/privileged_session_max_age";

#[test]
fn the_privileged_age_is_a_duration_people_can_live_with() {
    let age = |value: Json| Configuration::good().with(AGE, value);
    for wrong in [json!(86400), json!("1d"), json!("-1h"), json!("1 h"), json!(true), json!("")] {
        age(wrong).says(&["error privileged-age-not-a-duration"]);
    }
    assert!(age(json!(86400)).finding("privileged-age-not-a-duration").mend().contains("`24h`"));
    age(json!("0s")).says(&["error privileged-age-zero"]);
    age(json!("10s")).says(&["warning privileged-age-short"]);
    age(json!("5m")).says(&[]);
    Configuration::good().without(AGE).says(&[]);
}

#[test]
fn the_service_has_to_believe_in_the_same_age() {
    let believed = |age: &str| with_settings(&[("KRATOS__PRIVILEGED_SESSION_MAX_AGE", age)]);
    believed("1h").says(&["error privileged-age-differs"]);
    believed("5m").says(&["warning privileged-age-differs"]);
    believed("1h").without(AGE).says(&[]);
}

#[test]
fn the_required_level_has_nothing_to_do_with_age() {
    for place in ["/selfservice/flows/settings/required_aal", "/session/whoami/required_aal"] {
        for unknown in [json!("aal3"), json!("aal2"), json!(1), json!("highest")] {
            Configuration::good().with(place, unknown).says(&["error required-aal-unknown"]);
        }
        let lowered = Configuration::good().with(place, json!("aal1"));
        lowered.says(&["warning required-aal-lowered"]);
        assert!(
            lowered.finding("required-aal-lowered").explanation.why.contains("privileged_session_max_age")
        );
        let harmless = lowered
            .with("/selfservice/methods/totp/enabled", json!(false))
            .with("/selfservice/methods/lookup_secret/enabled", json!(false));
        harmless.says(&[]);
    }
}
