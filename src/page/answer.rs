//! A decision together with everything the page is told beside it.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::Pages;
use super::document::{Ceremony, Document, KratosAddress, SessionTimes};
use super::learning::Known;
use super::links::{Links, PageLinks};
use super::tag::Tag;
use crate::kratos::Session;
use crate::onboarding::{Decision, Reason, decide};

pub const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

#[derive(Debug, Clone)]
pub struct Answer {
    pub session: Arc<Session>,
    pub version: u64,
    pub recorded: bool,
    pub decision: Decision,
    /// `None`: the plain ones.
    pub links: Option<PageLinks>,
    pub ceremony: Ceremony,
    /// A passkey may be made without asking; later than `now`.
    pub conditional_until: Option<Timestamp>,
    pub now: Timestamp,
}

impl Pages {
    /// Works the answer out: from the record, from whoami where there is none, from the admin API where it is unknown
    /// what Kratos holds.
    pub async fn answer(&self, session: &Arc<Session>, links: Option<PageLinks>) -> Answer {
        let known = self.known(session).await;
        let answer = self.decided(session, &known, links);
        if let (Reason::PasskeysUnknown, Some(lookups)) = (answer.decision.reason, &self.lookups)
            && !known.unread
            && let Some(known) = lookups.look_up(known).await
        {
            return self.decided(session, &known, answer.links);
        }
        answer
    }

    /// The answer from what is known, now.
    pub fn decided(&self, session: &Arc<Session>, known: &Known, links: Option<PageLinks>) -> Answer {
        let now = self.clock.now();
        let decision = decide(&known.record, &session.facts, &self.policy.get(), now);
        let own = self.own.as_ref().filter(|own| own.is_on(session.identity));
        Answer {
            conditional_until: own.and_then(|own| own.conditional_until(session, decision.verdict, now).ok()),
            decision,
            session: session.clone(),
            version: known.record.version,
            recorded: known.recorded,
            links,
            ceremony: if own.is_some() { Ceremony::Own } else { Ceremony::Settings },
            now,
        }
    }

    /// Links that carry the wanted destination; the plain ones where it is not allowed.
    pub fn links_for(&self, return_to: Option<&str>) -> Option<PageLinks> {
        return_to.and_then(|return_to| self.links.carrying(return_to))
    }
}

impl Answer {
    /// When the clock alone changes it.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.decision.valid_until.into_iter().chain(self.conditional_until).min()
    }

    /// Of everything but the running times: changes exactly when the page has something new to know.
    pub fn tag(&self, links: &Links) -> Tag {
        let mut tagging = links.tagging();
        let decision = &self.decision;
        tagging.text(self.session.subject.as_str());
        tagging.number(self.version);
        tagging.text(decision.verdict.as_str());
        tagging.number(decision.reason as u64);
        let is_own = self.ceremony == Ceremony::Own;
        for flag in [
            decision.may_skip,
            decision.may_dismiss,
            decision.privileged,
            self.recorded,
            is_own,
            self.conditional_until.is_some(),
        ] {
            tagging.flag(flag);
        }
        tagging.count(Some(decision.offers_left));
        tagging.count(decision.passkey_count);
        for time in [decision.next_offer_at, decision.required_by, self.valid_until()] {
            tagging.time(time);
        }
        // Both others carry the same destination.
        tagging.text(self.links.as_ref().map_or("", |links| &links.settings));
        tagging.tag()
    }

    pub fn document(&self, links: &Links) -> Document {
        let decision = &self.decision;
        let left =
            |until: Timestamp| u64::try_from(until.duration_since(self.now).as_secs()).unwrap_or_default();
        Document {
            subject: self.session.subject.to_string(),
            version: self.version,
            decision: decision.verdict,
            reason: decision.reason,
            may_skip: decision.may_skip,
            may_dismiss: decision.may_dismiss,
            offers_left: decision.offers_left,
            next_offer_at: decision.next_offer_at,
            required_by: decision.required_by,
            passkey_count: decision.passkey_count,
            session: SessionTimes {
                privileged: decision.privileged,
                privileged_for_s: left(decision.privileged_until),
                expires_in_s: self.session.facts.expires_at.map(left),
            },
            ceremony: self.ceremony,
            conditional_create_for_s: self
                .conditional_until
                .map_or(0, |until| seconds_begun(until.duration_since(self.now))),
            kratos: KratosAddress { browser_url: links.browser_url().to_owned() },
            links: self.links.as_ref().unwrap_or(links.plain()).clone(),
            valid_until: self.valid_until(),
            server_time: self.now,
            recorded: self.recorded,
        }
    }

    pub fn ok(&self, tag: Tag, links: &Links) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((ETAG, tag.header()))
            .insert_header((CACHE_CONTROL, PRIVATE))
            .json(self.document(links))
    }
}

/// Not 0 before it is over.
fn seconds_begun(left: SignedDuration) -> u64 {
    u64::try_from(left.as_nanos()).unwrap_or_default().div_ceil(1_000_000_000)
}

/// 304: what the page has still holds, but for its running times.
pub fn not_modified(tag: Tag) -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header((ETAG, tag.header()))
        .insert_header((CACHE_CONTROL, PRIVATE))
        .finish()
}
