//! The query of `GET /api/onboarding` and of its stream.

use std::time::Duration;

use crate::kratos::Freshness;

/// Longest long poll, in seconds: under the 30 s after which proxies commonly hang up.
const LONGEST_WAIT: u64 = 25;

/// A parameter that is not allowed: the message names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("wait: allowed are whole seconds from 0 to {LONGEST_WAIT}")]
    Wait,
    #[error("fresh: allowed are 0 and 1")]
    Fresh,
}

/// What was asked for. Parameters it does not know are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub wait: Option<Duration>,
    pub freshness: Freshness,
    /// Not looked at yet: may lead anywhere.
    pub return_to: Option<String>,
}

impl Query {
    pub fn parse(query: &str) -> Result<Query, QueryError> {
        let mut asked = Query { wait: None, freshness: Freshness::Cached, return_to: None };
        if query.is_empty() {
            return Ok(asked);
        }
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "wait" => asked.wait = Some(wait(&value)?),
                "fresh" => asked.freshness = freshness(&value)?,
                "return_to" => asked.return_to = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(asked)
    }
}

fn wait(value: &str) -> Result<Duration, QueryError> {
    let seconds = value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse().ok()).flatten();
    match seconds {
        Some(seconds @ 0..=LONGEST_WAIT) => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err(QueryError::Wait),
    }
}

fn freshness(value: &str) -> Result<Freshness, QueryError> {
    match value {
        "1" => Ok(Freshness::Fresh),
        "0" => Ok(Freshness::Cached),
        _ => Err(QueryError::Fresh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood() {
        let asked = Query::parse("wait=25&fresh=1&return_to=https%3A%2F%2Fa.example%2F&x=y").unwrap();
        assert_eq!(asked.wait, Some(Duration::from_secs(25)));
        assert_eq!(asked.freshness, Freshness::Fresh);
        assert_eq!(asked.return_to.as_deref(), Some("https://a.example/"));
        assert_eq!(Query::parse("").unwrap().freshness, Freshness::Cached);
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        for query in
            ["wait=26", "wait=25s", "wait=", "wait=-1", "wait=+1", "wait=99999999999999999999", "fresh=yes"]
        {
            let said = Query::parse(query).unwrap_err().to_string();
            assert!(said.starts_with(query.split('=').next().unwrap()), "{query}: {said}");
        }
    }
}
