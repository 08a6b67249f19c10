//! Challenges are used once, by whoever asked for them; what came of them is kept.

use super::*;
use crate::ceremony::{Begun, Challenge, Flags, Made, Passkey, Transport, UserHandle};

const HANDLE: &str = "TmIELKPRna3dy5rNot8XydbnEKAFU7h3n3fNZi9A01325VM8S1Sjujld3BtUkIDK";

pub(super) fn whose(n: u128) -> Whose {
    Whose { identity: person(n), session: SessionDigest([7; 16]) }
}

pub(super) fn begun(nth: u8) -> Begun {
    Begun { kind: CeremonyKind::Asked, challenge: Challenge([nth; 16]), state: vec![nth, 0, 255] }
}

fn handle() -> UserHandle {
    HANDLE.parse().unwrap()
}

pub(super) fn made(nth: u8, of: u128) -> MadePasskey {
    MadePasskey {
        whose: whose(of),
        kind: CeremonyKind::Conditional,
        passkey: Passkey {
            made: Made {
                id: CredentialId::of_bytes(vec![nth; 20]).unwrap(),
                public_key: vec![0xa5, 1, 2, 0],
                aaguid: Uuid::from_u128(5),
                sign_count: u32::MAX,
                flags: Flags {
                    user_present: true,
                    user_verified: false,
                    backup_eligible: true,
                    backup_state: true,
                },
                transports: vec![Transport::Hybrid, Transport::SmartCard],
            },
            handle: handle(),
            name: "iCloud Keychain, O'Hara's".to_owned(),
            made_at: at(3),
        },
        before: Some(at(2)),
        imported_at: None,
        removed_at: None,
        absent: None,
        gone_at: None,
        version: 0,
    }
}

pub(super) async fn begin(store: &Store, nth: u8, of: u128, second: i64) {
    store
        .begin_ceremony(whose(of), &begun(nth), &Handle::New(handle()), Holds::since(at(second)))
        .await
        .unwrap();
}

async fn is_there(store: &Store, nth: u8, of: u128, second: i64) -> bool {
    store.ceremony(Challenge([nth; 16]), whose(of), at(second)).await.unwrap().is_some()
}

pub(in crate::store) async fn a_challenge_is_its_sessions_for_five_minutes<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    begin(&store, 1, 1, 0).await;
    let there = store_on(fresh.elsewhere.clone()).await;
    let ceremony = there.ceremony(Challenge([1; 16]), whose(1), at(299)).await.unwrap().unwrap();
    assert_eq!((ceremony.begun, ceremony.handle), (begun(1), handle()));
    assert!(!is_there(&there, 1, 1, 300).await, "it is over");
    assert!(!is_there(&there, 1, 2, 0).await, "it is another's");
    let session = Whose { session: SessionDigest([8; 16]), ..whose(1) };
    assert!(there.ceremony(Challenge([1; 16]), session, at(0)).await.unwrap().is_none());
    assert!(!is_there(&there, 2, 1, 0).await, "there is no such");
}

pub(in crate::store) async fn a_person_has_one_handle_however_many_begin<Home>(fresh: Fresh<Home>) {
    let (store, there) = (store_on(fresh.backend.clone()).await, store_on(fresh.elsewhere.clone()).await);
    let wish = |nth: u8| Handle::New(format!("handle-{nth}").parse().unwrap());
    let (one, other) = (wish(1), wish(2));
    let (begun_here, begun_there) = (begun(1), begun(2));
    let (here, elsewhere) = futures_util::future::join(
        store.begin_ceremony(whose(1), &begun_here, &one, Holds::since(at(0))),
        there.begin_ceremony(whose(1), &begun_there, &other, Holds::since(at(0))),
    )
    .await;
    let first = here.unwrap();
    assert_eq!(elsewhere.unwrap(), first);
    assert_eq!(
        store.begin_ceremony(whose(1), &begun(3), &wish(3), Holds::since(at(299))).await.unwrap(),
        first
    );
    assert_ne!(
        store.begin_ceremony(whose(2), &begun(4), &wish(4), Holds::since(at(299))).await.unwrap(),
        first
    );
    let kept = Handle::Kept("of-kratos".parse().unwrap());
    let begun_with = store.begin_ceremony(whose(1), &begun(5), &kept, Holds::since(at(299))).await.unwrap();
    assert_eq!(begun_with.as_str(), "of-kratos");
    assert_ne!(
        store.begin_ceremony(whose(1), &begun(6), &wish(6), Holds::since(at(9999))).await.unwrap(),
        first
    );
}

