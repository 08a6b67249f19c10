//! `/post-registration` and `/passkeys` as documents.

use reqwest::Method;

use super::{PAGES, Plan, Service, attribute, attributes, header, headers, listening, text};
use crate::double::Kratos;
use crate::service::refusal;

const DEFAULT: &str = "https://app.example.org/welcome?from=id&to=app";

fn plan() -> Plan {
    Plan::new()
        .with("PAGE__DEFAULT_RETURN_URL", DEFAULT)
        .with("PAGE__ALLOWED_RETURN_URLS", "https://shop.example.org/cart")
}

/// The document, asked for with that destination.
async fn page(service: &Service, path: &str, return_to: &str) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
    text(service.get(&format!("{path}?{query}")).send().await.unwrap()).await
}

#[tokio::test]
async fn what_a_page_may_do_is_said_in_its_headers() {
    let kratos = "https://auth.example.org:8443/kratos";
    let service = plan()
        .with("KRATOS__BROWSER_URL", kratos)
        .with("PAGE__BRAND__LOGO", "https://cdn.example.net/logo.svg?v=2")
        .start();
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; \
                  connect-src 'self' https://auth.example.org:8443; img-src 'self' data: https://cdn.example.net; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                  trusted-types 'none'";
    let expected = [
        ("cache-control", "no-store"),
        ("content-language", "en"),
        ("content-security-policy", policy),
        ("content-type", "text/html; charset=utf-8"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "publickey-credentials-create=(self), publickey-credentials-get=(self)"),
        ("referrer-policy", "strict-origin"),
        ("vary", "Accept-Language"),
        ("vary", "Origin"),
        ("x-content-type-options", "nosniff"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for path in PAGES {
        let answer = service.get(path).send().await.unwrap();
        assert_eq!(headers(answer.headers()), expected, "{path}");
        let length = text(answer).await.len().to_string();
        let head = service.http.head(service.url(path)).send().await.unwrap();
        assert_eq!(headers(head.headers()), expected, "HEAD {path}");
        assert_eq!((header(&head, "content-length"), text(head).await), (Some(length), String::new()));
        let posted = service.http.request(Method::POST, service.url(path)).send().await.unwrap();
        assert_eq!(header(&posted, "allow").as_deref(), Some("GET, HEAD"));
        refusal(posted, 405).await;
    }
}

#[tokio::test]
async fn kratos_and_a_logo_on_the_same_host_are_not_named_again() {
    let service = Plan::new()
        .with("SERVE__PUBLIC__BASE_URL", "https://app.example.org/")
        .with("KRATOS__BROWSER_URL", "https://app.example.org/kratos")
        .with("PAGE__BRAND__LOGO", "/logo.svg")
        .start();
    let answer = service.http.get(format!("{}/passkeys", listening(&service))).send().await.unwrap();
    let policy = header(&answer, "content-security-policy").unwrap();
    assert!(policy.contains("connect-src 'self'; img-src 'self' data:;"), "{policy}");
}

#[tokio::test]
async fn nobody_has_to_be_signed_in_and_kratos_is_not_asked() {
    let kratos = Kratos::start().await;
    let service = kratos.plan().start();
    for path in PAGES {
        let answer = service.get(path).header("Cookie", "ory_kratos_session=abc").send().await.unwrap();
        assert_eq!(header(&answer, "set-cookie"), None);
        text(answer).await;
    }
    assert!(kratos.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_has_its_element_and_goes_on_without_it() {
    let service = plan().start();
    for (path, element, link) in [
        ("/post-registration", "passkey-offer placement=\"page\"", "Continue"),
        ("/passkeys", "passkey-manager", "Back"),
    ] {
        let document = text(service.get(path).send().await.unwrap()).await;
        assert!(document.starts_with("<!doctype html>"), "{document}");
        let (_, inside) =
            document.split_once(&format!("<{element} ")).unwrap_or_else(|| panic!("{document}"));
        let name = element.split(' ').next().unwrap();
        let (inside, _) = inside.split_once(&format!("</{name}>")).unwrap();
        for wanted in ["<h1>".to_owned(), format!(">{link}</a>"), "JavaScript".to_owned()] {
            assert!(inside.contains(&wanted), "{wanted} in {inside}");
        }
        for name in ["return-to", "default-return-to"] {
            assert_eq!(attribute(&document, name), DEFAULT, "{path}");
        }
        assert!(attributes(inside, "href").contains(&DEFAULT.to_owned()), "{path}: {inside}");
        for unset in ["app-name", "logo", "brand-colour", "support-url"] {
            assert_eq!(attributes(&document, unset), Vec::<String>::new(), "{path}");
        }
    }
}

#[tokio::test]
async fn only_an_allowed_destination_is_gone_on_to() {
    let service = plan().start();
    let own = format!("{}/anywhere?a=b#c", service.public);
    for path in PAGES {
        for (wanted, expected) in [
            ("https://shop.example.org/cart/7?x=y", "https://shop.example.org/cart/7?x=y"),
            (DEFAULT, DEFAULT),
            ("/anywhere?a=b#c", own.as_str()),
            ("https://evil.example/", DEFAULT),
            ("//evil.example", DEFAULT),
            ("\\\\evil.example", DEFAULT),
            ("https://shop.example.org/cartoon", DEFAULT),
            ("https://app.example.org/", DEFAULT),
            ("https://shop.example.org@evil.example/cart", DEFAULT),
            ("javascript:alert(1)", DEFAULT),
            ("data:text/html,<script>alert(1)</script>", DEFAULT),
            ("http://[", DEFAULT),
            ("", DEFAULT),
            ("\u{0} ", DEFAULT),
            ("/post-registration?return_to=/post-registration", DEFAULT),
        ] {
            let document = page(&service, path, wanted).await;
            assert_eq!(attribute(&document, "return-to"), expected, "{path} {wanted:?}");
            let link = attributes(&document, "href").pop().unwrap();
            assert_eq!(link, expected, "{path} {wanted:?}");
        }
        let long = format!("https://shop.example.org/cart/{}", "x".repeat(2100));
        assert_eq!(attribute(&page(&service, path, &long).await, "return-to"), DEFAULT);
        for odd in [
            "?return_to",
            "?return_to=%ff%00",
            "?wait=never&fresh=x&=&&",
            "?%",
            "?return_to=a&return_to=//evil.example",
        ] {
            let document = text(service.get(&format!("{path}{odd}")).send().await.unwrap()).await;
            let gone_to: url::Url = attribute(&document, "return-to").parse().unwrap();
            let known = ["127.0.0.1", "app.example.org"];
            assert!(known.contains(&gone_to.host_str().unwrap()), "{odd}: {gone_to}");
        }
    }
}

#[tokio::test]
async fn what_is_hostile_stays_a_value() {
    let hostile = "\"><script>alert('1')</script><x y='&quot;&#34;";
    let service = plan().with("PAGE__BRAND__NAME", hostile).start();
    let mut wanted: url::Url = "https://shop.example.org/cart".parse().unwrap();
    wanted.query_pairs_mut().append_pair("q", hostile);
    for path in PAGES {
        let document = page(&service, path, wanted.as_str()).await;
        assert_eq!(document.matches("<script").count(), 1, "its own: {document}");
        assert_eq!(attribute(&document, "app-name"), hostile);
        let gone_to: url::Url = attribute(&document, "return-to").parse().unwrap();
        assert_eq!(gone_to.query_pairs().next().unwrap().1, hostile);
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!document.contains(inline), "{inline} in {document}");
        }
    }
}

/// Behind a proxy the path a browser sees may be another one: everything is found from where the page is.
#[tokio::test]
async fn everything_a_page_loads_is_beside_it() {
    for base_path in ["", "/on/boarding"] {
        let service = plan().with("SERVE__PUBLIC__BASE_PATH", base_path).start();
        for path in PAGES {
            let document = text(service.get(path).send().await.unwrap()).await;
            let own: url::Url = service.url(path).parse().unwrap();
            let loaded = attributes(&document, "src").into_iter().chain(attributes(&document, "href"));
            // Without a logo there is no icon, and a browser is not to look for one at the root of the host.
            let loaded: Vec<String> = loaded.filter(|url| *url != DEFAULT && url != "data:,").collect();
            assert!(loaded.contains(&"elements/v1.js".to_owned()), "{loaded:?}");
            let styles = loaded.iter().filter(|url| url.ends_with(".css")).count();
            assert_eq!(styles, 1, "{loaded:?}");
            for relative in loaded {
                assert!(!relative.starts_with('/') && !relative.contains(':'), "{relative}");
                let answer = service.http.get(own.join(&relative).unwrap()).send().await.unwrap();
                assert_eq!(answer.status(), 200, "{relative}");
                assert!(!text(answer).await.is_empty(), "{relative}");
            }
        }
    }
}

#[tokio::test]
async fn the_style_is_kept_for_ever_and_hides_what_stands_there_without_javascript() {
    let service = Service::start();
    let document = text(service.get("/passkeys").send().await.unwrap()).await;
    let style = attributes(&document, "href").into_iter().find(|url| url.ends_with(".css")).unwrap();
    let answer = service.get(&format!("/{style}")).send().await.unwrap();
    assert_eq!(header(&answer, "content-type").as_deref(), Some("text/css; charset=utf-8"));
    assert_eq!(header(&answer, "cache-control").as_deref(), Some("public, max-age=31536000, immutable"));
    assert_eq!(header(&answer, "x-content-type-options").as_deref(), Some("nosniff"));
    let style = text(answer).await;
    assert!(style.contains(":not(:defined)") && style.contains("(scripting: none)"), "{style}");
    assert!(!style.contains("url(") && !style.contains("@import"), "nothing more is loaded: {style}");
}

/// Fetched before the entry asks for it: every module the page needs at once, and none of the others.
#[tokio::test]
async fn modules_are_named_ahead_so_that_they_come_at_once() {
    let service = Service::start();
    let document = text(service.get("/post-registration").send().await.unwrap()).await;
    let ahead = document.lines().filter(|line| line.contains("rel=\"modulepreload\""));
    let ahead: Vec<String> = ahead.map(|line| attribute(line, "href")).collect();
    let entry = text(service.get("/elements/v1.js").send().await.unwrap()).await;
    for named in entry.split(['\'', '"']).filter(|text| text.starts_with("./v1/")) {
        let beside = format!("elements/{}", named.strip_prefix("./").unwrap());
        assert!(ahead.contains(&beside), "{beside} in {ahead:?}");
    }
    let mut once = ahead.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), ahead.len());
}

#[tokio::test]
async fn the_default_is_the_root_of_its_own_host() {
    let service = Plan::new().with("SERVE__PUBLIC__BASE_PATH", "/on/boarding").start();
    let root = format!("{}/", service.public.strip_suffix("/on/boarding").unwrap());
    let document = text(service.get("/passkeys").send().await.unwrap()).await;
    assert_eq!(attribute(&document, "return-to"), root);
}
