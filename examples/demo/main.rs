//! The whole way in one's own browser, without installing Kratos: `make demo`.
//!
//! Starts the test double of Kratos, a small app, and the service beside them, each where `kratos-config/` has it, and
//! stops them on ctrl-c. Accounts live in memory, the service's records in a temporary directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_debug_implementations)]

mod app;
#[path = "../../tests/double/mod.rs"]
mod double;
mod service;

use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::rt::time::sleep;
use double::config::{Config, Hooks, Listener, RelyingParty};
use double::random;
use tokio::signal::unix::{SignalKind, signal};

const PORTS: [(u16, &str); 5] = [
    (4433, "Kratos (the double), public"),
    (4434, "Kratos (the double), admin"),
    (4455, "the app"),
    (5050, "the service"),
    (5051, "the service, admin"),
];

/// What stops the demo before it starts.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(
        "port {port} is taken, and {what} needs it. Stop what uses it (`ss -ltnp 'sport = :{port}'` tells what that \
         is; perhaps a Kratos, a `cargo run` or another demo), and start again."
    )]
    PortTaken { port: u16, what: &'static str },
    #[error(transparent)]
    Double(#[from] double::server::NotListening),
    #[error("the app: {0}")]
    App(std::io::Error),
    #[error("the service: {0}")]
    Service(#[from] service::Trouble),
}

#[actix_web::main]
async fn main() -> ExitCode {
    match demo().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("demo: {trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn demo() -> Result<(), Trouble> {
    for (port, what) in PORTS {
        TcpListener::bind(("127.0.0.1", port)).map_err(|_| Trouble::PortTaken { port, what })?;
    }
    let key = random::alphanumeric(40);
    let kratos = double::server::start(kratos(&key))?;
    app::start(4455, &kratos.public, "http://localhost:5050").map_err(Trouble::App)?;
    let mut service = service::Service::start(&kratos.public, &kratos.admin, &key)?;
    service.ready().await?;
    println!("{BANNER}");

    let mut terminated = signal(SignalKind::terminate()).unwrap();
    let mut interrupted = signal(SignalKind::interrupt()).unwrap();
    let ended = async {
        while service.is_running() {
            sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let by_itself = tokio::select! {
        _ = terminated.recv() => false,
        _ = interrupted.recv() => false,
        () = ended => true,
    };
    println!("\nStopping.");
    kratos.stop().await;
    service.stop();
    if by_itself { Err(service::Trouble::Ended.into()) } else { Ok(()) }
}

fn kratos(key: &str) -> Config {
    Config {
        public: Listener { port: 4433, base_url: None },
        admin: Listener { port: 4434, base_url: None },
        rp: RelyingParty { name: "Acme (demo)".into(), ..Config::default().rp },
        hooks: Some(Hooks {
            service: "http://localhost:5050".into(),
            key: key.to_owned(),
            delay: jiff::SignedDuration::ZERO,
        }),
        ..Config::default()
    }
}

const BANNER: &str = "
  +----------------------------------------------------------------------+
  |  DEMO                                                                |
  |                                                                      |
  |  Open  http://localhost:4455/  and create an account.                |
  |                                                                      |
  |  Register, be offered a passkey, set it up, look at it in Settings,  |
  |  sign out, and sign in with it. Use a made-up address: this is a     |
  |  double of Kratos, and all accounts are gone when it stops.          |
  |                                                                      |
  |  Without a passkey on this computer: Chrome's developer tools have   |
  |  a virtual authenticator (More tools > WebAuthn).                    |
  |                                                                      |
  |  Ctrl-C stops everything.                                            |
  +----------------------------------------------------------------------+
";
