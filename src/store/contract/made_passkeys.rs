//! What came of ceremonies, and what has become of it: taken away, lost, in doubt, forgotten.

use super::ceremonies::{begin, made};
use super::*;
use crate::ceremony::{Absence, Challenge, Found};
use crate::store::made_passkeys::Placing;

/// Of one person each, kept and imported by Kratos, whose date of the identity was 2 before.
async fn imported(store: &Store, of: u128, all: &[u8]) {
    kept(store, of, all).await;
    for nth in all {
        store.passkey_imported(&id(*nth), at(5), Some(at(2))).await.unwrap();
    }
}

async fn kept(store: &Store, of: u128, all: &[u8]) {
    for nth in all {
        begin(store, *nth, of, 0).await;
        store.end_ceremony(Challenge([*nth; 16]), Some(&made(*nth, of))).await.unwrap();
    }
}

fn id(nth: u8) -> CredentialId {
    made(nth, 1).passkey.made.id
}

fn found(keys: &[u8], newest: i64) -> Found {
    Found { keys: keys.iter().map(|nth| id(*nth)).collect(), newest: Some(at(newest)) }
}

/// As Kratos answers what was asked just now.
async fn ask(store: &Store, of: u128, found: &Found, second: i64) -> usize {
    let rows = store.made_passkeys(person(of)).await.unwrap();
    store.passkeys_found(&rows, found, at(second)).await.unwrap().len()
}

async fn row(store: &Store, of: u128, nth: u8) -> MadePasskey {
    let rows = store.made_passkeys(person(of)).await.unwrap();
    rows.into_iter().find(|made| made.passkey.made.id == id(nth)).unwrap()
}

async fn where_is(store: &Store, of: u128, nth: u8) -> (Option<(Absence, Timestamp)>, Option<Timestamp>) {
    let row = row(store, of, nth).await;
    (row.absent, row.removed_at)
}

pub(in crate::store) async fn what_came_of_it_is_kept<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    kept(&store, 1, &[1, 2, 3]).await;
    assert_eq!(store.imported_identities(None, 9).await.unwrap(), []);
    store.passkey_imported(&id(2), at(5), None).await.unwrap();
    store.passkey_imported(&id(2), at(6), Some(at(4))).await.unwrap();
    let second = MadePasskey { imported_at: Some(at(5)), before: Some(at(4)), version: 2, ..made(2, 1) };
    assert_eq!(store.made_passkeys(person(1)).await.unwrap(), [made(1, 1), second, made(3, 1)]);
    assert_eq!(store.imported_identities(None, 9).await.unwrap(), [person(1)]);
    assert_eq!(store.imported_identities(Some(person(1)), 9).await.unwrap(), []);
    kept(&store, 2, &[4]).await;
    let both = store.made_passkeys_of(&[person(1), person(2), person(3)]).await.unwrap();
    assert_eq!(both.len(), 4);
    assert_eq!(store.passkeys_removed(person(1), &[id(2), id(4)], at(9)).await.unwrap(), 1);
    assert_eq!(store.passkeys_removed(person(1), &[id(2)], at(10)).await.unwrap(), 0);
    assert_eq!(where_is(&store, 1, 2).await, (None, Some(at(9))));
    store.passkey_imported(&id(2), at(11), None).await.unwrap();
    assert_eq!(where_is(&store, 1, 2).await, (None, Some(at(9))), "what was taken away stays away");
    assert_eq!(store.imported_identities(None, 9).await.unwrap(), []);
    kept(&store, 1, &[2]).await;
    let anew = row(&store, 1, 2).await;
    assert_eq!((anew.imported_at, anew.removed_at), (None, None), "until its person makes it anew");
}

pub(in crate::store) async fn what_a_hook_does_not_list_is_asked_about<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    imported(&store, 1, &[1, 2]).await;
    kept(&store, 1, &[3]).await;
    imported(&store, 2, &[4]).await;
    let unasked = store.unasked();
    assert_eq!(
        store.passkeys_left(person(1), &[id(1), id(2)], at(8)).await.unwrap(),
        0,
        "nothing is missing"
    );
    assert_eq!(store.passkeys_left(person(1), &[id(1)], at(9)).await.unwrap(), 1, "the third is on its way");
    unasked.notified().await;
    assert_eq!(store.passkeys_left(person(1), &[id(1)], at(10)).await.unwrap(), 0, "known by now");
    assert_eq!(where_is(&store, 1, 2).await, (Some((Absence::Unasked, at(9))), None));
    assert_eq!(store.unasked_identities(None, 9).await.unwrap(), [person(1)]);
    assert_eq!(store.unasked_identities(Some(person(1)), 9).await.unwrap(), []);

    assert_eq!(ask(&store, 1, &found(&[1, 2], 7), 128).await, 0, "the hook may be ahead of Kratos");
    assert_eq!(ask(&store, 1, &found(&[1, 2], 7), 129).await, 1, "the hook was late");
    assert_eq!(where_is(&store, 1, 2).await, (None, None));
    store.passkeys_left(person(1), &[id(1)], at(130)).await.unwrap();
    assert_eq!(ask(&store, 1, &found(&[1], 7), 131).await, 1);
    assert_eq!(where_is(&store, 1, 2).await, (None, Some(at(131))));
    assert_eq!(where_is(&store, 1, 3).await, (None, None));
    assert_eq!(store.unasked_identities(None, 9).await.unwrap(), []);
    assert_eq!(ask(&store, 1, &found(&[1, 2], 7), 132).await, 0, "what was taken away stays away");
}

