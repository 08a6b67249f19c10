//! The entity tag of an answer (RFC 9110, section 8.8.3).

use actix_web::http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// A strong tag: 32 hex digits in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag([u8; 34]);

impl Tag {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// Whether `If-None-Match` names it; compared weakly, as that header is (RFC 9110, section 13.1.2).
    pub fn is_named(&self, headers: &HeaderMap) -> bool {
        headers.get_all(IF_NONE_MATCH).any(|value| self.is_in(value.as_bytes()))
    }

    /// With or without its quotes: `Last-Event-ID` is written by people too.
    pub fn is_event_id(&self, id: &[u8]) -> bool {
        id == self.0 || self.0.strip_prefix(b"\"").and_then(|tag| tag.strip_suffix(b"\"")) == Some(id)
    }

    fn is_in(&self, list: &[u8]) -> bool {
        list.split(|b| *b == b',').map(<[u8]>::trim_ascii).any(|tag| {
            let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
            tag == b"*" || tag == self.0
        })
    }
}

/// Takes the fields of an answer one after the other; no two different lists of fields look the same.
#[derive(Debug, Clone, Default)]
pub struct Tagging(Sha256);

impl Tagging {
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    pub fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    pub fn flag(&mut self, flag: bool) {
        self.0.update([u8::from(flag)]);
    }

    pub fn count(&mut self, count: Option<u32>) {
        self.flag(count.is_some());
        self.number(count.unwrap_or_default().into());
    }

    pub fn time(&mut self, time: Option<Timestamp>) {
        self.flag(time.is_some());
        self.0.update(time.map_or(0, Timestamp::as_nanosecond).to_be_bytes());
    }

    pub fn tag(self) -> Tag {
        let mut tag = [b'"'; 34];
        let digest = self.0.finalize();
        if let (Some(hex), Some(half)) = (tag.get_mut(1..33), digest.get(..16)) {
            // Both lengths are fixed: it always fits.
            let _ = hex::encode_to_slice(half, hex);
        }
        Tag(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        let mut tagging = Tagging::default();
        tagging.text(text);
        tagging.tag()
    }

    #[test]
    fn it_is_a_quoted_hex_text() {
        let tag = tag("a");
        let inner = tag.as_str().strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        assert!(inner.len() == 32 && inner.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(tag.header().as_bytes(), tag.as_bytes());
    }

    #[test]
    fn it_is_found_alone_weak_in_a_list_and_by_star() {
        let (this, other) = (tag("a"), tag("b"));
        let (this_text, other_text) = (this.as_str(), other.as_str());
        for list in [
            this_text.to_owned(),
            format!("W/{this_text}"),
            format!("{other_text}, {this_text}"),
            format!("{other_text},W/{this_text} "),
            "*".to_owned(),
        ] {
            assert!(this.is_in(list.as_bytes()), "{list}");
        }
        for list in ["", other_text, this_text.trim_matches('"'), "W/*x"] {
            assert!(!this.is_in(list.as_bytes()), "{list}");
        }
    }

    #[test]
    fn an_event_id_may_lack_the_quotes() {
        let tag = tag("a");
        assert!(
            tag.is_event_id(tag.as_bytes()) && tag.is_event_id(tag.as_str().trim_matches('"').as_bytes())
        );
        assert!(!tag.is_event_id(b""));
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let pair = |left: &str, right: &str| {
            let mut tagging = Tagging::default();
            tagging.text(left);
            tagging.text(right);
            tagging.tag()
        };
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
    }
}
