//! The service on PostgreSQL: the same promises, and several instances that act as one.

mod instances;
mod schema;
mod tls;

use std::path::Path;
use std::process::Output;

use crate::cluster::Database;
use crate::service::Plan;

fn on(database: &Database) -> Plan {
    Plan::new().with("DSN", &database.url)
}

/// A verb on that database.
fn call(database: &Database, arguments: &[&str]) -> Output {
    on(database).command(Path::new("."), arguments).output().unwrap()
}
