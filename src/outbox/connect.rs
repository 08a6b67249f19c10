//! Where a request may go. Names are resolved here and every address is judged right before it is connected to, so there
//! is no time in which a name could come to mean another one.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::is_public;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const IDLE_CONNECTIONS: usize = 8;

/// All that a name stands for is private, loopback, link-local or the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its address is not public, and events.allow_private_addresses is false")]
pub struct NotPublic;

/// Which addresses are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Public,
    Anywhere,
}

impl Reach {
    fn allows(self, address: IpAddr) -> bool {
        self == Reach::Anywhere || is_public(address)
    }

    /// An address in a URL is not resolved, so nobody else looks at it.
    pub fn judge(self, url: &Url) -> Result<(), NotPublic> {
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(_)) => self == Reach::Anywhere || url.scheme() == "https",
            None => false,
        };
        if allowed { Ok(()) } else { Err(NotPublic) }
    }
}

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;
type Lookup = dyn Fn(String) -> Found + Send + Sync;
type Allows = dyn Fn(IpAddr) -> bool + Send + Sync;

struct Judged {
    allows: Arc<Allows>,
    lookup: Arc<Lookup>,
}

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged").finish_non_exhaustive()
    }
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (allows, found) = (self.allows.clone(), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await?;
            let none = found.is_empty();
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| allows(address.ip())).collect();
            if allowed.is_empty() && !none {
                return Err(NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn by_the_system(name: String) -> Found {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// Follows no redirect, uses no proxy, keeps few connections. `tls`: somebody is spoken to with TLS.
pub fn client(reach: Reach, tls: bool) -> Result<reqwest::Client, reqwest::Error> {
    judging(Arc::new(move |address| reach.allows(address)), tls, Arc::new(by_the_system))
}

fn judging(allows: Arc<Allows>, tls: bool, lookup: Arc<Lookup>) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .dns_resolver(Arc::new(Judged { allows, lookup }))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_WITHIN)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if !tls {
        // Reading the machine's certificates takes longer than the rest of the start, for nothing.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    /// A client that is told these addresses, one after the other, and a listener that counts who comes and answers nobody.
    async fn asks(
        allows: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
        answers: &[&[IpAddr]],
    ) -> (reqwest::Client, u16, Arc<AtomicUsize>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, came) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = came.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let answers: Vec<Vec<SocketAddr>> =
            answers.iter().map(|found| found.iter().map(|ip| SocketAddr::new(*ip, 0)).collect()).collect();
        let asked = AtomicUsize::new(0);
        let lookup = move |_: String| -> Found {
            let n = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let found = answers[n].clone();
            Box::pin(async move { Ok(found) })
        };
        (judging(Arc::new(allows), false, Arc::new(lookup)).unwrap(), port, came)
    }

    fn is_refused(error: &reqwest::Error) -> bool {
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            if error.downcast_ref::<NotPublic>().is_some() {
                return true;
            }
            source = error.source();
        }
        false
    }

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    /// Stands for a public one where nothing may leave this machine: nobody listens there.
    const ALLOWED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

    fn only_allowed(address: IpAddr) -> bool {
        address == ALLOWED
    }

    #[tokio::test]
    async fn a_name_that_stands_for_an_address_inside_is_not_connected_to() {
        let (client, port, came) = asks(|address| Reach::Public.allows(address), &[&[LOOPBACK]]).await;
        let error = client.post(format!("http://crm.example.org:{port}/")).send().await.unwrap_err();
        assert!(is_refused(&error), "{error:?}");
        assert_eq!(came.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_name_that_comes_to_mean_an_address_inside_is_not_connected_to_either() {
        let (client, port, came) = asks(only_allowed, &[&[ALLOWED], &[LOOPBACK]]).await;
        let url = format!("http://crm.example.org:{port}/");
        let error = client.post(&url).send().await.unwrap_err();
        assert!(!is_refused(&error), "it was allowed: {error:?}");
        let error = client.post(&url).send().await.unwrap_err();
        assert!(is_refused(&error), "{error:?}");
        assert_eq!(came.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn of_several_addresses_only_public_ones_are_connected_to() {
        let (client, port, came) = asks(only_allowed, &[&[LOOPBACK, ALLOWED]]).await;
        let url = format!("http://crm.example.org:{port}/");
        let error = client.post(&url).send().await.unwrap_err();
        assert!(!is_refused(&error), "{error:?}");
        assert_eq!(came.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn where_it_is_allowed_it_is() {
        let (client, port, came) = asks(|address| Reach::Anywhere.allows(address), &[&[LOOPBACK]]).await;
        let url = format!("http://crm.example.org:{port}/");
        let _ = client.post(&url).send().await.unwrap_err();
        assert_eq!(came.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_address_in_a_url_is_judged_too() {
        let judge = |url: &str| Reach::Public.judge(&Url::parse(url).unwrap());
        for inside in
            ["https://127.0.0.1/", "https://[::1]/", "https://0x7f000001/", "http://crm.example.org/"]
        {
            assert_eq!(judge(inside), Err(NotPublic), "{inside}");
        }
        for outside in ["https://1.1.1.1/", "https://crm.example.org/"] {
            assert_eq!(judge(outside), Ok(()), "{outside}");
        }
        assert_eq!(Reach::Anywhere.judge(&Url::parse("http://127.0.0.1/").unwrap()), Ok(()));
    }
}
