//! What Kratos sends: who is believed, what is understood, what is put aside, and when it counts as stored.

mod authentication;
mod limits;
mod not_understood;
mod recorded;
mod repeated;
mod unwritable;

use reqwest::Response;
use serde_json::{Value, json};

pub const REGISTRATION: &str = "/api/kratos/hooks/registration/password";

/// The `n`th person.
pub fn person(n: u32) -> String {
    format!("5eddbeec-b3d3-4769-ad6d-{n:012x}")
}

/// A flat body about the `n`th person.
pub fn registered(n: u32) -> String {
    json!({ "identity_id": person(n), "email": format!("person-{n}@example.org") }).to_string()
}

/// The reason of a delivery that was put aside.
pub async fn put_aside(answer: Response) -> String {
    assert_eq!(answer.status(), 202);
    let body: Value = answer.json().await.unwrap();
    let told = &body["quarantined"];
    assert!(told["id"].is_string() && told["message"].as_str().is_some_and(|text| text.len() > 20), "{body}");
    told["reason"].as_str().unwrap().to_owned()
}
