//! Our own ceremony: `POST …/passkeys/options` asks for what to make, `POST …/passkeys` brings it and has it handed in.

mod add;
mod importing;
mod may;
mod names;
mod options;
mod pace;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::ceremony::Party;
use crate::config::Ceremony;
use crate::kratos::{AskError, Identities, Patience, Session, Standing};
use crate::store::Whose;

pub use add::add_passkey;
pub use importing::Importing;
pub use may::{Ages, Rules};
pub use options::passkey_options;

use may::{MayNot, may};
use pace::Pace;

/// A person waits for it.
pub const PATIENCE: Patience =
    Patience { answer_within: Duration::from_secs(1), tries_for: Duration::from_secs(2) };

/// Where our own ceremony can be held.
#[derive(Debug)]
pub struct Own {
    pub ceremony: Ceremony,
    pub party: Party,
    pub rules: Rules,
    pub identities: Arc<Identities>,
    pub importing: Arc<Importing>,
    /// What goes on when a request ends.
    pub runtime: Handle,
    pace: Pace,
}

impl Own {
    pub fn new(
        ceremony: Ceremony,
        party: Party,
        rules: Rules,
        identities: Arc<Identities>,
        importing: Arc<Importing>,
        runtime: Handle,
    ) -> Own {
        Own { ceremony, party, rules, identities, importing, runtime, pace: Pace::default() }
    }

    /// Whether the page is to use it, as far as that is known before anybody is looked at.
    pub fn is_on(&self) -> bool {
        self.ceremony == Ceremony::Own || !self.importing.is_off()
    }

    /// What the person is now, and until when they may add a passkey here.
    async fn standing_of(&self, session: &Session, now: Timestamp) -> Result<(Standing, Timestamp), NotHere> {
        let standing = self.identities.standing(session.identity).await?;
        let until = may(session, &standing, &self.rules, now)?;
        Ok((standing, until))
    }
}

/// Why no passkey can be added here and now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotHere {
    #[error("it was switched off: {0}")]
    Off(String),
    #[error(transparent)]
    MayNot(#[from] MayNot),
    #[error("Kratos cannot be asked: {0}")]
    Kratos(#[from] AskError),
    #[error("the page is on an origin that is none of webauthn.origins: {0}")]
    Elsewhere(String),
    #[error("too often")]
    TooOften,
}

fn whose(session: &Session) -> Whose {
    Whose { identity: session.identity, session: session.facts.digest }
}
