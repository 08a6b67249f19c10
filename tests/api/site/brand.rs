//! How a deployment presents itself.

use super::{PAGES, Plan, attribute, listening, text};

#[tokio::test]
async fn every_part_that_is_set_is_handed_to_the_element() {
    let service = Plan::new()
        .with("PAGE__BRAND__NAME", "Ada & Söhne")
        .with("PAGE__BRAND__LOGO", "https://cdn.example.net/logo.svg?a=1&b=2")
        .with("PAGE__BRAND__COLOUR", "#0Af")
        .with("PAGE__BRAND__SUPPORT_URL", "mailto:help@example.org?subject=Passkeys")
        .start();
    for path in PAGES {
        let document = text(service.get(path).send().await.unwrap()).await;
        for (name, value) in [
            ("app-name", "Ada & Söhne"),
            ("logo", "https://cdn.example.net/logo.svg?a=1&b=2"),
            ("brand-colour", "#00aaff"),
            ("support-url", "mailto:help@example.org?subject=Passkeys"),
        ] {
            assert_eq!(attribute(&document, name), value, "{path}");
        }
        let icon = document.lines().find(|line| line.contains("rel=\"icon\"")).unwrap();
        assert_eq!(attribute(icon, "href"), "https://cdn.example.net/logo.svg?a=1&b=2");
        assert!(document.contains("· Ada &#38; Söhne</title>"), "{document}");
    }
}

#[tokio::test]
async fn a_logo_by_path_is_on_the_host_of_the_page() {
    let service = Plan::new()
        .with("SERVE__PUBLIC__BASE_PATH", "/on/boarding")
        .with("SERVE__PUBLIC__BASE_URL", "https://app.example.org/on/boarding")
        .with("PAGE__BRAND__LOGO", "/assets/logo.svg")
        .start();
    let url = format!("{}/on/boarding/passkeys", listening(&service));
    let document = text(service.http.get(url).send().await.unwrap()).await;
    assert_eq!(attribute(&document, "logo"), "https://app.example.org/assets/logo.svg");
}
