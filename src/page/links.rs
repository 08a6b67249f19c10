//! Where the page can send the browser next.

use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::tag::Tagging;
use crate::config::{Origin, ReturnPrefix};

/// A longer destination is not carried along.
const LONGEST_RETURN_TO: usize = 2048;

/// Absolute links, one for each thing the page can do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PageLinks {
    /// Kratos's settings flow, where a passkey is added.
    #[schema(format = "uri")]
    pub settings: String,
    /// Signs in again although signed in, so that the session becomes privileged.
    #[schema(format = "uri")]
    pub reauthenticate: String,
    /// The passkeys of this account.
    #[schema(format = "uri")]
    pub manage: String,
    #[schema(format = "uri")]
    pub sign_in: String,
    /// Where the page goes on to: the wanted `return_to` where that is allowed, else the default. Absolute, and written as
    /// browsers write it (the URL standard), which may leave a character as it is that RFC 3986 would escape.
    pub return_to: String,
}

/// Makes the links, and knows which destinations they may carry.
#[derive(Debug)]
pub struct Links {
    page: Url,
    manage: String,
    browser_url: String,
    own_origin: String,
    default_return_url: Url,
    allowed: Vec<ReturnPrefix>,
    plain: PageLinks,
    /// A tag begun with everything above.
    tagging: Tagging,
}

impl Links {
    /// `default`: where the page goes on to if nothing else was wanted; always allowed.
    pub fn new(base_url: &Url, browser_url: &Url, default: &Url, allowed: &[ReturnPrefix]) -> Links {
        let page = below(base_url, "/post-registration");
        let manage = String::from(below(base_url, "/passkeys"));
        let plain = links(browser_url, &page, &manage, default);
        let mut tagging = Tagging::default();
        let PageLinks { settings, reauthenticate, manage: _, sign_in, return_to } = &plain;
        for text in [settings, reauthenticate, &manage, sign_in, return_to] {
            tagging.text(text);
        }
        Links {
            page,
            manage,
            browser_url: browser_url.as_str().trim_end_matches('/').to_owned(),
            own_origin: base_url.origin().ascii_serialization(),
            default_return_url: default.clone(),
            allowed: allowed.to_vec(),
            plain,
            tagging,
        }
    }

    /// The beginning of every answer's tag.
    pub fn tagging(&self) -> Tagging {
        self.tagging.clone()
    }

    /// Without a slash at its end.
    pub fn browser_url(&self) -> &str {
        &self.browser_url
    }

    /// Without a destination of its own: the page then goes on to the default.
    pub fn plain(&self) -> &PageLinks {
        &self.plain
    }

    /// Links that come back to the page with its destination, `None` where that is not allowed.
    pub fn carrying(&self, return_to: &str) -> Option<PageLinks> {
        let return_to = self.allowed(return_to)?;
        let mut page = self.page.clone();
        page.query_pairs_mut().append_pair("return_to", return_to.as_str());
        let browser_url = Url::parse(&self.browser_url).ok()?;
        Some(links(&browser_url, &page, &self.manage, &return_to))
    }

    /// Where to go on to: there, if that is allowed, else to the default.
    pub fn destination(&self, return_to: Option<&str>) -> Url {
        let allowed = return_to.and_then(|return_to| self.allowed(return_to));
        allowed.unwrap_or_else(|| self.default_return_url.clone())
    }

    fn allowed(&self, return_to: &str) -> Option<Url> {
        if return_to.is_empty() || return_to.len() > LONGEST_RETURN_TO {
            return None;
        }
        // Parsed as a browser parses it: `//host`, `\\host` and `..` mean the same here and there.
        let url = self.page.join(return_to).ok()?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some()
        {
            return None;
        }
        let origin = Origin(url.origin().ascii_serialization());
        let is_listed =
            self.allowed.iter().any(|prefix| prefix.origin == origin && covers(&prefix.path, url.path()));
        if origin.0 == self.own_origin && url.path() == self.page.path() {
            // Going on to where one is.
            return None;
        }
        let is_allowed = origin.0 == self.own_origin || is_listed || url == self.default_return_url;
        is_allowed.then_some(url)
    }
}

