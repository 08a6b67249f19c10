//! What our hooks would send: each template evaluated with what Kratos would hand to it.

use serde_json::Value;

use crate::doctor::codes::{
    Explanation, FILE_BESIDE, FILE_MISSING, FILE_UNREADABLE, NOT_FETCHED, TEMPLATE_CANCELS,
    TEMPLATE_COUNTS_NO_PASSKEYS, TEMPLATE_ENDLESS, TEMPLATE_FAILS, TEMPLATE_IMPORTS, TEMPLATE_NEAR_LIMIT,
    TEMPLATE_NOT_A_FUNCTION, TEMPLATE_NOT_JUDGED, TEMPLATE_NOT_UNDERSTOOD, TEMPLATE_SENDS_COOKIES,
    TEMPLATE_SENDS_HEADERS, TEMPLATE_SENDS_SECRETS, TEMPLATE_SENDS_WHOLE_CTX, TEMPLATE_SYNTAX,
    TEMPLATE_TOO_LARGE, TEMPLATE_WITHOUT_SCHEME,
};
use crate::doctor::document::{Place, Spot};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::hook::{ConfiguredHook, Owner, Target};
use crate::doctor::source::{self, Found, NotFound};
use crate::doctor::subject::Subject;
use crate::doctor::template::{
    Asked, COOKIE, CSRF, Context, DEVICE, HEADER, Outcome, Traits, contexts, large, of_schema,
};
use crate::onboarding::{HookKind, PiiKey, PiiKeys};
use crate::webhook::{BODY_MAX, Delivery, Hook};

/// What Kratos writes around template and context for its helper process.
const ENVELOPE: usize = 200;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let (all, required) = traits(subject);
    let hooks = subject.hooks().ours();
    let mut seen: Vec<&str> = Vec::new();
    for hook in &hooks {
        let body = hook.config().get("body");
        let Some(address) = body.text().filter(|address| !seen.contains(address)) else { continue };
        seen.push(address);
        let users: Vec<&ConfiguredHook<'_>> =
            hooks.iter().filter(|hook| hook.config().get("body").text() == Some(address)).collect();
        if let Some(found) = open(subject, &body, address, users.len(), findings) {
            let judged = Judged { subject, place: &body, found: &found, users: &users };
            judged.judge(&all, &required, findings);
        }
    }
}

/// Of the default schema: all of them, and those that are required.
fn traits(subject: &Subject<'_>) -> (Traits, Traits) {
    let identity = subject.at("identity");
    let default = identity.get("default_schema_id").text().unwrap_or("default");
    let schemas: Vec<Place<'_>> = identity.get("schemas").items().collect();
    let schema = schemas.iter().find(|schema| schema.get("id").text() == Some(default)).or(schemas.first());
    let read = schema.and_then(|schema| source::read(schema.get("url").text()?, subject.directory()).ok());
    match read.and_then(|found| serde_json::from_str(&found.text).ok()) {
        Some(schema) => of_schema(&schema),
        None => (Traits::unknown(), Traits::unknown()),
    }
}

fn open(
    subject: &Subject<'_>,
    place: &Place<'_>,
    address: &str,
    users: usize,
    findings: &mut Vec<Finding>,
) -> Option<Found> {
    if !address.contains("://") {
        let message = "The template is named by a bare path.";
        findings.push(
            Finding::new(&TEMPLATE_WITHOUT_SCHEME, place, message)
                .mended_by(format!("Write `file://{address}`.")),
        );
    }
    let by = if users == 1 { "one hook".to_owned() } else { format!("{users} hooks") };
    match source::read(address, subject.directory()) {
        Ok(found) => {
            if let (Some(asked), Some(file)) = (&found.beside, &found.file) {
                let message =
                    format!("`{}` is not here; `{}` was looked at.", asked.display(), file.display());
                findings.push(Finding::new(&FILE_BESIDE, place, message));
            }
            Some(found)
        }
        Err(NotFound::Remote) => {
            let message = format!("The template of {by} lies on a server.");
            findings.push(Finding::new(&NOT_FETCHED, place, message));
            None
        }
        Err(error @ NotFound::Missing(_)) => {
            let message = format!("The template of {by}: {error}.");
            let sees = "Nothing: the registration succeeds and the hook is never sent.";
            findings.push(Finding::new(&FILE_MISSING, place, message).seen_as(sees));
            None
        }
        Err(error) => {
            let message = format!("The template of {by}: {error}.");
            let sees = "Nothing: the registration succeeds and the hook is never sent.";
            findings.push(Finding::new(&FILE_UNREADABLE, place, message).seen_as(sees));
            None
        }
    }
}

/// One context, by which hook it would be sent, and how common it is.
struct Case {
    context: Context,
    hook: Hook,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Usual,
    /// Of somebody who gave only the traits that are required.
    Sparse,
    /// Of a version that leaves something out.
    Old,
    Large,
}

struct Judged<'a, 'd> {
    subject: &'a Subject<'d>,
    place: &'a Place<'d>,
    found: &'a Found,
    users: &'a [&'a ConfiguredHook<'d>],
}

