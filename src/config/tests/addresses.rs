//! Where it listens, how it is reached, and where people go on to.

use super::*;

#[test]
fn admin_on_another_address_needs_tls_or_a_word() {
    assert_eq!(named(&from_env(&[("serve.admin.host", "10.0.0.1")]).unwrap_err()), ["serve.admin.host"]);
    let allowed =
        from_env(&[("serve.admin.host", "10.0.0.1"), ("serve.admin.allow_insecure", "true")]).unwrap();
    assert!(allowed.serve.admin.allow_insecure);
    let pem = file("");
    let path = pem.path().display().to_string();
    let tls = [
        ("serve.admin.host", "::"),
        ("serve.admin.tls.cert_file", &path),
        ("serve.admin.tls.key_file", &path),
    ];
    assert!(from_env(&tls).unwrap().serve.admin.listener.tls.is_some());
    assert_eq!(named(&from_env(&tls[..2]).unwrap_err()), ["serve.admin.tls.key_file"]);
}

#[test]
fn development_listens_on_loopback_only() {
    let env = with(&[("serve.public.host", "0.0.0.0")]);
    let errors = load(None, Mode::Development, &env).unwrap_err();
    assert_eq!(named(&errors), ["serve.public.host"]);
}

#[test]
fn base_url_and_path_belong_together() {
    let settings = from_env(&[
        ("serve.public.base_path", "onboarding/"),
        ("serve.public.base_url", "https://a/onboarding"),
    ]);
    let public = settings.unwrap().serve.public;
    assert_eq!(public.base_path, "/onboarding");
    assert_eq!(public.url(1).as_str(), "https://a/onboarding/");
    let wrong = from_env(&[("serve.public.base_path", "/x"), ("serve.public.base_url", "https://a/")]);
    assert_eq!(named(&wrong.unwrap_err()), ["serve.public.base_url"]);
    let made = from_env(&[("serve.public.base_path", "/x")]).unwrap().serve.public;
    assert_eq!(made.url(8080).as_str(), "http://localhost:8080/x/");
}

#[test]
fn the_return_url_follows_the_bound_port() {
    let mut settings = from_env(&[("serve.public.port", "0")]).unwrap();
    settings.bound(4711);
    assert_eq!(settings.page.default_return_url.as_str(), "http://localhost:4711/");
    let mut given =
        from_env(&[("serve.public.port", "0"), ("page.default_return_url", "https://a/")]).unwrap();
    given.bound(4711);
    assert_eq!(given.page.default_return_url.as_str(), "https://a/");
}

#[test]
fn without_a_return_url_the_page_goes_on_to_the_root_of_its_host() {
    let below = [
        ("serve.public.base_path", "/onboarding"),
        ("serve.public.base_url", "https://app.example.org/onboarding"),
    ];
    assert_eq!(from_env(&below).unwrap().page.default_return_url.as_str(), "https://app.example.org/");
}

#[test]
fn the_page_does_not_go_on_to_itself() {
    let with_default = |default: &str| {
        from_env(&[
            ("serve.public.base_url", "https://app.example.org/onboarding"),
            ("page.default_return_url", default),
        ])
    };
    for itself in ["post-registration", "post-registration?x=y"] {
        let errors = with_default(&format!("https://app.example.org/onboarding/{itself}")).unwrap_err();
        assert_eq!(named(&errors), ["page.default_return_url"], "{itself}");
    }
    for other in
        ["https://app.example.org/post-registration", "https://b.example/onboarding/post-registration"]
    {
        assert!(with_default(other).is_ok(), "{other}");
    }
}

#[test]
fn a_brand_is_read_and_every_part_of_it_can_be_left_out() {
    assert_eq!(from_env(&[]).unwrap().page.brand, Brand::default());
    let text = "
page:
  brand: { name: ' Ada & Co ', logo: /logo.svg, colour: '#0Af', support_url: 'mailto:help@example.org' }
";
    let brand = from_file(text).unwrap().page.brand;
    assert_eq!(brand.name.as_deref(), Some("Ada & Co"));
    assert_eq!(brand.logo, Some(Logo::Path("/logo.svg".to_owned())));
    assert_eq!(brand.colour.as_deref(), Some("#00aaff"));
    assert_eq!(brand.support_url.unwrap().as_str(), "mailto:help@example.org");
}

#[test]
fn a_return_prefix_is_an_origin_and_segments() {
    let settings =
        from_env(&[("page.allowed_return_urls", "https://A.example:443/app/,http://b.example")]).unwrap();
    let prefix =
        |origin: &str, path: &str| ReturnPrefix { origin: Origin(origin.to_owned()), path: path.to_owned() };
    let expected = [prefix("https://a.example", "/app"), prefix("http://b.example", "/")];
    assert_eq!(settings.page.allowed_return_urls, expected);
}
