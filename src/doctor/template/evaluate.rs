//! One template on many contexts. What it may use up is bounded: stack here, time and memory by whoever runs this.

use std::path::Path;
use std::rc::Rc;
use std::thread;

use jrsonnet_evaluator::error::{Error, LocError};
use jrsonnet_evaluator::{EvaluationState, ManifestFormat, Val};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scope::undefined;
use super::stdlib::ADDED;
use crate::doctor::document::Spot;

/// What Kratos's interpreter allows (go-jsonnet v0.21).
const FRAMES_MAX: usize = 500;
/// So that so many frames fit.
const STACK: usize = 256 << 20;
const NAME: &str = "template.jsonnet";

/// What an evaluation may use up.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub seconds: u64,
    pub memory: u64,
}

pub const BOUNDS: Bounds = Bounds { seconds: 5, memory: 1 << 30 };

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    pub template: String,
    pub contexts: Vec<Value>,
}

/// What a template came to on one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The text that would be sent, indented as Kratos's interpreter does.
    Body(String),
    /// Not a function: this is sent, whoever it is about.
    Constant(String),
    /// A function without a parameter `ctx`, or with one more.
    OtherParameters(String),
    Syntax {
        line: usize,
        column: usize,
        message: String,
    },
    Fails {
        line: Option<usize>,
        column: Option<usize>,
        message: String,
    },
    Cancels,
    Endless(String),
    Imports,
    /// A function of `std` that is missing here.
    Unknown(String),
}

impl Outcome {
    pub fn spot(&self) -> Option<Spot> {
        match self {
            Outcome::Syntax { line, column, .. } => Some(Spot { line: *line, column: *column }),
            Outcome::Fails { line: Some(line), column, .. } => {
                Some(Spot { line: *line, column: column.unwrap_or(1) })
            }
            _ => None,
        }
    }
}

/// Whoever evaluates: this process, or a child of it that can be stopped.
pub trait Evaluate {
    /// One outcome a context, in their order.
    fn evaluate(&self, asked: &Asked) -> Vec<Outcome>;
}

/// In a thread of this process. Nothing bounds its time and memory.
#[derive(Debug, Clone, Copy)]
pub struct Here;

impl Evaluate for Here {
    fn evaluate(&self, asked: &Asked) -> Vec<Outcome> {
        evaluate(asked)
    }
}

/// In a thread with stack enough.
pub fn evaluate(asked: &Asked) -> Vec<Outcome> {
    let given_up = || vec![Outcome::Endless("the interpreter gave up".to_owned()); asked.contexts.len()];
    let asked_there = asked.clone();
    let run = thread::Builder::new().stack_size(STACK).spawn(move || on_each(&asked_there));
    run.map_or_else(|_| given_up(), |run| run.join().unwrap_or_else(|_| given_up()))
}

fn on_each(asked: &Asked) -> Vec<Outcome> {
    let template = match Template::read(&asked.template) {
        Ok(template) => template,
        Err(outcome) => return vec![outcome; asked.contexts.len()],
    };
    asked.contexts.iter().map(|context| template.on(context)).collect()
}

struct Template<'t> {
    text: &'t str,
    state: EvaluationState,
    value: Val,
}