impl Judged<'_, '_> {
    fn judge(&self, all: &Traits, required: &Traits, findings: &mut Vec<Finding>) {
        let cases = self.cases(all, required);
        let contexts = cases.iter().map(|case| case.context.value.clone()).collect();
        let asked = Asked { template: self.found.text.clone(), contexts };
        let outcomes = self.subject.evaluate.evaluate(&asked);
        let results: Vec<(&Case, &Outcome)> = cases.iter().zip(&outcomes).collect();
        if let Some(finding) = self.too_long(&cases) {
            findings.push(finding);
            return;
        }
        if let Some(finding) = self.first_failure(&results) {
            findings.push(finding);
            return;
        }
        let bodies: Vec<(&Case, &str)> = results
            .iter()
            .filter_map(|(case, outcome)| match outcome {
                Outcome::Body(body) => Some((*case, body.as_str())),
                _ => None,
            })
            .collect();
        findings.extend(self.understood(&bodies));
        let leak = self.leaks(&bodies);
        // What is whole grows as well; that is said with it.
        let is_whole =
            leak.as_ref().is_some_and(|leak| std::ptr::eq(leak.explanation, &TEMPLATE_SENDS_WHOLE_CTX));
        findings.extend(leak);
        findings.extend(self.large(&bodies).filter(|_| !is_whole));
        findings.extend(self.counts(&bodies));
    }

    fn cases(&self, all: &Traits, required: &Traits) -> Vec<Case> {
        let mut cases: Vec<Case> = Vec::new();
        for hook in self.users {
            let method = match &hook.owner {
                Owner::Method(method) => method.as_str(),
                Owner::General => "password",
            };
            let sent_to = match hook.target() {
                Some(Target::Hook(target)) => target,
                _ => Hook::from_path(hook.flow.as_str(), method).unwrap_or(Hook::POST_REGISTRATION),
            };
            let usual = contexts(hook.flow, method, all);
            let kind =
                |context: &Context| if context.name.contains("v1.3.1") { Kind::Old } else { Kind::Usual };
            let larger = usual.first().map(large).map(|context| (context, Kind::Large));
            let sparse = contexts(hook.flow, method, required).into_iter().take(1).map(|context| {
                let name = format!("{} of somebody who gave only what is required", context.name);
                (Context { name, ..context }, Kind::Sparse)
            });
            let usual: Vec<(Context, Kind)> = usual.into_iter().map(|c| (c.clone(), kind(&c))).collect();
            for (context, kind) in usual.into_iter().chain(sparse).chain(larger) {
                cases.push(Case { context, hook: sent_to, kind });
            }
        }
        cases
    }

    fn finding(&self, code: &'static Explanation, message: impl Into<String>) -> Finding {
        Finding::new(code, self.place, message)
    }

    fn at(&self, finding: Finding, spot: Option<Spot>) -> Finding {
        match (&self.found.file, spot) {
            (Some(file), Some(spot)) => finding.at(file.clone(), spot),
            (None, Some(spot)) => {
                let message = format!("{} (line {} of the template)", finding.message, spot.line);
                Finding { message, ..finding }
            }
            (_, None) => finding,
        }
    }

    /// Template and context together, as Kratos writes them for its helper.
    fn too_long(&self, cases: &[Case]) -> Option<Finding> {
        let snippet = written_as_json(&self.found.text);
        let longest = cases
            .iter()
            .filter(|case| case.kind == Kind::Usual)
            .max_by_key(|case| written_as_json(&case.context.value.to_string()))?;
        let context = written_as_json(&longest.context.value.to_string());
        let whole = snippet + context + ENVELOPE;
        let message = format!(
            "The template has {} bytes; with `ctx` of {} that is {whole}, of 65536.",
            self.found.text.len(),
            longest.context.name
        );
        (whole > BODY_MAX).then(|| self.finding(&TEMPLATE_TOO_LARGE, message))
    }

    fn first_failure(&self, results: &[(&Case, &Outcome)]) -> Option<Finding> {
        let failing = |kind: Kind| {
            results
                .iter()
                .find(move |(case, outcome)| case.kind == kind && !matches!(outcome, Outcome::Body(_)))
        };
        let (case, outcome) = failing(Kind::Usual)
            .or_else(|| failing(Kind::Sparse))
            .or_else(|| failing(Kind::Old))
            .or_else(|| failing(Kind::Large))?;
        let name = &case.context.name;
        let finding = match outcome {
            Outcome::Body(_) => return None,
            Outcome::Syntax { message, .. } => {
                self.finding(&TEMPLATE_SYNTAX, format!("It cannot be read: {message}."))
            }
            Outcome::Fails { message, .. } => {
                self.finding(&TEMPLATE_FAILS, format!("With {name} it fails: {message}."))
            }
            Outcome::Cancels => self.finding(&TEMPLATE_CANCELS, format!("With {name} it cancels.")),
            Outcome::Constant(_) => self.finding(&TEMPLATE_NOT_A_FUNCTION, "It is a value, not a function."),
            Outcome::OtherParameters(what) => {
                self.finding(&TEMPLATE_NOT_A_FUNCTION, format!("It is a function, but {what}."))
            }
            Outcome::Endless(why) => self.finding(&TEMPLATE_ENDLESS, format!("With {name}: {why}.")),
            Outcome::Imports => self.finding(&TEMPLATE_IMPORTS, "It imports a file."),
            Outcome::Unknown(function) => self
                .finding(&TEMPLATE_NOT_JUDGED, format!("It uses `std.{function}`, which is not known here.")),
        };
        let finding = self.at(finding, outcome.spot());
        Some(match (case.kind, outcome) {
            (Kind::Usual, _) | (_, Outcome::Unknown(_)) => finding,
            _ => {
                let sees = format!("Nothing; the hook is not sent with {name}.");
                finding.as_severe_as(Severity::Warning).seen_as(sees)
            }
        })
    }

