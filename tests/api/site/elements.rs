//! `/elements/v1.js` and the files it leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reqwest::Method;
use sha2::{Digest, Sha256};

use super::{Plan, Service, header, headers, text};
use crate::service::refusal;

const APP: &str = "https://app.example.org";

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Texts in quotes that end with `.HASH.js`: what a published module imports.
fn imports(module: &str) -> Vec<&str> {
    let quoted = module.split(['\'', '"']).skip(1);
    let is_hash = |hash: &str| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    quoted.filter(|text| text.starts_with('.') && text.rsplit('.').nth(1).is_some_and(is_hash)).collect()
}

/// Everything `v1.js` leads to: URL and text.
async fn published(service: &Service) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut wanted = vec![service.url("/elements/v1.js")];
    while let Some(url) = wanted.pop() {
        if found.contains_key(&url) {
            continue;
        }
        let module = text(service.http.get(&url).send().await.unwrap()).await;
        let base: url::Url = url.parse().unwrap();
        wanted.extend(imports(&module).into_iter().map(|import| base.join(import).unwrap().to_string()));
        found.insert(url, module);
    }
    found
}

fn sources(below: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|ending| ending == "js")).collect()
}

/// For the checker alone: comments, and what makes a module of them.
fn is_types(module: &Path) -> bool {
    let text = std::fs::read_to_string(module).unwrap();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "export {};");
    lines.all(|line| ["//", "/*", "*"].iter().any(|start| line.starts_with(start)))
}

#[tokio::test]
async fn the_entry_is_asked_for_each_time_and_sent_only_when_it_changed() {
    let service = Service::start();
    let answer = service.get("/elements/v1.js").send().await.unwrap();
    let tag = header(&answer, "etag").unwrap();
    assert!(tag.starts_with('"') && tag.len() == 18, "a strong tag: {tag}");
    let same = [
        ("access-control-allow-origin", "*"),
        ("cache-control", "no-cache"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("etag", tag.as_str()),
        ("x-content-type-options", "nosniff"),
    ];
    let mut expected = pairs(&same);
    expected.push(("content-type".to_owned(), "text/javascript; charset=utf-8".to_owned()));
    expected.sort();
    assert_eq!(headers(answer.headers()), expected);
    let entry = text(answer).await;
    let length = entry.len().to_string();
    assert!(!entry.is_empty());

    for named in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
        let kept = service.get("/elements/v1.js").header("If-None-Match", &named).send().await.unwrap();
        assert_eq!(kept.status(), 304, "{named}");
        assert_eq!(headers(kept.headers()), pairs(&same), "{named}");
    }
    for other in ["\"other\"", "nonsense", ""] {
        let sent = service.get("/elements/v1.js").header("If-None-Match", other).send().await.unwrap();
        assert_eq!(text(sent).await, entry, "{other}");
    }

    let head = service.http.head(service.url("/elements/v1.js")).send().await.unwrap();
    assert_eq!(headers(head.headers()), expected);
    assert_eq!(header(&head, "content-length"), Some(length));
    assert_eq!(text(head).await, "");
}

#[tokio::test]
async fn every_module_is_found_under_the_name_of_its_content() {
    let service = Service::start();
    let published = published(&service).await;
    let source = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web/elements"));
    let wanted = source.iter().filter(|module| !is_types(module)).count();
    assert_eq!(published.len(), wanted, "{:?}", published.keys());
    let entry = service.url("/elements/v1.js");
    for (url, module) in published.iter().filter(|(url, _)| **url != entry) {
        let hash = hex::encode(Sha256::digest(module));
        assert_eq!(url.rsplit('.').nth(1), hash.get(..16), "{url}");
        assert!(url.starts_with(&service.url("/elements/v1/")), "{url}");
        let answer = service.http.get(url).send().await.unwrap();
        let tag = format!("\"{}\"", &hash[..16]);
        let expected = pairs(&[
            ("access-control-allow-origin", "*"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("content-type", "text/javascript; charset=utf-8"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("etag", &tag),
            ("x-content-type-options", "nosniff"),
        ]);
        assert_eq!(headers(answer.headers()), expected, "{url}");
        let head = service.http.head(url).send().await.unwrap();
        assert_eq!((head.status().as_u16(), headers(head.headers())), (200, expected), "{url}");
    }
}

#[tokio::test]
async fn no_module_is_fetched_from_elsewhere() {
    for (url, module) in published(&Service::start()).await {
        for line in module.lines().filter(|line| line.contains("import") && line.contains("http")) {
            assert!(line.trim_start().starts_with(['*', '/']), "{url}: {line}");
        }
    }
}

#[tokio::test]
async fn any_origin_may_load_them_and_gets_the_same_answer() {
    let service = Plan::new().with("PAGE__ALLOWED_ORIGINS", APP).start();
    let paths = published(&service).await.into_keys();
    for url in paths {
        let plain = service.http.get(&url).send().await.unwrap();
        for origin in [APP, "https://evil.example", "null"] {
            let answer = service.http.get(&url).header("Origin", origin).send().await.unwrap();
            assert_eq!(headers(answer.headers()), headers(plain.headers()), "{url} from {origin}");
        }
    }
}

#[tokio::test]
async fn what_is_gone_or_never_was_is_404() {
    let service = Service::start();
    let mut known: BTreeSet<String> = published(&service).await.into_keys().collect();
    known.remove(&service.url("/elements/v1.js"));
    let mut gone = vec![
        service.url("/elements/v1/offer/element.0123456789abcdef.js"),
        service.url("/elements/v1/v1.js"),
        service.url("/elements/v1/..%2fv1.js"),
        service.url("/elements/v1/%2e%2e/%2e%2e/Cargo.toml"),
        service.url("/elements/v1/"),
        service.url("/elements/v2.js"),
        service.url("/elements/"),
        service.url("/pages/page.css"),
        service.url("/pages/frame.html"),
    ];
    // By its own name alone.
    gone.extend(known.iter().map(|url| {
        let (stem, _) = url.rsplit_once('.').unwrap();
        format!("{}.js", stem.rsplit_once('.').unwrap().0)
    }));
    for url in gone {
        let answer = service.http.get(&url).send().await.unwrap();
        assert_eq!(refusal(answer, 404).await["error"]["id"], "not_found", "{url}");
    }
}

#[tokio::test]
async fn they_are_only_read() {
    let service = Service::start();
    let paths = published(&service).await.into_keys();
    let style = service.url("/pages/page.css");
    for url in paths.chain([style, service.url("/elements/v1/deep/down.0123456789abcdef.js")]) {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = service.http.request(method.clone(), &url).send().await.unwrap();
            assert_eq!(header(&answer, "allow").as_deref(), Some("GET, HEAD"), "{method} {url}");
            refusal(answer, 405).await;
        }
    }
}

#[tokio::test]
async fn under_a_base_path_they_are_below_it() {
    let plain = published(&Service::start()).await;
    let service = Plan::new().with("SERVE__PUBLIC__BASE_PATH", "/on/boarding").start();
    let moved = published(&service).await;
    assert!(moved.keys().all(|url| url.contains("/on/boarding/elements/v1")));
    assert_eq!(moved.into_values().collect::<BTreeSet<_>>(), plain.into_values().collect::<BTreeSet<_>>());
}
