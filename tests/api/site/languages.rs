//! The language of what a page says by itself.

use super::{PAGES, Service, attribute, header, text};

#[tokio::test]
async fn it_is_the_best_that_the_browser_wants() {
    let service = Service::start();
    let mut titles = Vec::new();
    for (accepted, language, direction) in [
        ("en-GB,en;q=0.9", "en", "ltr"),
        ("de-CH, fr;q=0.8", "de", "ltr"),
        ("nl, fr-CA;q=0.8, en;q=0.2", "fr", "ltr"),
        ("es-MX", "es", "ltr"),
        ("ja", "ja", "ltr"),
        ("ar-EG, en;q=0.9", "ar", "rtl"),
    ] {
        for path in PAGES {
            let answer = service.get(path).header("Accept-Language", accepted).send().await.unwrap();
            assert_eq!(header(&answer, "content-language").as_deref(), Some(language), "{accepted}");
            let document = text(answer).await;
            assert_eq!(attribute(&document, "lang"), language, "{accepted}");
            assert_eq!(attribute(&document, "dir"), direction, "{accepted}");
            let (_, title) = document.split_once("<title>").unwrap();
            titles.push(title.split("</title>").next().unwrap().to_owned());
            let (_, said) = document.split_once("<body>").unwrap();
            for word in ["WebAuthn", "credential", "authenticator", "ceremony"] {
                assert!(!said.to_lowercase().contains(&word.to_lowercase()), "{word} in {said}");
            }
        }
    }
    let count = titles.len();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), count, "each page has its own title in each language");
}

#[tokio::test]
async fn without_a_wish_or_with_none_that_can_be_met_it_is_english() {
    let service = Service::start();
    for accepted in ["", "nl", "*", "xx-klingon;q=0.9", "de;q=0", "\u{fe}\u{ff}", ";q=1,,"] {
        let answer = service.get("/passkeys").header("Accept-Language", accepted).send().await.unwrap();
        assert_eq!(header(&answer, "content-language").as_deref(), Some("en"), "{accepted:?}");
    }
    let answer = service.get("/passkeys").send().await.unwrap();
    assert_eq!(header(&answer, "content-language").as_deref(), Some("en"));
}
