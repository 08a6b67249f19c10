use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::authenticator::{BE, BS, Brought, UP, UV, p256};
use super::*;
use crate::onboarding::{CeremonyKind, CredentialId};

fn party() -> Party {
    let origins = ["https://auth.example.org", "https://app.example.org:8443"].map(str::to_owned);
    Party::new("example.org".to_owned(), "Example".to_owned(), origins.into()).unwrap()
}

fn brought(begun: &Begun) -> Brought {
    let challenge = URL_SAFE_NO_PAD.encode(begun.challenge.0);
    Brought::new(&challenge, "https://auth.example.org", "example.org")
}

fn credential(brought: &Brought) -> NewCredential {
    serde_json::from_value(brought.json()).unwrap()
}

fn verified(kind: CeremonyKind, change: impl FnOnce(&mut Brought)) -> Result<Made, NotMade> {
    let begun = Begun::new(kind, &party()).unwrap();
    let mut brought = brought(&begun);
    change(&mut brought);
    Made::verified(&credential(&brought), &begun, &party())
}

#[test]
fn what_was_asked_for_is_taken_as_it_came() {
    let made = verified(CeremonyKind::Asked, |_| {}).unwrap();
    let expected = Made {
        id: CredentialId::of_bytes(vec![7; 32]).unwrap(),
        public_key: p256(),
        aaguid: uuid::Uuid::from_bytes([0xaa; 16]),
        sign_count: 9,
        flags: Flags { user_present: true, user_verified: true, backup_eligible: true, backup_state: true },
        transports: vec![Transport::Hybrid, Transport::Internal],
    };
    assert_eq!(made, expected);
    assert!(
        verified(CeremonyKind::Asked, |brought| brought.origin = "https://app.example.org:8443".into())
            .is_ok()
    );
    assert!(!verified(CeremonyKind::Asked, |brought| brought.flags = UP | UV).unwrap().flags.backup_eligible);
}

#[test]
fn what_was_not_asked_for_is_refused_with_its_reason() {
    type Change = fn(&mut Brought);
    let wrong: [(Change, NotMade); 11] = [
        (|brought| brought.challenge = URL_SAFE_NO_PAD.encode([0; 16]), NotMade::Challenge),
        (|brought| brought.ceremony = "webauthn.get", NotMade::Unreadable),
        (|brought| brought.origin = "https://evil.example".into(), NotMade::Origin),
        (|brought| brought.origin = "https://auth.example.org:8443".into(), NotMade::Origin),
        (|brought| brought.origin = "http://auth.example.org".into(), NotMade::Origin),
        (|brought| brought.cross_origin = true, NotMade::CrossOrigin),
        (|brought| brought.rp_id = "auth.example.org".into(), NotMade::RelyingParty),
        (|brought| brought.flags = UV, NotMade::NotPresent),
        (|brought| brought.flags = UP, NotMade::NotVerified),
        (|brought| brought.resident = false, NotMade::NotResident),
        (|brought| brought.format = "packed", NotMade::Unreadable),
    ];
    for (change, why) in wrong {
        assert_eq!(verified(CeremonyKind::Asked, change), Err(why));
    }
}

#[test]
fn only_in_the_background_nobody_has_to_be_there() {
    let alone = |brought: &mut Brought| brought.flags = BE | BS;
    let made = verified(CeremonyKind::Conditional, alone).unwrap();
    assert_eq!((made.flags.user_present, made.flags.user_verified), (false, false));
    assert_eq!(verified(CeremonyKind::Asked, alone), Err(NotMade::NotVerified));
}

#[test]
fn a_key_that_is_no_point_of_its_curve_is_refused() {
    let mut off = p256();
    *off.last_mut().unwrap() ^= 1;
    assert_eq!(verified(CeremonyKind::Asked, |brought| brought.key = off), Err(NotMade::Key));
}

#[test]
fn each_kind_of_key_is_kept_as_it_was_written() {
    let ed25519 = "a4010103272006215820d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let p384 = "a501020338222002215830aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab72258303617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
    let mut rsa = hex::decode("a401030339010020590100").unwrap();
    rsa.extend([0xc5; 256]);
    rsa.extend(hex::decode("2143010001").unwrap());
    for key in [hex::decode(ed25519).unwrap(), hex::decode(p384).unwrap(), rsa, p256()] {
        assert_eq!(
            verified(CeremonyKind::Asked, |brought| brought.key.clone_from(&key)).unwrap().public_key,
            key
        );
    }
}

