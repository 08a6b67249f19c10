//! A PostgreSQL of the tests' own: a private cluster in a temporary directory, spoken to through its socket. Shared by the
//! unit tests, the whole-process tests and the benchmark.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

const INSTALL: &str = "PostgreSQL is needed: `tests/install postgres` installs it (Debian's package `postgresql`), or \
                       TEST_POSTGRES_URL names a server on which databases may be made";

/// Ends with the process that started it, however that ends.
pub struct Cluster {
    directory: PathBuf,
    /// Part of the socket's name, and the port where it listens for TCP too.
    port: String,
    binaries: PathBuf,
    /// Holds the other end of a pipe: when that closes, it stops the server and removes the directory.
    _keeper: Child,
}

/// Settings of a server that may lose everything: for tests that do not look at that.
pub const CARELESS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
    ("deadlock_timeout", "100ms"),
];

impl Cluster {
    /// `settings` of postgresql.conf; what is not named is as PostgreSQL has it.
    pub fn start(settings: &[(&str, &str)]) -> Cluster {
        let binaries = binaries();
        let temporary = std::env::temp_dir().join("onboarding-postgres.XXXXXXXX");
        let made = run(as_owner("mktemp").arg("-d").arg(temporary));
        let directory = PathBuf::from(String::from_utf8(made.stdout).unwrap().trim());
        let data = directory.join("data");
        run(as_owner(binaries.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .arg("-D")
            .arg(&data));
        let socket = directory.display().to_string();
        let private = [("listen_addresses", "''"), ("unix_socket_directories", socket.as_str())];
        let lines = private.iter().chain(settings).map(|(name, value)| format!("{name} = {value}\n"));
        let lines = lines.collect::<String>().replace(&format!("= {socket}"), &format!("= '{socket}'"));
        let file = data.join("postgresql.auto.conf");
        std::fs::write(&file, lines).unwrap();
        // Also after Ctrl-C, and where a test left the server standing still.
        let stop = "trap '' INT TERM HUP; cat >/dev/null; kill -CONT $(head -n 1 \"$0/data/postmaster.pid\")
                    \"$@\" stop -m immediate -s; rm -rf \"$0\"";
        let keeper = as_owner("sh")
            .args(["-c", stop])
            .arg(&directory)
            .arg(binaries.join("pg_ctl"))
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = settings.iter().find(|(name, _)| *name == "port").map_or("5432", |(_, port)| port);
        let cluster = Cluster { directory, port: port.to_owned(), binaries, _keeper: keeper };
        cluster.control(&["start"]);
        cluster
    }

    /// One for all tests of this process that do not harm it.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Cluster::start(CARELESS))
    }

    /// `pg_ctl`, waiting until it is done.
    pub fn control(&self, arguments: &[&str]) {
        let log = self.directory.join("log");
        let mut command = as_owner(self.binaries.join("pg_ctl"));
        command
            .arg("-D")
            .arg(self.directory.join("data"))
            .arg("-l")
            .arg(&log)
            .args(["-w", "-s"])
            .args(arguments);
        run(command.stdin(Stdio::null()));
    }

    /// A file in its data directory that nobody but the server may read.
    pub fn keep(&self, name: &str, contents: &str) {
        let mut write = as_owner("sh");
        write.args(["-c", "umask 077; cat >\"$0\""]).arg(self.directory.join("data").join(name));
        let mut writing = write.stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut writing.stdin.take().unwrap(), contents.as_bytes()).unwrap();
        assert!(writing.wait().unwrap().success());
    }

    /// Another program of the same version.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Where its socket is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join(format!(".s.PGSQL.{}", self.port))
    }

    /// The server and all its children.
    pub fn processes(&self) -> Vec<u32> {
        let pid = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let server: u32 = pid.lines().next().unwrap().trim().parse().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        std::iter::once(server).chain(children.split_whitespace().map(|pid| pid.parse().unwrap())).collect()
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user=postgres", self.directory.display(), self.port)
    }

    /// A new, empty one.
    pub async fn database(&self) -> Database {
        Database::make(self.url("postgres"), |name| self.url(name)).await
    }
}

/// A database of one test, gone after it.
pub struct Database {
    pub url: String,
    name: String,
    maintenance: String,
}

impl Database {
    /// On the server of TEST_POSTGRES_URL, else on one of this process's own.
    pub async fn new() -> Database {
        match std::env::var("TEST_POSTGRES_URL") {
            Err(_) => Cluster::shared().database().await,
            Ok(server) => {
                let parsed = url::Url::parse(&server).expect("TEST_POSTGRES_URL is no URL");
                let of = |name: &str| {
                    let mut url = parsed.clone();
                    url.set_path(name);
                    url.into()
                };
                Database::make(server, of).await
            }
        }
    }

    async fn make(maintenance: String, url: impl Fn(&str) -> String) -> Database {
        // Random, because others may use the same server.
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let name = format!("onboarding_test_{}", hex::encode(random));
        let mut connection = PgConnection::connect(&maintenance).await.expect("the server of the tests");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        connection.close().await.unwrap();
        Database { url: url(&name), name, maintenance }
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub async fn execute(&self, sql: &'static str) {
        let mut connection = self.connect().await;
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (maintenance, drop) =
            (self.maintenance.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                // A test may have stopped the server.
                let dropping = async {
                    let mut connection = PgConnection::connect(&maintenance).await?;
                    // Nor does it wait for a standby that a test made up.
                    connection.execute("SET synchronous_commit = local").await?;
                    connection.execute(AssertSqlSafe(drop)).await
                };
                let _ = tokio::time::timeout(Duration::from_secs(10), dropping).await;
            });
        });
        let _ = dropping.join();
    }
}

/// PostgreSQL does not run as root; its package makes a user for it.
fn as_owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// Where `initdb` is: Debian keeps a folder for each version, others have it in the path.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    versions.sort();
    let in_path = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).find(|path| path.join("initdb").exists())
    };
    versions.pop().map(|(_, path)| path).or_else(in_path).unwrap_or_else(|| panic!("{INSTALL}"))
}

fn run(command: &mut Command) -> Output {
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("{command:?} is missing. {INSTALL}"),
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
