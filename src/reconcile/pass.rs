//! One pass: everybody whom Kratos tells of, and everybody of ours whom it may not.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::difference::{Difference, Found};
use super::progress::{Audience, Phase, Progress, Summary};
use crate::ceremony::{Absence, Whereabouts};
use crate::clock::Clock;
use crate::kratos::{AskError, CallError, Identities, Told};
use crate::onboarding::{IdentityId, Record};
use crate::store::{CommitError, MadePasskey, ReadError, Store, Stored, WriteError};
use crate::telemetry::Metrics;

/// Where a pass that was interrupted goes on.
const KEPT: &str = "reconcile";
/// Of ours, asked for together.
const GROUP: u32 = 100;
/// Events that wait for a commit together: the hooks' own come in between.
const AT_ONCE: usize = 32;
/// A database that cannot be written is tried again for so long.
const STORED_WITHIN: Duration = Duration::from_secs(60);
/// So many may be missing before it is asked whether it is the right Kratos.
const MISSING: u64 = 10;

/// What to do about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Make the record right.
    Correct,
    /// Tell of it, and write nothing.
    DryRun,
}

#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Kratos(#[from] AskError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Kept(#[from] CommitError),
    #[error(
        "Kratos knows {missing} of {looked_for} identities no more: is kratos.admin_url the Kratos of this database? If it is, and they were deleted, run: kratos-onboarding reconcile --accept-gone"
    )]
    TooManyGone { missing: u64, looked_for: u64 },
}

/// Compares records with Kratos. A pass can be dropped at any time: what it did stays, and the next one goes on there.
#[derive(Debug)]
pub struct Reconciler {
    pub(super) identities: Identities,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    page_size: NonZeroU32,
}

impl Reconciler {
    pub fn new(
        identities: Identities,
        store: Store,
        clock: Clock,
        metrics: Arc<Metrics>,
        page_size: NonZeroU32,
    ) -> Reconciler {
        Reconciler { identities, store, clock, metrics, page_size }
    }

    /// Forgets where the last pass was interrupted.
    pub async fn begin_anew(&self) -> Result<(), CommitError> {
        self.store.set_checkpoint(KEPT, None).await
    }

    /// From where the last one was interrupted. Whoever corrects holds the [`Turn`](super::Turn). `accept_gone`: most of
    /// our identities may be missing at Kratos.
    pub async fn pass(
        &self,
        mode: Mode,
        accept_gone: bool,
        audience: &mut dyn Audience,
    ) -> Result<Summary, PassError> {
        let mut progress = self.begin(mode).await?;
        loop {
            let phase = progress.phase.clone();
            let next = match phase {
                Phase::Kratos { from } => {
                    let page = match self.identities.page(from.as_ref(), self.page_size).await {
                        Err(AskError::Token) => {
                            tracing::warn!("Kratos refuses the token of a page; the pass begins anew");
                            progress = Progress::begin(self.clock.now());
                            continue;
                        }
                        page => page?,
                    };
                    progress.at = page.told.last().map(|told| told.identity).or(progress.at);
                    progress.summary.seen += page.told.len() as u64 + u64::from(page.unreadable);
                    progress.summary.unreadable += u64::from(page.unreadable);
                    if mode == Mode::Correct {
                        self.passkeys(&page.told).await?;
                    }
                    let found = self.suspects(&page.told).await?;
                    self.metrics
                        .reconciled("unchanged", (page.told.len().saturating_sub(found.len())) as u64);
                    self.metrics.reconciled("unreadable", u64::from(page.unreadable));
                    self.settle(found, mode, &mut progress.summary, audience).await?;
                    match page.next {
                        Some(token) => Phase::Kratos { from: Some(token) },
                        None => Phase::Ours { after: None },
                    }
                }
                Phase::Ours { after } => {
                    let ours = self.store.identities_after(after, GROUP).await?;
                    let Some(last) = ours.last().copied() else { break };
                    progress.at = Some(last);
                    let found = self.missing(&ours, accept_gone, &mut progress.summary).await;
                    if let Err(PassError::TooManyGone { .. }) = &found {
                        // Not to be gone on with: what Kratos tells is compared each time all the same.
                        self.keep(mode, None).await?;
                    }
                    let found = found?;
                    self.settle(found, mode, &mut progress.summary, audience).await?;
                    Phase::Ours { after: Some(last) }
                }
            };
            if !matches!((&progress.phase, &next), (Phase::Ours { .. }, _) | (_, Phase::Kratos { .. })) {
                progress.at = None;
            }
            progress.phase = next;
            audience.progressed(&progress);
            self.keep(mode, Some(&progress)).await?;
        }
        self.keep(mode, None).await?;
        Ok(progress.summary)
    }

    async fn begin(&self, mode: Mode) -> Result<Progress, PassError> {
        let kept = match mode {
            Mode::Correct => self.store.checkpoint(KEPT).await?,
            Mode::DryRun => None,
        };
        let resumed = kept.and_then(|kept| Progress::resume(&kept, self.clock.now()));
        if let Some(progress) = &resumed {
            tracing::info!(begun = %progress.begun, "an interrupted pass goes on");
        }
        Ok(resumed.unwrap_or_else(|| Progress::begin(self.clock.now())))
    }

    async fn keep(&self, mode: Mode, progress: Option<&Progress>) -> Result<(), PassError> {
        match mode {
            Mode::Correct => {
                let kept = progress.map(Progress::to_keep);
                Ok(self.store.set_checkpoint(KEPT, kept.as_deref()).await?)
            }
            Mode::DryRun => Ok(()),
        }
    }