#[test]
fn what_is_kept_of_it_tells_which_it_was() {
    let begun = Begun::new(CeremonyKind::Asked, &party()).unwrap();
    let brought = credential(&brought(&begun));
    assert_eq!(
        (brought.challenge(), brought.id()),
        (Ok(begun.challenge), CredentialId::of_bytes(vec![7; 32]).map_err(|_| NotMade::Unreadable))
    );
    let other = Begun::new(CeremonyKind::Asked, &party()).unwrap();
    assert_ne!(begun.challenge, other.challenge);
    assert_eq!(Made::verified(&brought, &other, &party()), Err(NotMade::Challenge));
    let broken = Begun { state: vec![1, 2, 3], ..begun };
    assert_eq!(Made::verified(&brought, &broken, &party()), Err(NotMade::Challenge));
    for garbage in ["", "e30", "?", "bnVsbA"] {
        let response = json!({ "clientDataJSON": garbage, "attestationObject": garbage });
        let garbage: NewCredential = serde_json::from_value(json!({ "response": response })).unwrap();
        assert_eq!(garbage.challenge(), Err(NotMade::Unreadable));
        assert_eq!(Made::verified(&garbage, &other, &party()), Err(NotMade::Unreadable));
    }
}

#[test]
fn the_browser_is_asked_for_a_passkey_of_any_authenticator_that_is_not_there_yet() {
    let begun = Begun::new(CeremonyKind::Asked, &party()).unwrap();
    let account = Account {
        handle: "TmIELKPRna3dy5rNot8X".parse().unwrap(),
        name: "ada@example.org".to_owned(),
        display_name: "Ada".to_owned(),
    };
    let known =
        Known { id: CredentialId::of_bytes(vec![1, 2]).unwrap(), transports: vec![Transport::SmartCard] };
    let options = serde_json::to_value(CreationOptions::of(&begun, &party(), &account, &[known])).unwrap();
    let parameters = [-7, -8, -35, -257].map(|alg| json!({ "type": "public-key", "alg": alg }));
    let expected = json!({
        "rp": { "id": "example.org", "name": "Example" },
        "user": { "id": "VG1JRUxLUFJuYTNkeTVyTm90OFg", "name": "ada@example.org", "displayName": "Ada" },
        "challenge": URL_SAFE_NO_PAD.encode(begun.challenge.0),
        "pubKeyCredParams": parameters,
        "timeout": 300_000,
        "excludeCredentials": [{ "type": "public-key", "id": "AQI", "transports": ["smart-card"] }],
        "authenticatorSelection":
            { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
        "attestation": "none",
        "extensions": { "credProps": true },
    });
    assert_eq!(options, expected);
    let begun = Begun::new(CeremonyKind::Conditional, &party()).unwrap();
    let options: Value = serde_json::to_value(CreationOptions::of(&begun, &party(), &account, &[])).unwrap();
    assert_eq!(options["authenticatorSelection"]["userVerification"], "preferred");
    assert_eq!(options["excludeCredentials"], json!([]));
}

#[test]
fn a_relying_party_is_a_domain() {
    let named = |id: &str| Party::new(id.to_owned(), "Example".to_owned(), vec![]);
    for right in ["localhost", "example.org", "xn--bcher-kva.example"] {
        assert!(named(right).is_ok(), "{right}");
    }
    for wrong in
        ["", "https://example.org", "example.org:443", "bücher.example", "Example.org", "exam ple.org"]
    {
        assert_eq!(named(wrong), Err(PartyError), "{wrong}");
    }
}

#[test]
fn flags_are_kept_as_authenticators_write_them() {
    let flags =
        Flags { user_present: true, user_verified: false, backup_eligible: true, backup_state: false };
    assert_eq!(flags.bits(), UP | BE);
    for bits in 0..=u8::MAX {
        assert_eq!(Flags::of_bits(bits).bits(), bits & (UP | UV | BE | BS));
    }
}
