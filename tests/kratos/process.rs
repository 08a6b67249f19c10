//! A started program that ends with the test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Everything it prints goes to a file that a failing test shows the end of.
    pub fn start(name: &'static str, mut command: Command, directory: &Path) -> Self {
        let log = directory.join(format!("{name}.log"));
        let file = File::create(&log).unwrap();
        command.stderr(file.try_clone().unwrap());
        command.stdout(file).stdin(Stdio::null());
        let child =
            command.spawn().unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        Self { name, child, log }
    }

    /// The same, with the first lines that the program prints handed out as they come.
    pub fn start_and_listen(name: &'static str, mut command: Command, directory: &Path) -> (Self, Lines) {
        let log = directory.join(format!("{name}.log"));
        command.stderr(File::create(&log).unwrap()).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = channel();
        // Reads to the end even when nobody listens any more, or the program would block on a full pipe.
        thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        (Self { name, child, log }, Lines(receiver))
    }

    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("--- last lines of {}:\n{tail}", self.name)
    }

    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().unwrap()?;
        Some(format!("{} ended with {status}\n{}", self.name, self.log()))
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

pub struct Lines(Receiver<String>);

impl Lines {
    /// The rest of the first line that starts with `prefix`.
    pub fn after(&self, prefix: &str, process: &mut Process, within: Duration) -> String {
        let deadline = Instant::now() + within;
        let mut seen = Vec::new();
        loop {
            match self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.strip_prefix(prefix) {
                    Some(rest) => return rest.trim().to_owned(),
                    None => seen.push(line),
                },
                Err(why) => {
                    let why = if why == RecvTimeoutError::Timeout { "in time" } else { "before it ended" };
                    panic!("no line {prefix:?} {why}; got {seen:#?}\n{}", process.log());
                }
            }
        }
    }
}
