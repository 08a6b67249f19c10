//! Values that several sections write: addresses, origins, durations, names.

use jiff::SignedDuration;
use url::{Host, Url};

use super::reader::Refused;
use super::settings::{AllowedHost, Origin, ReturnPrefix};

/// RFC 9110, section 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `http` or `https`, a host, perhaps a path; nothing that would be lost or leak when a path is appended.
fn web_address(text: &str) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|error| Refused::from(format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is not an http or https URL".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password".into());
    }
    if let Some(Host::Domain(name)) = url.host()
        && name.contains('*')
    {
        return Err("holds a wildcard; every host is listed by name".into());
    }
    if url.port() == Some(0) {
        return Err("has port 0, where nothing can be reached".into());
    }
    Ok(url)
}

fn without_query(url: &Url) -> Result<(), Refused> {
    if url.query().is_some() {
        return Err("has a query (`?…`)".into());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (`#…`)".into());
    }
    Ok(())
}

/// Ends with `/`, so that a relative path can be joined.
pub(super) fn base_url(text: &str) -> Result<Url, Refused> {
    let mut url = web_address(text)?;
    without_query(&url)?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Where a browser may be sent; may have a query.
pub(super) fn return_url(text: &str) -> Result<Url, Refused> {
    web_address(text)
}

/// Where something is posted; may have a query.
pub(super) fn receiver_url(text: &str) -> Result<Url, Refused> {
    let url = web_address(text)?;
    if url.fragment().is_some() {
        return Err("has a fragment (`#…`)".into());
    }
    Ok(url)
}

/// `NAME`, `NAME:PORT`, an address, or an IPv6 address in brackets.
pub(super) fn host(text: &str) -> Result<AllowedHost, Refused> {
    let wrong = || Refused::from("is not a host name or address, perhaps with a port");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if text.is_empty() || !text.chars().all(plain) {
        return Err(wrong());
    }
    let url = Url::parse(&format!("ws://{text}/")).map_err(|_| wrong())?;
    let name = url.host_str().ok_or_else(wrong)?.to_owned();
    // The port that the URL standard leaves out is one too.
    let port = text.ends_with(":80").then_some(80).or(url.port());
    Ok(AllowedHost { name, port })
}

/// What people read: at most 64 characters.
pub(super) fn short_text(text: &str) -> Result<String, Refused> {
    if text.chars().count() > 64 {
        return Err("is longer than 64 characters".into());
    }
    if text.chars().any(char::is_control) {
        return Err("holds a control character".into());
    }
    Ok(text.to_owned())
}

pub(super) fn origin(text: &str) -> Result<Origin, Refused> {
    if text == "null" {
        return Err("is `null`, which every sandboxed frame and local file sends".into());
    }
    if text.contains('*') {
        return Err("holds a wildcard; every origin is listed by name".into());
    }
    let url = web_address(text)?;
    without_query(&url)?;
    // The parser turns no path into `/`, so look at what was written.
    if url.path() != "/" || text.ends_with('/') {
        return Err("has a path: an origin is scheme, host and port, without a `/` at the end".into());
    }
    Ok(Origin(url.origin().ascii_serialization()))
}

pub(super) fn return_prefix(text: &str) -> Result<ReturnPrefix, Refused> {
    let url = web_address(text)?;
    without_query(&url)?;
    let path = match url.path().trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    };
    Ok(ReturnPrefix { origin: Origin(url.origin().ascii_serialization()), path })
}

/// `""` or `/like/this`.
pub(super) fn base_path(text: &str) -> Result<String, Refused> {
    let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
    let plain = |segment: &&str| {
        segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
            && !matches!(*segment, "." | "..")
    };
    if !segments.iter().all(plain) {
        return Err(
            "has a character that is not a letter, digit, `-`, `.`, `_` or `~` between its slashes".into()
        );
    }
    if text.len() > 200 {
        return Err("is longer than 200 characters".into());
    }
    Ok(segments.iter().map(|segment| format!("/{segment}")).collect())
}

/// Units a duration may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    /// What Go's `time.ParseDuration` takes, as Kratos does.
    Go,
    /// Days and weeks too.
    Calendar,
}

const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3660);

/// `1h`, `1h30m`, `1.5h`; longer than nothing, at most ten years.
pub(super) fn duration(text: &str, units: Units) -> Result<SignedDuration, Refused> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("has no unit: a bare number could be seconds, minutes or hours".into());
    }
    let mut rest = text;
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(number_end).unwrap_or((rest, ""));
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end).unwrap_or((after, ""));
        let part = unit_nanos(unit, units).and_then(|unit| times(number, unit));
        let part = part.ok_or_else(|| not_a_duration(units))?;
        nanos = nanos.checked_add(part).ok_or("is longer than ten years")?;
        rest = after;
    }
    if nanos == 0 {
        return Err("is no time at all".into());
    }
    if nanos > LONGEST.as_nanos() {
        return Err("is longer than ten years".into());
    }
    let whole = i64::try_from(nanos).map_err(|_| Refused::from("is longer than ten years"));
    Ok(SignedDuration::from_nanos(whole?))
}

fn not_a_duration(units: Units) -> Refused {
    match units {
        Units::Go => "is not a duration: numbers with the units h, m, s, ms, us or ns (no days: 24h)".into(),
        Units::Calendar => "is not a duration: numbers with the units w, d, h, m or s".into(),
    }
}

fn unit_nanos(unit: &str, units: Units) -> Option<i128> {
    const SECOND: i128 = 1_000_000_000;
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" if units == Units::Calendar => 86_400 * SECOND,
        "w" if units == Units::Calendar => 7 * 86_400 * SECOND,
        _ => return None,
    })
}

fn times(number: &str, unit: i128) -> Option<i128> {
    // Nine digits behind the point are nanoseconds of a second; twelve before it are 30 000 years of them.
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 12 || fraction.len() > 9 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    digits.checked_mul(unit)?.checked_div(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let seconds = |text: &str| duration(text, Units::Go).map(|d| d.as_secs_f64());
        assert_eq!(seconds("1h"), Ok(3600.0));
        assert_eq!(seconds("1h30m10s"), Ok(5410.0));
        assert_eq!(seconds("1.5h"), Ok(5400.0));
        assert_eq!(seconds(".5s"), Ok(0.5));
        for wrong in
            ["", "1", "3600", "h", "1d", "-1h", "1h-5m", "1 h", "1.1.1s", "0s", "0", "999999999999h", "."]
        {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(duration("14d", Units::Calendar), Ok(SignedDuration::from_hours(14 * 24)));
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        let origin = |text: &str| super::origin(text).map(|origin| origin.0);
        assert_eq!(origin("https://App.Example.org:443").as_deref(), Ok("https://app.example.org"));
        assert_eq!(origin("http://localhost:3000").as_deref(), Ok("http://localhost:3000"));
        for wrong in [
            "null",
            "*",
            "https://*.example.org",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://a.example#x",
            "https://u:p@a.example",
            "a.example",
            "file:///etc",
            "javascript:alert(1)",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_come_out_one_way() {
        for (written, normal) in [("", ""), ("/", ""), ("a", "/a"), ("/a/", "/a"), ("//a//b", "/a/b")] {
            assert_eq!(base_path(written).as_deref(), Ok(normal));
        }
        for wrong in ["/a b", "/..", "/a?b", "/a%2f"] {
            assert!(base_path(wrong).is_err(), "{wrong}");
        }
    }
}
