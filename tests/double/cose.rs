//! Public keys as COSE writes them (RFC 9053), which is how Kratos keeps them, and as the verifier takes them.

use ciborium::Value;
use webauthn_rp::response::register::{
    CompressedP256PubKey, CompressedP384PubKey, CompressedPubKey, Ed25519PubKey, RsaPubKey,
    UncompressedPubKey,
};

/// A key that owns its bytes.
pub type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// In the order of CTAP2: `kty`, `alg`, then what the kind of key needs.
pub fn encode(key: UncompressedPubKey<'_>) -> Vec<u8> {
    let pairs: Vec<(i64, Value)> = match key {
        UncompressedPubKey::P256(key) => vec![
            (1, 2.into()),
            (3, (-7).into()),
            (-1, 1.into()),
            (-2, Value::Bytes(key.x().to_vec())),
            (-3, Value::Bytes(key.y().to_vec())),
        ],
        UncompressedPubKey::P384(key) => vec![
            (1, 2.into()),
            (3, (-35).into()),
            (-1, 2.into()),
            (-2, Value::Bytes(key.x().to_vec())),
            (-3, Value::Bytes(key.y().to_vec())),
        ],
        UncompressedPubKey::Ed25519(key) => {
            vec![(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, Value::Bytes(key.inner().to_vec()))]
        }
        UncompressedPubKey::Rsa(key) => vec![
            (1, 3.into()),
            (3, (-257).into()),
            (-1, Value::Bytes(key.n().to_vec())),
            (-2, Value::Bytes(key.e().to_be_bytes().iter().copied().skip_while(|byte| *byte == 0).collect())),
        ],
    };
    let map = pairs.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(map), &mut bytes).unwrap();
    bytes
}

/// None where it is no key, or one of a kind that is not verified here.
pub fn decode(bytes: &[u8]) -> Option<PublicKey> {
    let Value::Map(pairs) = ciborium::from_reader(bytes).ok()? else { return None };
    let of = |name: i64| pairs.iter().find(|(key, _)| *key == Value::from(name)).map(|(_, value)| value);
    let text = |name: i64| of(name).and_then(Value::as_bytes).map(Vec::as_slice);
    let y_is_odd = || text(-3).and_then(|y| y.last()).map(|last| last & 1 == 1);
    let algorithm = i64::try_from(of(3)?.as_integer()?).ok()?;
    Some(match algorithm {
        -7 => {
            let x: [u8; 32] = text(-2)?.try_into().ok()?;
            CompressedPubKey::P256(CompressedP256PubKey::from((x, y_is_odd()?)))
        }
        -35 => {
            let x: [u8; 48] = text(-2)?.try_into().ok()?;
            CompressedPubKey::P384(CompressedP384PubKey::from((x, y_is_odd()?)))
        }
        -8 => {
            let y: [u8; 32] = text(-2)?.try_into().ok()?;
            CompressedPubKey::Ed25519(Ed25519PubKey::from(y))
        }
        -257 => {
            let e = text(-2)?
                .iter()
                .try_fold(0_u32, |e, byte| e.checked_mul(256)?.checked_add(u32::from(*byte)))?;
            CompressedPubKey::Rsa(RsaPubKey::try_from((text(-1)?.to_vec(), e)).ok()?)
        }
        _ => return None,
    })
}
