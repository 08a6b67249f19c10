//! What is compared, all in one process: the service, the same with a transaction a request, the hook's handler
//! storing nothing, plaintext, and Kratos's whoami as it was recorded.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use kratos_onboarding::clock::Clock;
use kratos_onboarding::config::{self, Mode, Settings};
use kratos_onboarding::server::{Origin, Server};
use kratos_onboarding::store::{MadeBy, Opening, Sqlite, Store, WriterSettings};
use kratos_onboarding::telemetry::Metrics;
use kratos_onboarding::webhook::{Hook, Hooks};

pub const TOKEN: &str = "ory_st_benchmark0123456789";

/// Until it is killed, or whoever started it is gone.
pub fn run() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    actix_web::rt::System::new().block_on(async {
        let directory = PathBuf::from(std::env::var_os("BENCH_SERVERS").expect("directory"));
        let kratos = listener();
        let settings = settings(&format!("http://{}", kratos.local_addr().expect("address")));
        let session = web::Data::new(session());
        let whoami = HttpServer::new(move || {
            App::new().app_data(session.clone()).route("/sessions/whoami", web::get().to(whoami))
        });
        actix_web::rt::spawn(whoami.workers(1).listen(kratos).expect("listen").run());

        let one_each = WriterSettings { batch: 1, ..WriterSettings::default() };
        for (name, writer) in [("stored", WriterSettings::default()), ("naive", one_each)] {
            let store = store(&directory, name, writer).await;
            let metrics = Arc::new(Metrics::default());
            let server = Server::bind(settings.clone(), Origin::nowhere(), store, Clock::system(), metrics)
                .expect("bind");
            let url = server.public_url();
            println!("{name} 127.0.0.1:{}", url.port().expect("port"));
            actix_web::rt::spawn(server.run());
        }

        let store = store(&directory, "nothing", WriterSettings::default()).await;
        let metrics = Arc::new(Metrics::default());
        let hooks =
            Hooks::new(&settings.webhook, settings.secrets.pii.clone(), store, Clock::system(), metrics);
        let hooks = web::Data::new(hooks);
        let handler = listener();
        println!("nothing {}", handler.local_addr().expect("address"));
        let nothing = HttpServer::new(move || {
            let path = "/api/kratos/hooks/{hook}/{method}";
            App::new().app_data(hooks.clone()).route(path, web::post().to(store_nothing))
        });
        actix_web::rt::spawn(nothing.listen(handler).expect("listen").run());

        let plain = listener();
        println!("plaintext {}", plain.local_addr().expect("address"));
        let plaintext = HttpServer::new(|| App::new().route("/", web::get().to(async || "Hello, World!")));
        plaintext.listen(plain).expect("listen").run().await.expect("run");
    });
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

async fn store(directory: &std::path::Path, name: &str, writer: WriterSettings) -> Store {
    let file = directory.join(format!("{name}.db"));
    let database = Sqlite::open(&file, Opening::Migrate(MadeBy::Production)).await.expect("open");
    Store::start(Arc::new(database), writer, Clock::system(), Arc::default()).await.expect("store")
}

fn settings(kratos: &str) -> Settings {
    let environment = [
        ("SERVE__PUBLIC__HOST", "127.0.0.1"),
        ("SERVE__PUBLIC__PORT", "0"),
        ("SERVE__ADMIN__PORT", "0"),
        ("KRATOS__PUBLIC_URL", kratos),
        // Each server is given its own database when it is bound.
        ("DSN", "sqlite://unused.db"),
        ("WEBHOOK__API_KEYS", super::KEY),
        ("SECRETS__PII", super::PII),
    ];
    let environment = environment.map(|(name, value)| (format!("ONBOARDING__{name}"), value.to_owned()));
    config::load(None, Mode::Production, environment).expect("settings")
}

/// Authenticates, reads and understands as the service does, and answers.
async fn store_nothing(request: HttpRequest, payload: web::Payload, hooks: web::Data<Hooks>) -> HttpResponse {
    let path = request.match_info();
    let hook = Hook::from_path(path.query("hook"), path.query("method")).expect("hook");
    hooks.understand(hook, request.headers(), payload).await.expect("understood");
    HttpResponse::NoContent().finish()
}

async fn whoami(session: web::Data<serde_json::Value>) -> HttpResponse {
    HttpResponse::Ok().json(session)
}

/// A recorded session, begun now: the answer would change with every one that began later.
pub fn session() -> serde_json::Value {
    let recorded = include_str!("../../tests/fixtures/kratos/v26.2.0/public/whoami-fresh.json");
    let mut recorded: serde_json::Value = serde_json::from_str(recorded).expect("recording");
    let mut session = recorded["body"].take();
    let now = Clock::system().now();
    session["authenticated_at"] = now.to_string().into();
    session["expires_at"] = (now + jiff::SignedDuration::from_hours(24)).to_string().into();
    session
}
