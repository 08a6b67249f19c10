//! What is known about how many passkeys (or security keys) an identity has, and since when.
//!
//! Hooks arrive late, doubled and in any order. So the knowledge is a set of dated observations: adding
//! one is a set union, and the newest by (time, source) speaks. The order of arrival cannot matter.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who said it. Of two observations of the same instant the later variant speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Follows from the registration method: nobody registers with two credentials.
    Registration,
    /// The exact set of remove nodes in a settings flow.
    Hook,
    /// The admin API, asked when the newest hooks were of the instant `about` and `settles` of them said otherwise.
    Admin { about: Option<Timestamp>, settles: u8 },
}

/// "At this instant there were `count`."
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Observation {
    pub at: Timestamp,
    pub source: Source,
    pub count: u32,
}

/// What the observations add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    Unknown,
    /// Two different answers of one instant: the admin API has to settle it.
    Disputed,
    /// One was used after the last exact answer, which said none: at least one exists.
    AtLeastOne,
    Exactly(u32),
}

/// What a look-up at the admin API has to outrank, taken before the call is made.
///
/// The answer reflects everything Kratos had told us by then, so it is dated no earlier than the newest of it:
/// the order then needs no agreement between two clocks (v1.3.1 dates hooks by `flow.issued_at` only).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settlement {
    floor: Option<Timestamp>,
    about: Option<Timestamp>,
    said: Vec<u32>,
}

impl Settlement {
    /// `changed_at`: the newest of `identity.updated_at` and the credentials' `updated_at` in the answer.
    pub fn observation(&self, changed_at: Timestamp, count: u32) -> Observation {
        let at = self.floor.map_or(changed_at, |floor| floor.max(changed_at));
        let settles = self.said.iter().filter(|said| **said != count).count();
        let settles = u8::try_from(settles).unwrap_or(u8::MAX);
        Observation { at, source: Source::Admin { about: self.about, settles }, count }
    }
}

/// The newest observations, newest first, and the last time one was used to sign in or confirm.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Knowledge {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<Observation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used_at: Option<Timestamp>,
}

impl Knowledge {
    /// Enough to see a removal through several later changes, and a bound for the row.
    pub const KEPT: usize = 8;

    pub fn observe(&mut self, observation: Observation) {
        if let Err(place) = self.seen.binary_search_by(|o| observation.cmp(o)) {
            self.seen.insert(place, observation);
            self.seen.truncate(Self::KEPT);
        }
    }

    /// `at`: `completed_at` of the session's authentication method.
    pub fn used(&mut self, at: Timestamp) {
        self.used_at = self.used_at.max(Some(at));
    }

    pub fn reading(&self) -> Reading {
        let Some(newest) = self.seen.first() else {
            return if self.used_at.is_some() { Reading::AtLeastOne } else { Reading::Unknown };
        };
        if self.is_disputed(newest) {
            return Reading::Disputed;
        }
        let used_since = self.used_at.is_some_and(|used| used > newest.at);
        if used_since && newest.count == 0 {
            return Reading::AtLeastOne;
        }
        Reading::Exactly(newest.count)
    }

    /// The same for security keys that sign in on their own. A settings flow lists second-factor keys (Kratos's
    /// `webauthn` with `passwordless: false`) among the others, so a hook's count above none says nothing for sure,
    /// unless one was used at aal1 or to register.
    pub fn passwordless_reading(&self) -> Reading {
        let told_by_hook = self.seen.first().is_some_and(|newest| newest.source == Source::Hook);
        let registered = self.seen.iter().any(|o| o.source == Source::Registration && o.count > 0);
        match self.reading() {
            Reading::Exactly(1..) if told_by_hook && self.used_at.is_none() && !registered => {
                Reading::Disputed
            }
            reading => reading,
        }
    }

