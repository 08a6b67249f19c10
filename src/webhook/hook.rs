//! Which hook a delivery came by, as its address says.

use crate::onboarding::{HookKind, Method};

/// The address of a hook. A closed set, so that whatever is kept or counted by hook stays bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hook {
    kind: HookKind,
    /// `None` only for the one address that names no method.
    method: Option<Method>,
}

impl Hook {
    /// `POST /api/kratos/post-registration-webauthn`: used for every method of registration.
    pub const POST_REGISTRATION: Hook = Hook { kind: HookKind::Registration, method: None };

    const POST_REGISTRATION_NAME: &str = "post-registration-webauthn";

    /// `None`: there is no such hook. A method this version does not know is one; an absurd name is not.
    pub fn from_path(kind: &str, method: &str) -> Option<Hook> {
        Some(Hook { kind: kind_from(kind)?, method: Some(Method::from_kratos(method)?) })
    }

    /// The reverse of [`Hook::name`].
    pub fn from_name(name: &str) -> Option<Hook> {
        if name == Self::POST_REGISTRATION_NAME {
            return Some(Self::POST_REGISTRATION);
        }
        let (kind, method) = name.split_once('/')?;
        Self::from_path(kind, method)
    }

    /// `registration/password`; `post-registration-webauthn`.
    pub fn name(self) -> String {
        match self.method {
            Some(method) => format!("{}/{}", self.kind.as_str(), method.as_str()),
            None => Self::POST_REGISTRATION_NAME.to_owned(),
        }
    }

    pub fn kind(self) -> HookKind {
        self.kind
    }

    pub fn method(self) -> Option<Method> {
        self.method
    }
}

/// Kratos's name of a flow, as hooks spell it.
pub(super) fn kind_from(text: &str) -> Option<HookKind> {
    [HookKind::Registration, HookKind::Settings, HookKind::Login].into_iter().find(|k| k.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_hook() {
        let hooks = ["registration", "settings", "login"]
            .into_iter()
            .flat_map(|kind| Method::ALL.map(|method| Hook::from_path(kind, method.as_str()).unwrap()))
            .chain([Hook::POST_REGISTRATION]);
        for hook in hooks {
            assert_eq!(Hook::from_name(&hook.name()), Some(hook));
        }
    }

    #[test]
    fn a_hook_that_is_none() {
        for (kind, method) in
            [("recovery", "code"), ("registration", ""), ("login", "a b"), ("Login", "code")]
        {
            assert_eq!(Hook::from_path(kind, method), None);
        }
    }
}