/// A prefix ends at a segment: `/app` covers `/app` and `/app/x`, not `/apple`.
fn covers(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn links(browser_url: &Url, page: &Url, manage: &str, return_to: &Url) -> PageLinks {
    let flow = |path: &str, refresh: bool| {
        let mut url = below(browser_url, path);
        if refresh {
            // Without it a signed-in person is sent straight back, and the page would loop.
            url.query_pairs_mut().append_pair("refresh", "true");
        }
        url.query_pairs_mut().append_pair("return_to", page.as_str());
        String::from(url)
    };
    PageLinks {
        settings: flow("/self-service/settings/browser", false),
        reauthenticate: flow("/self-service/login/browser", true),
        manage: manage.to_owned(),
        sign_in: flow("/self-service/login/browser", false),
        return_to: return_to.to_string(),
    }
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: &str = "https://www.example.org/welcome?from=onboarding";

    fn made() -> Links {
        let prefix = |origin: &str, path: &str| ReturnPrefix {
            origin: Origin(origin.to_owned()),
            path: path.to_owned(),
        };
        Links::new(
            &"https://id.example.org/onboarding/".parse().unwrap(),
            &"https://id.example.org/kratos".parse().unwrap(),
            &DEFAULT.parse().unwrap(),
            &[prefix("https://app.example.org", "/app"), prefix("https://shop.example.org", "/")],
        )
    }

    #[test]
    fn they_are_absolute_and_come_back_to_the_page() {
        let links = made();
        assert_eq!(
            links.plain().reauthenticate,
            "https://id.example.org/kratos/self-service/login/browser?refresh=true&return_to=https%3A%2F%2Fid.example.org%2Fonboarding%2Fpost-registration"
        );
        assert_eq!(links.plain().manage, "https://id.example.org/onboarding/passkeys");
    }

    #[test]
    fn an_allowed_destination_is_carried_through() {
        let links = made();
        let carried = links.carrying("https://app.example.org/app/home?a=b").unwrap();
        let settings = Url::parse(&carried.settings).unwrap();
        let page: Url = settings.query_pairs().find(|(k, _)| k == "return_to").unwrap().1.parse().unwrap();
        assert_eq!(page.path(), "/onboarding/post-registration");
        let back = page.query_pairs().find(|(k, _)| k == "return_to").unwrap().1.into_owned();
        assert_eq!(back, "https://app.example.org/app/home?a=b");
        assert_eq!(carried.return_to, back);
        let own = links.carrying("/anywhere/here").unwrap();
        assert_eq!(own.return_to, "https://id.example.org/anywhere/here", "its own origin");
    }

    #[test]
    fn the_default_is_allowed_and_nothing_beside_it() {
        let links = made();
        assert_eq!(links.plain().return_to, DEFAULT);
        assert_eq!(links.carrying(DEFAULT).unwrap().return_to, DEFAULT);
        for beside in
            ["https://www.example.org/welcome", "https://www.example.org/", "http://www.example.org/welcome"]
        {
            assert_eq!(links.carrying(beside), None, "{beside}");
        }
        for refused in [None, Some(""), Some("https://evil.example/")] {
            assert_eq!(links.destination(refused).as_str(), DEFAULT, "{refused:?}");
        }
        let wanted = "https://shop.example.org/cart";
        assert_eq!(links.destination(Some(wanted)).as_str(), wanted);
    }

    #[test]
    fn a_foreign_destination_is_not() {
        for foreign in [
            "https://evil.example/",
            "//evil.example",
            "\\\\evil.example",
            "https:\\\\evil.example",
            "https://app.example.org/apple",
            "https://app.example.org/app/../admin",
            "https://app.example.org/app/%2e%2e/admin",
            "https://app.example.org.evil.example/app",
            "https://app.example.org@evil.example/app",
            "https://user@app.example.org/app",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://app.example.org/app",
            "https://id.example.org/onboarding/post-registration?return_to=/x",
            "?return_to=/x",
            " ",
            "",
        ] {
            assert_eq!(made().carrying(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn nothing_leads_elsewhere(return_to in "[a-zA-Z0-9:/@.\\\\?#%&= \t-]{0,60}") {
            if let Some(url) = made().allowed(&return_to) {
                let origin = url.origin().ascii_serialization();
                let known = ["https://id.example.org", "https://app.example.org", "https://shop.example.org"];
                prop_assert!(known.contains(&origin.as_str()) || url.as_str() == DEFAULT, "{url}");
            }
        }
    }
}
