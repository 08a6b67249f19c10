//! A hidden verb: evaluates the template on standard input, in a process that may use up only so much and can be ended.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::doctor::template::{Asked, BOUNDS, Evaluate, Outcome, evaluate};

pub(super) const VERB: &str = "evaluate-template";

#[derive(Debug, thiserror::Error)]
pub(super) enum EvaluateError {
    #[error("standard input or output is broken")]
    Stream(#[from] std::io::Error),
    #[error("standard input is not what doctor writes")]
    NotAsked(#[from] serde_json::Error),
}

/// In the child.
pub(super) fn run() -> Result<(), EvaluateError> {
    // Where the limits are lower already they stay.
    for (resource, most) in
        [(Resource::As, BOUNDS.memory), (Resource::Cpu, BOUNDS.seconds), (Resource::Core, 0)]
    {
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let outcomes = evaluate(&serde_json::from_str::<Asked>(&text)?);
    std::io::stdout().write_all(serde_json::to_string(&outcomes)?.as_bytes())?;
    Ok(())
}

/// In the parent: a child a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct InChild;

impl Evaluate for InChild {
    fn evaluate(&self, asked: &Asked) -> Vec<Outcome> {
        let why = match ask(asked) {
            Ok(outcomes) if outcomes.len() == asked.contexts.len() => return outcomes,
            Ok(_) => "the interpreter answered something else".to_owned(),
            Err(why) => why,
        };
        vec![Outcome::Endless(why); asked.contexts.len()]
    }
}

fn ask(asked: &Asked) -> Result<Vec<Outcome>, String> {
    let broken = |error: std::io::Error| format!("the interpreter cannot be started: {error}");
    let question = serde_json::to_vec(asked).map_err(|error| error.to_string())?;
    let own = std::env::current_exe().map_err(broken)?;
    let mut command = Command::new(own);
    command.arg(VERB).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(broken)?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the interpreter has no streams".to_owned());
    };
    // Both at once, or two full pipes would wait for each other.
    thread::spawn(move || input.write_all(&question));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut answer = Vec::new();
        let read = output.read_to_end(&mut answer);
        let _ = sender.send(read.map(|_| answer));
    });
    let answer = receiver.recv_timeout(Duration::from_secs(BOUNDS.seconds));
    match answer {
        Ok(answer) => {
            let status = child.wait().map_err(broken)?;
            let answer = answer.map_err(broken)?;
            serde_json::from_slice(&answer).map_err(|_| ended(status))
        }
        Err(_) => {
            end(&mut child);
            Err(format!("it was stopped after {} seconds", BOUNDS.seconds))
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(_) => "the interpreter gave up".to_owned(),
        None => format!("it used up {} MiB of memory, its stack or its time", BOUNDS.memory >> 20),
    }
}
