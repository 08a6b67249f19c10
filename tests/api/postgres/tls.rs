//! An encrypted connection to the server, and one that is refused because it would not be.

use std::path::Path;

use crate::cli::err;
use crate::cluster::{CARELESS, Cluster};
use crate::service::Plan;

#[tokio::test]
async fn what_the_dsn_asks_for_is_held_to() {
    // PostgreSQL takes no port 0; one that was free a moment ago has to do.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = port.to_string();
    let mut settings = CARELESS.to_vec();
    settings.extend([("listen_addresses", "'127.0.0.1'"), ("port", port.as_str())]);
    let cluster = Cluster::start(&settings);
    let database = cluster.database().await;
    let dsn =
        |parameters: &str| format!("postgres://postgres@127.0.0.1:{port}/{}?{parameters}", database.name());
    let serve = |parameters: &str| {
        Plan::new()
            .with("DSN", dsn(parameters))
            .command(Path::new("."), &["migrate", "sql"])
            .output()
            .unwrap()
    };

    let refused = serve("sslmode=require");
    assert!(err(&refused).contains("cannot be opened"), "{}", err(&refused));

    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let root = directory.path().join("root.crt");
    std::fs::write(&root, made.cert.pem()).unwrap();
    cluster.keep("server.crt", &made.cert.pem());
    cluster.keep("server.key", &made.signing_key.serialize_pem());
    database.execute("ALTER SYSTEM SET ssl = on").await;
    cluster.control(&["restart"]);

    let refused = serve("sslmode=verify-full");
    assert!(!refused.status.success(), "a certificate that nobody vouches for");
    let verified = format!("sslmode=verify-full&sslrootcert={}", root.display());
    assert!(serve(&verified).status.success(), "{}", err(&serve(&verified)));
    let service = Plan::new().with("DSN", dsn(&verified)).start();
    assert_eq!(service.get("/health/ready").send().await.unwrap().status(), 200);
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'kratos-onboarding' AND NOT ssl";
    let plain: i64 = sqlx::query_scalar(encrypted).fetch_one(&mut database.connect().await).await.unwrap();
    assert_eq!(plain, 0);
}
