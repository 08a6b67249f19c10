//! One file a section: what the file may say, and what of it is accepted.

mod admin;
mod dsn;
mod events;
mod kratos;
mod log;
mod methods;
mod page;
mod policy;
mod reconcile;
mod secrets;
mod serve;
mod webauthn;
mod webhook;

use super::reader::{Noted, Reader};
use super::settings::Settings;

pub use admin::AdminApiFile;
pub use events::EventsFile;
pub use kratos::KratosFile;
pub use log::{LogFile, LogFormatFile};
pub use page::PageFile;
pub use policy::PolicyFile;
pub use reconcile::ReconcileFile;
pub use secrets::SecretsFile;
pub use serve::ServeFile;
pub use webauthn::WebauthnFile;
pub use webhook::WebhookFile;

/// Reads every section before it stops at the first that has a mistake.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Settings, Noted> {
    let dsn = dsn::read(reader);
    let serve = serve::read(reader);
    let kratos = kratos::read(reader);
    let webhook = webhook::read(reader);
    let page = page::read(reader, serve.as_ref().ok().map(|serve| &serve.public));
    let admin = admin::read(reader);
    let enrol = methods::read(reader);
    let policy = policy::read(reader);
    let denied_file = policy::denied_file(reader);
    let can_ask = kratos.as_ref().ok().map(|kratos| kratos.admin_url.is_some());
    let reconcile = reconcile::read(reader, can_ask);
    let events = events::read(reader);
    let around = webauthn::Around {
        public: serve.as_ref().ok().map(|serve| &serve.public),
        kratos: kratos.as_ref().ok(),
        brand: page.as_ref().ok().map(|page| &page.brand),
    };
    let webauthn = webauthn::read(reader, &around);
    let ceremony = match (&page, &webauthn, can_ask) {
        (Ok(page), Ok(webauthn), Some(can_ask)) => page::can_be_had(reader, page, webauthn, can_ask),
        _ => Ok(()),
    };
    let secrets = secrets::read(reader);
    let log = log::read(reader);
    let (kratos, mut policy) = (kratos?, policy?);
    ceremony?;
    policy.enrol = enrol?;
    policy.privileged_session_max_age = kratos.privileged_session_max_age;
    Ok(Settings {
        mode: reader.mode,
        dsn: dsn?,
        serve: serve?,
        kratos,
        webhook: webhook?,
        page: page?,
        webauthn: webauthn?,
        admin: admin?,
        policy,
        denied_file: denied_file?,
        reconcile: reconcile?,
        events: events?,
        secrets: secrets?,
        log: log?,
    })
}
