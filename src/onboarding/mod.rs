//! The domain: what is known about an identity's passkeys, how an event changes it, and what to offer.
//!
//! Pure: no I/O, no clock, no SQL, no HTTP. Time and randomness are passed in.

mod decision;
mod event;
mod explain;
mod funnel;
mod identifier;
mod knowledge;
mod names;
mod policy;
mod provider;
mod record;
mod rules;
mod share;
mod transition;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod rules_tests;

pub use decision::{Decision, Reason, SessionFacts, Verdict, decide};
pub use event::{
    Actor, Attempt, Cause, CeremonyKind, Event, EventKind, FailureKind, HookKind, Observed, PageAction,
    Profile,
};
pub use explain::{Explanation, Ruled, Ruling, Said, explain};
pub use funnel::{Count, Step, Steps, method_name};
pub use identifier::{Identifier, IdentifierDigest, PiiKey, PiiKeyError, PiiKeys};
pub use knowledge::{Knowledge, Observation, Reading, Settlement, Source};
pub use names::{
    AttemptId, CohortName, CredentialId, DedupeKey, EnrolMethod, EventId, ExceptionName, IdentityId,
    IdentityState, Method, NameError, OperatorName, ReceiverName, SchemaId, SessionDigest,
};
pub use policy::{Cohort, Policy, Requirement};
pub use provider::{Place, Provider, provider};
pub use record::{Dated, Offers, Record, Registration};
pub use rules::Rule;
pub use share::{Lots, Share};
pub use transition::{Stage, Transition};
