//! Reads one setting at a time and goes on after a mistake, so that all of them are told at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use figment::Figment;
use figment::value::Value;

use super::known::{Known, variable};
use super::mistake::{Mistake, Source};
use super::settings::Mode;
use super::sources::{read_text, source_of};

/// The setting is wrong and that has been noted: there is nothing more to say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted;

/// Why a value was refused, to be read after the setting's name. Says nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    problem: Cow<'static, str>,
    remedy: Option<Cow<'static, str>>,
}

impl Refused {
    pub fn so_do(problem: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Refused {
        Refused { problem: problem.into(), remedy: Some(remedy.into()) }
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl From<&'static str> for Refused {
    fn from(problem: &'static str) -> Refused {
        Refused { problem: Cow::Borrowed(problem), remedy: None }
    }
}

impl From<String> for Refused {
    fn from(problem: String) -> Refused {
        Refused { problem: Cow::Owned(problem), remedy: None }
    }
}

/// One value as it was written. In the environment everything is text.
#[derive(Debug, Clone)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Number(String),
    Truth(bool),
}

impl<'a> Scalar<'a> {
    fn of(value: &'a Value) -> Result<Scalar<'a>, Refused> {
        match value {
            Value::String(_, text) => Ok(Scalar::Text(text)),
            Value::Num(_, number) => Ok(Scalar::Number(number_text(*number))),
            Value::Bool(_, truth) => Ok(Scalar::Truth(*truth)),
            Value::Array(..) => Err("is a list where one value is expected".into()),
            Value::Dict(..) => Err("has settings below it where one value is expected".into()),
            Value::Char(..) | Value::Empty(..) => Err("has no value".into()),
        }
    }

    /// Trimmed.
    pub fn text(&self) -> Result<&str, Refused> {
        match self {
            Scalar::Text(text) if text.trim().is_empty() => Err("is empty".into()),
            Scalar::Text(text) if text.contains('\0') => Err("holds a NUL character".into()),
            Scalar::Text(text) => Ok(text.trim()),
            Scalar::Number(_) => Err("is a number where text is expected; put it in quotes".into()),
            Scalar::Truth(_) => Err("is true or false where text is expected; put it in quotes".into()),
        }
    }

    /// Text, or a number as it was written; for what is explained when it is a bare number.
    pub fn written(&self) -> Result<Cow<'_, str>, Refused> {
        match self {
            Scalar::Number(digits) => Ok(Cow::Borrowed(digits)),
            other => other.text().map(Cow::Borrowed),
        }
    }

    pub fn truth(&self) -> Result<bool, Refused> {
        match self {
            Scalar::Truth(truth) => Ok(*truth),
            Scalar::Text(text) if text.trim() == "true" => Ok(true),
            Scalar::Text(text) if text.trim() == "false" => Ok(false),
            _ => Err("is neither true nor false".into()),
        }
    }

    /// From `least` to `most`.
    pub fn whole(&self, least: u32, most: u32) -> Result<u32, Refused> {
        let digits = match self {
            Scalar::Text(text) => text.trim(),
            Scalar::Number(digits) => digits,
            Scalar::Truth(_) => "",
        };
        let number: i128 = digits.parse().map_err(|_| Refused::from("is not a whole number"))?;
        u32::try_from(number)
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("is not from {least} to {most}").into())
    }
}

fn number_text(number: figment::value::Num) -> String {
    let whole = number.to_u128().map(|n| n.to_string()).or(number.to_i128().map(|n| n.to_string()));
    whole.or(number.to_f64().map(|n| n.to_string())).unwrap_or_default()
}

