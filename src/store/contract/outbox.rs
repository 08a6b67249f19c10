//! What the outbox needs of a backend.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Fresh, at, person, registered};
use crate::clock::Clock;
use crate::onboarding::*;
use crate::store::*;
use crate::telemetry::Metrics;

fn crm() -> ReceiverName {
    "crm".parse().unwrap()
}

fn audit() -> ReceiverName {
    "audit".parse().unwrap()
}

async fn telling(backend: Arc<dyn Backend>, receivers: impl Into<Arc<[Receiver]>>) -> Store {
    let settings = WriterSettings { receivers: receivers.into(), ..WriterSettings::default() };
    Store::start(backend, settings, Clock::of(|| at(0)), Arc::new(Metrics::default())).await.unwrap()
}

async fn telling_crm<Home>(fresh: &Fresh<Home>) -> Store {
    telling(fresh.backend.clone(), [Receiver { name: crm(), stages: None }]).await
}

/// The nth thing that happens to a person; each moves them to another stage than the one before.
fn happens(n: u128, nth: u8) -> Event {
    let mut event = registered(n, nth, 1);
    event.id = EventId(Uuid::from_u128((u128::from(nth) << 64) + n));
    if nth > 0 {
        event.at = at(i64::from(nth));
        event.kind = match nth % 2 {
            0 => EventKind::Skipped,
            _ => EventKind::Offered { session: SessionDigest([nth; 16]) },
        };
    }
    event
}

async fn all_due(store: &Store, receiver: &ReceiverName) -> Vec<Letter> {
    store.outbox_heads(receiver, at(1_000_000), 1000).await.unwrap()
}

fn events(letters: &[Letter]) -> Vec<EventId> {
    letters.iter().map(|letter| letter.event).collect()
}

async fn settle(store: &Store, letter: &Letter, fate: Fate) {
    let settled = Settled { id: letter.id, line: letter.line, receiver: crm(), fate };
    store.outbox_settle(&[settled], at(100)).await.unwrap();
}

fn dead() -> Fate {
    Fate::Dead { error: "status 410".to_owned() }
}

pub(in crate::store) async fn a_transition_is_a_letter_to_each_who_wants_it<Home>(fresh: Fresh<Home>) {
    let offered = Receiver { name: audit(), stages: Some(BTreeSet::from([Stage::Offered])) };
    let store = telling(fresh.backend.clone(), [Receiver { name: crm(), stages: None }, offered]).await;
    let mut grew = store.outbox_grew();
    store.apply(happens(1, 0)).await.unwrap();
    grew.changed().await.unwrap();
    let letters = all_due(&store, &crm()).await;
    assert_eq!(events(&letters), [happens(1, 0).id]);
    let body: serde_json::Value = serde_json::from_str(&letters[0].body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "type": "onboarding.waiting",
            "timestamp": at(0),
            "data": {
                "identity_id": person(1), "from": null, "to": "waiting", "event": "registered",
                "cause": "hook.registration", "version": 1,
            },
        })
    );
    assert_eq!(all_due(&store, &audit()).await, []);
    store.apply(happens(1, 1)).await.unwrap();
    assert_eq!(events(&all_due(&store, &audit()).await), [happens(1, 1).id]);
    assert_eq!(store.outbox_count(&crm()).await.unwrap().waiting, 2);
}

pub(in crate::store) async fn what_changes_no_stage_is_told_to_nobody<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    store.apply(happens(1, 0)).await.unwrap();
    store.apply(happens(1, 0)).await.unwrap();
    // Another address: a fact that changes, in the same stage.
    let stored = store.apply(registered(1, 9, 7)).await.unwrap();
    let Stored::Applied { transition: Transition::Changed { from, to, .. }, .. } = stored else { panic!() };
    assert_eq!(from, Some(to));
    assert_eq!(store.outbox_count(&crm()).await.unwrap().waiting, 1);
}

