//! What is there to try the service with.

use std::fs;

use super::root;
use crate::recordings;

#[test]
fn the_example_is_what_a_real_kratos_sent() {
    let example =
        fs::read_to_string(root().join("kratos-config/examples/registration-password.json")).unwrap();
    assert_eq!(example, recordings::hook("v26.2.0/hooks/registration-password.own.json").body);
}
