//! A server in a process of its own: the released binary, or a peer.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ended when dropped.
pub struct Started {
    child: Child,
    pub address: SocketAddr,
}

impl Started {
    /// The released binary on its database, brought up first.
    pub fn service(directory: &Path, dsn: &str, kratos: Option<SocketAddr>) -> Started {
        Started::service_with(directory, dsn, kratos, &[])
    }

    /// The same with more in its environment.
    pub fn service_with(
        directory: &Path,
        dsn: &str,
        kratos: Option<SocketAddr>,
        environment: &[(&str, &Path)],
    ) -> Started {
        let kratos = kratos.map_or("http://127.0.0.1:9".to_owned(), |address| format!("http://{address}"));
        let command = |verb: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
            command.args(verb).current_dir(directory).env_clear().envs(environment.iter().copied());
            for (name, value) in [
                ("DSN", dsn),
                ("SERVE__PUBLIC__HOST", "127.0.0.1"),
                ("SERVE__PUBLIC__PORT", "0"),
                ("SERVE__ADMIN__PORT", "0"),
                ("KRATOS__PUBLIC_URL", kratos.as_str()),
                ("WEBHOOK__API_KEYS", super::KEY),
                ("SECRETS__PII", super::PII),
                ("LOG__LEVEL", "error"),
            ] {
                command.env(format!("ONBOARDING__{name}"), value);
            }
            command
        };
        let migrated = command(&["migrate", "sql"]).stdout(Stdio::null()).status().expect("migrate");
        assert!(migrated.success(), "migrate sql");
        Started::listening(&mut command(&["serve"]), "listening public http://")
    }

    /// A server that prints `said` and its address.
    pub fn listening(command: &mut Command, said: &str) -> Started {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a server");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix(said)?.trim_end_matches('/').parse().ok());
        // Read to the end, or it would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let started = Started { child, address: address.expect("an address") };
        started.assert_it_listens();
        started
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// The process behind the port is this one, and not one that was left over.
    fn assert_it_listens(&self) {
        const LISTEN: &str = "0A";
        let port = format!(":{:04X}", self.address.port());
        let table = std::fs::read_to_string("/proc/net/tcp").expect("/proc/net/tcp");
        let socket = table.lines().find_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            (fields.get(1)?.ends_with(&port) && *fields.get(3)? == LISTEN)
                .then(|| format!("socket:[{}]", fields[9]))
        });
        let socket = socket.expect("nobody listens");
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("its files").flatten();
        let held = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        assert!(held.into_iter().any(|file| file.to_str() == Some(&socket)), "another process has its port");
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
