//! Does Kratos take what our own ceremony makes? Tried on an identity that is made for it and always deleted again, with
//! passkeys that nobody has the private keys of, and by the same code that hands people's in.
//!
//! Kratos runs no hook for what the admin API makes, changes or deletes, and sends no mail.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::throw_away::{made_up, schema};
use super::{Asked, Checked, WITHIN, admin, public};
use crate::ceremony::{Passkey, UserHandle};
use crate::clock::Clock;
use crate::doctor::codes::{
    LIVE_IMPORT_DIFFERS, LIVE_IMPORT_REFUSED, LIVE_WRITE_LEFT_BEHIND, LIVE_WRITE_NOT_TRIED,
};
use crate::doctor::document::Place;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::subject::Subject;
use crate::kratos::{AskError, CallError, HandInError, Identities, MakeError, Patience, Standing, ThrowAway};
use crate::onboarding::{IdentityId, PiiKey, PiiKeys};
use crate::telemetry::Metrics;

const PATIENCE: Patience = Patience { answer_within: WITHIN, tries_for: Duration::from_secs(10) };
/// From the made identity to its deletion.
const STEPS_WITHIN: Duration = Duration::from_secs(60);
/// After a creation that was not answered: it may take its time.
const LOOKS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(4)];
const NAMES: [&str; 2] = ["first", "second"];

/// Why it is not known whether Kratos takes them, or what it does.
enum Trouble {
    Refused(String),
    Differs(String),
    NotTried(String),
    Interrupted,
}

/// `announce` is told what will be done before it is. `stop` ends it early; what was made is deleted all the same.
pub async fn write(
    subject: &Subject<'_>,
    clock: &Clock,
    stop: impl Future<Output = ()>,
    announce: impl Fn(&str),
    checked: &mut Checked,
) {
    let asked = admin(subject);
    if let Err(trouble) = trial(subject, clock, &asked, stop, announce, checked).await {
        checked.was_interrupted = matches!(trouble, Trouble::Interrupted);
        checked.findings.push(finding(subject, trouble));
    }
}

async fn trial(
    subject: &Subject<'_>,
    clock: &Clock,
    asked: &Asked<'_>,
    stop: impl Future<Output = ()>,
    announce: impl Fn(&str),
    checked: &mut Checked,
) -> Result<(), Trouble> {
    if !checked.has_admin {
        return Err(Trouble::NotTried("Kratos's admin API does not answer as Kratos does.".to_owned()));
    }
    let (id, schema) = schema(subject, &public(subject)).await.map_err(Trouble::NotTried)?;
    let random = |_| Trouble::NotTried("The operating system gives no random bytes.".to_owned());
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(|_| random(()))?;
    let keys = PiiKeys::new(PiiKey::new(key).map_err(|_| random(()))?, Vec::new());
    let identities = Identities::at(asked.url.clone(), keys, PATIENCE, Metrics::default().into());
    let identities = identities.map_err(|error| Trouble::NotTried(format!("{error}.")))?;
    let handle = UserHandle::random().map_err(|_| random(()))?;
    let passkeys =
        NAMES.map(|nth| Passkey::of_nobody(handle.clone(), format!("doctor --write, {nth}"), clock.now()));
    let [Ok(first), Ok(second)] = passkeys else { return Err(random(())) };
    let (email, people) = made_up(id, &schema).map_err(|_| random(()))?;
    announce(&format!(
        "doctor --write: makes the identity {email} with the admin API at {}, which is not active, hands two passkeys in that nobody \
         can sign in with, reads it back, and deletes it",
        asked.url
    ));
    let trial = Trial { identities, passkeys: [first, second], email, asked };
    let identity = trial.make(&people, checked).await?;
    let tried = tokio::select! {
        biased;
        () = stop => Err(Trouble::Interrupted),
        tried = timeout(STEPS_WITHIN, trial.hand_in(identity)) => tried.unwrap_or_else(|_| {
            Err(Trouble::NotTried(format!("It was not done within {} seconds.", STEPS_WITHIN.as_secs())))
        }),
    };
    trial.delete(identity, checked).await;
    tried?;
    checked.well.push(
        "Kratos takes passkeys of the service's own ceremony: two were handed in, read back, and nothing else changed"
            .to_owned(),
    );
    Ok(())
}

struct Trial<'t> {
    identities: Identities,
    passkeys: [Passkey; 2],
    email: String,
    asked: &'t Asked<'t>,
}

