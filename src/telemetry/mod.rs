//! What an operator sees: metrics and logs. No secret, token, cookie, e-mail or body in either.

mod logging;
mod metrics;

pub use logging::{LoggingError, init_logging};
pub use metrics::{HookOutcome, Metrics, Reloaded};
