//! Reads a Kratos configuration, with its templates and schemas, and says what will not work and how to mend it.
//!
//! What is believed about Kratos was seen on a running one: each of `tests/fixtures/kratos-configs` is a configuration
//! and what Kratos v26.2.0 did with it.

mod address;
mod checks;
pub mod codes;
mod document;
mod duration;
mod explain;
mod finding;
mod hook;
pub mod live;
mod made_up;
pub mod pages;
mod report;
mod source;
mod subject;
pub mod template;

#[cfg(test)]
mod tests;

pub use checks::{examine, nearest, sort};
pub use document::{Document, Doubled, Entry, Format, Node, NotReadable, Place, Spot, Value};
pub use explain::{Answer, answer};
pub use finding::{Elsewhere, Finding, Severity};
pub use report::{Report, Tally, explained, json, sarif, text};
pub use subject::{Page, SaidBy, Subject};