impl Trial<'_> {
    /// The first of them that Kratos takes.
    async fn make(&self, people: &[ThrowAway], checked: &mut Checked) -> Result<IdentityId, Trouble> {
        let mut last = None;
        for person in people {
            match self.identities.make(person).await {
                Ok(identity) => return Ok(identity),
                Err(refused @ MakeError::Refused { status: 400, .. }) => last = Some(refused),
                Err(error) => {
                    if let MakeError::Unsure(why) = error {
                        self.look_for(why, checked).await;
                    }
                    last = Some(error);
                    break;
                }
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        let why = why.trim_end_matches('.');
        Err(Trouble::NotTried(format!("The identity `{}` could not be made: {why}.", self.email)))
    }

    /// It was asked for, and Kratos did not say whether it made it.
    async fn look_for(&self, why: CallError, checked: &mut Checked) {
        for wait in LOOKS {
            sleep(wait).await;
            match self.identities.by_identifier(&self.email).await {
                Ok(found) => {
                    let Some(told) = found.into_iter().next() else { continue };
                    return self.delete(told.identity, checked).await;
                }
                // It was asked again and again already.
                Err(_) => break,
            }
        }
        let message = format!(
            "Whether the identity `{}` was made is not known ({why}), and it was not found by this address.",
            self.email
        );
        let finding = self.left_behind(message).as_severe_as(Severity::Warning);
        checked.findings.push(finding.mended_by(format!(
            "Look for it later, and delete it where it is there: `GET /admin/identities?credentials_identifier={}` of the admin API.",
            self.email
        )));
    }

    async fn hand_in(&self, identity: IdentityId) -> Result<(), Trouble> {
        let before = self.standing(identity).await?;
        for (passkey, nth) in self.passkeys.iter().zip(NAMES) {
            let handed_in = self.identities.hand_in(identity, passkey, &|_| true).await;
            handed_in.map_err(|error| of_hand_in(nth, &error))?;
        }
        let after = self.standing(identity).await?;
        let differences = self.differences(&before, &after);
        if differences.is_empty() {
            return Ok(());
        }
        let message = format!("Of the identity that was made for it: {}.", differences.join("; "));
        Err(Trouble::Differs(message))
    }

    async fn standing(&self, identity: IdentityId) -> Result<Standing, Trouble> {
        self.identities.standing(identity).await.map_err(|error| {
            Trouble::NotTried(match error {
                AskError::Gone => gone(),
                error => format!("The identity that was made could not be read: {error}."),
            })
        })
    }

    fn differences(&self, before: &Standing, after: &Standing) -> Vec<String> {
        let mut differences = Vec::new();
        let ids: Vec<_> = self.passkeys.iter().map(|passkey| passkey.made.id.clone()).collect();
        if after.keys().as_ref() != Some(&ids) {
            let count = after.keys().map_or("what cannot be read".to_owned(), |keys| keys.len().to_string());
            differences
                .push(format!("two passkeys were handed in, one after the other, and there is {count}"));
        }
        for (passkey, nth) in self.passkeys.iter().zip(NAMES) {
            let key = after.key(&passkey.made.id);
            if key.is_some_and(|key| key != passkey.made.public_key) {
                differences.push(format!("the public key of the {nth} is another"));
            }
        }
        let [first, _] = &self.passkeys;
        if after.user_handle().and_then(Result::ok).as_ref() != Some(&first.handle) {
            differences.push("the user handle is another".to_owned());
        }
        differences.extend(after.changed_since(before).iter().map(|name| format!("`{name}` changed")));
        differences
    }

    /// Says so where it is still there.
    async fn delete(&self, identity: IdentityId, checked: &mut Checked) {
        match self.identities.delete(identity).await {
            Ok(()) => checked.well.push(format!("the identity {identity}, made to try it, is deleted again")),
            Err(why) => {
                let email = &self.email;
                let message = format!("The identity `{identity}` (`{email}`) could not be deleted: {why}.");
                let url = super::ask::below(&self.asked.url, &format!("/admin/identities/{identity}"));
                let mend = format!("Delete it: `curl -X DELETE {url}`.");
                checked.findings.push(self.left_behind(message).mended_by(mend));
            }
        }
    }

    fn left_behind(&self, message: String) -> Finding {
        Finding::new(&LIVE_WRITE_LEFT_BEHIND, &self.asked.place, message)
    }
}

fn gone() -> String {
    "Somebody else deleted the identity that was made, while it was tried.".to_owned()
}

fn of_hand_in(nth: &str, error: &HandInError) -> Trouble {
    let message = |what: &dyn Display| format!("Handing the {nth} passkey in: {what}.");
    match error {
        HandInError::Refused(_) => Trouble::Refused(message(error)),
        HandInError::Lost
        | HandInError::Missing(_)
        | HandInError::OtherHandle
        | HandInError::OtherKey
        | HandInError::Unreadable => Trouble::Differs(message(error)),
        HandInError::Gone => Trouble::NotTried(gone()),
        HandInError::Unreachable(_) | HandInError::NotAllowed => Trouble::NotTried(message(error)),
    }
}

fn finding(subject: &Subject<'_>, trouble: Trouble) -> Finding {
    let passkey: Place<'_> = subject.method("passkey");
    // Where the service would hand none in, nobody meets it.
    let as_wanted = |finding: Finding| match subject.own_rp_id() {
        Some(_) => finding,
        None => finding
            .as_severe_as(Severity::Warning)
            .seen_as("Nothing: the service, as far as its settings are known here, hands no passkeys in."),
    };
    match trouble {
        Trouble::Refused(message) => as_wanted(Finding::new(&LIVE_IMPORT_REFUSED, &passkey, message)),
        Trouble::Differs(message) => as_wanted(Finding::new(&LIVE_IMPORT_DIFFERS, &passkey, message)),
        Trouble::NotTried(message) => not_tried(subject, message),
        Trouble::Interrupted => {
            not_tried(subject, "It was interrupted before Kratos had answered.".to_owned())
        }
    }
}

fn not_tried(subject: &Subject<'_>, message: String) -> Finding {
    let (_, url) = subject.default_schema();
    let place = url.unwrap_or_else(|| subject.at("identity"));
    Finding::new(&LIVE_WRITE_NOT_TRIED, &place, message)
}
