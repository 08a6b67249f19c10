//! `passkeys revoke`: asked for, asked back, done, and on record.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::super::terminal::{harmless, say, say_aside};
use super::operator::named;
use super::row::{date, keeper, kind};
use super::{House, PasskeysError, RevokeArguments};
use crate::admin::{Looked, Revocation};
use crate::onboarding::Cause;

pub(super) async fn run(arguments: &RevokeArguments, house: &House) -> Result<(), PasskeysError> {
    let RevokeArguments { id, credential, force, yes, operator, .. } = arguments;
    let operator = named(operator.as_ref())?;
    let House { identities, store, clock, .. } = house;
    let revocation = Revocation { identities, store, clock, operator, cause: Cause::Cli };
    let looked = revocation.look(*id, credential).await?;
    looked.allow(*force)?;
    if !yes {
        confirm(&looked)?;
    }
    let done = revocation.carry_out(*id, credential, *force).await?;
    let left = &done.revoked.left.held;
    say(&format!("taken away; {} passkeys and {} security keys are left", left.passkeys, left.security_keys));
    if !done.revoked.gone_too.is_empty() {
        let gone: Vec<String> = done.revoked.gone_too.iter().map(ToString::to_string).collect();
        say_aside(&format!("gone meanwhile, by somebody else's doing: {}", gone.join(", ")));
    }
    if !done.recorded {
        say_aside("what is left could not be put on record here; `reconcile` will see to it");
    }
    Ok(())
}

fn confirm(looked: &Looked) -> Result<(), PasskeysError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(PasskeysError::NobodyToConfirm);
    }
    let key = &looked.key;
    let name = key.name.as_deref().map(|name| format!(" {:?}", harmless(name))).unwrap_or_default();
    let added = key.added_at.map(|at| format!(", added {}", date(at))).unwrap_or_default();
    let last = match looked.is_last_way {
        Some(false) => "There are other ways to sign in.",
        Some(true) => "It is the LAST way to sign in.",
        None => "It MAY BE the last way to sign in.",
    };
    let question = format!(
        "Take the {}{name} ({}{added}) away from identity {}? {last} [y/N] ",
        kind(key),
        keeper(key),
        looked.told.identity
    );
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(question.as_bytes());
    let _ = stderr.flush();
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(PasskeysError::Input)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(PasskeysError::NotConfirmed),
    }
}
