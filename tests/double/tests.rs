//! The double of Kratos: as the real one was recorded, and as its source says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_debug_implementations)]

#[path = "mod.rs"]
mod double;
#[path = "specification/mod.rs"]
mod specification;
