mod admin;
#[path = "../../webauthn/device.rs"]
mod authenticator;
mod browser;
mod confirming;
mod doctor;
mod hooks;
mod keys;
mod privilege;
mod recordings;
mod refusals;
mod second_factor;
mod shape;
