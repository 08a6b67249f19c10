//! Records for operators, page by page, in the order in which they were first heard of.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::onboarding::{Method, Record, SchemaId, Stage};

/// Rows that one request looks at, so that a filter that few fit answers as fast as any.
pub(super) const LOOKED_AT: u32 = 20_000;

/// Which records. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    pub stage: Option<Stage>,
    pub registration_method: Option<Method>,
    pub schema_id: Option<SchemaId>,
    /// Changed then or later.
    pub changed_from: Option<Timestamp>,
    /// Changed before then.
    pub changed_before: Option<Timestamp>,
}

/// A page. It may hold fewer than were asked for, even none, while there is a next one: only so many rows are looked at
/// for each.
#[derive(Debug, Clone)]
pub struct Page {
    pub records: Vec<Record>,
    /// `None`: this was the last.
    pub next: Option<PageToken>,
}

impl Page {
    /// `found`: with the place of each; `looked_at`: the place of the last row that was looked at, where there may be more
    /// behind it.
    pub(super) fn of(found: Vec<(i64, Record)>, limit: u32, looked_at: Option<i64>) -> Page {
        let is_full = u32::try_from(found.len()).is_ok_and(|found| found >= limit);
        let last = found.last().map(|(place, _)| *place).filter(|_| is_full);
        Page {
            next: last.or(looked_at).map(PageToken),
            records: found.into_iter().map(|(_, record)| record).collect(),
        }
    }
}

/// Where the next page begins. Its text means nothing to others, and stays good when records come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageToken(pub(super) i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one that came with a page")]
pub struct TokenError;

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:016x}", self.0)
    }
}

impl FromStr for PageToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<PageToken, TokenError> {
        let digits = text.strip_prefix('p').filter(|digits| digits.len() == 16).ok_or(TokenError)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let place = i64::from_str_radix(digits, 16).ok().filter(|place| plain && *place >= 0);
        place.map(PageToken).ok_or(TokenError)
    }
}
