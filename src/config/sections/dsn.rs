use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{Dsn, PostgresDsn};

const MAX_CONNS: u32 = 8;
/// Two write, one listens, one reads.
const FEWEST_CONNS: u32 = 4;
const MOST_CONNS: u32 = 1000;

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const PARAMETERS: [&str; 14] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "application_name",
    "options",
    "statement-cache-capacity",
    "max_conns",
    "notify",
];

/// What the driver does not know.
const OURS: [&str; 2] = ["max_conns", "notify"];

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Dsn, Noted> {
    reader.secret("dsn", parse)
}

fn parse(scalar: &Scalar<'_>) -> Result<Dsn, Refused> {
    let text = scalar.text()?;
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    match scheme {
        "sqlite" => sqlite(rest.strip_prefix("//").unwrap_or(rest)),
        "postgres" | "postgresql" => postgres(text).map(Dsn::Postgres),
        "" => Err(Refused::so_do("does not begin with a scheme", POSSIBLE)),
        _ => Err(Refused::so_do("names a database that this service does not know", POSSIBLE)),
    }
}

const POSSIBLE: &str = "write `sqlite://PATH`, `postgres://…` or `postgresql://…`";

fn sqlite(path: &str) -> Result<Dsn, Refused> {
    if path.contains('?') {
        return Err("has options after `?`; there are none, the service chooses them itself".into());
    }
    if path.is_empty() || path.ends_with('/') || path.contains(":memory:") {
        return Err("names no file; registrations have to survive a restart".into());
    }
    Ok(Dsn::Sqlite(PathBuf::from(path)))
}

fn postgres(text: &str) -> Result<PostgresDsn, Refused> {
    let encode =
        "percent-encode what is special in user or password: `/` is %2F, `?` is %3F, `#` is %23, `@` is %40";
    let mut url = Url::parse(text).map_err(|_| Refused::so_do("is not a URL", encode))?;
    if url.fragment().is_some() {
        return Err(Refused::so_do("has a `#`", encode));
    }
    let (mut max_conns, mut notify) = (MAX_CONNS, true);
    let (mut host, mut port) = (url.host_str().map(str::to_owned), url.port());
    let mut database = url.path().trim_start_matches('/').to_owned();
    let mut kept = Vec::new();
    for (name, value) in url.query_pairs().into_owned().collect::<Vec<_>>() {
        match name.as_str() {
            "max_conns" => max_conns = whole(&name, &value, FEWEST_CONNS, MOST_CONNS)?,
            "notify" => notify = switch(&name, &value)?,
            "port" => port = u16::try_from(whole(&name, &value, 1, u32::from(u16::MAX))?).ok(),
            "statement-cache-capacity" => drop(whole(&name, &value, 0, 100_000)?),
            "sslmode" if !SSL_MODES.contains(&value.as_str()) => {
                return Err(format!("has a value of sslmode that is none of {}", SSL_MODES.join(", ")).into());
            }
            "host" => host = Some(value.clone()),
            "dbname" => value.clone_into(&mut database),
            known if PARAMETERS.contains(&known) => {}
            _ => {
                return Err(
                    format!("has a parameter after `?` that is none of {}", PARAMETERS.join(", ")).into()
                );
            }
        }
        if !OURS.contains(&name.as_str()) {
            kept.push((name, value));
        }
    }
    if database.is_empty() {
        return Err(Refused::so_do(
            "names no database",
            "write its name at the end, `postgres://HOST/DATABASE`",
        ));
    }
    // A special character of the password that was not encoded: what follows it looks like another part.
    if database.contains(['/', '@', ':']) || text.matches('@').count() > 1 {
        return Err(Refused::so_do("has a `/`, `@` or `:` where none can be", encode));
    }
    let host = host.filter(|host| !host.is_empty());
    if host.as_ref().is_some_and(|host| host.contains(',')) {
        return Err("names several hosts; one is taken".into());
    }
    let name = match (host, port) {
        (Some(host), Some(port)) => format!("postgres://{host}:{port}/{database}"),
        (Some(host), None) => format!("postgres://{host}/{database}"),
        (None, _) => format!("postgres:///{database}"),
    };
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    Ok(PostgresDsn { url: SecretString::from(String::from(url)), name, max_conns, notify })
}

fn switch(name: &str, value: &str) -> Result<bool, Refused> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("has a value of {name} that is neither on nor off").into()),
    }
}

fn whole(name: &str, value: &str, least: u32, most: u32) -> Result<u32, Refused> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number
        .ok_or_else(|| format!("has a value of {name} that is no whole number from {least} to {most}").into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(text: &str) -> Result<Dsn, Refused> {
        parse(&Scalar::Text(text))
    }

    #[test]
    fn the_scheme_chooses() {
        for text in ["sqlite://a/b.db", "sqlite:a/b.db"] {
            assert!(matches!(read(text), Ok(Dsn::Sqlite(path)) if path.ends_with("a/b.db")), "{text}");
        }
        for text in ["postgres://h/d", "postgresql://h/d", "postgres:///d?host=/run/postgresql"] {
            assert!(matches!(read(text), Ok(Dsn::Postgres(_))), "{text}");
        }
    }

    #[test]
    fn what_is_ours_is_taken_out_and_the_name_has_no_credentials() {
        let Ok(Dsn::Postgres(dsn)) = read(
            "postgres://u:p%40ss@db.example:5433/onboarding?sslmode=verify-full&max_conns=20&notify=off",
        ) else {
            panic!("refused");
        };
        assert_eq!((dsn.max_conns, dsn.notify), (20, false));
        assert_eq!(dsn.name, "postgres://db.example:5433/onboarding");
        assert_eq!(
            dsn.url.expose_secret(),
            "postgres://u:p%40ss@db.example:5433/onboarding?sslmode=verify-full"
        );
        assert!(!format!("{dsn:?}").contains("p%40ss"));
    }

    #[test]
    fn sqlx_takes_what_is_taken_here() {
        for text in [
            "postgres://u:p@h/d?sslmode=require&application_name=x&options=-c%20search_path%3Dx",
            "postgres://%2Frun%2Fpostgresql/d",
            "postgres://h:1/d?statement-cache-capacity=0",
        ] {
            let Ok(Dsn::Postgres(dsn)) = read(text) else { panic!("{text} is refused") };
            dsn.url.expose_secret().parse::<sqlx::postgres::PgConnectOptions>().unwrap();
        }
    }
}