    fn understood(&self, bodies: &[(&Case, &str)]) -> Option<Finding> {
        let keys = throwaway_keys()?;
        for (case, body) in bodies.iter().filter(|(case, _)| case.kind != Kind::Large) {
            let name = &case.context.name;
            match Delivery::parse(case.hook, body.as_bytes(), &keys) {
                Err(why) => {
                    let message = format!("What it makes of {name} would be put in quarantine. {why}");
                    return Some(self.finding(&TEMPLATE_NOT_UNDERSTOOD, message));
                }
                Ok(delivery) => {
                    let own = case.context.value.pointer("/identity/id").and_then(Value::as_str);
                    if own != Some(delivery.identity.to_string().as_str()) {
                        let message = format!("The id it sends of {name} is not that of the identity.");
                        return Some(self.finding(&TEMPLATE_NOT_UNDERSTOOD, message));
                    }
                }
            }
        }
        None
    }

    /// The worst thing that travels along.
    fn leaks(&self, bodies: &[(&Case, &str)]) -> Option<Finding> {
        let whole = bodies.iter().find(|(case, body)| {
            let (Ok(Value::Object(sent)), Value::Object(ctx)) =
                (serde_json::from_str(body), &case.context.value)
            else {
                return false;
            };
            ctx.iter().all(|(key, value)| sent.get(key) == Some(value))
        });
        if whole.is_some() {
            let message = "It hands on all it is given: cookies, headers, traits and the form.";
            return Some(self.finding(&TEMPLATE_SENDS_WHOLE_CTX, message));
        }
        let holds = |mark: &str| bodies.iter().any(|(_, body)| body.contains(mark));
        let told: [(&str, &'static Explanation, &str); 4] = [
            (COOKIE, &TEMPLATE_SENDS_COOKIES, "What it makes holds cookies of the request."),
            (CSRF, &TEMPLATE_SENDS_SECRETS, "What it makes holds the CSRF token of the form."),
            (HEADER, &TEMPLATE_SENDS_HEADERS, "What it makes holds headers of the request."),
            (DEVICE, &TEMPLATE_SENDS_SECRETS, "What it makes holds the session with the person's devices."),
        ];
        let (_, code, message) = told.into_iter().find(|(mark, _, _)| holds(mark))?;
        Some(self.finding(code, message))
    }

    fn large(&self, bodies: &[(&Case, &str)]) -> Option<Finding> {
        let (case, body) = bodies.iter().max_by_key(|(_, body)| body.len())?;
        let message = format!("With {} it makes {} bytes, of 65536.", case.context.name, body.len());
        if body.len() <= BODY_MAX {
            return None;
        }
        let code = if case.kind == Kind::Large { &TEMPLATE_NEAR_LIMIT } else { &TEMPLATE_TOO_LARGE };
        Some(self.finding(code, message))
    }

    fn counts(&self, bodies: &[(&Case, &str)]) -> Option<Finding> {
        let keys = throwaway_keys()?;
        let browser = bodies.iter().find(|(case, _)| {
            case.kind == Kind::Usual
                && case.hook.kind() == HookKind::Settings
                && case.context.value.pointer("/flow/type").and_then(Value::as_str) == Some("browser")
        });
        let (case, body) = browser?;
        let delivery = Delivery::parse(case.hook, body.as_bytes(), &keys).ok()?;
        let message = "It does not say which passkeys are left after the change.";
        delivery.observed.passkeys.is_none().then(|| self.finding(&TEMPLATE_COUNTS_NO_PASSKEYS, message))
    }
}

/// What is read is looked at and forgotten.
fn throwaway_keys() -> Option<PiiKeys> {
    Some(PiiKeys::new(PiiKey::new(vec![0; 32]).ok()?, Vec::new()))
}

/// Bytes of a text as Go writes it into JSON, `<`, `>` and `&` as six each.
fn written_as_json(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| b"<>&".contains(byte)).count() * 5;
    serde_json::to_string(text).map_or(text.len(), |json| json.len()) + escaped
}
