//! The real server: its binary, started in a directory of its own with every listener on a free port.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use toml::{Table, Value};

use super::imap::Imap;
use super::maildir;
use super::program::{self, Ran};
use super::rest::Rest;
use super::smtp::Smtp;
use super::wait::{PATIENCE, until};

/// The administrator's password in every test.
pub const ADMIN_PASSWORD: &str = "keeper of the house";
/// The password of every user that [`House::provision`] and [`House::user`] make.
pub const PASSWORD: &str = "open-sesame-7";

/// How a house is to be built.
pub struct Builder {
    settings: Table,
    environment: Vec<(String, String)>,
    data: Option<PathBuf>,
}

/// A server with its directory. It ends when this is dropped; its log is shown if the test fails.
pub struct House {
    directory: TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
    running: Option<Running>,
    screen: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
}

struct Running {
    child: Child,
    addresses: BTreeMap<String, Vec<String>>,
}

impl Default for Builder {
    fn default() -> Self {
        let listeners = [
            "smtp",
            "submission",
            "submissions",
            "lmtp",
            "imap",
            "imaps",
            "pop3",
            "pop3s",
            "managesieve",
            "http",
        ];
        let listen: Table = listeners
            .iter()
            .map(|name| ((*name).to_owned(), vec!["127.0.0.1:0"].into()))
            .collect();
        let mut builder = Self {
            settings: Table::new(),
            environment: vec![("POSTHOUSE_ADMIN_PASSWORD".into(), ADMIN_PASSWORD.into())],
            data: None,
        };
        builder.settings.insert("hostname".into(), "mail.house.test".into());
        builder.settings.insert("listen".into(), listen.into());
        // The discard port: nobody answers there, and nothing leaves the machine.
        builder
            .set("dns.servers", vec!["127.0.0.1:9"])
            .set("dns.timeout_seconds", 2)
            // What is checked is the matter of tests/house/authentication.rs.
            .set("checks.trusted_networks", vec!["127.0.0.0/8"])
            // And what is spam is that of tests/house/spam.rs.
            .set("spam.engine", "off")
            // Greylisting is that of tests/house/strangers.rs.
            .set("greylist.score", 0.0)
            .set("imap.poll_milliseconds", 100)
            .set("directory.watch_milliseconds", 50)
    }
}

impl Builder {
    /// Sets a key of the configuration, such as `smtp.max_recipients`.
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut self.settings;
        for section in path.split('.').filter(|section| !section.is_empty()) {
            let entry = table.entry(section).or_insert_with(|| Table::new().into());
            table = entry.as_table_mut().expect("a section");
        }
        table.insert(name.to_owned(), value.into());
        self
    }

    /// Sets an environment variable of the server.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The data directory is to be here, and not in the test's directory.
    pub fn data(mut self, path: PathBuf) -> Self {
        self.data = Some(path);
        self
    }

    /// Leaves it to the server to make the administrator's password.
    pub fn without_password(mut self) -> Self {
        self.environment.clear();
        self
    }

    /// Writes the configuration and starts nothing yet.
    pub fn build(self) -> House {
        let directory = TempDir::with_prefix("posthouse-test-").expect("a temporary directory");
        let text = toml::to_string(&self.settings).expect("TOML");
        fs::write(directory.path().join("posthouse.toml"), text).expect("a configuration");
        House {
            data: self.data.unwrap_or_else(|| directory.path().join("data")),
            directory,
            environment: self.environment,
            running: None,
            screen: Arc::default(),
            log: Arc::default(),
        }
    }

    /// Starts the server and waits until it is ready.
    pub fn start(self) -> House {
        let mut house = self.build();
        house.start_again();
        house
    }
}

impl House {
    /// A house with the usual settings, with house.test, alice and bob in it.
    pub fn furnished() -> Self {
        let house = Builder::default().start();
        house.provision();
        house
    }

    /// Another node with the same settings, database and data, and listeners of its own.
    pub fn another_node(&self) -> Self {
        let directory = TempDir::with_prefix("posthouse-test-").expect("a temporary directory");
        fs::copy(self.config(), directory.path().join("posthouse.toml")).expect("a configuration");
        let mut node = Self {
            directory,
            data: self.data(),
            environment: self.environment.clone(),
            running: None,
            screen: Arc::default(),
            log: Arc::default(),
        };
        node.start_again();
        node
    }

