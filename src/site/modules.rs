//! Modules as they are published: every one but the entry is named by its content, and imports others by these names.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::specifiers::{SyntaxError, specifiers};

/// What is imported from outside; the number is the interface's.
pub const ENTRY: &str = "v1.js";
/// Where everything else lies, seen from the entry.
const BELOW: &str = "v1";
/// Hex digits of SHA-256: enough that two versions of a file never share a name.
const HASH_LENGTH: usize = 16;

/// Modules that do not fit together. Paths are those in `web/elements`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    #[error("there is no {ENTRY}")]
    NoEntry,
    #[error("{module}: {error}")]
    Syntax { module: String, error: SyntaxError },
    #[error("{module} imports {specifier:?}, which is no module below web/elements")]
    Unresolved { module: String, specifier: String },
    #[error("modules import each other in a circle: {}", .0.join(" → "))]
    Circle(Vec<String>),
}

/// The text a file is served with, and the hash of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub text: String,
    pub hash: String,
}

impl Published {
    pub fn of(text: String) -> Published {
        let mut hash = hex::encode(Sha256::digest(text.as_bytes()));
        hash.truncate(HASH_LENGTH);
        Published { text, hash }
    }
}

/// All of them, imports rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    pub entry: Published,
    /// By the path below `v1/`: `offer/element.0123456789abcdef.js`.
    pub files: HashMap<String, Published>,
    /// Paths below `v1/` of what the entry needs before it runs, in the order of need.
    pub preloaded: Vec<String>,
}

impl Modules {
    /// `sources`: path below `web/elements` and text of each module. Those the entry does not lead to are left out.
    pub fn publish(sources: &BTreeMap<String, String>) -> Result<Modules, ModuleError> {
        let mut publishing = Publishing { sources, done: BTreeMap::new(), under_way: Vec::new() };
        publishing.publish(ENTRY)?;
        let mut preloaded = Vec::new();
        publishing.needed_by(ENTRY, &mut preloaded);
        let mut done = publishing.done;
        let entry = done.remove(ENTRY).ok_or(ModuleError::NoEntry)?.published;
        let names: Vec<String> = preloaded
            .iter()
            .filter_map(|path| done.get(path).map(|module| hashed(path, &module.published.hash)))
            .collect();
        let files = done
            .into_iter()
            .map(|(path, module)| (hashed(&path, &module.published.hash), module.published))
            .collect();
        Ok(Modules { entry, files, preloaded: names })
    }
}

struct Module {
    published: Published,
    /// Paths of the modules it needs before it runs.
    needs: Vec<String>,
}

struct Publishing<'s> {
    sources: &'s BTreeMap<String, String>,
    done: BTreeMap<String, Module>,
    /// From the entry down to the one at hand.
    under_way: Vec<String>,
}

impl Publishing<'_> {
    /// Those it imports first: its own content holds their names.
    fn publish(&mut self, path: &str) -> Result<(), ModuleError> {
        if self.done.contains_key(path) {
            return Ok(());
        }
        if let Some(start) = self.under_way.iter().position(|module| module == path) {
            let circle = self.under_way.iter().skip(start).cloned().chain([path.to_owned()]);
            return Err(ModuleError::Circle(circle.collect()));
        }
        let source = self.sources.get(path).ok_or(ModuleError::NoEntry)?;
        let named =
            specifiers(source).map_err(|error| ModuleError::Syntax { module: path.to_owned(), error })?;
        self.under_way.push(path.to_owned());
        let (mut text, mut copied, mut needs) = (String::with_capacity(source.len() + 256), 0, Vec::new());
        for specifier in named {
            let written = source.get(specifier.range.clone()).unwrap_or_default();
            let target = resolve(path, written).filter(|target| self.sources.contains_key(target));
            let target = target.ok_or_else(|| ModuleError::Unresolved {
                module: path.to_owned(),
                specifier: written.to_owned(),
            })?;
            self.publish(&target)?;
            let hash = self.done.get(&target).map_or("", |module| &module.published.hash);
            text.push_str(source.get(copied..specifier.range.start).unwrap_or_default());
            // Below `v1/` all of them lie to each other as they do in the source; only the entry lies elsewhere.
            match path {
                ENTRY => text.push_str(&format!("./{BELOW}/{}", hashed(&target, hash))),
                _ => text.push_str(&hashed(written, hash)),
            }
            copied = specifier.range.end;
            if !specifier.is_lazy {
                needs.push(target);
            }
        }
        text.push_str(source.get(copied..).unwrap_or_default());
        self.under_way.pop();
        self.done.insert(path.to_owned(), Module { published: Published::of(text), needs });
        Ok(())
    }

    fn needed_by(&self, path: &str, found: &mut Vec<String>) {
        for needed in self.done.get(path).into_iter().flat_map(|module| &module.needs) {
            if !found.contains(needed) {
                found.push(needed.clone());
                self.needed_by(needed, found);
            }
        }
    }
}

/// `offer/element.js` → `offer/element.HASH.js`.
pub fn hashed(path: &str, hash: &str) -> String {
    let (stem, ending) = path.rsplit_once('.').unwrap_or((path, ""));
    format!("{stem}.{hash}.{ending}")
}

