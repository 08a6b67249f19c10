//! Certificates, on either listener.

use std::path::PathBuf;

use reqwest::Certificate;
use tempfile::TempDir;

use crate::service::{Plan, client};

/// The files that the settings name.
struct Files {
    _directory: TempDir,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new() -> Files {
        let directory = tempfile::tempdir().unwrap();
        let (cert, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
        Files { _directory: directory, cert, key }
    }

    /// A new certificate and its key in them.
    fn write(&self, name: &str) -> Certificate {
        let made = rcgen::generate_simple_self_signed([name.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&self.cert, made.cert.pem()).unwrap();
        std::fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
        Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
    }

    /// `listener`: `PUBLIC` or `ADMIN`.
    fn plan(&self, listener: &str) -> Plan {
        Plan::new()
            .with(&format!("SERVE__{listener}__TLS__CERT_FILE"), self.cert.to_str().unwrap())
            .with(&format!("SERVE__{listener}__TLS__KEY_FILE"), self.key.to_str().unwrap())
    }
}

/// The status, from somebody who trusts `root` and nobody else.
async fn get(root: &Certificate, url: &str) -> reqwest::Result<u16> {
    let _ = client();
    let trusting = reqwest::Client::builder().no_proxy().tls_certs_only([root.clone()]).build().unwrap();
    Ok(trusting.get(url).send().await?.status().as_u16())
}

#[tokio::test]
async fn tls_by_certificate_files_is_read_again_on_sighup() {
    for (listener, path) in [("PUBLIC", "/health/alive"), ("ADMIN", "/metrics/prometheus")] {
        let files = Files::new();
        let first = files.write("first.example");
        let service = files.plan(listener).start();
        let (with, without) = match listener {
            "PUBLIC" => (&service.public, &service.admin),
            _ => (&service.admin, &service.public),
        };
        assert!(with.starts_with("https://127.0.0.1:"), "{with}");
        assert!(without.starts_with("http://127.0.0.1:"), "the other one is as it was: {without}");
        let url = format!("{with}{path}");
        assert_eq!(get(&first, &url).await.unwrap(), 200, "{listener}");
        assert!(client().get(url.replace("https:", "http:")).send().await.is_err(), "{listener} in clear");
        let second = files.write("second.example");
        assert!(get(&second, &url).await.is_err(), "{listener}: the new one is not in use yet");
        service.signal("HUP");
        while get(&second, &url).await.is_err() {}
        assert!(get(&first, &url).await.is_err(), "{listener}: the old one is out of use");
    }
}