pub(in crate::store) async fn one_more_passkey_is_told_too<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    let made = |nth: u8, count: u32| {
        let credential = CredentialId::of_bytes(vec![nth]).unwrap();
        let observation = Observation { at: at(i64::from(nth)), source: Source::Hook, count };
        Event {
            id: EventId(Uuid::from_u128(0x7000 + u128::from(nth))),
            cause: Cause::OwnCeremony,
            profile: Profile::default(),
            observed: Observed { passkeys: Some(observation), ..Observed::default() },
            kind: EventKind::PasskeyMade {
                credential,
                session: SessionDigest([7; 16]),
                ceremony: CeremonyKind::Asked,
            },
            ..registered(1, nth, 1)
        }
    };
    store.apply(made(1, 1)).await.unwrap();
    store.apply(made(2, 2)).await.unwrap();
    let mut types = Vec::new();
    while let Some(letter) = all_due(&store, &crm()).await.first().cloned() {
        let body: serde_json::Value = serde_json::from_str(&letter.body).unwrap();
        types.push((body["type"].clone(), body["data"]["event"].clone()));
        let told = Settled { id: letter.id, line: letter.line, receiver: crm(), fate: Fate::Told };
        store.outbox_settle(&[told], at(9999)).await.unwrap();
    }
    let expected = ["onboarding.enrolled", "onboarding.passkey_made"];
    assert_eq!(types, expected.map(|kind| (kind.into(), "passkey_made".into())));
}

pub(in crate::store) async fn without_receivers_nothing_is_kept_for_them<Home>(fresh: Fresh<Home>) {
    let store = telling(fresh.backend.clone(), []).await;
    store.apply(happens(1, 0)).await.unwrap();
    assert_eq!(store.outbox_count(&crm()).await.unwrap(), OutboxCount::default());
}

pub(in crate::store) async fn a_line_goes_on_when_its_oldest_letter_is_told<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    for nth in 0..4 {
        store.apply(happens(1, nth)).await.unwrap();
    }
    store.apply(happens(2, 0)).await.unwrap();
    for nth in 0..4 {
        let due = all_due(&store, &crm()).await;
        let own = due.iter().find(|letter| letter.event == happens(1, nth).id);
        assert_eq!(due.len(), 2, "one of each person: {due:?}");
        settle(&store, own.unwrap(), Fate::Told).await;
    }
    assert_eq!(events(&all_due(&store, &crm()).await), [happens(2, 0).id], "the other waited for nobody");
}

pub(in crate::store) async fn letters_of_one_batch_are_told_in_their_order<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    let batch: Vec<_> = (0..6).map(|nth| batch::Work::Event(Box::new(happens(1, nth)))).collect();
    let receivers = [Receiver { name: crm(), stages: None }];
    fresh.backend.commit(&batch[..4], &receivers).await.unwrap();
    fresh.backend.commit(&batch[4..], &receivers).await.unwrap();
    for nth in 0..6 {
        let due = all_due(&store, &crm()).await;
        assert_eq!(events(&due), [happens(1, nth).id]);
        settle(&store, &due[0], Fate::Told).await;
    }
    assert_eq!(store.outbox_count(&crm()).await.unwrap(), OutboxCount::default());
}

pub(in crate::store) async fn a_letter_that_failed_holds_its_line_until_it_is_due<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    store.apply(happens(1, 0)).await.unwrap();
    store.apply(happens(1, 1)).await.unwrap();
    store.apply(happens(2, 0)).await.unwrap();
    let due = all_due(&store, &crm()).await;
    let own = due.iter().find(|letter| letter.event == happens(1, 0).id).unwrap();
    settle(&store, own, Fate::Failed { due_at: at(500), error: "status 500".to_owned() }).await;
    let receiver = crm();
    let due_at = |second| store.outbox_heads(&receiver, at(second), 10);
    assert_eq!(events(&due_at(499).await.unwrap()), [happens(2, 0).id]);
    store.apply(happens(1, 2)).await.unwrap();
    let later = due_at(500).await.unwrap();
    assert_eq!(events(&later), [happens(2, 0).id, happens(1, 0).id], "who is due longest comes first");
    assert_eq!(later[1].attempts, 1);
    let count = store.outbox_count(&crm()).await.unwrap();
    assert_eq!((count.waiting, count.oldest_waiting_at), (4, Some(at(0))));
}

