//! "Something happened to this identity." The only input of [`Record::apply`](super::Record::apply).

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AttemptId, CredentialId, DedupeKey, EventId, ExceptionName, IdentifierDigest, IdentityId, IdentityState,
    Method, Observation, OperatorName, SchemaId, SessionDigest,
};

/// One fact about one identity, as the audit log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub identity: IdentityId,
    /// When this service heard of it.
    pub at: Timestamp,
    pub dedupe: DedupeKey,
    pub actor: Actor,
    pub cause: Cause,
    pub profile: Profile,
    pub observed: Observed,
    pub kind: EventKind,
}

/// Who made it happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Kratos,
    /// The signed-in person, through the page.
    Person,
    Operator(OperatorName),
    /// This service, by looking something up.
    Service,
}

impl Actor {
    /// `kratos`, `person`, `operator:NAME`, `service`.
    pub fn label(&self) -> Cow<'static, str> {
        match self {
            Actor::Kratos => "kratos".into(),
            Actor::Person => "person".into(),
            Actor::Operator(name) => format!("operator:{name}").into(),
            Actor::Service => "service".into(),
        }
    }
}

/// The flow whose hook fired.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HookKind {
    Registration,
    Settings,
    Login,
}

impl HookKind {
    pub fn as_str(self) -> &'static str {
        match self {
            HookKind::Registration => "registration",
            HookKind::Settings => "settings",
            HookKind::Login => "login",
        }
    }
}

/// What the page reports: the last segment of `POST /api/onboarding/{action}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageAction {
    Offered,
    Started,
    Skip,
    Dismiss,
    Cancelled,
    Failed,
    Unavailable,
    Completed,
}

impl PageAction {
    pub fn as_str(self) -> &'static str {
        match self {
            PageAction::Offered => "offered",
            PageAction::Started => "started",
            PageAction::Skip => "skip",
            PageAction::Dismiss => "dismiss",
            PageAction::Cancelled => "cancelled",
            PageAction::Failed => "failed",
            PageAction::Unavailable => "unavailable",
            PageAction::Completed => "completed",
        }
    }
}

/// How we came to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Hook(HookKind),
    Page(PageAction),
    /// The person's session at Kratos.
    Whoami,
    /// Kratos's admin API.
    AdminApi,
    /// The same, for everybody in turn.
    Reconcile,
    /// A verb of the command line.
    Cli,
    /// The operators' endpoints of this service.
    OperatorApi,
    /// Our own ceremony.
    OwnCeremony,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Hook(HookKind::Registration) => "hook.registration",
            Cause::Hook(HookKind::Settings) => "hook.settings",
            Cause::Hook(HookKind::Login) => "hook.login",
            Cause::Page(PageAction::Offered) => "page.offered",
            Cause::Page(PageAction::Started) => "page.started",
            Cause::Page(PageAction::Skip) => "page.skip",
            Cause::Page(PageAction::Dismiss) => "page.dismiss",
            Cause::Page(PageAction::Cancelled) => "page.cancelled",
            Cause::Page(PageAction::Failed) => "page.failed",
            Cause::Page(PageAction::Unavailable) => "page.unavailable",
            Cause::Page(PageAction::Completed) => "page.completed",
            Cause::Whoami => "whoami",
            Cause::AdminApi => "admin_api",
            Cause::Reconcile => "reconcile",
            Cause::Cli => "cli",
            Cause::OperatorApi => "operator_api",
            Cause::OwnCeremony => "own_ceremony",
        }
    }
}

/// What was told about the identity itself. `None` was not told and changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// `identity.updated_at`: orders two profiles. Not told sorts before everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<SchemaId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<IdentityState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiers: Option<BTreeSet<IdentifierDigest>>,
}

/// What was told about credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkeys: Option<Observation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_keys: Option<Observation>,
    /// `completed_at` of the newest `passkey` among the session's authentication methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey_used_at: Option<Timestamp>,
    /// The same of `webauthn` at aal1; at aal2 it was a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_key_used_at: Option<Timestamp>,
}

/// Why a ceremony did not end in a passkey.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    Timeout,
    NoGesture,
    AlreadyRegistered,
    Config,
    Network,
    Kratos,
    PrivilegeNotGained,
    Unsupported,
    Unknown,
}

impl FailureKind {
    pub const ALL: [FailureKind; 9] = [
        FailureKind::Timeout,
        FailureKind::NoGesture,
        FailureKind::AlreadyRegistered,
        FailureKind::Config,
        FailureKind::Network,
        FailureKind::Kratos,
        FailureKind::PrivilegeNotGained,
        FailureKind::Unsupported,
        FailureKind::Unknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            FailureKind::Timeout => "timeout",
            FailureKind::NoGesture => "no_gesture",
            FailureKind::AlreadyRegistered => "already_registered",
            FailureKind::Config => "config",
            FailureKind::Network => "network",
            FailureKind::Kratos => "kratos",
            FailureKind::PrivilegeNotGained => "privilege_not_gained",
            FailureKind::Unsupported => "unsupported",
            FailureKind::Unknown => "unknown",
        }
    }
}

