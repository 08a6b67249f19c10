//! `DELETE /admin/identities/{id}`: everything about somebody goes, as the law of many countries lets people ask.

use std::collections::BTreeSet;

use actix_web::{delete, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::refusals::{AccessRefused, IdentityError, ReadRefused, Unrecorded};
use super::{Desk, Operator, identity_of};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::onboarding::{EventId, Identifier, IdentifierDigest, IdentityId};
use crate::store::{CommitError, Kept, OperatorAction, QuarantineFilter, Quarantined, ReadError, unseal};

/// More than can be kept.
const ALL: u32 = 10_000_000;

/// How much there was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErasedDocument {
    /// There was a record.
    pub record: bool,
    pub events: u64,
    /// Hashes of addresses and the like.
    pub identifiers: u64,
    /// What receivers were not told of yet, and what was given up.
    pub outbox: u64,
    /// Passkeys of our own ceremony, as this service keeps them; Kratos's stay.
    pub made_passkeys: u64,
    /// Deliveries in quarantine that spoke of the identity.
    pub quarantined: u64,
}

#[derive(Debug, thiserror::Error)]
enum EraseError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Erases the record, the events, the hashes of identifiers, what receivers were not told of
/// yet, and what lies in quarantine. In the operators' log stays that
/// somebody was erased, when and by whom, but not who. Whom Kratos tells of again begins anew: delete them there first.
#[utoipa::path(
    tag = "identities",
    operation_id = "erase",
    params(("id" = String, Path, description = "The identity's id at Kratos")),
    responses(
        (status = 200, description = "Erased; also where nothing was known", body = ErasedDocument),
        (status = 400, description = "The id or a parameter is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused,
    ),
    security(("operator_token" = []))
)]
#[delete("/admin/identities/{id}")]
pub async fn erase(
    operator: Operator,
    path: web::Path<String>,
) -> Result<web::Json<ErasedDocument>, Refusal> {
    let identity = identity_of(&path)?;
    operator.on_record(OperatorAction::Erase, Some(identity), json!({})).await?;
    let erased = operator.desk.erase(identity).await.map_err(|error| match error {
        EraseError::Read(error) => Refusal::from(IdentityError::Read(error)),
        EraseError::Commit(error) => Unrecorded(error).into(),
    })?;
    Ok(web::Json(erased))
}

impl Desk {
    async fn erase(&self, identity: IdentityId) -> Result<ErasedDocument, EraseError> {
        // First, while it is known by which addresses the person may be spoken of there.
        let quarantined = self.erase_quarantined(identity).await?;
        let erased = self.store.erase(identity).await?;
        Ok(ErasedDocument {
            record: erased.record,
            events: erased.events,
            identifiers: erased.identifiers,
            outbox: erased.outbox,
            made_passkeys: erased.made_passkeys,
            quarantined,
        })
    }

    async fn erase_quarantined(&self, identity: IdentityId) -> Result<u64, EraseError> {
        let record = self.store.record(identity).await?;
        let digests = record.and_then(|record| record.identifiers.clone()).map(|known| known.value);
        let everything = QuarantineFilter { limit: ALL, ..QuarantineFilter::default() };
        let about: Vec<EventId> = self
            .store
            .quarantined(&everything)
            .await?
            .iter()
            .filter(|entry| self.is_about(entry, identity, digests.as_ref()))
            .map(|entry| entry.id)
            .collect();
        let mut dropped = 0;
        for id in about {
            dropped += u64::from(self.store.drop_quarantined(id).await?);
        }
        Ok(dropped)
    }

    /// Whether what is left of a body names the identity, or an address of it.
    fn is_about(
        &self,
        entry: &Quarantined,
        identity: IdentityId,
        digests: Option<&BTreeSet<IdentifierDigest>>,
    ) -> bool {
        let text = match &entry.body {
            Kept::Json(body) => body.to_string(),
            Kept::Sealed(sealed) => match unseal(&self.keys, sealed) {
                Ok(body) => String::from_utf8_lossy(&body).into_owned(),
                // The key is gone, and with it what it sealed.
                Err(_) => return false,
            },
            Kept::None => return false,
        };
        text.to_ascii_lowercase().contains(&identity.to_string())
            || digests.is_some_and(|digests| {
                let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '\\'));
                words
                    .filter_map(Identifier::parse)
                    .any(|word| self.keys.digests(&word).iter().any(|digest| digests.contains(digest)))
            })
    }
}
