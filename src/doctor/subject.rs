//! What is looked at: the configuration, and what is known of the service beside it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::document::{Document, Place};
use super::hook::{Arrangement, Owner, REGISTRATION_METHODS};
use super::template::Evaluate;
use crate::config::{Ceremony, Settings};
use crate::onboarding::{EnrolMethod, HookKind};

/// Where the page is, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub url: Url,
    pub said_by: SaidBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    /// `--page`.
    Operator,
    /// `serve.public.base_url` of the service.
    Settings,
    /// `registration.after.default_browser_return_url`, whose path ends with `/post-registration`.
    Configuration,
}

pub struct Subject<'d> {
    pub document: &'d Document,
    /// The configuration.
    pub file: &'d Path,
    pub settings: Option<&'d Settings>,
    pub page: Option<Page>,
    pub evaluate: &'d dyn Evaluate,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("file", &self.file).field("page", &self.page).finish_non_exhaustive()
    }
}

impl<'d> Subject<'d> {
    pub fn new(
        document: &'d Document,
        file: &'d Path,
        settings: Option<&'d Settings>,
        page: Option<Url>,
        evaluate: &'d dyn Evaluate,
    ) -> Subject<'d> {
        let page = page.map(|url| Page { url, said_by: SaidBy::Operator });
        let page = page.or_else(|| of_settings(settings?)).or_else(|| of_configuration(document));
        Subject { document, file, settings, page, evaluate }
    }

    pub fn at(&self, path: &str) -> Place<'d> {
        self.document.at(path)
    }

    pub fn hooks(&self) -> Arrangement<'d> {
        Arrangement::of(&self.document.root())
    }

    /// The directory of the configuration.
    pub fn directory(&self) -> &Path {
        self.file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    pub fn method(&self, name: &str) -> Place<'d> {
        self.at("selfservice.methods").get(name)
    }

    /// Kratos's defaults: `password`, `code` and `profile` are on, the others off; `passwordless_enabled` switches `code` on.
    pub fn is_enabled(&self, name: &str) -> bool {
        let method = self.method(name);
        let by_default = matches!(name, "password" | "code" | "profile");
        let enabled = method.get("enabled").truth().unwrap_or(by_default);
        enabled || name == "code" && method.get("passwordless_enabled").truth() == Some(true)
    }

    /// `webauthn` signs a person in, instead of being a second factor.
    pub fn is_passwordless(&self) -> bool {
        self.method("webauthn").at("config.passwordless").truth().unwrap_or_default()
    }

    pub fn can_register(&self) -> bool {
        self.at("selfservice.flows.registration.enabled").truth().unwrap_or(true)
    }

    /// Methods by which people can register.
    pub fn registration_methods(&self) -> Vec<&'static str> {
        if !self.can_register() {
            return Vec::new();
        }
        let usable = |method: &&str| {
            self.is_enabled(method)
                && match *method {
                    "code" => self.method("code").get("passwordless_enabled").truth().unwrap_or_default(),
                    "webauthn" => self.is_passwordless(),
                    _ => true,
                }
        };
        REGISTRATION_METHODS.into_iter().filter(usable).collect()
    }

    /// What people are to enrol with; the service's default without its settings.
    pub fn enrol_methods(&self) -> BTreeSet<EnrolMethod> {
        match self.settings {
            Some(settings) => settings.policy.enrol.clone(),
            None => BTreeSet::from([EnrolMethod::Passkey]),
        }
    }

    /// The relying party the service makes passkeys for by its own ceremony, where it would hand them in.
    pub fn own_rp_id(&self) -> Option<&str> {
        let settings = self.settings?;
        let is_held = settings.page.ceremony != Ceremony::Settings
            && settings.webauthn.import
            && settings.kratos.admin_url.is_some()
            && settings.policy.enrol.contains(&EnrolMethod::Passkey);
        settings.webauthn.rp_id.as_deref().filter(|_| is_held)
    }

    /// What an identity is of where nothing else is said, and where that schema lies.
    pub fn default_schema(&self) -> (&'d str, Option<Place<'d>>) {
        let identity = self.at("identity");
        let id = identity.get("default_schema_id").text().unwrap_or("default");
        let schema = identity.get("schemas").items().find(|schema| schema.get("id").text() == Some(id));
        (id, schema.map(|schema| schema.get("url")))
    }

    /// How browsers reach Kratos, as it knows.
    pub fn kratos_url(&self) -> Option<Url> {
        Url::parse(self.at("serve.public.base_url").text()?).ok()
    }

    /// `None`: it is set to something that Kratos refuses.
    pub fn privileged_age(&self) -> Option<Duration> {
        let place = self.at("selfservice.flows.settings.privileged_session_max_age");
        if place.exists() { super::duration::parse(place.text()?) } else { Some(Duration::from_secs(3600)) }
    }
}

fn of_settings(settings: &Settings) -> Option<Page> {
    let public = &settings.serve.public;
    let url = public.url(public.port).join("post-registration").ok()?;
    Some(Page { url, said_by: SaidBy::Settings })
}

fn of_configuration(document: &Document) -> Option<Page> {
    let after = Arrangement::of(&document.root()).after(HookKind::Registration);
    let places = REGISTRATION_METHODS.into_iter().map(|method| after.get(method));
    let mut addresses = std::iter::once(after.clone())
        .chain(places)
        .filter_map(|place| place.get("default_browser_return_url").text())
        .filter_map(|text| Url::parse(text).ok());
    let url = addresses.find(|url| url.path().trim_end_matches('/').ends_with("/post-registration"))?;
    Some(Page { url, said_by: SaidBy::Configuration })
}

/// The owner of a method's list.
pub fn of_method(method: &str) -> Owner {
    Owner::Method(method.to_owned())
}
