//! A page of `GET /admin/identities`, and where the next one is.

use std::fmt;

use reqwest::header::{HeaderMap, LINK};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::CallError;
use super::held::Told;
use crate::onboarding::PiiKeys;

/// Where a page begins. Kratos makes it and only Kratos understands it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(String);

impl PageToken {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPage {
    pub told: Vec<Told>,
    /// Identities of the page that cannot be understood.
    pub unreadable: u32,
    /// `None`: it is the last one.
    pub next: Option<PageToken>,
}

impl IdentityPage {
    pub(super) fn parse(headers: &HeaderMap, body: &[u8], keys: &PiiKeys) -> Result<IdentityPage, CallError> {
        // One by one, so that an identity which is like none we know hides no other.
        let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| CallError::Body)?;
        let mut page =
            IdentityPage { told: Vec::with_capacity(items.len()), unreadable: 0, next: next(headers) };
        for item in items {
            match Told::parse(item.get().as_bytes(), keys) {
                Ok(told) => page.told.push(told),
                Err(_) => page.unreadable = page.unreadable.saturating_add(1),
            }
        }
        Ok(page)
    }
}

/// `page_token` of the link whose relation is `next` (RFC 8288).
fn next(headers: &HeaderMap) -> Option<PageToken> {
    let lines = headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok());
    let link = lines.flat_map(links).find(|(_, parameters)| is_next(parameters))?.0;
    // It is relative; whose it is does not matter.
    let url = Url::parse("http://kratos/").ok()?.join(link).ok()?;
    let token = url.query_pairs().find(|(name, _)| name == "page_token")?.1;
    (!token.is_empty()).then(|| PageToken(token.into_owned()))
}

/// Target and parameters of each.
fn links(line: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = line;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, begun)| begun.split_once('>')) {
        // A parameter's value holds no `<`: Kratos sends `rel` only.
        let parameters = after.split_once('<').map_or(after, |(parameters, _)| parameters);
        links.push((target, parameters));
        rest = after.get(parameters.len()..).unwrap_or_default();
    }
    links
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let relations = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("rel") && relations.split(' ').any(|relation| relation == "next")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recordings::{self, VERSIONS};
    use super::*;

    fn headers(link: &str) -> HeaderMap {
        HeaderMap::from_iter([(LINK, link.parse().unwrap())])
    }

    fn token(link: &str) -> Option<String> {
        next(&headers(link)).map(|token| token.0)
    }

    #[test]
    fn every_recorded_page_is_read_and_leads_to_the_next() {
        for version in VERSIONS {
            let page = |name: &str| {
                let link = recordings::header(version, name, "link").unwrap();
                IdentityPage::parse(&headers(&link), &recordings::body(version, name), &recordings::keys())
                    .unwrap()
            };
            let (first, second) =
                (page("admin/identities-page-1.json"), page("admin/identities-page-2.json"));
            assert_eq!((first.told.len(), first.unreadable), (3, 0), "{version}");
            let last = first.told.last().unwrap().identity.to_string();
            assert_eq!(first.next.unwrap().0, last, "{version}: a token is the last identity of the page");
            assert!(!second.told.is_empty(), "{version}");
        }
    }

    #[test]
    fn the_last_page_has_no_next() {
        let first =
            "</admin/identities?page_size=3&page_token=00000000-0000-0000-0000-000000000000>; rel=\"first\"";
        assert_eq!(token(first), None);
        assert_eq!(next(&HeaderMap::new()), None);
        let absolute = format!("{first},<https://kratos/admin/identities?page_token=a%2Fb%3D>; rel=\"next\"");
        assert_eq!(token(&absolute).as_deref(), Some("a/b="));
        assert_eq!(
            token("<x?page_token=1>; title=\"rel=next\", <x?page_token=2>;rel=next").as_deref(),
            Some("2")
        );
        assert_eq!(token("<x?page_token=>; rel=next"), None);
    }

    #[test]
    fn an_identity_that_cannot_be_read_hides_no_other() {
        let one = recordings::body("v26.2.0", "admin/identity-passkey.json");
        let body = format!("[{{\"id\":5}},{},{{}}]", String::from_utf8(one).unwrap());
        let page = IdentityPage::parse(&HeaderMap::new(), body.as_bytes(), &recordings::keys()).unwrap();
        assert_eq!((page.told.len(), page.unreadable), (1, 2));
        assert_eq!(page.told[0].held.passkeys, 1);
    }

    proptest! {
        #[test]
        fn no_link_panics(link in "[ -~]{0,200}") {
            let _ = token(&link);
        }
    }
}
