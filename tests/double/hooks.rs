//! What this Kratos tells the service: the hooks of `kratos-config/kratos.yml`, their bodies made by our own templates.
//! Asynchronous; three attempts, the same Trigger-ID on each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Yaml};
use jrsonnet_evaluator::{EvaluationState, ManifestFormat};
use serde_json::{Value, json};

use super::config::{Config, Hooks, Version};
use super::exchange::Exchange;
use super::flow::Flow;
use super::identity::Identity;
use super::random;

const SERVICE: &str = "http://localhost:5050";
const ATTEMPTS: u32 = 3;

pub struct Sender {
    /// None where no hooks are sent.
    client: Option<reqwest::Client>,
    /// By flow and method.
    hooks: HashMap<(String, String), Arc<Hook>>,
    delay: Duration,
    version: Version,
}

#[derive(Debug)]
struct Hook {
    url: String,
    template: String,
    key_name: String,
    key: String,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kratos-config")
}

impl Sender {
    pub fn new(config: &Config) -> Sender {
        // Somebody in this process may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Sender {
            client: config.hooks.as_ref().map(|_| reqwest::Client::builder().build().unwrap()),
            hooks: config.hooks.as_ref().map(configured).unwrap_or_default(),
            delay: config.hooks.as_ref().map(|hooks| hooks.delay.unsigned_abs()).unwrap_or_default(),
            version: config.kratos,
        }
    }

    /// Returns at once.
    pub fn send(&self, flow: &str, method: &str, context: Value) {
        let hook = self.hooks.get(&(flow.to_owned(), method.to_owned())).cloned();
        let (Some(hook), Some(client)) = (hook, self.client.clone()) else { return };
        let mut context = context;
        if flow == "settings" && self.version == Version::V1_3_1 {
            context.as_object_mut().unwrap().remove("session");
        }
        let delay = self.delay;
        let trigger = (self.version != Version::V1_3_1).then(random::id);
        actix_web::rt::spawn(async move {
            let template = hook.clone();
            let body =
                actix_web::rt::task::spawn_blocking(move || evaluate(&template.template, &context)).await;
            let body = match body {
                Ok(Ok(body)) => body,
                Ok(Err(error)) => return eprintln!("hook {}: {error}", hook.url),
                Err(error) => return eprintln!("hook {}: {error}", hook.url),
            };
            actix_web::rt::time::sleep(delay).await;
            deliver(&client, &hook, trigger.map(|id| id.to_string()), &body).await;
        });
    }
}

async fn deliver(client: &reqwest::Client, hook: &Hook, trigger: Option<String>, body: &str) {
    for attempt in 1..=ATTEMPTS {
        let mut request = client
            .post(&hook.url)
            .header("content-type", "application/json")
            .header(&hook.key_name, &hook.key)
            .header("ory-webhook-request-id", random::id().to_string())
            .body(body.to_owned());
        if let Some(trigger) = &trigger {
            request = request.header("ory-webhook-trigger-id", trigger);
        }
        let (again, wanted) = match request.send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => {
                let wanted =
                    answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                (answer.status().is_server_error() || answer.status() == 429, wanted)
            }
            Err(_) => (true, None),
        };
        if !again || attempt == ATTEMPTS {
            return eprintln!("hook {} was not taken after {attempt} attempts", hook.url);
        }
        actix_web::rt::time::sleep(Duration::from_secs(wanted.unwrap_or(u64::from(attempt)))).await;
    }
}

/// As Kratos reads them, with the service and the key of this double.
fn configured(hooks: &Hooks) -> HashMap<(String, String), Arc<Hook>> {
    let yml: Value = Figment::from(Yaml::file_exact(directory().join("kratos.yml"))).extract().unwrap();
    let mut all = HashMap::new();
    for (flow, settings) in yml["selfservice"]["flows"].as_object().unwrap() {
        for (method, after) in settings["after"].as_object().into_iter().flatten() {
            for hook in after["hooks"].as_array().into_iter().flatten() {
                let config = &hook["config"];
                let Some(url) = config["url"].as_str().filter(|_| hook["hook"] == "web_hook") else {
                    continue;
                };
                let path = config["body"].as_str().unwrap().strip_prefix("file://").unwrap();
                let hook = Hook {
                    url: url.replacen(SERVICE, hooks.service.trim_end_matches('/'), 1),
                    template: std::fs::read_to_string(directory().join(path)).unwrap(),
                    key_name: config["auth"]["config"]["name"].as_str().unwrap().to_owned(),
                    key: hooks.key.clone(),
                };
                all.insert((flow.clone(), method.clone()), Arc::new(hook));
            }
        }
    }
    all
}

fn evaluate(template: &str, context: &Value) -> Result<String, String> {
    let state = EvaluationState::default();
    state.with_stdlib();
    state.set_manifest_format(ManifestFormat::Json(3));
    let run = || {
        let function = state.evaluate_snippet_raw(Path::new("template.jsonnet").into(), template.into())?;
        state.add_tla_code("ctx".into(), context.to_string().into())?;
        let value = state.with_tla(function)?;
        state.manifest(value)
    };
    run().map(|text| text.to_string()).map_err(|error| state.stringify_err(&error))
}

/// What a template sees.
pub fn context(
    config: &Config,
    exchange: &Exchange,
    flow: &Flow,
    identity: &Identity,
    session: Option<Value>,
) -> Value {
    let mut context = json!({
        "flow": flow.view(config, Some(identity)),
        "identity": identity.public(),
        "request_cookies": exchange.cookies,
        "request_headers": exchange.headers_for_hook(),
        "request_method": exchange.method,
        "request_url": exchange.url.as_str(),
    });
    // Hooks have it always, answers only where a registration goes on in a second step.
    context["flow"]["transient_payload"] = json!({});
    if let Some(session) = session {
        context["session"] = session;
    }
    context
}
