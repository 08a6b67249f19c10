//! Listeners, TLS, health, metrics, request log and shutdown: what turns the rooms into a running service.

mod app;
mod errors;
mod health;
mod reload;
mod request_log;
mod signals;
mod tls;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::{Server as ActixServer, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};
use tokio_util::sync::CancellationToken;
use tracing_actix_web::TracingLogger;
use url::Url;

use crate::clock::Clock;
use crate::config::{Listener, PolicyInForce, Settings};
use crate::kratos::{Identities, Patience};
use crate::outbox::{Sender, SenderError};
use crate::page::Importing;
use crate::reconcile::{Asking, Background, Reconciler};
use crate::store::Store;
use crate::telemetry::Metrics;

pub use app::{admin_openapi_document, public_openapi_document};
pub use reload::Origin;
pub use tls::TlsError;

use app::Rooms;
use reload::Reload;
use request_log::RequestSpan;
use tls::Certificate;

/// How long a request in flight may take to finish after SIGTERM, in seconds.
const DRAIN: u64 = 8;
/// Nobody waits for what is asked in the background.
const PATIENCE: Patience =
    Patience { answer_within: Duration::from_secs(30), tries_for: Duration::from_secs(60) };

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{setting}: cannot listen on {address}: {source}; choose another port or stop what holds it")]
    Listen { setting: &'static str, address: String, source: std::io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the client for Kratos cannot be built: {0}")]
    Kratos(#[from] crate::kratos::ClientError),
    #[error("what tells receivers cannot be started: {0}")]
    Events(#[from] SenderError),
    #[error("signals cannot be watched: {0}")]
    Signals(std::io::Error),
}

#[derive(Debug, thiserror::Error)]
#[error("a listener failed: {0}")]
pub struct RunError(#[from] std::io::Error);

/// Bound to its addresses, not yet running.
pub struct Server {
    public: ActixServer,
    admin: ActixServer,
    public_url: Url,
    admin_url: Url,
    store: Store,
    importing: Option<Arc<Importing>>,
    waiting: CancellationToken,
    reload: Reload,
    reconciling: Option<Background>,
    asking: Option<Asking>,
    telling: Option<Sender>,
    signals: signals::Signals,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("public", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

impl Server {
    /// Binds both listeners and builds every room. Needs a running actix system.
    pub fn bind(
        mut settings: Settings,
        origin: Origin,
        store: Store,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Server, StartError> {
        let public_socket = listen("serve.public", &settings.serve.public)?;
        settings.bound(bound_port("serve.public", &settings.serve.public, &public_socket)?);
        let (public, admin) = (&settings.serve.public, &settings.serve.admin.listener);
        let admin_socket = listen("serve.admin", admin)?;
        let public_url = url_of("serve.public", public, &public_socket)?;
        let admin_url = url_of("serve.admin", admin, &admin_socket)?;
        if public.base_url.is_none() && public.host.is_unspecified() {
            tracing::warn!(
                assumed = %public_url,
                "serve.public.base_url is not set: links and the page's own origin are made from the port"
            );
        }
        let waiting = CancellationToken::new();
        let reconciling = background(&settings, &store, &clock, &metrics)?;
        let asking =
            Identities::new(&settings.kratos, settings.secrets.pii.clone(), PATIENCE, metrics.clone())?.map(
                |identities| {
                    Asking::new(identities.at_most(settings.reconcile.rate), store.clone(), clock.clone())
                },
            );
        let telling = Sender::new(&settings.events, &store, &clock, &metrics)?;
        let policy = Arc::new(PolicyInForce::new(settings.policy.clone()));
        let rooms = Rooms::build(
            &settings,
            &public_url,
            store.clone(),
            clock,
            metrics.clone(),
            waiting.clone(),
            policy.clone(),
        )?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut certificates = Vec::new();

        let (public_rooms, base_path) = (rooms.clone(), public.base_path.clone());
        let public_server = HttpServer::new(move || {
            App::new()
                .configure(|app| app::public(app, &public_rooms, &base_path))
                .wrap(from_fn(errors::envelope))
                .wrap(crate::page::cors(&public_rooms.pages))
                .wrap(TracingLogger::<RequestSpan>::new())
        })
        .workers(workers)
        .shutdown_timeout(DRAIN)
        .disable_signals();
        let public_server = match &public.tls {
            None => public_server.listen(public_socket),
            Some(files) => {
                let certificate = Arc::new(Certificate::load(files)?);
                certificates.push(certificate.clone());
                public_server.listen_rustls_0_23(public_socket, certificate.server_config()?)
            }
        };
        let public_server = public_server.map_err(|source| cannot_listen("serve.public", public, source))?;

        let importing = rooms.importing.clone();
        let (admin_rooms, base_path) = (rooms, admin.base_path.clone());
        let admin_server = HttpServer::new(move || {
            App::new()
                .configure(|app| app::admin(app, &admin_rooms, &base_path))
                .wrap(from_fn(errors::envelope))
                .wrap(TracingLogger::<RequestSpan>::new())
        })
        .workers(1)
        .shutdown_timeout(DRAIN)
        .disable_signals();
        let admin_server = match &admin.tls {
            None => admin_server.listen(admin_socket),
            Some(files) => {
                let certificate = Arc::new(Certificate::load(files)?);
                certificates.push(certificate.clone());
                admin_server.listen_rustls_0_23(admin_socket, certificate.server_config()?)
            }
        };
        let admin_server = admin_server.map_err(|source| cannot_listen("serve.admin", admin, source))?;

        let denied_file = Mutex::new(settings.denied_file);
        let reload = Reload { origin, policy, certificates, store: store.clone(), metrics, denied_file };
        Ok(Server {
            public: public_server.run(),
            admin: admin_server.run(),
            public_url,
            admin_url,
            store,
            importing,
            waiting,
            reload,
            reconciling,
            asking,
            telling,
            signals: signals::Signals::watch().map_err(StartError::Signals)?,
        })
    }

    /// How browsers and Kratos reach it.
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    pub fn admin_url(&self) -> &Url {
        &self.admin_url
    }

    /// Until SIGTERM or SIGINT: then takes no more, ends what waits, finishes what is in flight, flushes the writer.
    pub async fn run(self) -> Result<(), RunError> {
        if let Some(importing) = &self.importing {
            importing.begin().await;
        }
        let handles = [self.public.handle(), self.admin.handle()];
        let (waiting, reload, mut signals) = (self.waiting, self.reload, self.signals);
        let ending = waiting.clone();
        let reconciling = self.reconciling.map(|background| tokio::spawn(background.run(waiting.clone())));
        let asking = self.asking.map(|asking| tokio::spawn(asking.run(waiting.clone())));
        let telling = self.telling.map(|sender| tokio::spawn(sender.run(waiting.clone())));
        let watching = actix_web::rt::spawn(async move {
            let following = std::pin::pin!(reload.follow_file());
            let told = async {
                while signals.next().await == signals::Signal::Reload {
                    reload.all();
                }
            };
            futures_util::future::select(std::pin::pin!(told), following).await;
            tracing::info!("stopping");
            waiting.cancel();
            stop(&handles).await;
        });
        let ended = futures_util::future::try_join(self.public, self.admin).await;
        watching.abort();
        ending.cancel();
        for task in [reconciling, asking, telling].into_iter().flatten() {
            let _ = task.await;
        }
        self.store.close().await;
        tracing::info!("stopped");
        ended?;
        Ok(())
    }
}

/// `None` where the settings say no.
fn background(
    settings: &Settings,
    store: &Store,
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Result<Option<Background>, StartError> {
    let (kratos, reconcile) = (&settings.kratos, &settings.reconcile);
    if !reconcile.enabled {
        return Ok(None);
    }
    let identities = Identities::new(kratos, settings.secrets.pii.clone(), PATIENCE, metrics.clone())?;
    Ok(identities.map(|identities| {
        let identities = identities.at_most(reconcile.rate);
        let (store, clock, metrics) = (store.clone(), clock.clone(), metrics.clone());
        Background::new(Reconciler::new(identities, store, clock, metrics, reconcile.page_size), reconcile)
    }))
}

async fn stop(handles: &[ServerHandle; 2]) {
    let [public, admin] = handles;
    futures_util::future::join(public.stop(true), admin.stop(true)).await;
}

fn listen(setting: &'static str, listener: &Listener) -> Result<TcpListener, StartError> {
    TcpListener::bind((listener.host, listener.port))
        .map_err(|source| cannot_listen(setting, listener, source))
}

fn cannot_listen(setting: &'static str, listener: &Listener, source: std::io::Error) -> StartError {
    StartError::Listen { setting, address: format!("{}:{}", listener.host, listener.port), source }
}

/// The configured address, else one made from what was bound.
fn url_of(setting: &'static str, listener: &Listener, socket: &TcpListener) -> Result<Url, StartError> {
    Ok(listener.url(bound_port(setting, listener, socket)?))
}

fn bound_port(setting: &'static str, listener: &Listener, socket: &TcpListener) -> Result<u16, StartError> {
    let bound = socket.local_addr().map_err(|source| cannot_listen(setting, listener, source))?;
    Ok(bound.port())
}
