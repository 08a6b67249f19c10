//! Our own ceremony: for whom, where, and how long after a sign-in.

use jiff::SignedDuration;

use super::*;

const OWN: (&str, &str) = ("serve.public.base_url", "https://auth.example.org/passkeys/");

fn problem(more: &[(&str, &str)]) -> (String, String) {
    let errors = from_env(&[&[OWN], more].concat()).unwrap_err();
    let [mistake] = errors.mistakes() else { panic!("{errors}") };
    (mistake.setting.clone(), errors.to_string())
}

#[test]
fn unless_it_is_named_there_is_no_relying_party() {
    let settings = from_env(&[]).unwrap();
    assert_eq!((settings.webauthn.rp_id, settings.webauthn.import), (None, true));
    assert_eq!(settings.page.ceremony, Ceremony::Auto);
    assert_eq!(settings.webauthn.own_ceremony_max_age, settings.kratos.privileged_session_max_age);
    let settings = from_env(&[("kratos.privileged_session_max_age", "15m")]).unwrap();
    assert_eq!(settings.webauthn.own_ceremony_max_age, SignedDuration::from_mins(15), "the same clock");
}

#[test]
fn it_is_called_by_the_nearest_name_there_is() {
    let name = |more: &[(&str, &str)]| {
        from_env(&[&[OWN, ("webauthn.rp_id", "example.org")], more].concat()).unwrap().webauthn.rp_name
    };
    assert_eq!(name(&[]), "example.org");
    assert_eq!(name(&[("page.brand.name", "Shop")]), "Shop");
    assert_eq!(name(&[("page.brand.name", "Shop"), ("webauthn.rp_name", "The Shop")]), "The Shop");
}

#[test]
fn the_page_lies_at_or_below_the_relying_party_or_is_related_to_it() {
    let rp_id = |id: &str| from_env(&[OWN, ("webauthn.rp_id", id)]).is_ok();
    assert!(rp_id("auth.example.org") && rp_id("example.org"));
    for (wrong, why) in [
        ("other.example", "is not the page's host, auth.example.org, or a domain above it"),
        ("th.example.org", "is not the page's host, auth.example.org"),
        ("app.auth.example.org", "is not the page's host, auth.example.org"),
    ] {
        let (setting, text) = problem(&[("webauthn.rp_id", wrong)]);
        assert_eq!(setting, "webauthn.rp_id");
        assert!(text.contains(why), "{text}");
    }
    let plain = ("serve.public.base_url", "http://auth.example.org/");
    let insecure = from_env(&[plain, ("webauthn.rp_id", "example.org")]).unwrap_err().to_string();
    assert!(insecure.contains("needs https"), "{insecure}");
    let related = ("webauthn.origins", "https://auth.example.org,https://shop.example.net");
    assert!(from_env(&[OWN, related, ("webauthn.rp_id", "example.net")]).is_ok());
    let local = |host: &str| from_env(&[("serve.public.host", host), ("webauthn.rp_id", "localhost")]);
    assert!(local("0.0.0.0").is_ok(), "reached as localhost");
    assert!(local("192.0.2.1").unwrap_err().to_string().contains("by an IP address"));
}

#[test]
fn the_pages_own_origin_is_one_of_those_that_are_listed() {
    let (setting, text) = problem(&[("webauthn.origins", "https://app.example.org")]);
    assert_eq!(setting, "webauthn.origins");
    assert!(text.contains("does not name the page's own origin, https://auth.example.org"), "{text}");
    let both = ("webauthn.origins", "https://app.example.org,https://auth.example.org");
    assert_eq!(from_env(&[OWN, both]).unwrap().webauthn.origins.len(), 2);
    assert!(
        from_env(&[("webauthn.origins", "http://localhost:5050")]).is_ok(),
        "where it listens by default"
    );
}

#[test]
fn our_own_ceremony_needs_a_relying_party_and_somebody_to_hand_it_in_to() {
    let (setting, text) = problem(&[("page.ceremony", "own"), ("webauthn.import", "off")]);
    assert_eq!(setting, "page.ceremony");
    for lacks in ["webauthn.rp_id is not set", "webauthn.import is off", "kratos.admin_url is not set"] {
        assert!(text.contains(lacks), "{text}");
    }
    let all = [
        OWN,
        ("page.ceremony", "own"),
        ("webauthn.rp_id", "example.org"),
        ("kratos.admin_url", "http://kratos:4434"),
    ];
    assert_eq!(from_env(&all).unwrap().page.ceremony, Ceremony::Own);
}

#[test]
fn what_is_made_without_asking_is_made_by_our_own_ceremony() {
    let needs = [OWN, ("webauthn.rp_id", "example.org"), ("kratos.admin_url", "http://kratos:4434")];
    let asked = ("page.conditional_create", "true");
    assert!(!from_env(&needs).unwrap().page.conditional_create, "only where it is asked for");
    assert!(from_env(&[&needs[..], &[asked]].concat()).unwrap().page.conditional_create);
    for (lacking, why) in [
        (("page.ceremony", "settings"), "page.ceremony is settings"),
        (("webauthn.import", "off"), "webauthn.import is off"),
    ] {
        let (setting, text) = problem(&[&needs[1..], &[asked, lacking]].concat());
        assert_eq!(setting, "page.conditional_create");
        assert!(text.contains(why), "{text}");
    }
    let both = from_env(&[OWN, asked, ("page.ceremony", "own")]).unwrap_err();
    assert_eq!(both.mistakes().len(), 2, "{both}");
}
