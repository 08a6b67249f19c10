//! The app's files, `/login` being `login.html`, and `/config.json`, which tells it where the others are.

use std::io;
use std::path::{Path, PathBuf};

use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};

struct Site {
    files: PathBuf,
    configuration: Value,
}

pub fn start(port: u16, kratos: &str, service: &str) -> io::Result<()> {
    let site = Data::new(Site {
        files: Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/app"),
        configuration: json!({ "kratos": kratos, "service": service }),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(site.clone())
            .route(
                "/config.json",
                web::get().to(async |site: Data<Site>| HttpResponse::Ok().json(&site.configuration)),
            )
            .default_service(web::get().to(file))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", port))?.run();
    actix_web::rt::spawn(server);
    Ok(())
}

async fn file(site: Data<Site>, request: HttpRequest) -> HttpResponse {
    let path = request.path().trim_matches('/');
    // Names of this app only: letters, digits, dashes, one dot.
    let plain =
        |part: &str| part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter));
    if path.split('/').any(|part| !plain(part) || part.starts_with('.')) {
        return HttpResponse::NotFound().finish();
    }
    let name = match path {
        "" => "index.html".to_owned(),
        page if !page.contains('.') => format!("{page}.html"),
        file => file.to_owned(),
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return HttpResponse::NotFound().finish(),
    };
    match std::fs::read(site.files.join(name)) {
        Ok(content) => {
            HttpResponse::Ok().content_type(kind).insert_header(("cache-control", "no-cache")).body(content)
        }
        Err(_) => HttpResponse::NotFound().finish(),
    }
}
