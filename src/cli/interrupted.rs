//! Ctrl-C and SIGTERM, for verbs that run long.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first of them. From now on they come here and not to the system's default action.
pub(super) fn interrupted() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
