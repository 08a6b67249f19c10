use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::parse;
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{AdminListener, Listener, Mode, Serve, Tls};

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServeFile {
    /// For Kratos and for browsers.
    pub public: PublicFile,
    /// For operators and for metrics.
    admin: AdminFile,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PublicFile {
    /// The IP address to listen on; `0.0.0.0` is every one of this machine, `::` too and IPv6. In development mode
    /// only loopback, `127.0.0.1`.
    #[schemars(example = "0.0.0.0")]
    pub host: String,
    /// The TCP port, 0 to 65535; 0 takes any free one, which is printed.
    #[schemars(example = 5050)]
    port: u16,
    /// How browsers reach this listener: an http or https URL without query, fragment or password. It is what links
    /// begin with, and its origin may call the page's endpoints. Default: made from host and port; in development mode
    /// with `localhost` for the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://onboarding.example.org/")]
    base_url: Option<String>,
    /// What the path of every request begins with, such as `/onboarding`; for a proxy that passes paths on as they
    /// came. `base_url` must end with it too. Every path moves, health and hooks included: the URLs of the hooks in
    /// Kratos's configuration need it as well.
    #[schemars(example = "/onboarding")]
    base_path: String,
    /// TLS of this listener. A proxy in front may do it instead.
    tls: TlsFile,
}

impl Default for PublicFile {
    fn default() -> PublicFile {
        PublicFile {
            host: "0.0.0.0".to_owned(),
            port: 5050,
            base_url: None,
            base_path: String::new(),
            tls: TlsFile::default(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminFile {
    /// The IP address to listen on. Anything but loopback needs `tls` or `allow_insecure`.
    #[schemars(example = "127.0.0.1")]
    host: String,
    /// The TCP port, 0 to 65535; 0 takes any free one, which is printed.
    #[schemars(example = 5051)]
    port: u16,
    /// How operators reach this listener: an http or https URL without query, fragment or password. Default: made
    /// from host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://onboarding-admin.internal/")]
    base_url: Option<String>,
    /// What the path of every request begins with, such as `/onboarding`. `base_url` must end with it too.
    #[schemars(example = "/onboarding")]
    base_path: String,
    /// TLS of this listener.
    tls: TlsFile,
    /// `true` or `false`: whether plain HTTP may be spoken on an address that is not loopback. Whoever reaches it can
    /// do what an operator can.
    #[schemars(example = true)]
    allow_insecure: bool,
}

impl Default for AdminFile {
    fn default() -> AdminFile {
        AdminFile {
            host: "127.0.0.1".to_owned(),
            port: 5051,
            base_url: None,
            base_path: String::new(),
            tls: TlsFile::default(),
            allow_insecure: false,
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsFile {
    /// Path of a PEM file with the certificate and the chain after it. Read again on SIGHUP.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/etc/kratos-onboarding/tls.crt")]
    cert_file: Option<String>,
    /// Path of a PEM file with the private key. Read again on SIGHUP.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/etc/kratos-onboarding/tls.key")]
    key_file: Option<String>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Serve, Noted> {
    let public = Parts::read(reader, "serve.public");
    let admin = Parts::read(reader, "serve.admin");
    let allow_insecure = reader.required("serve.admin.allow_insecure", |scalar| scalar.truth());
    check_ports(reader, &public, &admin);
    if let (Ok(host), Ok(None), Ok(false)) = (admin.host, &admin.tls, allow_insecure)
        && !host.is_loopback()
    {
        let refused = Refused::so_do(
            "is not loopback, and this listener has no TLS: everybody on that network could read and do all an \
             operator can",
            "listen on 127.0.0.1, set serve.admin.tls, or set serve.admin.allow_insecure to true where the network \
             keeps others out",
        );
        reader.refuse("serve.admin.host", refused);
    }
    let (mut public, admin) = (public.listener()?, admin.listener()?);
    if reader.mode == Mode::Development && public.base_url.is_none() && public.port != 0 {
        public.base_url = by_name(&public);
    }
    Ok(Serve { public, admin: AdminListener { listener: admin, allow_insecure: allow_insecure? } })
}

/// Cookies belong to a host name, and `kratos-config/` has Kratos and this page on `localhost`: an address would be
/// another site to the browser, and no `return_to` that Kratos allows.
fn by_name(public: &Listener) -> Option<Url> {
    let mut url = public.url(public.port);
    url.set_host(Some("localhost")).ok()?;
    Some(url)
}

/// A listener whose settings are judged one by one, so that a mistake in one hides none in the others.
struct Parts {
    host: Result<IpAddr, Noted>,
    port: Result<u16, Noted>,
    base_url: Result<Option<Url>, Noted>,
    base_path: Result<String, Noted>,
    tls: Result<Option<Tls>, Noted>,
}

impl Parts {
    fn read(reader: &mut Reader<'_>, section: &str) -> Parts {
        let (host_name, url_name) = (format!("{section}.host"), format!("{section}.base_url"));
        let base_path = reader.optional(&format!("{section}.base_path"), |scalar| match scalar {
            Scalar::Text("") => Ok(String::new()),
            written => parse::base_path(written.text()?),
        });
        let parts = Parts {
            host: reader.required(&host_name, host),
            port: reader.required(&format!("{section}.port"), port),
            base_url: reader.optional(&url_name, |scalar| parse::base_url(scalar.text()?)),
            base_path: base_path.map(Option::unwrap_or_default),
            tls: tls(reader, &format!("{section}.tls")),
        };
        if parts.host.is_ok_and(|host| !host.is_loopback()) && reader.mode == Mode::Development {
            let refused = Refused::so_do(
                "is not loopback, and development mode listens there only",
                "listen on 127.0.0.1, or serve without --dev",
            );
            reader.refuse(&host_name, refused);
        }
        parts.check_base_url(reader, section, &url_name);
        parts
    }

    fn check_base_url(&self, reader: &mut Reader<'_>, section: &str, name: &str) {
        let Ok(Some(url)) = &self.base_url else { return };
        if let Ok(path) = &self.base_path
            && !url.path().trim_end_matches('/').ends_with(path)
        {
            let problem =
                format!("does not end with {section}.base_path: links would lead where nothing is served");
            reader.refuse(name, Refused::so_do(problem, format!("let it end with {path}/")));
        }
        // A proxy may do TLS in front of a plain listener, but nobody undoes it on the way to the same port.
        if let (Ok(Some(_)), Ok(port)) = (&self.tls, self.port)
            && url.scheme() == "http"
            && url.port_or_known_default() == Some(port)
        {
            reader.refuse(name, Refused::so_do("is an http URL of a port that speaks TLS", "write https"));
        }
    }

    fn listener(self) -> Result<Listener, Noted> {
        Ok(Listener {
            host: self.host?,
            port: self.port?,
            base_url: self.base_url?,
            base_path: self.base_path?,
            tls: self.tls?,
        })
    }
}

fn check_ports(reader: &mut Reader<'_>, public: &Parts, admin: &Parts) {
    let (Ok(public_host), Ok(public_port)) = (public.host, public.port) else { return };
    let (Ok(admin_host), Ok(admin_port)) = (admin.host, admin.port) else { return };
    let same_host = public_host == admin_host || public_host.is_unspecified() || admin_host.is_unspecified();
    if public_port == admin_port && public_port != 0 && same_host {
        let refused = Refused::so_do("is the port of serve.public too", "give one of them another port");
        reader.refuse("serve.admin.port", refused);
    }
}

fn host(scalar: &Scalar<'_>) -> Result<IpAddr, Refused> {
    match scalar.text()? {
        "localhost" => Err("is a name; write the address, `127.0.0.1`".into()),
        text => text.trim_matches(['[', ']']).parse().map_err(|_| "is not an IP address".into()),
    }
}

fn port(scalar: &Scalar<'_>) -> Result<u16, Refused> {
    let port = scalar.whole(0, u32::from(u16::MAX))?;
    u16::try_from(port).map_err(|_| "is not from 0 to 65535".into())
}

fn tls(reader: &mut Reader<'_>, section: &str) -> Result<Option<Tls>, Noted> {
    let (cert_name, key_name) = (format!("{section}.cert_file"), format!("{section}.key_file"));
    let cert = reader.optional(&cert_name, readable_file);
    let key = reader.optional(&key_name, readable_file);
    match (cert?, key?) {
        (Some(cert_file), Some(key_file)) => Ok(Some(Tls { cert_file, key_file })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(reader.refuse(&key_name, "is not set, but the certificate is".into())),
        (None, Some(_)) => Err(reader.refuse(&cert_name, "is not set, but the private key is".into())),
    }
}

fn readable_file(scalar: &Scalar<'_>) -> Result<PathBuf, Refused> {
    let path = PathBuf::from(scalar.text()?);
    match std::fs::metadata(&path) {
        // Not opened: reading a pipe would wait for ever.
        Ok(metadata) if !metadata.is_file() => return Err("is not a file".into()),
        Ok(_) => std::fs::File::open(&path).map(|_| path),
        Err(error) => Err(error),
    }
    .map_err(|error| {
        Refused::so_do(format!("cannot be read: {error}"), "name a file that the service may read")
    })
}
