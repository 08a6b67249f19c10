//! What an authenticator and a browser bring back when they are asked for a new passkey.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const UP: u8 = 1;
pub const UV: u8 = 4;
pub const BE: u8 = 8;
pub const BS: u8 = 16;
const AT: u8 = 64;

/// Of a real authenticator, as Kratos v26.2.0 keeps it: COSE.
pub fn p256() -> Vec<u8> {
    STANDARD
        .decode(
            "pQECAyYgASFYIFcZtanpGth8NRQuK0tuM3qfg/ftAHdYXpaxjAV6sc1kIlggvSAEH/91uPd8+4rcjJ0yCieN8gZn4AyhwxX/bxdDwFU=",
        )
        .unwrap()
}

/// A new credential. Each field can be wrong.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Base64url, as in the options.
    pub challenge: String,
    pub ceremony: &'static str,
    pub origin: String,
    pub cross_origin: bool,
    pub rp_id: String,
    pub flags: u8,
    pub aaguid: [u8; 16],
    pub id: Vec<u8>,
    pub key: Vec<u8>,
    pub resident: bool,
    pub format: &'static str,
}

impl Brought {
    pub fn new(challenge: &str, origin: &str, rp_id: &str) -> Brought {
        Brought {
            challenge: challenge.to_owned(),
            ceremony: "webauthn.create",
            origin: origin.to_owned(),
            cross_origin: false,
            rp_id: rp_id.to_owned(),
            flags: UP | UV | BE | BS,
            aaguid: [0xaa; 16],
            id: vec![7; 32],
            key: p256(),
            resident: true,
            format: "none",
        }
    }

    /// As `toJSON()` writes it.
    pub fn json(&self) -> Value {
        let client = json!({
            "type": self.ceremony, "challenge": self.challenge, "origin": self.origin, "crossOrigin": self.cross_origin,
        });
        let mut data = Sha256::digest(&self.rp_id).to_vec();
        data.push(self.flags | AT);
        data.extend(9_u32.to_be_bytes());
        data.extend(self.aaguid);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(&self.key);
        let object = ciborium::Value::Map(vec![
            ("fmt".into(), self.format.into()),
            ("attStmt".into(), ciborium::Value::Map(vec![])),
            ("authData".into(), ciborium::Value::Bytes(data.clone())),
        ]);
        let mut attestation = Vec::new();
        ciborium::into_writer(&object, &mut attestation).unwrap();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let id = encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": self.resident } },
            "response": {
                "clientDataJSON": encode(client.to_string().as_bytes()),
                "attestationObject": encode(&attestation),
                "authenticatorData": encode(&data),
                "transports": ["internal", "hybrid", "a new one"],
            },
        })
    }
}
