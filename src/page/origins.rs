//! Which web origins may act for a person who is signed in by cookie.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use crate::config::Origin;

/// The service's own origin and `page.allowed_origins`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Origins(Arc<HashSet<Vec<u8>>>);

impl Origins {
    pub fn new(base_url: &Url, allowed: &[Origin]) -> Origins {
        let own = base_url.origin().ascii_serialization();
        let origins = allowed.iter().map(|origin| origin.0.clone()).chain([own]);
        Origins(Arc::new(origins.filter(|origin| origin != "null").map(String::into_bytes).collect()))
    }

    /// `origin`: the header as sent. A browser writes it in one way only, so bytes are compared.
    pub fn allow(&self, origin: &[u8]) -> bool {
        self.0.contains(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_listed_and_its_own() {
        let base = "https://id.example.org/onboarding".parse().unwrap();
        let origins = Origins::new(&base, &[Origin("https://app.example.org".to_owned())]);
        for allowed in ["https://id.example.org", "https://app.example.org"] {
            assert!(origins.allow(allowed.as_bytes()), "{allowed}");
        }
        for foreign in [
            "null",
            "",
            "https://app.example.org.evil.example",
            "https://app.example.org:8443",
            "http://app.example.org",
            "https://app.example.org/",
        ] {
            assert!(!origins.allow(foreign.as_bytes()), "{foreign}");
        }
    }

    #[test]
    fn null_is_never_allowed() {
        let base = "data:text/html,x".parse().unwrap();
        assert!(!Origins::new(&base, &[Origin("null".to_owned())]).allow(b"null"));
    }
}
