//! Jsonnet templates, evaluated as Kratos would.

mod contexts;
mod evaluate;
mod scope;
mod stdlib;
mod traits;

pub use contexts::{COOKIE, CSRF, Context, DEVICE, HEADER, contexts, large};
pub use evaluate::{Asked, BOUNDS, Bounds, Evaluate, Here, Outcome, evaluate};
pub use traits::{Traits, of_schema};
