//! As whom the server runs, and sockets that others have bound for it.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::house::Builder;
use crate::support::wait::{PATIENCE, until};

/// A figure of `/proc/PID/status`.
fn status(pid: i32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = text.lines().find(|line| line.starts_with(name)).expect("a figure");
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

#[test]
fn root_is_given_up_once_the_ports_are_bound() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can become somebody else: not tested");
        return;
    }
    let mut house = Builder::default().set("process.user", "nobody").build();
    fs::set_permissions(house.path(""), Permissions::from_mode(0o777)).expect("permissions");
    for _ in 0..2 {
        house.start_again();
        let pid = house.pid().as_raw_nonzero().get();
        let nobody = fs::metadata(house.data())
            .map(|found| std::os::unix::fs::MetadataExt::uid(&found))
            .expect("the data");
        assert_ne!(nobody, 0);
        // All threads, with all their ids; and none of root's groups.
        for thread in fs::read_dir(format!("/proc/{pid}/task")).expect("threads") {
            let thread = thread.expect("a thread").file_name().to_string_lossy().parse().expect("a number");
            assert_eq!(status(thread, "Uid:"), format!("{nobody} {nobody} {nobody} {nobody}"));
            assert!(!status(thread, "Groups:").split(' ').any(|group| group == "0"));
        }
        house.admin().get("/domains").ok();
        house.terminate();
    }
    let missing = Builder::default().set("process.user", "no-such-user").build().serve_to_end();
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("process.user: there is no user no-such-user"));
}

/// What systemd does for a socket unit: binds, passes the socket as descriptor 3, and becomes the server.
const SYSTEMD: &str = "
import os, socket, sys
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
os.dup2(server.fileno(), 3)
# It may have been 3 all the time.
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='smtp')
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn a_socket_of_systemd_is_served() {
    let house = Builder::default().set("listen.smtp", vec!["systemd:smtp"]).build();
    let mut child = Command::new("python3")
        .args(["-c", SYSTEMD, env!("CARGO_BIN_EXE_posthouse"), "serve", "--config"])
        .arg(house.config())
        .arg("--data")
        .arg(house.data())
        .env("POSTHOUSE_ADMIN_PASSWORD", "keeper of the house")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let port: u16 = lines.next().expect("a line").expect("a line").parse().expect("a port");
    // The socket takes connections before the server is there, and the server answers them.
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut greeting = String::new();
    BufReader::new(stream).read_line(&mut greeting).expect("a greeting");
    child.kill().expect("kill");
    until("its end", || child.try_wait().expect("a status"));
    assert!(greeting.starts_with("220 "), "{greeting}");

    let without = house.serve_to_end();
    assert_eq!(without.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&without.stderr).contains("FileDescriptorName=smtp"));
}