impl<'t> Template<'t> {
    fn read(text: &'t str) -> Result<Template<'t>, Outcome> {
        let state = EvaluationState::default();
        state.with_stdlib();
        // The indentation counts towards the 64 KiB.
        state.set_manifest_format(ManifestFormat::Json(3));
        state.set_max_stack(FRAMES_MAX);
        let added = state.evaluate_snippet_raw(path("std"), ADDED.into());
        if let Ok(added) = added {
            state.settings_mut().globals.insert("std".into(), added);
        }
        if let Some((name, offset)) = undefined(text) {
            let (line, column) = line_and_column(text, offset);
            let message = format!("nothing defines the variable `{}`", short(&name));
            return Err(Outcome::Syntax { line, column, message });
        }
        match state.evaluate_snippet_raw(path(NAME), text.into()) {
            Ok(value) => Ok(Template { text, state, value }),
            Err(error) => Err(outcome(text, &error, Stage::Reading)),
        }
    }

    fn on(&self, context: &Value) -> Outcome {
        let is_function = matches!(self.value, Val::Func(_));
        let called = || {
            self.state.add_tla_code("ctx".into(), context.to_string().into())?;
            self.state.with_tla(self.value.clone())
        };
        let value = match called() {
            Ok(value) => value,
            Err(error) => return outcome(self.text, &error, Stage::Calling),
        };
        match self.state.manifest(value) {
            Ok(body) if is_function => Outcome::Body(body.to_string()),
            Ok(body) => Outcome::Constant(body.to_string()),
            Err(error) => outcome(self.text, &error, Stage::Manifesting),
        }
    }
}

fn path(name: &str) -> Rc<Path> {
    Path::new(name).into()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    Calling,
    Manifesting,
}

fn outcome(text: &str, error: &LocError, stage: Stage) -> Outcome {
    let told = error.error();
    let spot = spot(text, error);
    let (line, column) = (spot.map(|spot| spot.line), spot.map(|spot| spot.column));
    let fails = |message: String| Outcome::Fails { line, column, message };
    match told {
        Error::ImportSyntaxError { error, .. } => {
            let end = error.location.offset >= text.len();
            let message = if end { "the text ends too early" } else { "this was not expected here" };
            Outcome::Syntax {
                line: error.location.line,
                column: error.location.column,
                message: message.to_owned(),
            }
        }
        Error::ImportNotSupported(..) | Error::ImportFileNotFound(..) => Outcome::Imports,
        // As Kratos does: it looks for this text in the message.
        Error::RuntimeError(message) if message.starts_with("cancel") => Outcome::Cancels,
        Error::RuntimeError(message) => fails(format!("`error`: {}", short(message))),
        Error::StackOverflow | Error::RecursiveLazyValueEvaluation => {
            Outcome::Endless("it calls itself again and again".to_owned())
        }
        Error::IntrinsicNotFound(name) => Outcome::Unknown(name.to_string()),
        Error::NoSuchField(name) if is_of_std(text, name) => Outcome::Unknown(name.to_string()),
        Error::UnknownFunctionParameter(_) if stage == Stage::Calling && error.trace().0.len() <= 1 => {
            Outcome::OtherParameters("it has no parameter `ctx`".to_owned())
        }
        Error::FunctionParameterNotBoundInCall(name)
            if stage == Stage::Calling && error.trace().0.len() <= 1 =>
        {
            Outcome::OtherParameters(format!("nothing is given for its parameter `{name}`"))
        }
        Error::NoSuchField(name) => fails(format!("there is no field `{}`", short(name))),
        Error::VariableIsNotDefined(name) => fails(format!("the variable `{}` is not defined", short(name))),
        Error::UndefinedExternalVariable(name) => fails(format!(
            "`std.extVar('{}')`: Kratos gives hooks no external variables, only `ctx`",
            short(name)
        )),
        other => fails(short(&other.to_string())),
    }
}

/// Messages may hold what the template made of personal values; those here are made up, and still nobody needs a page of it.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(160).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn is_of_std(text: &str, name: &str) -> bool {
    text.match_indices("std.").any(|(at, _)| {
        let rest = text.get(at + 4..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.get(..end) == Some(name)
    })
}

/// The innermost place in the template itself.
fn spot(text: &str, error: &LocError) -> Option<Spot> {
    let places = error.trace().0.iter().filter_map(|element| element.location.as_ref());
    let place = places.into_iter().find(|place| place.0.as_os_str() == NAME)?;
    let (line, column) = line_and_column(text, place.1);
    Some(Spot { line, column })
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn on(template: &str, context: Value) -> Outcome {
        evaluate(&Asked { template: template.to_owned(), contexts: vec![context] }).remove(0)
    }

    fn body(template: &str) -> Value {
        match on(template, json!({ "identity": { "id": "i" } })) {
            Outcome::Body(body) => serde_json::from_str(&body).unwrap(),
            other => panic!("{template}: {other:?}"),
        }
    }

    #[test]
    fn a_template_is_evaluated() {
        assert_eq!(body("function(ctx) { id: ctx.identity.id }"), json!({ "id": "i" }));
        assert_eq!(body("local f(x) = x; function(ctx, more=1) f(more)"), json!(1));
    }

    #[test]
    fn each_way_to_go_wrong_is_told_apart() {
        let context = || json!({ "identity": {} });
        assert!(matches!(on("function(ctx) { id: ", context()), Outcome::Syntax { line: 1, .. }));
        let fails = on("function(ctx) {\n  id: ctx.identity.nope,\n}", context());
        assert_eq!(fails.spot().map(|spot| spot.line), Some(2), "{fails:?}");
        assert!(matches!(fails, Outcome::Fails { message, .. } if message.contains("nope")));
        assert_eq!(on("function(ctx) error 'cancel'", context()), Outcome::Cancels);
        assert!(matches!(on("function(ctx) error 'no'", context()), Outcome::Fails { .. }));
        assert!(matches!(on("{ id: 1 }", context()), Outcome::Constant(_)));
        assert!(matches!(on("function(context) context", context()), Outcome::OtherParameters(_)));
        assert!(matches!(on("function(ctx, other) ctx", context()), Outcome::OtherParameters(_)));
        assert!(matches!(on("local f(x) = f(x) + 1; function(ctx) f(1)", context()), Outcome::Endless(_)));
        assert_eq!(on("local a = import 'b'; function(ctx) a", context()), Outcome::Imports);
        assert_eq!(on("function(ctx) std.sha256('x')", context()), Outcome::Unknown("sha256".to_owned()));
        let unused = on("function(ctx)\n  if false then nobody else 1", context());
        assert!(matches!(unused, Outcome::Syntax { line: 2, column: 17, .. }), "{unused:?}");
        assert!(
            matches!(on("function(ctx) std.extVar('claims')", context()), Outcome::Fails { message, .. } if message.contains("claims"))
        );
    }

    #[test]
    fn what_newer_jsonnet_has_is_known() {
        for (template, expected) in [
            ("std.get({ a: 1 }, 'a')", json!(1)),
            ("std.get({}, 'a', 'x')", json!("x")),
            ("std.trim('  a ')", json!("a")),
            ("std.any([false, true])", json!(true)),
            ("std.all([false, true])", json!(false)),
            ("std.contains([1, 2], 2)", json!(true)),
            ("std.isEmpty('')", json!(true)),
            ("std.objectRemoveKey({ a: 1, b: 2 }, 'a')", json!({ "b": 2 })),
            ("std.objectKeysValues({ a: 1 })", json!([{ "key": "a", "value": 1 }])),
            ("std.flattenDeepArray([1, [2, [3]]])", json!([1, 2, 3])),
            ("std.equalsIgnoreCase('A', 'a')", json!(true)),
            ("std.remove([1, 2, 3], 2)", json!([1, 3])),
            ("std.sum([1, 2])", json!(3)),
            ("std.isEven(2)", json!(true)),
            ("std.minArray([3, 1, 2])", json!(1)),
            ("std.splitLimitR('a,b,c', ',', 1)", json!(["a,b", "c"])),
            ("std.length('abc')", json!(3)),
        ] {
            assert_eq!(body(&format!("function(ctx) {template}")), expected, "{template}");
        }
    }
}
