//! The language a page is written in: the best one of those there are (RFC 9110, section 12.5.4).

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header, Preference, Quality};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    German,
    French,
    Spanish,
    Japanese,
    Arabic,
}

impl Language {
    pub const ALL: [Language; 6] = [
        Language::English,
        Language::German,
        Language::French,
        Language::Spanish,
        Language::Japanese,
        Language::Arabic,
    ];

    /// English where the browser wants none of them.
    pub fn wanted(request: &HttpRequest) -> Language {
        let Ok(accepted) = AcceptLanguage::parse(request) else { return Language::English };
        let mut wanted: Vec<_> = accepted.0.iter().filter(|item| item.quality > Quality::ZERO).collect();
        // Stable: of two that are wanted alike the first counts.
        wanted.sort_by_key(|item| std::cmp::Reverse(item.quality));
        let known = wanted.into_iter().find_map(|item| match &item.item {
            Preference::Any => Some(Language::English),
            Preference::Specific(tag) => Language::of(tag.primary_language()),
        });
        known.unwrap_or(Language::English)
    }

    /// Whatever the region: `de` for `de-AT` too.
    fn of(primary: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// As in `lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
            Language::French => "fr",
            Language::Spanish => "es",
            Language::Japanese => "ja",
            Language::Arabic => "ar",
        }
    }

    /// As in `dir`.
    pub fn direction(self) -> &'static str {
        match self {
            Language::Arabic => "rtl",
            _ => "ltr",
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::ACCEPT_LANGUAGE;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_best_known_one_is_taken() {
        for (header, expected) in [
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("nl-NL, nl;q=0.9, fr;q=0.5, en;q=0.4", "fr"),
            ("en;q=0.3, ar-EG;q=0.7", "ar"),
            ("es-419", "es"),
            ("JA", "ja"),
            ("de;q=0, en;q=0.1", "en"),
            ("fr;q=0", "en"),
            ("nl, *;q=0.1, de;q=0.05", "en"),
            ("nl, sv", "en"),
            ("", "en"),
            (";;;,,q=", "en"),
            ("x, de", "de"),
        ] {
            let request = TestRequest::default().insert_header((ACCEPT_LANGUAGE, header)).to_http_request();
            assert_eq!(Language::wanted(&request).tag(), expected, "{header:?}");
        }
        assert_eq!(Language::wanted(&TestRequest::default().to_http_request()), Language::English);
    }
}
