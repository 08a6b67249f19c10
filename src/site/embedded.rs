//! What of `web/` is in the binary, in debug builds too: tests see what a release serves.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/elements/"]
struct Elements;

/// The style sheet of the pages.
pub const STYLE: &str = include_str!("../../web/pages/page.css");

/// Path below `web/elements` and text of every module.
pub fn modules() -> BTreeMap<String, String> {
    let paths = Elements::iter().filter(|path| path.ends_with(".js"));
    let text = |path: &str| String::from_utf8(Elements::get(path)?.data.into_owned()).ok();
    paths.filter_map(|path| Some((path.to_string(), text(&path)?))).collect()
}