/// The path a relative specifier means; `None` for any other, and above the root.
fn resolve(importer: &str, specifier: &str) -> Option<String> {
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return None;
    }
    let mut segments: Vec<&str> = importer.split('/').collect();
    segments.pop();
    for segment in specifier.split('/') {
        match segment {
            "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::embedded;
    use super::*;

    fn sources(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    const SMALL: [(&str, &str); 4] = [
        ("v1.js", "import './offer/element.js';\nexport { words } from \"./words/words.js\";"),
        ("offer/element.js", "import { words } from '../words/words.js';"),
        ("words/words.js", "export const words = () => import('./de.js');"),
        ("words/de.js", "export default 'deutsch';"),
    ];

    fn name_of<'m>(modules: &'m Modules, stem: &str) -> &'m str {
        modules.files.keys().find(|name| name.starts_with(stem)).unwrap()
    }

    #[test]
    fn every_import_names_the_content() {
        let modules = Modules::publish(&sources(&SMALL)).unwrap();
        let [element, words, de] =
            ["offer/element.", "words/words.", "words/de."].map(|stem| name_of(&modules, stem));
        assert_eq!(
            modules.entry.text,
            format!("import './v1/{element}';\nexport {{ words }} from \"./v1/{words}\";")
        );
        assert_eq!(modules.files[element].text, format!("import {{ words }} from '../{words}';"));
        let de_beside = de.strip_prefix("words/").unwrap();
        assert_eq!(modules.files[words].text, format!("export const words = () => import('./{de_beside}');"));
        for (name, file) in &modules.files {
            let hash = hex::encode(Sha256::digest(&file.text));
            assert_eq!(name.split('.').nth(1), hash.get(..HASH_LENGTH), "{name}");
        }
    }

    #[test]
    fn a_change_deep_down_changes_every_name_up_to_the_entry() {
        let before = Modules::publish(&sources(&SMALL)).unwrap();
        let mut changed = SMALL;
        changed[3].1 = "export default 'Deutsch';";
        let after = Modules::publish(&sources(&changed)).unwrap();
        assert_ne!(before.entry.hash, after.entry.hash);
        assert!(before.files.keys().all(|name| !after.files.contains_key(name)));
        assert_eq!(Modules::publish(&sources(&SMALL)).unwrap(), before, "and nothing else does");
    }

    #[test]
    fn what_is_imported_lazily_is_not_needed_at_once() {
        let modules = Modules::publish(&sources(&SMALL)).unwrap();
        assert_eq!(
            modules.preloaded,
            [name_of(&modules, "offer/element."), name_of(&modules, "words/words.")]
        );
    }

    #[test]
    fn modules_that_do_not_fit_together_are_refused() {
        let refused = |files: &[(&str, &str)]| Modules::publish(&sources(files)).unwrap_err();
        assert_eq!(refused(&[]), ModuleError::NoEntry);
        let circle = [
            ("v1.js", "import './a.js'"),
            ("a.js", "export * from './b/b.js'"),
            ("b/b.js", "import('../a.js')"),
        ];
        let expected = ["a.js", "b/b.js", "a.js"].map(str::to_owned).to_vec();
        assert_eq!(refused(&circle), ModuleError::Circle(expected));
        assert!(matches!(refused(&[("v1.js", "import './v1.js'")]), ModuleError::Circle(_)));
        for specifier in
            ["./a.js", "../v1.js", "./../../v1.js", "react", "/v1.js", "https://cdn.example/x.js"]
        {
            let said = refused(&[("v1.js", &format!("import '{specifier}'"))]);
            assert!(said.to_string().contains(specifier), "{said}");
        }
        assert!(matches!(refused(&[("v1.js", "import(x)")]), ModuleError::Syntax { .. }));
    }

    #[test]
    fn the_modules_of_the_page_fit_together() {
        let sources = embedded::modules();
        let modules = Modules::publish(&sources).unwrap_or_else(|error| panic!("{error}"));
        let reached = |path: &str| {
            let stem = path.strip_suffix("js").unwrap();
            path == ENTRY || modules.files.keys().any(|name| name.starts_with(stem))
        };
        // Types alone are for the checker: comments, and what makes a module of them.
        let is_code = |line: &str| {
            let line = line.trim();
            !line.is_empty()
                && line != "export {};"
                && !["//", "/*", "*"].iter().any(|start| line.starts_with(start))
        };
        let unreached = sources.iter().filter(|(path, text)| !reached(path) && text.lines().any(is_code));
        let unreached: Vec<&String> = unreached.map(|(path, _)| path).collect();
        assert_eq!(unreached, Vec::<&String>::new(), "{ENTRY} does not lead there");
    }

    /// Read again as a browser would, the published modules import each other as the sources do.
    #[test]
    fn rewriting_changes_names_and_nothing_else() {
        let sources = embedded::modules();
        let modules = Modules::publish(&sources).unwrap();
        let stem = |name: &str| {
            let (stem, _) = name.rsplit_once('.').unwrap();
            format!("{}.js", stem.rsplit_once('.').unwrap().0)
        };
        let published = modules.files.iter().map(|(name, file)| (stem(name), name.as_str(), file));
        for (path, name, file) in published.chain([(ENTRY.to_owned(), ENTRY, &modules.entry)]) {
            let (before, after) = (specifiers(&sources[&path]).unwrap(), specifiers(&file.text).unwrap());
            assert_eq!(before.len(), after.len(), "{path}");
            let mut plain = file.text.clone();
            for (before, after) in before.iter().zip(&after).rev() {
                let written = &sources[&path][before.range.clone()];
                let now = &file.text[after.range.clone()];
                let target = match path.as_str() {
                    ENTRY => now.strip_prefix("./v1/").unwrap().to_owned(),
                    _ => resolve(name, now).unwrap(),
                };
                assert!(modules.files.contains_key(&target), "{path}: {now}");
                assert_eq!(Some(stem(&target)), resolve(&path, written), "{path}: {now}");
                plain.replace_range(after.range.clone(), written);
            }
            assert_eq!(plain, sources[&path], "{path}");
        }
    }
}