    /// Who of a page is not as its record says. Why it asks twice: [`difference`](super::difference).
    async fn suspects(&self, page: &[Told]) -> Result<Vec<Found>, PassError> {
        let ids: Vec<IdentityId> = page.iter().map(|told| told.identity).collect();
        let records = self.records(&ids).await?;
        let compare = |told: &Told| Found::compare(records.get(&told.identity), told, &self.clock);
        let mut found: Vec<Found> = page.iter().filter_map(compare).collect();
        let again: Vec<IdentityId> = found
            .iter()
            .filter(|found| found.difference != Difference::Created)
            .map(|found| found.identity)
            .collect();
        if !again.is_empty() {
            found.retain(|found| found.difference == Difference::Created);
            found.extend(self.identities.those(&again).await?.iter().filter_map(compare));
        }
        Ok(found)
    }

    /// Who of ours is not there, as Kratos says when it is asked about each alone.
    async fn missing(
        &self,
        ours: &[IdentityId],
        accept_gone: bool,
        summary: &mut Summary,
    ) -> Result<Vec<Found>, PassError> {
        let there: HashSet<IdentityId> = self.identities.there(ours).await?.into_iter().collect();
        let missing: Vec<IdentityId> =
            ours.iter().copied().filter(|identity| !there.contains(identity)).collect();
        summary.looked_for += ours.len() as u64;
        summary.missing += missing.len() as u64;
        let Summary { missing: all_missing, looked_for, .. } = *summary;
        if !accept_gone && all_missing > MISSING && all_missing.saturating_mul(2) > looked_for {
            return Err(PassError::TooManyGone { missing: all_missing, looked_for });
        }
        let records = self.records(&missing).await?;
        let mut found = Vec::new();
        for record in missing.iter().filter_map(|identity| records.get(identity)) {
            match self.identities.one(record.identity).await {
                Err(AskError::Gone) => found.push(Found::gone(record, &self.clock)),
                // Made between the two questions, or of a kind that a list leaves out.
                Ok(_) => {}
                Err(AskError::Unreachable(CallError::Body)) => summary.unreadable += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// Where the passkeys of our own ceremony are. A page may be older than what was handed in since: it only raises suspicion.
    async fn passkeys(&self, page: &[Told]) -> Result<(), PassError> {
        let ids: Vec<IdentityId> = page.iter().map(|told| told.identity).collect();
        let now = self.clock.now();
        let mut made = by_person(self.store.made_passkeys_of(&ids).await?);
        let moved = |told: &&Told| {
            let made = made.get(&told.identity).zip(told.held.found());
            made.is_some_and(|(made, found)| made.iter().any(|made| made.has_moved(&found, now)))
        };
        let again: Vec<IdentityId> = page.iter().filter(moved).map(|told| told.identity).collect();
        if again.is_empty() {
            return Ok(());
        }
        made = by_person(self.store.made_passkeys_of(&again).await?);
        let (mut lost, mut in_doubt) = (0_u64, 0_u64);
        for told in self.identities.those(&again).await? {
            let Some((made, found)) = made.get(&told.identity).zip(told.held.found()) else { continue };
            for now in self.store.passkeys_found(made, &found, self.clock.now()).await? {
                match now {
                    Whereabouts::Absent(Absence::Lost) => lost += 1,
                    Whereabouts::Absent(_) => in_doubt += 1,
                    Whereabouts::Held | Whereabouts::Removed => {}
                }
            }
        }
        if lost + in_doubt > 0 {
            tracing::warn!(
                lost,
                in_doubt,
                "Kratos no longer holds passkeys that it was handed; where it was restored from a backup, `passkeys restore` puts back what is lost"
            );
        }
        Ok(())
    }

    async fn records(&self, ids: &[IdentityId]) -> Result<HashMap<IdentityId, Record>, ReadError> {
        let records = self.store.records(ids).await?;
        Ok(records.into_iter().map(|record| (record.identity, record)).collect())
    }

    async fn settle(
        &self,
        found: Vec<Found>,
        mode: Mode,
        summary: &mut Summary,
        audience: &mut dyn Audience,
    ) -> Result<(), PassError> {
        if mode == Mode::DryRun {
            for found in &found {
                summary.count(found.difference);
                audience.found(found);
            }
            return Ok(());
        }
        // Before the record says so: an interrupted pass finds them again.
        for gone in found.iter().filter(|found| found.difference == Difference::Gone) {
            self.store.passkeys_gone(gone.identity, self.clock.now()).await?;
        }
        let applied = stream::iter(found).map(async |found| {
            let stored = self.store.apply_patiently(&found.event, STORED_WITHIN).await;
            (found, stored)
        });
        let mut applied = std::pin::pin!(applied.buffer_unordered(AT_ONCE));
        while let Some((found, stored)) = applied.next().await {
            match stored? {
                // What came in between may have said it already.
                Stored::Applied { transition, .. } if !transition.is_change() => {}
                Stored::Applied { .. } => {
                    summary.count(found.difference);
                    self.metrics.reconciled(found.difference.as_str(), 1);
                    audience.found(&found);
                }
                Stored::Duplicate { .. } => {}
                Stored::Quarantined => summary.refused += 1,
            }
        }
        Ok(())
    }
}

fn by_person(made: Vec<MadePasskey>) -> HashMap<IdentityId, Vec<MadePasskey>> {
    let mut people = HashMap::<_, Vec<_>>::new();
    for made in made {
        people.entry(made.whose.identity).or_default().push(made);
    }
    people
}
