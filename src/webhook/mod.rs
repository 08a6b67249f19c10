//! What Kratos sends: authenticate, understand, hand to the store. Whatever an accepted sender delivers is kept,
//! as an event or in quarantine, before it is answered.

mod authenticate;
mod body;
mod credentials;
mod dedupe;
mod handlers;
mod hook;
mod kept;
mod payload;
mod quarantine;
mod receive;
mod told;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod recordings;

pub use authenticate::{Authenticator, Denied, Sender, SignedHead, Standing};
pub use body::{BODY_DEADLINE, BODY_MAX, BodyError};
pub use handlers::{PutAside, PutAsideDelivery, configure, security_schemes};
pub use hook::Hook;
pub use payload::{Delivery, Heard, Unreadable};
pub use quarantine::{ReplayError, put_aside, replay};
pub use receive::{Hooks, ReceiveError, Received, Understood};
