//! The hooks of a configuration: where each stands, which list is used for which method, which of them are ours.

use url::Url;

use super::document::{Place, Value};
use crate::onboarding::HookKind;
use crate::webhook::Hook;

/// Hooks that Kratos knows at all (v26.2.0).
pub const KNOWN: [&str; 8] = [
    "web_hook",
    "session",
    "show_verification_ui",
    "revoke_active_sessions",
    "require_verified_address",
    "verification",
    "b2b_sso",
    "organization",
];

pub const REGISTRATION_METHODS: [&str; 5] = ["password", "oidc", "code", "webauthn", "passkey"];
pub const LOGIN_METHODS: [&str; 7] =
    ["password", "oidc", "code", "webauthn", "passkey", "totp", "lookup_secret"];
pub const SETTINGS_METHODS: [&str; 7] =
    ["password", "totp", "oidc", "webauthn", "passkey", "lookup_secret", "profile"];

/// Whose list it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Method(String),
    /// `after.hooks`: for every method that has no list of its own.
    General,
}

/// `after.METHOD.hooks` or `after.hooks` of one flow.
#[derive(Debug, Clone)]
pub struct HookList<'d> {
    pub flow: HookKind,
    pub owner: Owner,
    pub place: Place<'d>,
}

impl<'d> HookList<'d> {
    pub fn hooks(&self) -> impl Iterator<Item = ConfiguredHook<'d>> + use<'d> {
        let (flow, owner) = (self.flow, self.owner.clone());
        self.place.items().map(move |place| ConfiguredHook { flow, owner: owner.clone(), place })
    }

    /// Kratos looks at the general list only when this holds no hook that it knows.
    pub fn is_used(&self) -> bool {
        self.hooks().any(|hook| hook.name().is_some_and(|name| KNOWN.contains(&name)))
    }

    /// Which kinds of hook may stand here (v26.2.0).
    pub fn takes(&self) -> &'static [&'static str] {
        const WEB: &[&str] = &["web_hook", "b2b_sso", "organization"];
        match (self.flow, &self.owner) {
            (HookKind::Registration, Owner::Method(_)) => {
                &["session", "web_hook", "show_verification_ui", "b2b_sso", "organization"]
            }
            (HookKind::Registration | HookKind::Settings, Owner::General) => WEB,
            (HookKind::Login, Owner::Method(method)) if method == "oidc" => {
                &["revoke_active_sessions", "web_hook", "require_verified_address", "b2b_sso", "organization"]
            }
            (HookKind::Login, _) => &[
                "revoke_active_sessions",
                "require_verified_address",
                "web_hook",
                "verification",
                "show_verification_ui",
                "b2b_sso",
                "organization",
            ],
            (HookKind::Settings, Owner::Method(method)) if method == "profile" => {
                &["web_hook", "show_verification_ui", "b2b_sso", "organization"]
            }
            (HookKind::Settings, Owner::Method(_)) => &["web_hook", "revoke_active_sessions"],
        }
    }
}

/// One hook of a list.
#[derive(Debug, Clone)]
pub struct ConfiguredHook<'d> {
    pub flow: HookKind,
    pub owner: Owner,
    pub place: Place<'d>,
}

/// What the URL of a hook leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A hook of this service.
    Hook(Hook),
    /// Below `/api/kratos/`, where this service has no such hook.
    Nowhere,
}

