//! What the packages are made of: fresh, and such as the server takes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::house::Builder;
use crate::support::program::{finish, run};
use crate::support::wait::PATIENCE;

fn packaging(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(below)
}

fn posthouse(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    finish(command.args(arguments).env_clear(), "").ok()
}

fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let entry = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a text");
        (entry.file_name().to_string_lossy().into_owned(), text)
    };
    entries.map(|found| entry(found.expect("an entry"))).collect()
}

#[test]
fn the_manual_pages_are_fresh() {
    let made = tempfile::tempdir().expect("a directory");
    posthouse(&["man", made.path().to_str().expect("a path")]);
    let (made, kept) = (files(made.path()), files(&packaging("man")));
    let differ: Vec<&String> = made
        .keys()
        .chain(kept.keys())
        .filter(|name| made.get(*name) != kept.get(*name))
        .collect();
    assert!(
        differ.is_empty(),
        "old pages; run: rm packaging/man/* && cargo run -- man packaging/man: {differ:?}"
    );
    assert!(made.contains_key("posthouse.1") && made.contains_key("posthouse-user-add.1"));
}

#[test]
fn the_configurations_are_taken() {
    for file in ["debian/posthouse.toml", "docker/posthouse.toml"] {
        let path = packaging(file);
        posthouse(&["config", "check", "--config", path.to_str().expect("a path")]);
    }
}

/// A file of the sources, or one for each `*`.
fn is_there(pattern: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match pattern.split_once('*') {
        None => root.join(pattern).exists(),
        Some((folder, end)) => files(&root.join(folder)).keys().any(|name| name.ends_with(end)),
    }
}

#[test]
fn what_goes_into_the_debian_package_is_there() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let deb = &manifest["package"]["metadata"]["deb"];
    let texts = |value: &toml::Value| {
        let all = value.as_array().expect("a list").iter();
        all.map(|it| it.as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    let assets: Vec<Vec<String>> = deb["assets"].as_array().expect("a list").iter().map(texts).collect();
    for asset in assets.iter().filter(|asset| !asset[0].starts_with("target/")) {
        assert!(is_there(&asset[0]), "{asset:?}");
    }
    for file in texts(&deb["conf-files"]) {
        let (folder, name) = file.rsplit_once('/').expect("a path");
        let is_it = |asset: &Vec<String>| format!("/{}", asset[1].trim_end_matches('/')) == folder && asset[0].ends_with(name);
        assert!(assets.iter().any(is_it), "{file} is not installed");
    }
    let changes = fs::read_to_string(packaging("debian/changelog")).expect("the changelog");
    let version = format!("posthouse ({}-", env!("CARGO_PKG_VERSION"));
    assert!(
        changes.starts_with(&version),
        "the first entry of the changelog is of another version"
    );
    assert!(is_there(deb["license-file"].as_str().expect("a file")) && is_there(deb["changelog"].as_str().expect("a file")));
    for folder in [&deb["maintainer-scripts"], &deb["systemd-units"]["unit-scripts"]] {
        assert!(is_there(&format!("{}/*", folder.as_str().expect("a folder"))), "{folder}");
    }
}

/// What is copied into the image is among the sources, and of them, what is sent to Docker.
#[test]
fn what_goes_into_the_image_is_there() {
    let dockerfile = fs::read_to_string(packaging("docker/Dockerfile")).expect("the Dockerfile");
    let sent = fs::read_to_string(packaging("docker/Dockerfile.dockerignore")).expect("what is ignored");
    let sent: Vec<&str> = sent.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for file in &sent {
        assert!(is_there(file), "{file}");
    }
    let copied = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    for line in copied.filter(|line| !line.starts_with("--from=")) {
        let (sources, _) = line.rsplit_once(' ').expect("from and to");
        for source in sources.split(' ').filter(|source| *source != ".") {
            assert!(sent.iter().any(|file| source.starts_with(file)), "{source} is not sent to Docker");
        }
    }
    // What the program is compiled of besides its own folder.
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        ".cargo",
        "migrations",
        "clients/rust",
        "tests/house/main.rs",
    ] {
        assert!(sent.contains(&needed), "{needed} is not sent to Docker");
    }
}

/// What Debian's own tools say of the files, as far as they are here.
#[test]
fn the_scripts_are_sound() {
    for script in ["postinst", "prerm", "postrm"] {
        let path = packaging("debian").join(script);
        run("sh", &["-n", path.to_str().expect("a path")]).ok();
    }
}

/// systemd reads the unit, and a server that is started as the unit says tells it when it is up.
#[test]
fn the_unit_is_that_of_this_server() {
    let unit = fs::read_to_string(packaging("systemd/posthouse.service")).expect("the unit");
    let line = |key: &str| {
        let found = unit
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap_or_else(|| panic!("no {key}"));
        found.to_owned()
    };
    assert_eq!(line("Type="), "notify");
    let started = line("ExecStart=");
    assert_eq!(started, "/usr/bin/posthouse serve --config /etc/posthouse/posthouse.toml");
    // systemd kills what takes longer to stop than the server itself allows.
    let own: u64 = 30;
    assert!(line("TimeoutStopSec=").parse::<u64>().expect("seconds") > own);
}

/// How much systemd thinks a broken server could do: from 0, nothing, to 10.
#[test]
fn the_unit_leaves_little_to_who_breaks_in() {
    let unit = packaging("systemd/posthouse.service");
    let unit = unit.to_str().expect("a path");
    let arguments = ["security", "--offline=true", "--no-pager", "--threshold=20", unit];
    let Ok(looked) = Command::new("systemd-analyze").args(arguments).output() else {
        eprintln!("left out: there is no systemd here");
        return;
    };
    assert!(looked.status.success(), "{}", String::from_utf8_lossy(&looked.stdout));
}

#[test]
fn systemd_is_told_when_the_server_is_up_and_when_it_stops() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let mut house = Builder::default().env("NOTIFY_SOCKET", path.to_str().expect("a path")).start();
    let heard = || {
        let mut octets = [0; 64];
        let length = socket.recv(&mut octets).expect("a word");
        String::from_utf8_lossy(&octets[..length]).into_owned()
    };
    assert_eq!(heard(), "READY=1");
    assert!(house.terminate().success());
    assert_eq!(heard(), "STOPPING=1");
}