pub(in crate::store) async fn a_dead_letter_lets_its_line_go_on_and_can_come_back<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    for nth in 0..3 {
        store.apply(happens(1, nth)).await.unwrap();
    }
    settle(&store, &all_due(&store, &crm()).await[0], dead()).await;
    let next = all_due(&store, &crm()).await;
    assert_eq!(events(&next), [happens(1, 1).id]);
    let filter = DeadLetterFilter::default();
    let letters = store.dead_letters(&filter, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.event, letter.identity, letter.at), (happens(1, 0).id, person(1), at(0)));
    assert_eq!((letter.receiver.as_str(), letter.attempts), ("crm", 1));
    assert_eq!(letter.error, "status 410");

    assert_eq!(store.replay_dead(&[letter.id], at(100)).await.unwrap(), 1);
    assert_eq!(store.replay_dead(&[letter.id], at(100)).await.unwrap(), 0);
    let due = all_due(&store, &crm()).await;
    assert_eq!(events(&due), [happens(1, 0).id], "it is the oldest again");
    assert_eq!(due[0].attempts, 0);
    // Whoever was on its way to be told meanwhile does not come first again.
    settle(&store, &next[0], Fate::Failed { due_at: at(101), error: "status 500".to_owned() }).await;
    assert_eq!(events(&all_due(&store, &crm()).await), [happens(1, 0).id]);
    for nth in 0..3 {
        let due = all_due(&store, &crm()).await;
        assert_eq!(events(&due), [happens(1, nth).id]);
        settle(&store, &due[0], Fate::Told).await;
    }
    assert_eq!(store.outbox_count(&crm()).await.unwrap(), OutboxCount::default());
}

pub(in crate::store) async fn who_is_erased_is_told_of_to_nobody<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    for nth in 0..3 {
        store.apply(happens(1, nth)).await.unwrap();
    }
    store.apply(happens(2, 0)).await.unwrap();
    let due = all_due(&store, &crm()).await;
    settle(&store, due.iter().find(|letter| letter.event == happens(1, 0).id).unwrap(), dead()).await;
    assert_eq!(store.erase(person(1)).await.unwrap().outbox, 3);
    assert_eq!(events(&all_due(&store, &crm()).await), [happens(2, 0).id]);
    assert_eq!(store.outbox_count(&crm()).await.unwrap().dead, 0);
}

pub(in crate::store) async fn a_letter_told_twice_is_told_and_does_no_harm<Home>(fresh: Fresh<Home>) {
    let store = telling_crm(&fresh).await;
    store.apply(happens(1, 0)).await.unwrap();
    store.apply(happens(1, 1)).await.unwrap();
    let first = all_due(&store, &crm()).await.remove(0);
    settle(&store, &first, Fate::Told).await;
    for late in [Fate::Told, dead(), Fate::Failed { due_at: at(900), error: String::new() }] {
        settle(&store, &first, late).await;
    }
    let due = store.outbox_heads(&crm(), at(100), 10).await.unwrap();
    assert_eq!(events(&due), [happens(1, 1).id]);
    assert_eq!(due[0].attempts, 0);
}

