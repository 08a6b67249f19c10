//! How much memory the verbs need that look at everybody: `reconcile` and `passkeys --all`, by how many there are.
//!
//! `SIZES=10000,1000000 cargo bench --bench reconcile`; Kratos is a double that makes up its identities as they are asked
//! for. Needs Linux (`/proc`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use url::form_urlencoded::parse;
use uuid::Uuid;

const KEY: &str = "a-webhook-key-of-the-benchmark";
const PII: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const MOST: usize = 500;

fn main() {
    let sizes = std::env::var("SIZES").unwrap_or_else(|_| "10000,1000000".to_owned());
    println!("{:>9}  {:34}  {:>9}  {:>12}", "people", "verb", "seconds", "peak RSS, KB");
    for people in sizes.split(',').map(|size| size.trim().parse::<u128>().expect("a number in SIZES")) {
        measure(people);
    }
}

fn measure(people: u128) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let kratos = format!("http://{}", socket.local_addr().expect("address"));
    std::thread::spawn(move || {
        let made_up = web::Data::new(MadeUp::of(people));
        let server = HttpServer::new(move || {
            let app = App::new().app_data(made_up.clone());
            app.route("/admin/identities", web::get().to(list))
                .default_service(web::to(HttpResponse::NotFound))
        });
        let server = server.workers(1).disable_signals().listen(socket).expect("listen").run();
        actix_web::rt::System::new().block_on(server).expect("run");
    });
    let directory = tempfile::tempdir().expect("a directory");
    let verb = |arguments: &[&str]| command(directory.path(), &kratos, arguments);
    assert!(verb(&["migrate", "sql"]).stdout(Stdio::null()).status().expect("migrate").success());
    for (told, arguments) in [
        ("reconcile --dry-run, all to create", &["reconcile", "--dry-run"][..]),
        ("reconcile, all to create", &["reconcile"]),
        ("reconcile, nothing to correct", &["reconcile"]),
        ("passkeys --all --format json", &["passkeys", "--all", "--format", "json"]),
    ] {
        let begun = Instant::now();
        let peak = peak(verb(arguments).stdout(Stdio::null()).spawn().expect("start"));
        println!("{people:>9}  {told:34}  {:>9.1}  {peak:>12}", begun.elapsed().as_secs_f64());
    }
}

fn command(directory: &Path, kratos: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
    let settings = [
        ("DSN", format!("sqlite://{}", directory.join("bench.db").display())),
        ("KRATOS__PUBLIC_URL", kratos.to_owned()),
        ("KRATOS__ADMIN_URL", kratos.to_owned()),
        ("WEBHOOK__API_KEYS", KEY.to_owned()),
        ("SECRETS__PII", PII.to_owned()),
        ("RECONCILE__RATE", "1000".to_owned()),
        ("RECONCILE__PAGE_SIZE", MOST.to_string()),
    ];
    command.env_clear().envs(settings.map(|(name, value)| (format!("ONBOARDING__{name}"), value)));
    command.args(arguments).current_dir(directory);
    command
}

/// `VmHWM` as it was read last, in KB.
fn peak(mut child: Child) -> u64 {
    let mut peak = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let read = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(read.unwrap_or(0));
        if let Some(ended) = child.try_wait().expect("wait") {
            assert!(ended.success(), "{ended}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A recorded identity, again and again under other ids, which lie evenly among all there are.
struct MadeUp {
    people: u128,
    apart: u128,
    /// What stands between the ids in the recording.
    parts: Vec<String>,
}

impl MadeUp {
    fn of(people: u128) -> MadeUp {
        let recorded =
            include_str!("../../tests/fixtures/kratos/v26.2.0/admin/identity-password-passkey.json");
        let recorded: serde_json::Value = serde_json::from_str(recorded).expect("recording");
        let (body, id) =
            (recorded["body"].to_string(), recorded["body"]["id"].as_str().expect("id").to_owned());
        let email = recorded["body"]["traits"]["email"].as_str().expect("email");
        let body = body.replace(email, &format!("{id}@example.org"));
        MadeUp {
            people,
            apart: u128::MAX / (people + 1),
            parts: body.split(&id).map(str::to_owned).collect(),
        }
    }

    fn id(&self, nth: u128) -> Uuid {
        Uuid::from_u128((nth + 1) * self.apart)
    }

    /// How many come before it.
    fn before(&self, id: Uuid) -> u128 {
        (id.as_u128() / self.apart).min(self.people)
    }

    fn is_one(&self, id: Uuid) -> bool {
        id.as_u128().is_multiple_of(self.apart)
    }
}

async fn list(request: HttpRequest, made_up: web::Data<MadeUp>) -> HttpResponse {
    let query: Vec<_> = parse(request.query_string().as_bytes()).collect();
    let uuids = |name: &str| {
        let values = query.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| Uuid::parse_str(value).expect("uuid")).collect::<Vec<_>>()
    };
    let size =
        query.iter().find(|(key, _)| key == "page_size").map_or(250, |(_, size)| size.parse().expect("size"));
    let named = uuids("ids");
    let first = uuids("page_token").first().map_or(0, |after| made_up.before(*after));
    let last = (first + size).min(made_up.people);
    let ids = if named.is_empty() { (first..last).map(|nth| made_up.id(nth)).collect() } else { named };
    let people = ids.iter().filter(|id| made_up.is_one(**id)).map(|id| made_up.parts.join(&id.to_string()));
    let body = format!("[{}]", people.collect::<Vec<_>>().join(","));
    let mut answer = HttpResponse::Ok();
    if last < made_up.people && uuids("ids").is_empty() {
        let link = format!("</admin/identities?page_token={}>; rel=\"next\"", made_up.id(last - 1));
        answer.insert_header(("link", link));
    }
    answer.content_type("application/json").body(body)
}
