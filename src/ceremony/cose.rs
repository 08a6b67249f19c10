//! A public key as COSE writes it (RFC 9053, section 7; RFC 8230, section 4), in CTAP2's one form: Kratos keeps it so.

use webauthn_rp::response::register::UncompressedPubKey;

/// CBOR (RFC 8949, section 3.1): a map of so many pairs.
const MAP: u8 = 0xa0;
const BYTES: u8 = 0x40;
const NEGATIVE: u8 = 0x20;

// Labels and values of COSE keys, each from the registry that RFC 9052 sets up.
const KEY_TYPE: u8 = 1;
const ALGORITHM: u8 = 3;
/// `crv`, or an RSA key's `n`: -1.
const FIRST: u8 = NEGATIVE;
/// `x`, or `e`: -2.
const SECOND: u8 = NEGATIVE | 1;
/// `y`: -3.
const THIRD: u8 = NEGATIVE | 2;

pub fn key(key: UncompressedPubKey<'_>) -> Vec<u8> {
    match key {
        UncompressedPubKey::P256(key) => curve([NEGATIVE | 6].as_slice(), 1, key.x(), key.y()),
        UncompressedPubKey::P384(key) => curve([NEGATIVE | 0x18, 34].as_slice(), 2, key.x(), key.y()),
        UncompressedPubKey::Ed25519(key) => {
            let mut out = vec![MAP | 4, KEY_TYPE, 1, ALGORITHM, NEGATIVE | 7, FIRST, 6, SECOND];
            bytes(&mut out, key.inner());
            out
        }
        UncompressedPubKey::Rsa(key) => {
            let mut out = vec![MAP | 4, KEY_TYPE, 3, ALGORITHM, NEGATIVE | 0x19, 1, 0, FIRST];
            bytes(&mut out, key.n());
            out.push(SECOND);
            let exponent = key.e().to_be_bytes();
            let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
            bytes(&mut out, exponent.get(zeros..).unwrap_or_default());
            out
        }
    }
}

/// Of two coordinates.
fn curve(algorithm: &[u8], curve: u8, x: &[u8], y: &[u8]) -> Vec<u8> {
    let mut out = vec![MAP | 5, KEY_TYPE, 2, ALGORITHM];
    out.extend(algorithm);
    out.extend([FIRST, curve, SECOND]);
    bytes(&mut out, x);
    out.push(THIRD);
    bytes(&mut out, y);
    out
}

/// Of at most 65,535 bytes; keys are far shorter.
fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    match length {
        0..24 => out.push(BYTES | low),
        24..256 => out.extend([BYTES | 0x18, low]),
        _ => out.extend([BYTES | 0x19, high, low]),
    }
    out.extend(value);
}
