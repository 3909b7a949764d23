//! Private PostgreSQL and MariaDB servers: Debian's packages, a data directory of their own, a free port, started at most once
//! for each run of the tests.
//!
//! Each server is the child of a small shell that reads from its standard input what to do. The other end of that pipe is ours, so
//! the server and its directory go when the test program ends, however it ends.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use posthouse::config;
use posthouse::store::Error;
use posthouse::store::db::Database;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

use super::ports::free_port;

/// An empty database that nobody else uses.
pub struct Fresh {
    /// How to open it.
    pub settings: config::Database,
    /// Its data directory.
    pub folder: TempDir,
}

impl Fresh {
    fn new(url: String) -> Self {
        let settings = config::Database { url, ..Default::default() };
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self { settings, folder }
    }

    /// In a file.
    pub async fn sqlite() -> Self {
        Self::new("sqlite:posthouse.db".into())
    }

    /// On the private PostgreSQL server.
    pub async fn postgres() -> Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        let server = SERVER.get_or_init(|| start_postgres(Promise::None));
        let name = fresh_name();
        let admin = server.url("postgres");
        until_it_works(|| async {
            let mut connection = sqlx::PgConnection::connect(&admin).await?;
            connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
            connection.close().await
        })
        .await;
        Self::new(server.url(&name))
    }

    /// On the private MariaDB server.
    pub async fn mariadb() -> Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        let server = SERVER.get_or_init(|| start_mariadb(Promise::None));
        let name = fresh_name();
        let admin = server.url("mysql");
        until_it_works(|| async {
            let mut connection = sqlx::MySqlConnection::connect(&admin).await?;
            connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
            connection.close().await
        })
        .await;
        Self::new(server.url(&name))
    }

    /// Opens it, or says why not.
    pub async fn try_open(&self) -> Result<Database, Error> {
        Database::open(&self.settings, self.folder.path()).await
    }

    /// Opens it.
    pub async fn open(&self) -> Database {
        self.try_open().await.expect("the database opens")
    }
}

/// A database server of a test's own, which may be killed.
pub struct Mortal {
    server: Server,
}

/// The database that a [`Mortal`] has.
const ONLY: &str = "house";

impl Mortal {
    /// PostgreSQL.
    pub fn postgres() -> Self {
        let server = start_postgres(Promise::Commits);
        let admin = server.url("postgres");
        in_runtime(until_it_works(|| async {
            let mut connection = sqlx::PgConnection::connect(&admin).await?;
            connection.execute(AssertSqlSafe(format!("CREATE DATABASE {ONLY}"))).await?;
            connection.close().await
        }));
        Self { server }
    }

    /// MariaDB.
    pub fn mariadb() -> Self {
        let server = start_mariadb(Promise::Commits);
        let admin = server.url("mysql");
        in_runtime(until_it_works(|| async {
            let mut connection = sqlx::MySqlConnection::connect(&admin).await?;
            connection.execute(AssertSqlSafe(format!("CREATE DATABASE {ONLY}"))).await?;
            connection.close().await
        }));
        Self { server }
    }

    /// For `database.url`.
    pub fn url(&self) -> String {
        self.server.url(ONLY)
    }

    /// Ends the server without a word to its clients.
    pub fn kill(&mut self) {
        self.server.say("kill");
        let port = self.server.port;
        super::wait::until("the end of the database server", || TcpStream::connect(("127.0.0.1", port)).err());
    }

    /// Starts it again; it takes a moment until it answers.
    pub fn start(&mut self) {
        self.server.say("start");
    }
}

fn in_runtime(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work);
}