pub(in crate::store) async fn a_challenge_is_used_once<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let there = store_on(fresh.elsewhere.clone()).await;
    begin(&store, 1, 1, 0).await;
    let (one, other) = (made(1, 1), made(2, 1));
    let both = futures_util::future::join(
        store.end_ceremony(Challenge([1; 16]), Some(&one)),
        there.end_ceremony(Challenge([1; 16]), Some(&other)),
    );
    let (here, elsewhere) = both.await;
    let mut ends = [here.unwrap(), elsewhere.unwrap()];
    ends.sort_by_key(|end| *end == Ended::Before);
    assert_eq!(ends, [Ended::Now, Ended::Before]);
    assert_eq!(store.made_passkeys(person(1)).await.unwrap().len(), 1, "and nothing came of the other");
    assert!(!is_there(&store, 1, 1, 0).await);
    begin(&store, 3, 1, 0).await;
    assert_eq!(store.end_ceremony(Challenge([3; 16]), None).await.unwrap(), Ended::Now);
    assert!(!is_there(&store, 3, 1, 0).await, "for nothing, too");
}

pub(in crate::store) async fn challenges_are_few<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    begin(&store, 200, 2, 0).await;
    for nth in 0..20 {
        begin(&store, nth, 1, i64::from(nth)).await;
    }
    for nth in 0..20 {
        assert_eq!(is_there(&store, nth, 1, 20).await, nth >= 12, "{nth}");
    }
    assert!(is_there(&store, 200, 2, 20).await, "another's stay");
    let short = Holds::since(at(20)).at_most(at(30));
    store.begin_ceremony(whose(1), &begun(99), &Handle::New(handle()), short).await.unwrap();
    assert!(is_there(&store, 99, 1, 29).await, "the new one stays, though it is over before the others");
    assert!(!is_there(&store, 99, 1, 30).await && !is_there(&store, 12, 1, 20).await);
    begin(&store, 100, 3, 400).await;
    assert!(!is_there(&store, 19, 1, 0).await, "what is over is forgotten");
}

pub(in crate::store) async fn a_credential_is_one_persons<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    begin(&store, 1, 1, 0).await;
    store.end_ceremony(Challenge([1; 16]), Some(&made(1, 1))).await.unwrap();
    begin(&store, 2, 2, 0).await;
    let ended = store.end_ceremony(Challenge([2; 16]), Some(&made(1, 2))).await.unwrap();
    assert_eq!(ended, Ended::OfAnother);
    assert!(!is_there(&store, 2, 2, 0).await, "used up all the same");
    assert_eq!(store.made_passkeys(person(2)).await.unwrap(), []);
    assert_eq!(store.made_passkeys(person(1)).await.unwrap(), [made(1, 1)]);
}

pub(in crate::store) async fn who_is_erased_has_made_none<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    for of in [1, 2] {
        let nth = u8::try_from(of).unwrap();
        store.apply(registered(of, 1, nth)).await.unwrap();
        begin(&store, nth, of, 0).await;
        store.end_ceremony(Challenge([nth; 16]), Some(&made(nth, of))).await.unwrap();
        begin(&store, nth + 10, of, 0).await;
    }
    let erased = store.erase(person(1)).await.unwrap();
    assert_eq!(erased.made_passkeys, 1);
    assert_eq!(store.made_passkeys(person(1)).await.unwrap(), []);
    assert!(!is_there(&store, 11, 1, 0).await);
    assert_eq!(store.made_passkeys(person(2)).await.unwrap().len(), 1);
    assert!(is_there(&store, 12, 2, 0).await);
}