/// Which ceremony of our own a passkey came of: they demand different things of the authenticator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeremonyKind {
    /// The person clicked: present, and verified by the authenticator.
    #[default]
    Asked,
    /// In the background after a sign-in with a password, by a password manager (WebAuthn Level 3, section 5.1.3,
    /// `mediation: "conditional"`): neither is demanded.
    Conditional,
}

impl CeremonyKind {
    pub const ALL: [CeremonyKind; 2] = [CeremonyKind::Asked, CeremonyKind::Conditional];

    pub fn as_str(self) -> &'static str {
        match self {
            CeremonyKind::Asked => "asked",
            CeremonyKind::Conditional => "conditional",
        }
    }

    pub fn parse(text: &str) -> Option<CeremonyKind> {
        CeremonyKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What the page told about a try at a ceremony. For people who read the audit log; decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AttemptId>,
    /// A passkey can be kept on this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<bool>,
    /// A phone can be used instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hybrid: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// `method` is `None` where neither the address of the hook nor its body names it.
    Registered {
        method: Option<Method>,
    },
    SignedIn {
        method: Option<Method>,
    },
    /// The identity changed in the settings flow; what is left may have been told or not.
    SettingsChanged {
        method: Option<Method>,
    },
    /// The person came to the page before any hook did.
    Seen,
    /// The admin API was asked.
    PasskeysObserved,
    /// Shown to the person, in this session.
    Offered {
        session: SessionDigest,
    },
    Started(Attempt),
    Skipped,
    Dismissed,
    Cancelled(Attempt),
    Failed {
        kind: FailureKind,
        exception: Option<ExceptionName>,
        attempt: Attempt,
    },
    /// This device cannot; says nothing about the account.
    Unavailable {
        kind: FailureKind,
        exception: Option<ExceptionName>,
        attempt: Attempt,
    },
    /// The page says the ceremony went through. Only Kratos's word makes it true.
    Completed(Attempt),
    /// Kratos's admin API says that there is no such identity any more.
    IdentityGone,
    /// An operator leaves the person alone until then.
    Snoozed {
        until: Timestamp,
    },
    /// An operator requires a passkey; until then it can still be skipped.
    Required {
        by: Timestamp,
    },
    /// Made by our own ceremony and handed in to Kratos, which has it. What is there since is told with it.
    PasskeyMade {
        credential: CredentialId,
        session: SessionDigest,
        #[serde(default)]
        ceremony: CeremonyKind,
    },
    /// One that was made here was put back into Kratos, which had lost it.
    PasskeyRestored {
        credential: CredentialId,
    },
    /// An operator took one away at Kratos. What is left is told by who asks Kratos.
    PasskeyRevoked {
        credential: CredentialId,
    },
    /// What the person answered is forgotten, and what an operator said of them.
    Reset,
}

impl EventKind {
    /// A fact of Kratos's, and not what a person or an operator answered.
    pub fn is_told_by_kratos(&self) -> bool {
        use EventKind::{
            IdentityGone, PasskeyMade, PasskeyRestored, PasskeyRevoked, PasskeysObserved, Registered, Seen,
            SettingsChanged, SignedIn,
        };
        matches!(
            self,
            Registered { .. }
                | SignedIn { .. }
                | SettingsChanged { .. }
                | Seen
                | PasskeysObserved
                | IdentityGone
                | PasskeyMade { .. }
                | PasskeyRestored { .. }
                | PasskeyRevoked { .. }
        )
    }

    pub fn as_str(&self) -> &'static str {
        match self {
            EventKind::Registered { .. } => "registered",
            EventKind::SignedIn { .. } => "signed_in",
            EventKind::SettingsChanged { .. } => "settings_changed",
            EventKind::Seen => "seen",
            EventKind::PasskeysObserved => "passkeys_observed",
            EventKind::Offered { .. } => "offered",
            EventKind::Started(_) => "started",
            EventKind::Skipped => "skipped",
            EventKind::Dismissed => "dismissed",
            EventKind::Cancelled(_) => "cancelled",
            EventKind::Failed { .. } => "failed",
            EventKind::Unavailable { .. } => "unavailable",
            EventKind::Completed(_) => "completed",
            EventKind::IdentityGone => "identity_gone",
            EventKind::Snoozed { .. } => "snoozed",
            EventKind::Required { .. } => "required",
            EventKind::PasskeyMade { .. } => "passkey_made",
            EventKind::PasskeyRestored { .. } => "passkey_restored",
            EventKind::PasskeyRevoked { .. } => "passkey_revoked",
            EventKind::Reset => "reset",
        }
    }
}