fn fresh_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("house_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A server is not ready the moment it is started.
async fn until_it_works<F: Future<Output = sqlx::Result<()>>>(attempt: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = attempt().await {
        assert!(Instant::now() < deadline, "the private database server does not answer: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Server {
    scheme: &'static str,
    port: u16,
    /// The shell that ends the server when its standard input ends.
    keeper: Child,
}

/// What a server keeps when it is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// Nothing is sure: quick.
    None,
    /// What it has committed, as long as the machine goes on.
    Commits,
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("{}://posthouse:secret@127.0.0.1:{}/{database}", self.scheme, self.port)
    }

    fn say(&mut self, word: &str) {
        let input = self.keeper.stdin.as_mut().expect("a pipe");
        writeln!(input, "{word}").expect("the keeper reads");
    }
}

fn start_postgres(promise: Promise) -> Server {
    let programs = postgres_programs();
    let root = data_root("postgres");
    let data = root.join("data");
    let password = root.join("password");
    std::fs::write(&password, "secret\n").expect("the password's file");
    run(as_user("postgres", &programs.join("initdb"))
        .arg("-D")
        .arg(&data)
        .args([
            "--username=posthouse",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ])
        .arg(format!("--pwfile={}", password.display())));
    let port = free_port();
    let mut server = as_user("postgres", &programs.join("postgres"));
    server.arg("-D").arg(&data).arg("-k").arg(&root).args(["-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "max_connections=300",
        "shared_buffers=32MB",
        "fsync=off",
        "full_page_writes=off",
        match promise {
            Promise::None => "synchronous_commit=off",
            Promise::Commits => "synchronous_commit=on",
        },
    ] {
        server.args(["-c", setting]);
    }
    Server {
        scheme: "postgres",
        port,
        // PostgreSQL takes QUIT for: at once, and take your children with you.
        keeper: keep(&server, "QUIT", &root),
    }
}

fn postgres_programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql is installed");
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
        .expect("Debian's package postgresql is installed")
}

fn start_mariadb(promise: Promise) -> Server {
    let root = data_root("mysql");
    let data = root.join("data");
    run(Command::new("mariadb-install-db")
        .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"])
        .arg(format!("--datadir={}", data.display()))
        .args(is_root().then_some("--user=mysql")));
    let first = root.join("first.sql");
    std::fs::write(
        &first,
        "CREATE USER IF NOT EXISTS posthouse@'127.0.0.1' IDENTIFIED BY 'secret';\nGRANT ALL ON *.* TO posthouse@'127.0.0.1';\n",
    )
    .expect("the first statements' file");
    let port = free_port();
    let mut server = Command::new("/usr/sbin/mariadbd");
    server
        .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"])
        .args([
            "--max-connections=300",
            match promise {
                Promise::None => "--innodb-flush-log-at-trx-commit=0",
                Promise::Commits => "--innodb-flush-log-at-trx-commit=2",
            },
            "--innodb-buffer-pool-size=64M",
        ])
        .arg(format!("--port={port}"))
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", root.join("socket").display()))
        .arg(format!("--pid-file={}", root.join("pid").display()))
        .arg(format!("--init-file={}", first.display()))
        .args(is_root().then_some("--user=mysql"));
    Server {
        scheme: "mysql",
        port,
        keeper: keep(&server, "KILL", &root),
    }
}

/// Starts the server below a shell that kills and starts it as it is told, ends it, and removes its directory, when our end of the pipe
/// is closed.
fn keep(server: &Command, signal: &str, root: &Path) -> Child {
    let log = root.join("log");
    let script = format!(
        "start() {{ \"$@\" >>'{log}' 2>&1 </dev/null & server=$!; }}
         end() {{ kill -{signal} $server; wait $server; }}
         start \"$@\"
         while read -r word; do case $word in kill) end ;; start) start \"$@\" ;; esac; done
         end; rm -rf '{root}'",
        log = log.display(),
        root = root.display()
    );
    let mut keeper = Command::new("/bin/sh");
    keeper
        .arg("-c")
        .arg(script)
        .arg("keeper")
        .arg(server.get_program())
        .args(server.get_args());
    let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    keeper.spawn().expect("a shell")
}

/// A directory for a server, which may run as another user than we.
fn data_root(user: &str) -> PathBuf {
    let root = tempfile::Builder::new()
        .prefix("posthouse-")
        .tempdir()
        .expect("a temporary directory")
        .keep();
    if is_root() {
        let (uid, gid) = ids(user);
        chown(&root, Some(uid), Some(gid)).expect("the directory is given to the server's user");
    }
    root
}

fn ids(user: &str) -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = users.lines().find(|line| line.split(':').next() == Some(user));
    let fields: Vec<&str> = line.expect("Debian's package made the server's user").split(':').collect();
    let id = |at: usize| fields.get(at).and_then(|id| id.parse().ok()).expect("an id in /etc/passwd");
    (id(2), id(3))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Both servers refuse to run as root.
fn as_user(user: &str, program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups", "--"]);
    command.arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command
        .current_dir("/")
        .output()
        .expect("Debian's packages postgresql and mariadb-server are installed");
    if !output.status.success() {
        std::io::stderr().write_all(&output.stderr).ok();
        panic!("{:?} failed", command.get_program());
    }
}
