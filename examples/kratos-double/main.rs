//! The test double of Kratos on its own: `cargo run --example kratos-double -- CONFIG.json`, or the JSON itself.
//!
//! Prints `listening public URL` and `listening admin URL` once it accepts connections; ends on SIGTERM and ctrl-c.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_debug_implementations)]

#[path = "../../tests/double/mod.rs"]
mod double;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

#[actix_web::main]
async fn main() -> ExitCode {
    let Some(argument) = std::env::args().nth(1) else {
        eprintln!("usage: kratos-double CONFIG.json | JSON");
        return ExitCode::from(2);
    };
    let config = match double::config::Config::read(&argument) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("configuration: {error}");
            return ExitCode::from(2);
        }
    };
    let running = match double::server::start(config) {
        Ok(running) => running,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("listening public {}", running.public);
    println!("listening admin {}", running.admin);
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    let mut interrupted = signal(SignalKind::interrupt()).unwrap();
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    running.stop().await;
    ExitCode::SUCCESS
}
