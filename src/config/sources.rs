//! The layers, weakest first: built-in defaults, generated development keys, the file, the environment.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::known::{Known, variable};
use super::mistake::{ConfigErrors, Mistake, Source};
use super::reader::Reader;
use super::schema::SettingsFile;
use super::settings::{Mode, Settings};
use super::{sections, yaml};

/// Every variable that begins so is a setting of ours; `__` separates the levels.
pub const PREFIX: &str = "ONBOARDING__";

/// Far above what settings need; a wrong `-c` must not fill the memory.
const LARGEST_FILE: u64 = 1 << 20;

/// Variables, from the process or from a test.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    pub fn of_process() -> Environment {
        Environment(std::env::vars_os().collect())
    }

    pub fn of<N: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Environment {
        Environment(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Keys that development mode made for itself. Used where neither the file nor the environment has any.
#[derive(Clone)]
pub struct GeneratedKeys {
    pub webhook_api_key: String,
    /// Base64 of 32 bytes.
    pub pii: String,
    /// Of the operator `developer`.
    pub admin_token: String,
}

impl std::fmt::Debug for GeneratedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GeneratedKeys(…)")
    }
}

/// All that was said about the settings, before it is judged.
#[derive(Debug, Clone)]
pub struct Sources {
    mode: Mode,
    known: Known,
    figment: Figment,
    mistakes: Vec<Mistake>,
    /// The file could not be read: what is missing may stand in it.
    partial: bool,
}

impl Sources {
    /// Reads the file; nothing is said about mistakes before [`Sources::settings`].
    pub fn read(file: Option<&Path>, mode: Mode, env: &Environment) -> Sources {
        let defaults = Layer::defaults(&SettingsFile::defaults(mode));
        let mut sources = Sources {
            mode,
            known: Known::from_schema(super::schema::document().as_value()),
            figment: Figment::new().merge(defaults),
            mistakes: Vec::new(),
            partial: false,
        };
        if let Some(path) = file {
            sources.add_file(path);
        }
        sources.add_environment(env);
        sources
    }

    /// Adds keys below what was given.
    #[must_use]
    pub fn with_generated(mut self, keys: &GeneratedKeys) -> Sources {
        let at = |path: &[&str], value: &str| nest(path, Value::from(vec![value.to_owned()]));
        for dict in [
            at(&["webhook", "api_keys"], &keys.webhook_api_key),
            at(&["secrets", "pii"], &keys.pii),
            at(&["admin", "operators", "developer", "tokens"], &keys.admin_token),
        ] {
            // `join` keeps what is there; an empty list from the defaults is not there, see `SettingsFile`.
            self.figment = self.figment.join(Layer { dict, metadata: Metadata::named("generated") });
        }
        self
    }

    /// Every value parsed, every rule held; or everything that is wrong.
    pub fn settings(&self) -> Result<Settings, ConfigErrors> {
        let mut reader = Reader::new(&self.figment, &self.known, self.mode, self.partial);
        let settings = sections::read(&mut reader);
        let mut mistakes = self.mistakes.clone();
        mistakes.extend(reader.into_mistakes());
        match settings {
            Ok(settings) if mistakes.is_empty() => Ok(settings),
            _ => Err(ConfigErrors::new(mistakes)),
        }
    }

    fn add_file(&mut self, path: &Path) {
        let document = read_text(path).and_then(|text| yaml::parse(&text).map_err(|error| error.to_string()));
        let document = match document {
            Ok(document) => document,
            Err(problem) => {
                self.partial = true;
                self.mistakes.push(Mistake {
                    setting: path.display().to_string(),
                    source: Source::File(path.to_owned()),
                    given: None,
                    problem,
                    allowed: Some("YAML, as `kratos-onboarding config schema` describes it".to_owned()),
                    remedy: "name a readable file with -c".to_owned(),
                });
                return;
            }
        };
        let source = Source::File(path.to_owned());
        for doubled in &document.doubled {
            let remedy = "keep one of them";
            self.mistakes.push(self.mistake(
                doubled,
                &source,
                "is written twice; the later one would win",
                remedy,
            ));
        }
        let unknown: Vec<&String> = document.empty.iter().filter(|empty| !self.knows(empty)).collect();
        for empty in unknown {
            self.unknown(empty, &source);
        }
        self.check_names(&document.dict, "", &source);
        let metadata = Metadata::from("file", path);
        self.add(Layer { dict: document.dict, metadata });
    }

