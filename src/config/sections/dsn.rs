use std::path::PathBuf;

use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::Dsn;

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Dsn, Noted> {
    reader.required("dsn", parse)
}

fn parse(scalar: &Scalar<'_>) -> Result<Dsn, Refused> {
    let text = scalar.text()?;
    let Some((scheme, path)) = text.split_once("://") else {
        return Err("is not a URL; this version keeps its data in SQLite, `sqlite://PATH`".into());
    };
    match scheme {
        "sqlite" | "sqlite3" => {}
        "postgres" | "postgresql" => {
            return Err("names PostgreSQL; this version keeps its data in SQLite only".into());
        }
        _ => {
            return Err(
                "names a database that this service does not know; it keeps its data in SQLite".into()
            );
        }
    }
    if path.contains('?') {
        return Err("has options after `?`; there are none, the service chooses them itself".into());
    }
    if path.is_empty() || path.ends_with('/') || path.contains(":memory:") {
        return Err("names no file; registrations have to survive a restart".into());
    }
    Ok(Dsn::Sqlite(PathBuf::from(path)))
}
