//! Our own ceremony: `POST …/passkeys/options` asks for what to make, `POST …/passkeys` brings it and has it handed in.

mod add;
mod importing;
mod may;
mod names;
mod options;
mod pace;
mod refusals;
mod untaken;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::ceremony::Party;
use crate::kratos::{AskError, Identities, Patience, Session, Standing};
use crate::onboarding::{IdentityId, Verdict};
use crate::store::Whose;

pub use add::add_passkey;
pub use importing::Importing;
pub use may::{Ages, Rules};
pub use options::passkey_options;

use may::{MayNot, may, may_conditional};
use pace::Pace;
use untaken::Untaken;

/// A person waits for it.
pub const PATIENCE: Patience =
    Patience { answer_within: Duration::from_secs(1), tries_for: Duration::from_secs(2) };

/// What the operator lets pages ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mediations {
    /// What a person clicks for.
    Optional,
    /// In the background too: `page.conditional_create`.
    AlsoConditional,
}

/// Where our own ceremony can be held.
#[derive(Debug)]
pub struct Own {
    pub mediations: Mediations,
    pub party: Party,
    pub rules: Rules,
    pub identities: Arc<Identities>,
    pub importing: Arc<Importing>,
    /// What goes on when a request ends.
    pub runtime: Handle,
    pace: Pace,
    untaken: Untaken,
}

impl Own {
    pub fn new(
        mediations: Mediations,
        party: Party,
        rules: Rules,
        identities: Arc<Identities>,
        importing: Arc<Importing>,
        runtime: Handle,
    ) -> Own {
        let (pace, untaken) = (Pace::default(), Untaken::default());
        Own { mediations, party, rules, identities, importing, runtime, pace, untaken }
    }

    /// Whether the page is to use it for this person, as far as that is known before Kratos is asked.
    pub fn is_on(&self, identity: IdentityId) -> bool {
        !self.importing.is_off() && !self.untaken.holds(identity)
    }

    /// Whether passkeys are handed in at all, as all instances have it by now.
    async fn hands_in(&self) -> Result<(), NotHere> {
        match self.importing.off().await {
            Some(why) => Err(NotHere::Off(why)),
            None => Ok(()),
        }
    }

    /// Until when a passkey may be made for them without asking.
    pub fn conditional_until(
        &self,
        session: &Session,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Timestamp, MayNot> {
        match self.mediations {
            Mediations::AlsoConditional => may_conditional(session, verdict, now),
            Mediations::Optional => Err(MayNot::NeverConditional),
        }
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
    #[error("Kratos did not take a passkey of this account lately")]
    NotTaken,
    #[error("too often")]
    TooOften,
}

fn whose(session: &Session) -> Whose {
    Whose { identity: session.identity, session: session.facts.digest }
}
