//! Prometheus metrics. Labels are closed sets, so their number is bounded.

use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::onboarding::Count;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookOutcome {
    Stored,
    Duplicate,
    Quarantined,
    Unauthorized,
    Refused,
    Unavailable,
}

impl HookOutcome {
    fn as_str(self) -> &'static str {
        match self {
            HookOutcome::Stored => "stored",
            HookOutcome::Duplicate => "duplicate",
            HookOutcome::Quarantined => "quarantined",
            HookOutcome::Unauthorized => "unauthorized",
            HookOutcome::Refused => "refused",
            HookOutcome::Unavailable => "unavailable",
        }
    }
}

/// What became of a policy that was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reloaded {
    Changed,
    Same,
    /// It has a mistake; the old one stays.
    Refused,
}

impl Reloaded {
    fn as_str(self) -> &'static str {
        match self {
            Reloaded::Changed => "changed",
            Reloaded::Same => "same",
            Reloaded::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabels {
    hook: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReportLabels {
    action: &'static str,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KratosLabels {
    call: &'static str,
    outcome: &'static str,
}

/// `receiver`: as the settings name it, so there are as many as somebody wrote down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabel {
    receiver: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    receiver: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: &'static str,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    outcome: &'static str,
    kind: &'static str,
    method: &'static str,
}

/// Counters of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    webhooks: Family<HookLabels, Counter>,
    quarantined: Family<ReasonLabel, Counter>,
    decisions: Family<DecisionLabels, Counter>,
    reports: Family<ReportLabels, Counter>,
    kratos_calls: Family<KratosLabels, Counter>,
    session_cache_hits: Counter,
    reconcile_runs: Family<ResultLabel, Counter>,
    reconciled: Family<OutcomeLabel, Counter>,
    reconcile_completed: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    batch_events: Histogram,
    commit_seconds: Histogram,
    commit_failures: Counter,
    policy_reloads: Family<ResultLabel, Counter>,
    funnel: Family<StepLabels, Counter>,
    funnel_failures: Family<FailureLabels, Counter>,
    import: Gauge,
    outbox_deliveries: Family<DeliveryLabels, Counter>,
    outbox_waiting: Family<ReceiverLabel, Gauge>,
    outbox_dead: Family<ReceiverLabel, Gauge>,
    outbox_oldest: Family<ReceiverLabel, Gauge>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let metrics = Metrics {
            registry: Registry::with_prefix("onboarding"),
            webhooks: Family::default(),
            quarantined: Family::default(),
            decisions: Family::default(),
            reports: Family::default(),
            kratos_calls: Family::default(),
            session_cache_hits: Counter::default(),
            reconcile_runs: Family::default(),
            reconciled: Family::default(),
            reconcile_completed: Gauge::default(),
            waiting: Gauge::default(),
            batch_events: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            commit_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
            commit_failures: Counter::default(),
            policy_reloads: Family::default(),
            funnel: Family::default(),
            funnel_failures: Family::default(),
            import: Gauge::default(),
            outbox_deliveries: Family::default(),
            outbox_waiting: Family::default(),
            outbox_dead: Family::default(),
            outbox_oldest: Family::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Metrics {
        let registry = &mut self.registry;
        registry.register("webhooks", "Deliveries by hook and outcome", self.webhooks.clone());
        registry.register("quarantined", "Deliveries put aside, by reason", self.quarantined.clone());
        registry.register("decisions", "Decisions answered", self.decisions.clone());
        registry.register("page_reports", "What the page reported, by action and kind", self.reports.clone());
        registry.register("kratos_calls", "Calls to Kratos by outcome", self.kratos_calls.clone());
        registry.register(
            "session_cache_hits",
            "Sessions answered from memory",
            self.session_cache_hits.clone(),
        );
        registry.register(
            "reconcile_runs",
            "Passes over all identities in the background, by result",
            self.reconcile_runs.clone(),
        );
        registry.register(
            "reconcile_identities",
            "Identities that a pass looked at, by what was found",
            self.reconciled.clone(),
        );
        registry.register(
            "reconcile_last_success_timestamp_seconds",
            "When the last pass came to its end, by whichever instance; 0: not yet",
            self.reconcile_completed.clone(),
        );
        registry.register("waiting_pages", "Long polls and event streams open", self.waiting.clone());
        registry.register("batch_events", "Events a commit holds", self.batch_events.clone());
        registry.register("commit_seconds", "Duration of a commit", self.commit_seconds.clone());
        registry.register("commit_failures", "Commits that failed", self.commit_failures.clone());
        registry.register("funnel", "People who took a step of the funnel, once each", self.funnel.clone());
        registry.register(
            "funnel_failures",
            "Tries that came to nothing, by outcome and kind",
            self.funnel_failures.clone(),
        );
        registry.register(
            "outbox_deliveries",
            "Tries to tell a receiver of an event, by result",
            self.outbox_deliveries.clone(),
        );
        registry.register(
            "outbox_waiting",
            "Events a receiver is still to be told of, by all instances; 10000: that many or more",
            self.outbox_waiting.clone(),
        );
        registry.register(
            "outbox_dead",
            "Dead letters of a receiver; 10000: that many or more",
            self.outbox_dead.clone(),
        );
        registry.register(
            "outbox_oldest_waiting_seconds",
            "Age of the oldest event a receiver is still to be told of; 0: there is none",
            self.outbox_oldest.clone(),
        );
        registry.register(
            "passkey_import",
            "1: passkeys of our own ceremony are handed in to Kratos; 0: they are not",
            self.import.clone(),
        );
        registry.register("policy_reloads", "Policies read again, by result", self.policy_reloads.clone());
        self
    }

    pub fn webhook(&self, hook: &'static str, outcome: HookOutcome) {
        self.webhooks.get_or_create(&HookLabels { hook, outcome: outcome.as_str() }).inc();
    }

    pub fn quarantined(&self, reason: &'static str) {
        self.quarantined.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub fn decision(&self, decision: &'static str) {
        self.decisions.get_or_create(&DecisionLabels { decision }).inc();
    }

    /// `kind` is empty for actions that have none.
    pub fn report(&self, action: &'static str, kind: &'static str) {
        self.reports.get_or_create(&ReportLabels { action, kind }).inc();
    }

    pub fn kratos_call(&self, call: &'static str, outcome: &'static str) {
        self.kratos_calls.get_or_create(&KratosLabels { call, outcome }).inc();
    }

    pub fn session_cache_hit(&self) {
        self.session_cache_hits.inc();
    }

    /// `result`: completed, failed, refused.
    pub fn reconcile_run(&self, result: &'static str) {
        self.reconcile_runs.get_or_create(&ResultLabel { result }).inc();
    }

    pub fn reconciled(&self, outcome: &'static str, identities: u64) {
        self.reconciled.get_or_create(&OutcomeLabel { outcome }).inc_by(identities);
    }

    /// `at`: seconds since 1970.
    pub fn reconcile_completed(&self, at: i64) {
        self.reconcile_completed.set(at);
    }

    pub fn waiting(&self) -> &Gauge<i64, AtomicI64> {
        &self.waiting
    }

    pub fn committed(&self, events: usize, seconds: f64) {
        self.batch_events.observe(u32::try_from(events).unwrap_or(u32::MAX).into());
        self.commit_seconds.observe(seconds);
    }

    pub fn commit_failed(&self) {
        self.commit_failures.inc();
    }

    /// `method`: how the person registered.
    pub fn funnel(&self, count: Count, method: &'static str) {
        match count {
            Count::Step(step) => {
                self.funnel.get_or_create(&StepLabels { step: step.as_str(), method }).inc();
            }
            other => {
                let (outcome, kind) = other.names();
                self.funnel_failures.get_or_create(&FailureLabels { outcome, kind, method }).inc();
            }
        }
    }

    pub fn import_is_on(&self, is: bool) {
        self.import.set(is.into());
    }

    /// `result`: delivered, failed (to be tried again), dead.
    pub fn outbox_delivery(&self, receiver: &str, result: &'static str) {
        self.outbox_deliveries.get_or_create(&DeliveryLabels { receiver: receiver.to_owned(), result }).inc();
    }

    /// `oldest`: age in seconds.
    pub fn outbox_counted(&self, receiver: &str, waiting: u32, dead: u32, oldest: i64) {
        let label = ReceiverLabel { receiver: receiver.to_owned() };
        self.outbox_waiting.get_or_create(&label).set(waiting.into());
        self.outbox_dead.get_or_create(&label).set(dead.into());
        self.outbox_oldest.get_or_create(&label).set(oldest);
    }

    pub fn policy_reloaded(&self, reloaded: Reloaded) {
        self.policy_reloads.get_or_create(&ResultLabel { result: reloaded.as_str() }).inc();
    }

    /// The text exposition format (OpenMetrics).
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