impl<'d> ConfiguredHook<'d> {
    pub fn name(&self) -> Option<&'d str> {
        self.place.get("hook").text()
    }

    pub fn config(&self) -> Place<'d> {
        self.place.get("config")
    }

    pub fn is_web_hook(&self) -> bool {
        self.name() == Some("web_hook")
    }

    pub fn url(&self) -> Option<Url> {
        Url::parse(self.config().get("url").text()?).ok()
    }

    /// `None`: not a hook of this service, as far as its path tells. A misspelt `hook:` does not make it another's.
    pub fn target(&self) -> Option<Target> {
        let (_, rest) = self.path_parts()?;
        let name = rest.strip_prefix("hooks/").unwrap_or(&rest).to_owned();
        let is_hook = rest.starts_with("hooks/") || name == Hook::POST_REGISTRATION.name();
        Some(Hook::from_name(&name).filter(|_| is_hook).map_or(Target::Nowhere, Target::Hook))
    }

    pub fn is_ours(&self) -> bool {
        self.target().is_some()
    }

    /// What the path of our hook begins with: `""`, or `/like/this`.
    pub fn base_path(&self) -> Option<String> {
        Some(self.path_parts()?.0)
    }

    fn path_parts(&self) -> Option<(String, String)> {
        let url = self.url()?;
        let (before, after) = url.path().split_once("/api/kratos/")?;
        Some((before.to_owned(), after.to_owned()))
    }

    pub fn truth(&self, path: &str) -> bool {
        self.config().at(path).truth().unwrap_or_default()
    }

    /// `registration by password`, `settings of passkey`, `every login`.
    pub fn whose(&self) -> String {
        whose(self.flow, &self.owner)
    }
}

pub fn whose(flow: HookKind, owner: &Owner) -> String {
    match (flow, owner) {
        (HookKind::Registration, Owner::Method(method)) => format!("registration by {method}"),
        (HookKind::Login, Owner::Method(method)) => format!("login by {method}"),
        (HookKind::Settings, Owner::Method(method)) => format!("settings of {method}"),
        (HookKind::Registration, Owner::General) => "registration by any method".to_owned(),
        (HookKind::Login, Owner::General) => "login by any method".to_owned(),
        (HookKind::Settings, Owner::General) => "settings of any method".to_owned(),
    }
}

/// All lists of hooks after the flows this service listens to.
#[derive(Debug)]
pub struct Arrangement<'d> {
    flows: Place<'d>,
}

impl<'d> Arrangement<'d> {
    pub fn of(root: &Place<'d>) -> Arrangement<'d> {
        Arrangement { flows: root.at("selfservice.flows") }
    }

    pub fn after(&self, flow: HookKind) -> Place<'d> {
        self.flows.get(flow.as_str()).get("after")
    }

    /// Whether or not it is there.
    pub fn list(&self, flow: HookKind, owner: Owner) -> HookList<'d> {
        let after = self.after(flow);
        let place = match &owner {
            Owner::Method(method) => after.get(method).get("hooks"),
            Owner::General => after.get("hooks"),
        };
        HookList { flow, owner, place }
    }

    /// The list Kratos uses for a method.
    pub fn used(&self, flow: HookKind, method: &str) -> HookList<'d> {
        let own = self.list(flow, Owner::Method(method.to_owned()));
        if own.is_used() { own } else { self.list(flow, Owner::General) }
    }

    /// Every list that is written.
    pub fn lists(&self) -> Vec<HookList<'d>> {
        let flows = [HookKind::Registration, HookKind::Login, HookKind::Settings];
        let mut lists = Vec::new();
        for flow in flows {
            for (key, place) in self.after(flow).entries() {
                if key == "hooks" {
                    lists.push(self.list(flow, Owner::General));
                } else if place.get("hooks").exists() {
                    lists.push(self.list(flow, Owner::Method(key.to_owned())));
                }
            }
        }
        lists
    }

    pub fn hooks(&self) -> Vec<ConfiguredHook<'d>> {
        self.lists().iter().flat_map(HookList::hooks).collect()
    }

    /// Hooks of this service that Kratos would take.
    pub fn ours(&self) -> Vec<ConfiguredHook<'d>> {
        self.hooks().into_iter().filter(|hook| hook.is_web_hook() && hook.is_ours()).collect()
    }
}

/// The two are one value.
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(&one.value, &other.value))
        }
        (Value::Mapping(one), Value::Mapping(other)) => {
            one.len() == other.len()
                && one.iter().all(|entry| {
                    other
                        .iter()
                        .any(|same| same.key == entry.key && is_same(&same.node.value, &entry.node.value))
                })
        }
        _ => one == other,
    }
}
