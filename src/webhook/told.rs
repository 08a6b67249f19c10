//! Reading a body that anybody's template may have made: a field of the wrong type, or over its limits, was not told.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::onboarding::{IdentityState, Method};

/// A JSON object, whose fields are looked up by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a>(&'a Map<String, Value>);

/// Longest text that is looked at as a time, in bytes: RFC 3339 with nanoseconds and an offset has 35.
const TIME_MAX: usize = 40;

impl<'a> Object<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Object<'a>> {
        value.as_object().map(Object)
    }

    /// `null` is as good as absent.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn object(self, name: &str) -> Option<Object<'a>> {
        Object::of(self.get(name)?)
    }

    pub(super) fn list(self, name: &str) -> Option<&'a [Value]> {
        self.get(name)?.as_array().map(Vec::as_slice)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    pub(super) fn parsed<T: FromStr>(self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn uuid(self, name: &str) -> Option<Uuid> {
        Uuid::try_parse(self.text(name)?).ok().filter(|id| !id.is_nil())
    }

    pub(super) fn method(self, name: &str) -> Option<Method> {
        Method::from_kratos(self.text(name)?)
    }

    pub(super) fn state(self, name: &str) -> Option<IdentityState> {
        match self.text(name)? {
            "active" => Some(IdentityState::Active),
            "inactive" => Some(IdentityState::Inactive),
            _ => None,
        }
    }

    /// A time after 1970. Go writes a time that was never set as `0001-01-01T00:00:00Z`.
    pub(super) fn time(self, name: &str) -> Option<Timestamp> {
        let text = self.text(name).filter(|text| text.len() <= TIME_MAX)?;
        text.parse().ok().filter(|at| *at > Timestamp::UNIX_EPOCH)
    }
}
