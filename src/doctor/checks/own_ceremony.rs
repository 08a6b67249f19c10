//! Does what the service makes by its own ceremony work in this Kratos, and does it weaken anything?

use crate::doctor::codes::{OWN_AGE_LONGER, OWN_CODE_MFA, OWN_RP_ID_DIFFERS, OWN_WITHOUT_PASSKEY};
use crate::doctor::duration::shown;
use crate::doctor::finding::Finding;
use crate::doctor::subject::Subject;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Some(settings) = subject.settings else { return };
    let Some(ours) = subject.own_rp_id() else { return };
    let method = subject.method("passkey");
    if !subject.is_enabled("passkey") {
        let message = format!("The service makes passkeys for `{ours}`; the method is off.");
        findings.push(Finding::new(&OWN_WITHOUT_PASSKEY, &method.get("enabled"), message));
        return;
    }
    let theirs = method.at("config.rp.id");
    if let Some(id) = theirs.text().filter(|id| *id != ours) {
        let message = format!("Kratos has `{id}`, the service makes passkeys for `{ours}`.");
        let finding = Finding::new(&OWN_RP_ID_DIFFERS, &theirs, message);
        findings.push(
            finding.mended_by(format!("Write `rp_id: {id}` below `webauthn` in the service's settings.")),
        );
    }
    let by_code = subject.method("code").get("mfa_enabled");
    if by_code.truth() == Some(true) && !settings.kratos.code_mfa {
        let message = "`mfa_enabled` of `code` is true, `kratos.code_mfa` of the service is false.";
        findings.push(Finding::new(&OWN_CODE_MFA, &by_code, message));
    }
    let own = settings.webauthn.own_ceremony_max_age.unsigned_abs();
    if let Some(age) = subject.privileged_age().filter(|age| own > *age) {
        let place = subject.at("selfservice.flows.settings.privileged_session_max_age");
        let message = format!("Kratos has {}, the service {} for a first passkey.", shown(age), shown(own));
        findings.push(Finding::new(&OWN_AGE_LONGER, &place, message));
    }
}
