//! What a configuration names: `file://`, `base64://`, a bare path. Nothing is fetched from anywhere.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Far above what Kratos can use of a template (64 KiB with its context) and what a schema needs.
const LARGEST: u64 = 1 << 20;

/// The text behind an address, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub text: String,
    /// `None` for text that stands in the configuration itself.
    pub file: Option<PathBuf>,
    /// The path that was asked for, where the file of this name beside the configuration was taken instead.
    pub beside: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// `http://` or `https://`.
    #[error("it lies on a server")]
    Remote,
    #[error("there is no file {}, nor one beside the configuration", .0.display())]
    Missing(PathBuf),
    #[error("the file {} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("what follows `base64://` is no base64")]
    NotBase64,
    #[error("it is no text (UTF-8)")]
    NotText,
    #[error("`{0}://` is no kind of address that Kratos knows")]
    Scheme(String),
}

/// `beside`: the directory of the configuration.
pub fn read(address: &str, beside: &Path) -> Result<Found, NotFound> {
    let inline = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).map_err(|_| NotFound::NotText)?;
        Ok(Found { text, file: None, beside: None })
    };
    match address.split_once("://") {
        Some(("file", path)) => file(Path::new(path), beside),
        Some(("base64", encoded)) => {
            // Kratos takes the standard alphabet with its padding, and no other.
            inline(STANDARD.decode(encoded).map_err(|_| NotFound::NotBase64)?)
        }
        Some(("http" | "https", _)) => Err(NotFound::Remote),
        Some((scheme, _)) => Err(NotFound::Scheme(scheme.to_owned())),
        None => file(Path::new(address), beside),
    }
}

fn file(path: &Path, beside: &Path) -> Result<Found, NotFound> {
    if path.is_file() {
        return Ok(Found { text: text(path)?, file: Some(path.to_owned()), beside: None });
    }
    // A relative path may be meant from the directory of the configuration; an absolute one is of another machine.
    let near = [Some(beside.join(path)), path.file_name().map(|name| beside.join(name))];
    match near.into_iter().flatten().find(|near| near.is_file()) {
        Some(near) => Ok(Found { text: text(&near)?, file: Some(near), beside: Some(path.to_owned()) }),
        None => Err(NotFound::Missing(path.to_owned())),
    }
}

fn text(path: &Path) -> Result<String, NotFound> {
    let unreadable = |why: String| NotFound::Unreadable { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unreadable("it is larger than a megabyte".to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| NotFound::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_where_it_is_and_else_beside_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("hooks")).unwrap();
        std::fs::write(directory.path().join("hooks/own.jsonnet"), "there").unwrap();
        std::fs::write(directory.path().join("own.jsonnet"), "beside").unwrap();
        let there = directory.path().join("hooks/own.jsonnet");
        let found = read(&format!("file://{}", there.display()), directory.path()).unwrap();
        assert_eq!((found.text.as_str(), found.beside), ("there", None));
        let found = read("file:///etc/kratos/own.jsonnet", directory.path()).unwrap();
        assert_eq!(found.text, "beside");
        assert_eq!(found.beside.as_deref(), Some(Path::new("/etc/kratos/own.jsonnet")));
        assert_eq!(read("file://hooks/own.jsonnet", directory.path()).unwrap().text, "there");
        assert_eq!(read("hooks/own.jsonnet", directory.path()).unwrap().text, "there");
        assert!(matches!(read("file:///etc/no.jsonnet", directory.path()), Err(NotFound::Missing(_))));
    }

    #[test]
    fn text_can_stand_in_the_configuration_itself() {
        let here = Path::new(".");
        assert_eq!(read("base64://Y3R4", here).unwrap().text, "ctx");
        assert_eq!(read("base64://Y3R4Cg==", here).unwrap().text, "ctx\n");
        assert_eq!(read("base64://Y3R4Cg", here), Err(NotFound::NotBase64));
        assert_eq!(read("base64://!", here), Err(NotFound::NotBase64));
        assert_eq!(read("base64:///w==", here), Err(NotFound::NotText));
        assert_eq!(read("https://example.org/a.jsonnet", here), Err(NotFound::Remote));
        assert_eq!(read("ftp://example.org/a", here), Err(NotFound::Scheme("ftp".to_owned())));
    }
}
