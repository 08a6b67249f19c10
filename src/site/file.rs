//! A file as it is served: made once, copied for every request.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, HeaderName,
    HeaderValue, IfNoneMatch, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use super::modules::Published;

pub const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
pub const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");

/// How long it may be used without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its name stays while its content changes.
    Revalidated,
    /// Its name is of its content.
    Forever,
}

/// Public, the same for everybody: any origin may read it.
#[derive(Debug, Clone)]
pub struct File {
    content_type: HeaderValue,
    body: Bytes,
    tag: EntityTag,
    kept: Kept,
}

impl File {
    pub fn javascript(published: Published, kept: Kept) -> File {
        File {
            content_type: JAVASCRIPT,
            body: Bytes::from(published.text),
            tag: EntityTag::new_strong(published.hash),
            kept,
        }
    }

    pub fn json(document: &impl Serialize) -> File {
        let published = Published::of(serde_json::to_string(document).unwrap_or_default());
        File { content_type: JSON, ..File::javascript(published, Kept::Revalidated) }
    }

    pub fn css(published: Published) -> File {
        File { content_type: CSS, ..File::javascript(published, Kept::Forever) }
    }

    /// 304 where the caller has it.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let is_there = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&self.tag)),
            Err(_) => false,
        };
        let status = if is_there { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut response = HttpResponseBuilder::new(status);
        response
            .insert_header((CACHE_CONTROL, self.kept.cache_control()))
            .insert_header((ETAG, self.tag.to_string()))
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")))
            .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin")))
            .insert_header((X_CONTENT_TYPE_OPTIONS, NOSNIFF));
        if is_there {
            return response.finish();
        }
        response.insert_header((CONTENT_TYPE, self.content_type.clone())).body(self.body.clone())
    }
}

impl Kept {
    fn cache_control(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Kept::Revalidated => "no-cache",
            Kept::Forever => "public, max-age=31536000, immutable",
        })
    }
}
