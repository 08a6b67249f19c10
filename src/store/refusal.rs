//! What an error of the driver says: that the data is refused, or that the database cannot be used now.

use sqlx::postgres::PgDatabaseError;

use super::backend::{CommitError, ReadError};

fn refuses_data(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => is_class_of_data(error.code()),
            None => error.code().and_then(|code| code.parse().ok()).is_some_and(is_result_of_data),
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// SQLSTATE (PostgreSQL, Appendix A): data exception, integrity constraint violation, program limit exceeded, and an
/// exception that a trigger of somebody's raised.
fn is_class_of_data(code: &str) -> bool {
    ["22", "23", "54", "P0"].iter().any(|class| code.starts_with(class))
}

/// The primary result code is the lower byte (sqlite.org/rescode.html).
fn is_result_of_data(code: u32) -> bool {
    const TOOBIG: u32 = 18;
    const CONSTRAINT: u32 = 19;
    const MISMATCH: u32 = 20;
    matches!(code & 0xff, TOOBIG | CONSTRAINT | MISMATCH)
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> CommitError {
        if refuses_data(&error) {
            CommitError::Data(error.into())
        } else {
            CommitError::Unavailable(error.into())
        }
    }
}

impl From<serde_json::Error> for CommitError {
    fn from(error: serde_json::Error) -> CommitError {
        CommitError::Data(error.into())
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> ReadError {
        if refuses_data(&error) {
            ReadError::Corrupt(error.into())
        } else {
            ReadError::Unavailable(error.into())
        }
    }
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> ReadError {
        ReadError::Corrupt(error.into())
    }
}

impl From<ReadError> for CommitError {
    fn from(error: ReadError) -> CommitError {
        match error {
            ReadError::Unavailable(source) => CommitError::Unavailable(source),
            ReadError::Corrupt(source) => CommitError::Data(source),
        }
    }
}
