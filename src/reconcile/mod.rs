//! Finds what the hooks missed, and makes the records say what Kratos says.
//!
//! Kratos drops a hook after three tries and fires none for identities that an administrator makes or imports. So a pass
//! asks its admin API about everybody, page by page, and then about everybody we know whether they are still there. It
//! goes on where the last one was interrupted, and one instance at a time does it. On its way it looks what has become of the
//! passkeys of our own ceremony; what a hook has told of them is asked about at once.

mod asking;
mod background;
mod difference;
#[cfg(test)]
mod difference_tests;
mod pass;
mod progress;
mod turn;

pub use asking::Asking;
pub use background::Background;
pub use difference::{Counts, Difference, Found};
pub use pass::{Mode, PassError, Reconciler};
pub use progress::{Audience, Nobody, Phase, Progress, Summary};
pub use turn::{Turn, TurnError};