    /// Starts the server (again) on the same data and waits until it is ready.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let ready_file = self.path("ready.json");
        let _ = fs::remove_file(&ready_file);
        let mut child = self
            .serve()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let (tell, ready) = mpsc::channel();
        record(child.stdout.take().expect("a pipe"), &self.screen, None);
        record(child.stderr.take().expect("a pipe"), &self.log, Some(tell));
        if ready.recv_timeout(PATIENCE).is_err() {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not become ready:\n{}", self.log());
        }
        let text = fs::read_to_string(&ready_file).expect("the ready file is there before the line `ready`");
        let addresses = serde_json::from_str(&text).expect("the ready file names the addresses");
        self.running = Some(Running { child, addresses });
    }

    /// Runs `posthouse serve` to its end, for what should not start.
    pub fn serve_to_end(&self) -> Output {
        self.serve().stdin(Stdio::null()).output().expect("the server runs")
    }

    /// Runs another command of the program against this house's data, without input.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.other_command(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the command runs")
    }

    /// The same with something to read.
    pub fn command_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        program::finish(&mut self.other_command(arguments), input)
    }

    /// Starts a command and does not wait for it.
    pub fn start_command(&self, arguments: &[&str]) -> Child {
        let mut command = self.other_command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the command starts")
    }

    fn other_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .arg("--data")
            .arg(self.data());
        command.envs(self.environment.iter().cloned());
        command
    }

    fn serve(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .arg("--data")
            .arg(self.data());
        command.arg("--ready-file").arg(self.path("ready.json"));
        command.envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Kills the server at once, as a power failure would end it but for the disk's cache.
    pub fn kill(&mut self) {
        let mut running = self.running.take().expect("a running server");
        running.child.kill().expect("kill");
        running.child.wait().expect("an end");
    }

    /// Asks the server to stop and waits for its end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let mut running = self.running.take().expect("a running server");
        until("the end of the server", || running.child.try_wait().expect("a status"))
    }

    /// Sends the server a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal");
    }

    /// The server's process.
    pub fn pid(&self) -> Pid {
        let running = self.running.as_ref().expect("a running server");
        Pid::from_child(&running.child)
    }

    /// What the server has shown to whoever started it: its standard output.
    pub fn screen(&self) -> String {
        self.screen.lock().expect("the screen").clone()
    }

    /// What the server has logged: its standard error.
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// The address of a listener, by its name in the configuration.
    pub fn address(&self, listener: &str) -> SocketAddr {
        let running = self.running.as_ref().expect("a running server");
        let address = running.addresses.get(listener).and_then(|all| all.first());
        let address = address.unwrap_or_else(|| panic!("no listener {listener} in {:?}", running.addresses));
        address.parse().expect("an address")
    }

    /// A path below the test's directory.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(below)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("posthouse.toml")
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The Maildir of a user's INBOX.
    pub fn maildir(&self, address: &str) -> PathBuf {
        let (local, domain) = address.split_once('@').expect("an address");
        self.data().join("mail").join(domain).join(local)
    }

    /// The messages in a user's INBOX, as files.
    pub fn inbox(&self, address: &str) -> Vec<PathBuf> {
        maildir::messages(&self.maildir(address))
    }

    /// Waits until a user's INBOX has so many messages.
    pub fn wait_for_inbox(&self, address: &str, count: usize) -> Vec<PathBuf> {
        until(&format!("{count} messages for {address}"), || {
            Some(self.inbox(address)).filter(|files| files.len() >= count)
        })
    }

    /// How many messages are in the queue, of the first five hundred.
    pub fn queued(&self) -> usize {
        let list = self.admin().get("/queue?limit=500").ok();
        list["items"].as_array().map_or(0, Vec::len)
    }

    /// Makes house.test with alice and bob.
    pub fn provision(&self) {
        self.admin().put("/domains/house.test", json!({"domain": "house.test"})).ok();
        self.user("alice@house.test");
        self.user("bob@house.test");
    }

    /// Makes a user.
    pub fn user(&self, address: &str) {
        self.admin().post("/users", json!({"address": address, "password": PASSWORD})).ok();
    }

    /// Makes an alias; `@domain` is a catch-all.
    pub fn alias(&self, address: &str, destinations: &[&str]) {
        let body = json!({"address": address, "destinations": destinations});
        self.admin().post("/aliases", body).ok();
    }

    /// The API as the administrator.
    pub fn admin(&self) -> Rest {
        Rest::login(self.address("http"), "admin", ADMIN_PASSWORD)
    }

    /// The API without a login.
    pub fn anonymous(&self) -> Rest {
        Rest::anonymous(self.address("http"))
    }

    /// An SMTP session as another server has it.
    pub fn smtp(&self) -> Smtp {
        Smtp::connect(self.address("smtp"))
    }

    /// A submission session of a user, over TLS and logged in.
    pub fn submission(&self, login: &str) -> Smtp {
        let mut smtp = Smtp::connect_tls(self.address("submissions"));
        smtp.login(login, PASSWORD).expect(235);
        smtp
    }

    /// An IMAP session of a user, over TLS and logged in.
    pub fn imap(&self, login: &str) -> Imap {
        Imap::login(self.address("imaps"), login, PASSWORD)
    }
}

/// The server: that of this build, or the one that HOUSE_BINARY names, such as one built for release.
fn binary() -> OsString {
    std::env::var_os("HOUSE_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_posthouse").into())
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        if thread::panicking() {
            eprintln!("--- what the server said ---\n{}---", self.log());
        }
    }
}

/// Reads an output of the server to its end; tells of the line `ready`.
fn record(output: impl Read + Send + 'static, into: &Arc<Mutex<String>>, ready: Option<mpsc::Sender<()>>) {
    let into = Arc::clone(into);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.trim() == "ready"
                && let Some(ready) = &ready
            {
                // Nobody may listen any more; then the test has failed already.
                let _ = ready.send(());
            }
            let mut text = into.lock().expect("the text");
            text.push_str(&line);
            text.push('\n');
        }
    });
}