pub(super) struct Reader<'a> {
    figment: &'a Figment,
    known: &'a Known,
    pub mode: Mode,
    partial: bool,
    mistakes: Vec<Mistake>,
    #[cfg(test)]
    pub asked: std::collections::BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub fn new(figment: &'a Figment, known: &'a Known, mode: Mode, partial: bool) -> Reader<'a> {
        Reader {
            figment,
            known,
            mode,
            partial,
            mistakes: Vec::new(),
            #[cfg(test)]
            asked: std::collections::BTreeSet::new(),
        }
    }

    pub fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    pub fn optional<T>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&Scalar<'_>) -> Result<T, Refused>,
    ) -> Result<Option<T>, Noted> {
        let Some(value) = self.find(path) else { return Ok(None) };
        let read = Scalar::of(&value).and_then(|scalar| parse(&scalar));
        read.map(Some).map_err(|refused| {
            let source = source_of(self.figment, &value);
            self.note(path, path, source, shown(&value), refused)
        })
    }

    pub fn required<T>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&Scalar<'_>) -> Result<T, Refused>,
    ) -> Result<T, Noted> {
        self.optional(path, parse)?.ok_or_else(|| self.missing(path, "is not set".into()))
    }

    /// Every item on its own; empty when the setting is absent.
    pub fn list<T>(
        &mut self,
        path: &str,
        parse: impl Fn(&Scalar<'_>) -> Result<T, Refused>,
    ) -> Result<Vec<T>, Noted> {
        let Some(value) = self.find(path) else { return Ok(Vec::new()) };
        let source = source_of(self.figment, &value);
        let items: Vec<Value> = match &value {
            Value::Array(_, items) => items.clone(),
            Value::String(_, text) if matches!(source, Source::Variable(_)) => {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect()
            }
            other => {
                let refused = "is not a list: in the file each item is a line of its own, `- item`".into();
                return Err(self.note(path, path, source, shown(other), refused));
            }
        };
        let mut parsed = Vec::new();
        let mut wrong = false;
        for (index, item) in items.iter().enumerate() {
            match Scalar::of(item).and_then(|scalar| parse(&scalar)) {
                Ok(item) => parsed.push(item),
                Err(refused) => {
                    self.note(path, &format!("{path}[{index}]"), source.clone(), shown(item), refused);
                    wrong = true;
                }
            }
        }
        if wrong { Err(Noted) } else { Ok(parsed) }
    }

    /// A list, or a `…_file` with one item a line; not both.
    pub fn secrets<T>(
        &mut self,
        path: &str,
        parse: impl Fn(&Scalar<'_>) -> Result<T, Refused>,
    ) -> Result<Vec<T>, Noted> {
        let Some((file, text)) = self.secret_file(path)? else { return self.list(path, parse) };
        let file_path = format!("{path}_file");
        let mut parsed = Vec::new();
        let mut wrong = false;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match parse(&Scalar::Text(line)) {
                Ok(item) => parsed.push(item),
                Err(refused) => {
                    let source = Source::SecretFile { path: file.clone(), line: index + 1 };
                    self.note(path, &file_path, source, String::new(), refused);
                    wrong = true;
                }
            }
        }
        if parsed.is_empty() && !wrong {
            let refused = Refused::so_do("the file it names is empty", "write one value a line into it");
            return Err(self.refuse(&file_path, refused));
        }
        if wrong { Err(Noted) } else { Ok(parsed) }
    }

    /// A value, or a `…_file` that holds nothing else; not both.
    pub fn secret<T>(
        &mut self,
        path: &str,
        parse: impl Fn(&Scalar<'_>) -> Result<T, Refused>,
    ) -> Result<T, Noted> {
        let Some((file, text)) = self.secret_file(path)? else { return self.required(path, parse) };
        parse(&Scalar::Text(&text)).map_err(|refused| {
            let source = Source::SecretFile { path: file, line: 1 };
            self.note(path, &format!("{path}_file"), source, String::new(), refused)
        })
    }

    /// The file that is named in place of the value, and what it holds.
    fn secret_file(&mut self, path: &str) -> Result<Option<(PathBuf, String)>, Noted> {
        let file_path = format!("{path}_file");
        let file = self.optional(&file_path, |scalar| scalar.text().map(PathBuf::from));
        let given = self.find(path).map(|value| source_of(self.figment, &value));
        let file = match (file?, given) {
            (None, _) => return Ok(None),
            (Some(_), Some(source)) if source != Source::Default => {
                let problem = format!("is set, and {file_path} too");
                let refused = Refused::so_do(problem, "keep one of the two");
                return Err(self.note(path, path, source, String::new(), refused));
            }
            (Some(file), _) => file,
        };
        match read_text(&file) {
            Ok(text) => Ok(Some((file, text))),
            Err(problem) => {
                let problem = format!("the file it names {problem}");
                Err(self.refuse(&file_path, Refused::so_do(problem, "name a readable file")))
            }
        }
    }

    /// The entries of a section by the names that the operator gave them. Each is read at its path whatever is wrong with the
    /// others; one whose name is refused is not, since such a name may not be found as a path.
    pub fn entries<N: FromStr<Err: Display> + Ord, T>(
        &mut self,
        section: &str,
        mut read: impl FnMut(&mut Self, &str) -> Result<T, Noted>,
    ) -> Result<BTreeMap<N, T>, Noted> {
        let Some(Value::Dict(_, entries)) = self.figment.find_value(section).ok() else {
            return Ok(BTreeMap::new());
        };
        let mut good = BTreeMap::new();
        let mut wrong = false;
        for (name, value) in &entries {
            let path = format!("{section}.{name}");
            let read = match name.parse::<N>() {
                Ok(name) => read(self, &path).map(|entry| good.insert(name, entry)),
                Err(error) => {
                    let source = source_of(self.figment, value);
                    let refused = Refused::so_do(
                        format!("is a name that {error}"),
                        "name it with 1 to 64 of the characters a-z 0-9 _ -",
                    );
                    Err(self.note(&path, &path, source, String::new(), refused))
                }
            };
            wrong |= read.is_err();
        }
        if wrong { Err(Noted) } else { Ok(good) }
    }

    pub fn is_set(&mut self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// Notes what is wrong with a value in view of others.
    pub fn refuse(&mut self, path: &str, refused: Refused) -> Noted {
        match self.find(path) {
            Some(value) => {
                let source = source_of(self.figment, &value);
                self.note(path, path, source, shown(&value), refused)
            }
            None => self.note(path, path, Source::Nowhere, String::new(), refused),
        }
    }

    /// Notes that something is not there, unless a file that may hold it could not be read.
    pub fn missing(&mut self, path: &str, refused: Refused) -> Noted {
        if !self.partial {
            self.note(path, path, Source::Nowhere, String::new(), refused);
        }
        Noted
    }

    fn find(&mut self, path: &str) -> Option<Value> {
        #[cfg(test)]
        self.asked.insert(path.to_owned());
        self.figment.find_value(path).ok()
    }

    fn note(&mut self, path: &str, setting: &str, source: Source, given: String, refused: Refused) -> Noted {
        let about = self.known.about(path);
        let secret = about.is_none_or(|about| about.secret);
        let remedy = refused.remedy.map(Cow::into_owned).unwrap_or_else(|| self.remedy(path, &source));
        self.mistakes.push(Mistake {
            setting: setting.to_owned(),
            source,
            given: (!secret && !given.is_empty()).then_some(given),
            problem: refused.problem.into_owned(),
            allowed: about.map(|about| about.allowed.clone()),
            remedy,
        });
        Noted
    }

    fn remedy(&self, path: &str, source: &Source) -> String {
        let Some(about) = self.known.about(path) else { return "correct it".to_owned() };
        let name = path.rsplit('.').next().unwrap_or(path);
        let in_env = format!("{}={}", variable(path), about.example_in_env);
        match source {
            Source::Variable(_) => format!("set, for example, {in_env}"),
            Source::SecretFile { .. } => "correct that line".to_owned(),
            Source::File(_) => format!("write, for example, `{name}: {}`", about.example),
            Source::Default | Source::Nowhere => {
                format!("set {path} in the file, for example `{name}: {}`, or {in_env}", about.example)
            }
        }
    }
}

/// For a message: quoted, shortened, and without what may be a password or token in a URL.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 120;
    match value {
        Value::String(_, text) => {
            let (hidden, rest) = text.rsplit_once('@').map_or(("", text.as_str()), |(_, rest)| ("…@", rest));
            let short: String = rest.chars().take_while(|c| *c != '?').take(LONGEST).collect();
            let more = if short.len() < rest.len() { "…" } else { "" };
            format!("{hidden}{short:?}{more}")
        }
        Value::Num(_, number) => number_text(*number),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Array(..) => "a list".to_owned(),
        Value::Dict(..) => "a section".to_owned(),
        Value::Char(..) | Value::Empty(..) => "nothing".to_owned(),
    }
}
