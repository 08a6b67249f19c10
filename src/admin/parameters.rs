//! The parameters of a query: each named in what is said about it, none silently ignored.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use crate::envelope::Refusal;

/// A parameter that is not allowed. Says nothing of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    #[error("{name}: {why}")]
    Value { name: &'static str, why: String },
    #[error("there is a parameter that is not known; known: {known}")]
    Unknown { known: String },
    #[error("{name}: given twice")]
    Twice { name: &'static str },
}

impl From<ParameterError> for Refusal {
    fn from(error: ParameterError) -> Refusal {
        Refusal::bad_request(error.to_string())
    }
}

/// What was given, by the names that are known.
#[derive(Debug)]
pub struct Parameters<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    pub fn parse(query: &'a str, known: &[&'static str]) -> Result<Parameters<'a>, ParameterError> {
        let mut given: Vec<(&'static str, Cow<'a, str>)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let Some(name) = known.iter().copied().find(|known| *known == name) else {
                return Err(ParameterError::Unknown { known: known.join(", ") });
            };
            if given.iter().any(|(there, _)| *there == name) {
                return Err(ParameterError::Twice { name });
            }
            given.push((name, value));
        }
        Ok(Parameters(given))
    }

    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<Option<T>, ParameterError> {
        self.read(name, |text| text.parse().map_err(|error: T::Err| error.to_string()))
    }

    pub fn read<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ParameterError> {
        let Some((_, value)) = self.0.iter().find(|(given, _)| *given == name) else { return Ok(None) };
        parse(value).map(Some).map_err(|why| ParameterError::Value { name, why })
    }

    /// Of one page: 1 to `most`, `usual` where it is not said.
    pub fn page_size(&self, usual: u32, most: u32) -> Result<u32, ParameterError> {
        let size = self.read("page_size", |text| {
            let size = text.parse::<u32>().ok().filter(|size| (1..=most).contains(size));
            size.ok_or_else(|| format!("is not a whole number from 1 to {most}"))
        })?;
        Ok(size.unwrap_or(usual))
    }

    pub fn instant(&self, name: &'static str) -> Result<Option<jiff::Timestamp>, ParameterError> {
        self.read(name, |text| text.parse().map_err(|_| "is not an instant of RFC 3339".to_owned()))
    }

    /// One of `all`, by the name of each.
    pub fn named<T: Copy>(
        &self,
        name: &'static str,
        all: &[T],
        name_of: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, ParameterError> {
        self.read(name, |text| {
            let names = || all.iter().map(|one| name_of(*one)).collect::<Vec<_>>().join(", ");
            all.iter()
                .copied()
                .find(|one| name_of(*one) == text)
                .ok_or_else(|| format!("is none of {}", names()))
        })
    }
}
