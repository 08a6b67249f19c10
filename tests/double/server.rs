//! The two listeners.

use std::io;
use std::net::TcpListener;

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::Method;
use actix_web::middleware::NormalizePath;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};

use super::config::{Config, Listener};
use super::kratos::{Kratos, to, to_admin};
use super::{admin, login, public, registration, settings};

/// A double that accepts connections.
pub struct Running {
    /// Without a slash at the end.
    pub public: String,
    pub admin: String,
    pub kratos: Data<Kratos>,
    handles: [ServerHandle; 2],
}

impl Running {
    pub async fn stop(self) {
        for handle in self.handles {
            handle.stop(false).await;
        }
    }
}

/// Which listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the double of Kratos cannot listen on port {port} ({what}): {cause}")]
pub struct NotListening {
    pub what: &'static str,
    pub port: u16,
    pub cause: io::Error,
}

fn listen(what: &'static str, listener: &mut Listener) -> Result<TcpListener, NotListening> {
    let port = listener.port;
    let of = |cause| NotListening { what, port, cause };
    let socket = TcpListener::bind(("127.0.0.1", port)).map_err(of)?;
    let port = socket.local_addr().map_err(of)?.port();
    let url = listener.base_url.take().unwrap_or_else(|| format!("http://localhost:{port}"));
    listener.base_url = Some(url.trim_end_matches('/').to_owned());
    Ok(socket)
}

/// On an actix system; the servers end with it.
pub fn start(mut config: Config) -> Result<Running, NotListening> {
    let public_socket = listen("public", &mut config.public)?;
    let admin_socket = listen("admin", &mut config.admin)?;
    let urls = [&config.public, &config.admin].map(|listener| listener.base_url.clone().unwrap_or_default());
    let origins = config.cors_origins.clone();
    let kratos = Data::new(Kratos::new(config));
    let (for_public, for_admin) = (kratos.clone(), kratos.clone());
    let public = HttpServer::new(move || {
        App::new().app_data(for_public.clone()).wrap(cors(&origins)).configure(public_routes)
    });
    let admin = HttpServer::new(move || {
        App::new().app_data(for_admin.clone()).wrap(NormalizePath::trim()).configure(admin_routes)
    });
    let running = |socket: TcpListener, what: &'static str, server: io::Result<Server>| {
        let port = socket.local_addr().map(|address| address.port()).unwrap_or_default();
        server.map_err(|cause| NotListening { what, port, cause })
    };
    let clone = |socket: &TcpListener| socket.try_clone();
    let public = public
        .workers(1)
        .disable_signals()
        .listen(clone(&public_socket).map_err(|cause| NotListening { what: "public", port: 0, cause })?);
    let admin = admin
        .workers(1)
        .disable_signals()
        .listen(clone(&admin_socket).map_err(|cause| NotListening { what: "admin", port: 0, cause })?);
    let public = running(public_socket, "public", public.map(HttpServer::run))?;
    let admin = running(admin_socket, "admin", admin.map(HttpServer::run))?;
    let handles = [public.handle(), admin.handle()];
    actix_web::rt::spawn(public);
    actix_web::rt::spawn(admin);
    let [public, admin] = urls;
    Ok(Running { public, admin, kratos, handles })
}

fn cors(origins: &[String]) -> Cors {
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .block_on_origin_mismatch(false)
        .supports_credentials()
        .allowed_methods(methods)
        .allowed_headers(["content-type", "x-csrf-token", "x-session-token"])
        .expose_headers(["content-type"])
}

fn public_routes(app: &mut ServiceConfig) {
    app.route("/self-service/registration/browser", to(web::get(), registration::begin))
        .route("/self-service/registration/flows", to(web::get(), registration::read))
        .route("/self-service/registration", to(web::post(), registration::submit))
        .route("/self-service/login/browser", to(web::get(), login::begin))
        .route("/self-service/login/flows", to(web::get(), login::read))
        .route("/self-service/login", to(web::post(), login::submit))
        .route("/self-service/settings/browser", to(web::get(), settings::begin))
        .route("/self-service/settings/flows", to(web::get(), settings::read))
        .route("/self-service/settings", to(web::post(), settings::submit))
        // Where a parked submission goes on.
        .route("/self-service/settings", to(web::get(), settings::submit))
        .route("/self-service/logout/browser", to(web::get(), public::begin_logout))
        .route("/self-service/logout", to(web::get(), public::logout))
        .route("/self-service/errors", to(web::get(), public::error))
        .route("/sessions/whoami", to(web::get(), public::whoami))
        .route("/health/alive", to_admin(web::get(), admin::healthy))
        .route("/health/ready", to_admin(web::get(), admin::healthy))
        .route("/version", to_admin(web::get(), admin::version));
}

fn admin_routes(app: &mut ServiceConfig) {
    app.route("/admin/identities", to_admin(web::get(), admin::list))
        .route("/admin/identities", to_admin(web::post(), admin::create))
        .route("/admin/identities/{id}", to_admin(web::get(), admin::get))
        .route("/admin/identities/{id}", to_admin(web::patch(), admin::patch))
        .route("/admin/identities/{id}", to_admin(web::delete(), admin::delete))
        .route("/admin/identities/{id}/sessions", to_admin(web::delete(), admin::delete_sessions));
    for prefix in ["", "/admin"] {
        app.route(&format!("{prefix}/health/alive"), to_admin(web::get(), admin::healthy))
            .route(&format!("{prefix}/health/ready"), to_admin(web::get(), admin::healthy))
            .route(&format!("{prefix}/version"), to_admin(web::get(), admin::version));
    }
}