    fn add_environment(&mut self, env: &Environment) {
        let mut variables: Vec<&(OsString, OsString)> = env.0.iter().collect();
        // The order of a process's variables is nobody's choice; mistakes are told in a steady one.
        variables.sort();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            let path = name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase().replace("__", ".");
            let source = Source::Variable(name.to_owned());
            let Some(text) = value.to_str() else {
                self.mistakes.push(self.mistake(&path, &source, "is not UTF-8", "write it as UTF-8"));
                continue;
            };
            if self.known.is_section(&path) && !path.is_empty() {
                self.section_as_value(&path, &source);
            } else if self.known.about(&path).is_none() {
                self.unknown(&path, &source);
            } else if !text.is_empty() {
                // An empty variable counts as unset: `VAR=${OTHER:-}` is how compose files pass things on.
                let keys: Vec<&str> = path.split('.').collect();
                let dict = nest(&keys, Value::from(text));
                self.add(Layer { dict, metadata: Metadata::from("variable", name) });
            }
        }
    }

    fn add(&mut self, layer: Layer) {
        self.figment = std::mem::take(&mut self.figment).merge(layer);
    }

    fn knows(&self, path: &str) -> bool {
        self.known.about(path).is_some() || self.known.is_section(path)
    }

    fn check_names(&mut self, dict: &Dict, within: &str, source: &Source) {
        for (key, value) in dict {
            let path = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
            if key.contains('.') || !self.knows(&path) {
                self.unknown(&path, source);
            } else if self.known.is_section(&path) {
                match value.as_dict() {
                    Some(inner) => self.check_names(inner, &path, source),
                    None => self.section_as_value(&path, source),
                }
            }
        }
    }

    fn section_as_value(&mut self, path: &str, source: &Source) {
        let below: Vec<String> = self.known.below(path).collect();
        let remedy = format!("set one of: {}", below.join(", "));
        self.mistakes.push(self.mistake(path, source, "is a section and has no value of its own", &remedy));
    }

    fn unknown(&mut self, path: &str, source: &Source) {
        let remedy = match (self.known.nearest(path), source) {
            (Some(meant), Source::Variable(_)) => format!("did you mean {} ({meant})?", variable(&meant)),
            (Some(meant), _) => format!("did you mean {meant}?"),
            (None, _) => "remove it; `kratos-onboarding config schema` lists all settings".to_owned(),
        };
        self.mistakes.push(self.mistake(path, source, "there is no such setting", &remedy));
    }

    fn mistake(&self, setting: &str, source: &Source, problem: &str, remedy: &str) -> Mistake {
        Mistake {
            setting: setting.to_owned(),
            source: source.clone(),
            given: None,
            problem: problem.to_owned(),
            allowed: self.known.about(setting).map(|about| about.allowed.clone()),
            remedy: remedy.to_owned(),
        }
    }
}

/// The problem is what to say after the file's name. A pipe (`-c <(decrypt settings)`) is as good as a file.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_FILE) {
        return Err(format!("has more than {LARGEST_FILE} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

fn nest(keys: &[&str], value: Value) -> Dict {
    match keys {
        [] => Dict::new(),
        [key] => Dict::from([((*key).to_owned(), value)]),
        [key, rest @ ..] => Dict::from([((*key).to_owned(), Value::from(nest(rest, value)))]),
    }
}

struct Layer {
    dict: Dict,
    metadata: Metadata,
}

impl Layer {
    fn defaults(file: &SettingsFile) -> Layer {
        // The struct is plain data, so this cannot fail; a lost default would be told as a missing setting.
        let data = Serialized::defaults(file).data().unwrap_or_default();
        let dict = data.into_iter().next().map(|(_, dict)| dict).unwrap_or_default();
        Layer { dict, metadata: Metadata::named("defaults") }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.dict.clone())]))
    }
}

/// Where a layer's values came from.
pub(super) fn source_of(figment: &Figment, value: &Value) -> Source {
    match figment.get_metadata(value.tag()).and_then(|metadata| metadata.source.as_ref()) {
        Some(figment::Source::File(path)) => Source::File(PathBuf::from(path)),
        Some(figment::Source::Custom(name)) => Source::Variable(name.clone()),
        _ => Source::Default,
    }
}
