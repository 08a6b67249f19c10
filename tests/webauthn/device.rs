//! A device: makes keys for a relying party and signs with them, as a browser at `ORIGIN` passes it on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const ORIGIN: &str = "http://localhost:4455";
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const ATTESTED: u8 = 64;

pub struct Authenticator {
    key: KeyPair,
    pub id: Vec<u8>,
    /// Of the person it was made for.
    pub user_handle: Vec<u8>,
    pub origin: String,
}

impl Authenticator {
    pub fn new() -> Authenticator {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Authenticator {
            id: Sha256::digest(key.der_bytes()).to_vec(),
            key,
            user_handle: Vec::new(),
            origin: ORIGIN.to_owned(),
        }
    }

    pub fn at(origin: &str) -> Authenticator {
        Authenticator { origin: origin.to_owned(), ..Authenticator::new() }
    }

    /// COSE, as RFC 9053 has it.
    pub fn public_key(&self) -> Vec<u8> {
        let point = self.key.der_bytes();
        let (x, y) = (point[1..33].to_vec(), point[33..65].to_vec());
        let number = |number: i64| Cbor::Integer(number.into());
        cbor(&Cbor::Map(vec![
            (number(1), number(2)),
            (number(3), number(-7)),
            (number(-1), number(1)),
            (number(-2), Cbor::Bytes(x)),
            (number(-3), Cbor::Bytes(y)),
        ]))
    }

    fn data(&self, options: &Value, flags: u8) -> Vec<u8> {
        let rp = options["rp"]["id"].as_str().or(options["rpId"].as_str()).unwrap();
        let mut data = Sha256::digest(rp).to_vec();
        data.push(flags);
        data.extend([0, 0, 0, 1]);
        data
    }

    fn client(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["challenge"].as_str().unwrap();
        // Written by hand, because the order of the fields is fixed.
        let origin = &self.origin;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
            .into_bytes()
    }

    /// What a page submits after `navigator.credentials.create`, for the object under `publicKey`.
    pub fn create(&mut self, options: &Value) -> String {
        self.user_handle = from_base64(options["user"]["id"].as_str().unwrap()).unwrap();
        let mut data = self.data(options, USER_PRESENT | USER_VERIFIED | ATTESTED);
        data.extend([7; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.public_key());
        let object = cbor(&Cbor::Map(vec![
            (Cbor::Text("fmt".into()), Cbor::Text("none".into())),
            (Cbor::Text("attStmt".into()), Cbor::Map(Vec::new())),
            (Cbor::Text("authData".into()), Cbor::Bytes(data)),
        ]));
        self.written(json!({
            "clientDataJSON": base64_url(&self.client("webauthn.create", options)),
            "attestationObject": base64_url(&object),
        }))
    }

    /// The same after `navigator.credentials.get`.
    pub fn get(&self, options: &Value) -> String {
        let (client, data) =
            (self.client("webauthn.get", options), self.data(options, USER_PRESENT | USER_VERIFIED));
        let signed = [data.clone(), Sha256::digest(&client).to_vec()].concat();
        self.written(json!({
            "clientDataJSON": base64_url(&client),
            "authenticatorData": base64_url(&data),
            "signature": base64_url(&self.key.sign(&signed).unwrap()),
            "userHandle": base64_url(&self.user_handle),
        }))
    }

    fn written(&self, response: Value) -> String {
        let id = base64_url(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }
}

fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Either alphabet, with or without padding, as go-webauthn takes it.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=').replace('+', "-").replace('/', "_")).ok()
}