    pub fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }

    /// The earliest answer "none".
    pub fn none_at(&self) -> Option<Timestamp> {
        self.seen.iter().filter(|o| o.count == 0).map(|o| o.at).min()
    }

    /// Whether one was there later than that.
    pub fn held_after(&self, at: Timestamp) -> bool {
        self.used_at.is_some_and(|used| used > at) || self.seen.iter().any(|o| o.count > 0 && o.at > at)
    }

    /// When the newest answer was true.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.seen.first().map(|o| o.at).max(self.used_at)
    }

    /// When the last one was seen to be gone: the first answer "none" after the last sign of one.
    pub fn removed_at(&self) -> Option<Timestamp> {
        self.gone_since(|_| true)
    }

    /// The same of security keys that sign in on their own: what only a hook listed may have been a second factor.
    pub fn passwordless_removed_at(&self) -> Option<Timestamp> {
        self.gone_since(|observation| observation.source != Source::Hook)
    }

    fn gone_since(&self, is_sign: impl Fn(&Observation) -> bool) -> Option<Timestamp> {
        if self.reading() != Reading::Exactly(0) {
            return None;
        }
        let none_since = self.seen.iter().take_while(|o| o.count == 0).map(|o| o.at);
        let sign = self.seen.iter().find(|o| o.count > 0 && is_sign(o)).map(|o| o.at);
        let had = sign.max(self.used_at)?;
        none_since.filter(|at| *at >= had).min()
    }

    pub fn settlement(&self) -> Settlement {
        let about = self.seen.iter().find(|o| o.source == Source::Hook).map(|o| o.at);
        Settlement { floor: self.as_of(), about, said: about.map(|at| self.hooks_at(at)).unwrap_or_default() }
    }

    fn is_disputed(&self, newest: &Observation) -> bool {
        match newest.source {
            Source::Registration => false,
            Source::Hook => self.hooks_at(newest.at).len() > 1,
            // v1.3.1 dates all changes made in one settings flow alike, so a new answer of that instant is news.
            Source::Admin { about, settles } => {
                let said = about.map(|at| self.hooks_at(at)).unwrap_or_default();
                said.iter().filter(|count| **count != newest.count).count() > usize::from(settles)
            }
        }
    }

    fn hooks_at(&self, at: Timestamp) -> Vec<u32> {
        let mut counts: Vec<u32> =
            self.seen.iter().filter(|o| o.at == at && o.source == Source::Hook).map(|o| o.count).collect();
        counts.dedup();
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hook(second: i64, count: u32) -> Observation {
        Observation { at: at(second), source: Source::Hook, count }
    }

    fn knowing(observations: &[Observation]) -> Knowledge {
        let mut knowledge = Knowledge::default();
        for observation in observations {
            knowledge.observe(*observation);
        }
        knowledge
    }

    #[test]
    fn nothing_said_is_unknown_not_zero() {
        assert_eq!(Knowledge::default().reading(), Reading::Unknown);
    }

    #[test]
    fn an_older_answer_never_overwrites_a_newer_one() {
        assert_eq!(knowing(&[hook(20, 1), hook(10, 0)]).reading(), Reading::Exactly(1));
    }

    #[test]
    fn two_answers_of_one_instant_are_settled_by_the_admin_api() {
        let mut knowledge = knowing(&[hook(10, 0), hook(10, 1)]);
        assert_eq!(knowledge.reading(), Reading::Disputed);
        let answer = knowledge.settlement().observation(at(5), 1);
        assert_eq!(answer.at, at(10), "dated no earlier than what it settles");
        knowledge.observe(answer);
        assert_eq!(knowledge.reading(), Reading::Exactly(1));
        knowledge.observe(hook(10, 0));
        assert_eq!(knowledge.reading(), Reading::Exactly(1), "told again, already settled");
        knowledge.observe(hook(10, 2));
        assert_eq!(knowledge.reading(), Reading::Disputed, "a new answer of that instant");
        let again = knowledge.settlement().observation(at(5), 2);
        knowledge.observe(again);
        assert_eq!(knowledge.reading(), Reading::Exactly(2));
    }

    #[test]
    fn a_settings_flow_used_again_after_the_admin_api_was_asked_is_looked_at_again() {
        // v1.3.1: both hooks are dated by the flow, the admin API by the credentials' rows.
        let mut knowledge = knowing(&[hook(10, 1)]);
        let answer = knowledge.settlement().observation(at(11), 1);
        knowledge.observe(answer);
        assert_eq!(knowledge.reading(), Reading::Exactly(1));
        knowledge.observe(hook(5, 0));
        assert_eq!(knowledge.reading(), Reading::Exactly(1), "an older flow is older");
        knowledge.observe(hook(10, 0));
        assert_eq!(knowledge.reading(), Reading::Disputed);
        let answer = knowledge.settlement().observation(at(12), 0);
        knowledge.observe(answer);
        assert_eq!(knowledge.reading(), Reading::Exactly(0));
    }

    #[test]
    fn a_use_after_the_last_answer_says_there_is_one() {
        let mut knowledge = knowing(&[hook(10, 0)]);
        knowledge.used(at(11));
        assert_eq!(knowledge.reading(), Reading::AtLeastOne);
        knowledge.observe(hook(12, 0));
        assert_eq!(knowledge.reading(), Reading::Exactly(0), "removed after it was used");
        assert_eq!(knowledge.removed_at(), Some(at(12)));
    }

    #[test]
    fn a_security_key_in_a_settings_flow_may_be_a_second_factor() {
        let mut knowledge = knowing(&[hook(10, 0)]);
        assert_eq!(knowledge.passwordless_reading(), Reading::Exactly(0), "none is none");
        knowledge.observe(hook(20, 1));
        assert_eq!(knowledge.passwordless_reading(), Reading::Disputed);
        let mut used = knowledge.clone();
        used.used(at(15));
        assert_eq!(used.passwordless_reading(), Reading::Exactly(1), "it signed somebody in on its own");
        let answer = knowledge.settlement().observation(at(20), 0);
        knowledge.observe(answer);
        assert_eq!(
            knowledge.passwordless_reading(),
            Reading::Exactly(0),
            "the admin API knows which is which"
        );
    }

    #[test]
    fn a_removal_is_dated_by_the_first_answer_without_it() {
        let knowledge = knowing(&[hook(30, 0), hook(10, 1), hook(20, 0)]);
        assert_eq!(knowledge.removed_at(), Some(at(20)));
        assert_eq!(knowing(&[hook(10, 0), hook(20, 0)]).removed_at(), None, "never had one");
    }
}