pub(in crate::store) async fn dead_letters_are_listed_in_parts_and_dropped<Home>(fresh: Fresh<Home>) {
    let names = [audit(), crm()];
    let receivers: Vec<_> = names.iter().map(|name| Receiver { name: name.clone(), stages: None }).collect();
    let store = telling(fresh.backend.clone(), receivers).await;
    for n in 1..=5 {
        store.apply(happens(n, 0)).await.unwrap();
    }
    for receiver in &names {
        let settled = all_due(&store, receiver).await.into_iter().map(|letter| Settled {
            id: letter.id,
            line: letter.line,
            receiver: receiver.clone(),
            fate: dead(),
        });
        store.outbox_settle(&settled.collect::<Vec<_>>(), at(100)).await.unwrap();
    }
    let (mut filter, mut listed) = (DeadLetterFilter::default(), Vec::new());
    loop {
        let part = store.dead_letters(&filter, 3).await.unwrap();
        let Some(last) = part.last() else { break };
        filter.after = Some((last.receiver.clone(), last.event));
        listed.extend(part);
    }
    let told: Vec<_> = listed.iter().map(|letter| (letter.receiver.as_str(), letter.identity)).collect();
    let expected = ["audit", "crm"].iter().flat_map(|name| (1..=5).map(|n| (*name, person(n))));
    assert_eq!(told, expected.collect::<Vec<_>>());
    let of = async |filter| store.dead_letters(&filter, 10).await;
    let one = of(DeadLetterFilter { event: Some(happens(3, 0).id), ..Default::default() }).await.unwrap();
    assert_eq!(one.len(), 2);
    let crms = of(DeadLetterFilter { receiver: Some(crm()), ..Default::default() }).await.unwrap();
    let ids: Vec<_> = crms.iter().map(|letter| letter.id).collect();
    assert_eq!(store.drop_dead(&ids).await.unwrap(), 5);
    assert_eq!(store.outbox_count(&crm()).await.unwrap().dead, 0);
    assert_eq!(store.outbox_count(&audit()).await.unwrap().dead, 5);
}

pub(in crate::store) async fn whoever_has_letters_is_known_by_name<Home>(fresh: Fresh<Home>) {
    let receiver = |name: &str| Receiver { name: name.parse().unwrap(), stages: None };
    let store = telling(fresh.backend.clone(), ["b", "crm", "audit", "a"].map(receiver)).await;
    assert_eq!(store.outbox_receivers().await.unwrap(), Vec::<String>::new());
    for n in 1..=3 {
        store.apply(happens(n, 0)).await.unwrap();
    }
    assert_eq!(store.outbox_receivers().await.unwrap(), ["a", "audit", "b", "crm"]);
    for letter in all_due(&store, &crm()).await {
        settle(&store, &letter, dead()).await;
    }
    // Whenever they are due, as what waits for nobody is forgotten.
    let ever = store.outbox_heads(&audit(), jiff::Timestamp::MAX, 10).await.unwrap();
    assert_eq!(ever.len(), 3);
    for letter in ever {
        settle(&store, &letter, Fate::Told).await;
    }
    assert_eq!(
        store.outbox_receivers().await.unwrap(),
        ["a", "b", "crm"],
        "the last one has only dead letters"
    );
}

pub(in crate::store) async fn letters_added_while_others_are_told_are_never_left_behind<Home>(
    fresh: Fresh<Home>,
) {
    const PEOPLE: u128 = 5;
    const EACH: u8 = 20;
    let (here, there) = (
        telling_crm(&fresh).await,
        telling(fresh.elsewhere.clone(), [Receiver { name: crm(), stages: None }]).await,
    );
    let telling = tokio::spawn(async move {
        let mut told = Vec::new();
        while told.len() < usize::from(EACH) * PEOPLE as usize {
            let due = all_due(&there, &crm()).await;
            for letter in &due {
                settle(&there, letter, Fate::Told).await;
            }
            told.extend(due.into_iter().map(|letter| (letter.line, letter.event)));
        }
        told
    });
    for nth in 0..EACH {
        futures_util::future::join_all((1..=PEOPLE).map(|n| here.apply(happens(n, nth)))).await;
    }
    let told =
        tokio::time::timeout(Duration::from_secs(60), telling).await.expect("a line stands still").unwrap();
    for n in 1..=PEOPLE {
        let own = told.iter().map(|(_, event)| *event).filter(|event| event.0.as_u128() & 0xff == n);
        assert_eq!(own.collect::<Vec<_>>(), (0..EACH).map(|nth| happens(n, nth).id).collect::<Vec<_>>());
    }
}
