//! The domain: what is known about an identity's passkeys, how an event changes it, and what to offer.
//!
//! Pure: no I/O, no clock, no SQL, no HTTP. Time and randomness are passed in.

mod decision;
mod event;
mod identifier;
mod knowledge;
mod names;
mod policy;
mod provider;
mod record;
mod transition;

#[cfg(test)]
mod properties;

pub use decision::{Decision, Reason, SessionFacts, Verdict, decide};
pub use event::{
    Actor, Attempt, Cause, Event, EventKind, FailureKind, HookKind, Observed, PageAction, Profile,
};
pub use identifier::{Identifier, IdentifierDigest, PiiKey, PiiKeyError, PiiKeys};
pub use knowledge::{Knowledge, Observation, Reading, Settlement, Source};
pub use names::{
    AttemptId, DedupeKey, EnrolMethod, EventId, ExceptionName, IdentityId, IdentityState, Method, NameError,
    SchemaId, SessionDigest,
};
pub use policy::{Policy, Requirement};
pub use provider::{Place, Provider, provider};
pub use record::{Dated, Offers, Record, Registration};
pub use transition::{Stage, Transition};
