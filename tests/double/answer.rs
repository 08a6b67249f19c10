//! What an endpoint answers, before it is HTTP.

use serde_json::Value;

#[derive(Debug, Clone)]
pub enum Answer {
    Json(u16, Value),
    /// JSON with a header.
    With(u16, (&'static str, String), Value),
    /// 303.
    To(String),
    /// 302, where Kratos is of an older habit.
    Found(String),
    /// 204.
    Nothing,
}
