use std::collections::BTreeSet;

use crate::config::reader::{Noted, Reader, Refused};
use crate::onboarding::EnrolMethod;

pub(super) fn read(reader: &mut Reader<'_>) -> Result<BTreeSet<EnrolMethod>, Noted> {
    let methods: BTreeSet<EnrolMethod> = reader
        .list("methods", |scalar| match scalar.text()? {
            "passkey" => Ok(EnrolMethod::Passkey),
            "webauthn" => Ok(EnrolMethod::Webauthn),
            _ => Err(Refused::from("is not a method people can enrol with")),
        })?
        .into_iter()
        .collect();
    if methods.is_empty() {
        return Err(reader.refuse("methods", "is empty: there would be nothing to offer".into()));
    }
    Ok(methods)
}
