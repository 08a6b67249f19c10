//! Hosts and origins, as browsers and Kratos look at them.

use std::net::IpAddr;

use url::{Host, Url};

/// Scheme, host and port as a browser writes them.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

pub fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_ascii_lowercase()
}

pub fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

pub fn as_ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Browsers call it trustworthy although it may be plain HTTP (Secure Contexts, section 3.1).
pub fn is_loopback(host: &str) -> bool {
    is_localhost(host) || as_ip(host).is_some_and(|ip| ip.is_loopback())
}

/// A name only a network of one's own knows, or a private address. `None`: a public name, whose address may be either.
pub fn is_private(url: &Url) -> Option<bool> {
    match url.host()? {
        Host::Ipv4(ip) => Some(
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()
                // Shared address space, RFC 6598.
                || matches!(ip.octets(), [100, second, ..] if (64..128).contains(&second)),
        ),
        Host::Ipv6(ip) => Some(
            ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local(),
        ),
        Host::Domain(name) if is_internal_name(name) => Some(true),
        Host::Domain(_) => None,
    }
}

/// No public certificate authority vouches for it.
pub fn is_internal_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ends = [
        ".localhost",
        ".internal",
        ".local",
        ".lan",
        ".home.arpa",
        ".test",
        ".svc",
        ".cluster.local",
        ".intranet",
    ];
    !name.contains('.') || ends.iter().any(|end| name.ends_with(end))
}

/// `name` is `domain` or below it.
pub fn is_within(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    name == domain || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
}

/// A domain below which anybody can have a name: `org`, `co.uk`.
pub fn is_public_suffix(domain: &str) -> bool {
    if is_localhost(domain) || as_ip(domain).is_some() {
        return false;
    }
    psl::domain(domain.to_ascii_lowercase().as_bytes()).is_none()
}

/// What a browser calls a site: the registrable domain, or the host where it has none.
pub fn site(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if as_ip(&host).is_some() || is_localhost(&host) {
        return host;
    }
    let found =
        psl::domain(host.as_bytes()).map(|domain| String::from_utf8_lossy(domain.as_bytes()).into_owned());
    found.unwrap_or(host)
}

/// The domain that two hosts share and could share a cookie of.
pub fn shared_domain(one: &str, other: &str) -> Option<String> {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    if as_ip(&one).is_some() || as_ip(&other).is_some() {
        return None;
    }
    let parents = std::iter::successors(Some(one.as_str()), |name| Some(name.split_once('.')?.1));
    let shared = parents.into_iter().find(|parent| is_within(&other, parent))?;
    (!is_public_suffix(shared)).then(|| shared.to_owned())
}

/// Kratos's exceptions of the private-address rule: a glob over the whole URL (gobwas/glob with the separators `.` and `/`).
/// Only `*`, `**`, `?` and `{a,b}` are known here.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    if let Some((before, rest)) = pattern.split_once('{')
        && let Some((choices, after)) = rest.split_once('}')
    {
        return choices.split(',').any(|choice| glob_matches(&format!("{before}{choice}{after}"), text));
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let mut reachable = vec![false; text.len() + 1];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    let separator = |c: char| c == '.' || c == '/';
    let mut rest = pattern.as_slice();
    while let Some((token, after)) = rest.split_first() {
        let mut next = vec![false; text.len() + 1];
        let any = *token == '*' && after.first() == Some(&'*');
        let mut open = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let here = reachable.get(at).copied().unwrap_or_default();
            let before = at.checked_sub(1);
            let last = before.and_then(|before| text.get(before)).copied();
            let was = before.and_then(|before| reachable.get(before)).copied().unwrap_or_default();
            *slot = match token {
                '*' => {
                    if !any && last.is_some_and(separator) {
                        open = false;
                    }
                    open = open || here;
                    open
                }
                '?' => was && last.is_some_and(|c| !separator(c)),
                literal => was && last == Some(*literal),
            };
        }
        reachable = next;
        rest = if any { after.get(1..).unwrap_or_default() } else { after };
    }
    reachable.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn private_addresses_are_known_and_public_names_are_not() {
        for (address, private) in [
            ("http://127.0.0.1:5050/", Some(true)),
            ("http://10.1.2.3/", Some(true)),
            ("http://172.31.0.1/", Some(true)),
            ("http://172.32.0.1/", Some(false)),
            ("http://100.64.0.1/", Some(true)),
            ("http://[::1]/", Some(true)),
            ("http://[fd00::1]/", Some(true)),
            ("http://8.8.8.8/", Some(false)),
            ("http://localhost/", Some(true)),
            ("http://onboarding:5050/", Some(true)),
            ("http://onboarding.default.svc/", Some(true)),
            ("http://onboarding.internal/", Some(true)),
            ("https://onboarding.example.org/", None),
        ] {
            assert_eq!(is_private(&url(address)), private, "{address}");
        }
    }

    #[test]
    fn a_cookie_can_be_shared_below_a_registrable_domain_only() {
        for (one, other, shared) in [
            ("auth.example.org", "onboarding.example.org", Some("example.org")),
            ("example.org", "app.example.org", Some("example.org")),
            ("a.co.uk", "b.co.uk", None),
            ("a.github.io", "b.github.io", None),
            ("example.org", "example.net", None),
            ("127.0.0.1", "127.0.0.1", None),
            ("localhost", "127.0.0.1", None),
        ] {
            assert_eq!(shared_domain(one, other).as_deref(), shared, "{one} {other}");
        }
        assert!(is_public_suffix("co.uk") && is_public_suffix("org") && !is_public_suffix("example.org"));
        assert!(is_within("a.example.org", "example.org") && !is_within("badexample.org", "example.org"));
    }

    #[test]
    fn globs_are_matched_as_kratos_does() {
        for (pattern, text, matches) in [
            ("http://localhost:5050/a/b", "http://localhost:5050/a/b", true),
            ("http://localhost:5050/a", "http://localhost:5050/a/b", false),
            ("http://localhost:5050/*/b", "http://localhost:5050/a/b", true),
            ("http://localhost:5050/*", "http://localhost:5050/a/b", false),
            ("http://localhost:5050/**", "http://localhost:5050/a/b", true),
            ("http://*.internal/**", "http://onboarding.internal/api/x", true),
            ("http://*.internal/**", "http://a.b.internal/api/x", false),
            ("http://Localhost/", "http://localhost/", false),
            ("{http,https}://localhost/?", "https://localhost/x", true),
            ("**", "http://localhost/", true),
            ("", "", true),
        ] {
            assert_eq!(glob_matches(pattern, text), matches, "{pattern} {text}");
        }
    }
}
