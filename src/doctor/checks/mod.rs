//! What is looked at, a file a question.

mod cookies;
mod coverage;
mod files;
mod hook_credentials;
mod hook_reach;
mod hook_sending;
mod hook_shape;
mod nearest;
mod origins;
mod own_ceremony;
mod passkey;
mod schema;
mod session;
mod templates;

pub use nearest::nearest;

use super::finding::Finding;
use super::subject::Subject;

/// Everything that can be said without a network, the worst first, then in the order of the file.
pub fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let checks: [fn(&Subject<'_>, &mut Vec<Finding>); 13] = [
        files::check,
        hook_shape::check,
        hook_sending::check,
        hook_credentials::check,
        hook_reach::check,
        coverage::check,
        templates::check,
        passkey::check,
        own_ceremony::check,
        schema::check,
        session::check,
        origins::check,
        cookies::check,
    ];
    for check in checks {
        check(subject, &mut findings);
    }
    sort(&mut findings);
    findings
}

/// The worst first, then in the order of the file.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|one, other| {
        let order = |finding: &Finding| (finding.severity, finding.spot, finding.code());
        order(one).cmp(&order(other)).then_with(|| one.path.cmp(&other.path))
    });
}
