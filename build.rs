//! Builds again when a file of the page is added: what is embedded is watched one by one, and only once it is there.

fn main() {
    println!("cargo::rerun-if-changed=web/elements");
    println!("cargo::rerun-if-changed=web/pages");
}
