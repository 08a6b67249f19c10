//! Certificate and key from files, read again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::Tls;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("tls: {file} cannot be read as PEM: {source}")]
    Pem { file: PathBuf, source: PemError },
    #[error("tls: {0} holds no certificate; it needs the server's certificate first, then the intermediates")]
    NoCertificate(PathBuf),
    #[error("tls: certificate {certificate} and key {key} do not go together: {source}")]
    Mismatch { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("tls: {0}")]
    Protocol(rustls::Error),
}

/// What new connections are answered with.
#[derive(Debug)]
pub struct Certificate {
    files: Tls,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificate {
    pub fn load(files: &Tls) -> Result<Certificate, TlsError> {
        let key = read(files)?;
        Ok(Certificate { files: files.clone(), current: Arc::new(Current(ArcSwap::from_pointee(key))) })
    }

    pub fn file(&self) -> &Path {
        &self.files.cert_file
    }

    /// The old one stays where the new one cannot be used.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.0.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Protocol)?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        Ok(config)
    }
}

fn read(files: &Tls) -> Result<CertifiedKey, TlsError> {
    let pem = |file: &Path| {
        let file = file.to_owned();
        move |source| TlsError::Pem { file, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.cert_file)
        .and_then(Iterator::collect)
        .map_err(pem(&files.cert_file))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(files.cert_file.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key_file).map_err(pem(&files.key_file))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|source| TlsError::Mismatch {
        certificate: files.cert_file.clone(),
        key: files.key_file.clone(),
        source,
    })
}