pub(in crate::store) async fn what_kratos_lacks_is_lost_or_in_doubt<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    imported(&store, 1, &[1]).await;
    assert_eq!(ask(&store, 1, &found(&[1], 5), 6).await, 0, "nothing is written for what is as it was");
    assert_eq!(ask(&store, 1, &found(&[], 2), 7).await, 1);
    assert_eq!(ask(&store, 1, &found(&[], 9), 8).await, 0, "a loss that was seen stays one");
    assert_eq!(where_is(&store, 1, 1).await, (Some((Absence::Lost, at(7))), None));
    assert_eq!(store.imported_identities(None, 9).await.unwrap(), [person(1)]);
    store.passkeys_left(person(1), &[], at(9)).await.unwrap();
    assert_eq!(where_is(&store, 1, 1).await, (Some((Absence::InDoubt, at(9))), None));
    store.passkey_imported(&id(1), at(10), Some(at(9))).await.unwrap();
    let row = row(&store, 1, 1).await;
    assert_eq!((row.absent, row.before, row.imported_at), (None, Some(at(9)), Some(at(5))), "put back");
    assert_eq!(ask(&store, 1, &found(&[], 10), 11).await, 1);
    assert_eq!(where_is(&store, 1, 1).await, (Some((Absence::InDoubt, at(11))), None));
    // Handed in, and nobody could write that down.
    kept(&store, 2, &[2]).await;
    assert_eq!(ask(&store, 2, &found(&[], 9), 12).await, 0);
    assert_eq!(ask(&store, 2, &found(&[2], 9), 13).await, 1);
    assert_eq!(super::made_passkeys::row(&store, 2, 2).await.imported_at, Some(at(13)));
}

pub(in crate::store) async fn who_decided_on_what_was_before_changes_nothing<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    imported(&store, 1, &[1]).await;
    let before = store.made_passkeys(person(1)).await.unwrap();
    store.passkey_imported(&id(1), at(8), Some(at(7))).await.unwrap();
    store.passkeys_found(&before, &found(&[], 2), at(9)).await.unwrap();
    assert_eq!(where_is(&store, 1, 1).await, (None, None));
    let stale = Placing { credential: id(1), version: 0, whereabouts: crate::ceremony::Whereabouts::Removed };
    assert_eq!(fresh.elsewhere.place_passkeys(&[stale], at(9)).await.unwrap(), 0);
}

pub(in crate::store) async fn passkeys_of_a_deleted_identity_wait_for_it<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    imported(&store, 1, &[1]).await;
    imported(&store, 2, &[2]).await;
    store.passkeys_left(person(1), &[], at(6)).await.unwrap();
    assert_eq!(store.passkeys_gone(person(1), at(7)).await.unwrap(), 1);
    assert_eq!(store.passkeys_gone(person(1), at(8)).await.unwrap(), 0);
    assert_eq!(row(&store, 1, 1).await.gone_at, Some(at(7)));
    assert_eq!(store.unasked_identities(None, 9).await.unwrap(), [], "nobody can be asked");
    ask(&store, 1, &found(&[1], 5), 200).await;
    let row = row(&store, 1, 1).await;
    assert_eq!((row.gone_at, row.absent), (None, None), "it is there again");
}

pub(in crate::store) async fn passkeys_of_no_more_use_are_forgotten<Home>(fresh: Fresh<Home>) {
    const DAY: i64 = 24 * 3600;
    let store = store_on(fresh.backend.clone()).await;
    // In vain, made at 3; removed; in doubt; lost; held twice; of a deleted identity.
    kept(&store, 1, &[1]).await;
    for nth in 2..=6 {
        imported(&store, 1, &[nth]).await;
    }
    imported(&store, 2, &[7]).await;
    store.passkeys_removed(person(1), &[id(2)], at(50)).await.unwrap();
    store.passkeys_gone(person(2), at(50)).await.unwrap();
    ask(&store, 1, &found(&[3, 5, 6], 2), 49).await;
    ask(&store, 1, &found(&[5, 6], 9), 50).await;
    let left = async || {
        let made = store.made_passkeys_of(&[person(1), person(2)]).await.unwrap();
        made.iter().map(|made| made.passkey.made.id.as_bytes()[0]).collect::<Vec<_>>()
    };
    let clean = async |before: i64, now: i64| {
        let cleaned = fresh.backend.clean(at(before), at(now - DAY), 2).await.unwrap();
        assert!(cleaned.made_passkeys <= 8, "{cleaned:?}");
        cleaned.made_passkeys
    };
    assert_eq!(clean(0, DAY + 3).await, 0);
    assert_eq!(clean(0, DAY + 4).await, 1, "in vain");
    assert_eq!(left().await, [2, 3, 4, 5, 6, 7]);
    assert_eq!(clean(50, DAY).await, 0);
    assert_eq!(clean(51, DAY).await, 3);
    assert_eq!(left().await, [4, 5, 6], "lost and held");
    imported(&store, 1, &[11, 12, 13, 14, 15]).await;
    store.passkeys_removed(person(1), &[11, 12, 13, 14, 15].map(id), at(60)).await.unwrap();
    assert_eq!(clean(61, DAY).await, 2, "a batch at a time");
}
