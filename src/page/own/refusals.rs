//! Every way our own ceremony is refused: one place that turns errors into HTTP.

use actix_web::http::StatusCode;
use serde_json::json;

use super::NotHere;
use super::add::NotAdded;
use super::may::MayNot;
use super::pace::Pace;
use crate::ceremony::NotMade;
use crate::envelope::Refusal;
use crate::kratos::{AskError, HandInError};
use crate::onboarding::CredentialId;
use crate::page::Pages;
use crate::store::CommitError;

impl Pages {
    pub(super) fn not_here(&self, why: NotHere) -> Refusal {
        match why {
            NotHere::Off(_) => settings_flow("Our own ceremony is not held here."),
            NotHere::Elsewhere(_) | NotHere::NotTaken => settings_flow(why),
            NotHere::MayNot(MayNot::Inactive) => {
                Refusal::new(StatusCode::FORBIDDEN, "identity_inactive", "The account is not active.")
            }
            NotHere::MayNot(MayNot::SignedInTooLongAgo) => {
                let message = "The person has to sign in again first.";
                let mut refusal = Refusal::new(StatusCode::FORBIDDEN, "session_refresh_required", message)
                    .because("Go to redirect_browser_to; after that the same can be asked again.");
                refusal.redirect_browser_to = Some(self.links.plain().reauthenticate.clone());
                refusal
            }
            NotHere::MayNot(why @ (MayNot::SecondFactor | MayNot::SecondFactorUnknown | MayNot::NotOurs)) => {
                settings_flow(why.to_string())
            }
            NotHere::MayNot(
                why @ (MayNot::NeverConditional
                | MayNot::NoPassword
                | MayNot::NotOffered
                | MayNot::NotTheFirst),
            ) => Refusal::new(
                StatusCode::CONFLICT,
                "conditional_create_not_allowed",
                "No passkey is made without asking here and now.",
            )
            .because(why.to_string()),
            NotHere::Kratos(AskError::Gone) => {
                Refusal::new(StatusCode::FORBIDDEN, "identity_inactive", "There is no such account any more.")
            }
            NotHere::Kratos(AskError::Token | AskError::Unreachable(_)) => {
                Refusal::unavailable("kratos_unavailable", "Kratos cannot be asked right now.")
            }
            NotHere::TooOften => {
                let mut refusal =
                    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Asked too often.")
                        .because("Ask again after Retry-After seconds.");
                refusal.retry_after = Some(Pace::AGAIN_IN);
                refusal
            }
        }
    }

    pub(super) fn not_added(&self, why: NotAdded) -> Refusal {
        match why {
            NotAdded::NotHere(why) => self.not_here(why),
            NotAdded::NoChallenge => Refusal::new(
                StatusCode::CONFLICT,
                "challenge_unknown",
                "The challenge was used before, is over, or was never this session's.",
            )
            .because("Ask for options again."),
            NotAdded::NotMade(error) => not_made(error),
            NotAdded::NotConditional { why, credential } => dead(self.not_here(why.into()), &credential),
            NotAdded::OfAnother => Refusal::new(
                StatusCode::CONFLICT,
                "credential_known",
                "The credential belongs to another account.",
            ),
            NotAdded::Busy => {
                Refusal::unavailable("passkey_unsure", "Another passkey of this account is being added.")
            }
            NotAdded::HandIn { error, credential } => self.not_handed_in(&error, &credential),
            NotAdded::Read(_) | NotAdded::Commit(CommitError::Unavailable(_)) | NotAdded::Write(_) => {
                Refusal::unavailable("passkey_unsure", "This cannot be recorded right now.")
            }
            NotAdded::Commit(CommitError::Data(_)) => Refusal::internal(),
        }
    }

    fn not_handed_in(&self, error: &HandInError, credential: &CredentialId) -> Refusal {
        match error {
            HandInError::Unreachable(_) => {
                Refusal::unavailable("passkey_unsure", "Kratos cannot be asked right now.")
                    .because("The same body can be sent again: the passkey is added once.")
            }
            HandInError::Gone => {
                Refusal::new(StatusCode::FORBIDDEN, "identity_inactive", "There is no such account any more.")
            }
            // Said by what it is not allowed for, where that still is so.
            HandInError::NotAllowed => {
                Refusal::unavailable("passkey_unsure", "This is not allowed right now.")
            }
            HandInError::OtherHandle | HandInError::OtherKey | HandInError::Unreadable => {
                dead(settings_flow("What Kratos holds changed meanwhile."), credential)
            }
            HandInError::Refused(_) | HandInError::Lost | HandInError::Missing(_) => {
                dead(settings_flow("Kratos did not take the passkey."), credential)
            }
        }
    }
}

fn not_made(error: NotMade) -> Refusal {
    let message = "What was brought is not what was asked for.";
    Refusal::new(StatusCode::BAD_REQUEST, "credential_refused", message)
        .because(format!("credential {error}. Nothing was added. Ask for options again."))
}

fn settings_flow(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, "settings_flow_required", "Kratos's settings flow is the way.")
        .because(format!("{why}"))
}

/// Nobody can sign in with it: the authenticator is to be told.
fn dead(mut refusal: Refusal, credential: &CredentialId) -> Refusal {
    refusal.details = Some(json!({ "credential_id": credential.to_string() }));
    refusal
}
