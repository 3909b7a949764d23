//! Our own clients, by the tests that each has in its own language, on a live server, and by their examples.
//!
//! What they build on is put into the target directory by `tests/house/clients/install`.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use serde_json::json;

use crate::support::house::House;
use crate::support::program::{Ran, finish};

/// A server, and a key of an administrator for it.
struct Live {
    house: House,
    key: String,
}

impl Live {
    fn start() -> Self {
        let house = House::furnished();
        let made = house.admin().post("/api-keys", json!({"name": "sdk", "role": "server_admin"})).ok();
        let key = made["key"].as_str().expect("a key").to_owned();
        Self { house, key }
    }

    /// Runs a program of a client, in the client's folder, for at most five minutes.
    fn run(&self, client: &str, program: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new("timeout");
        command.args(["300", program]).args(arguments).current_dir(folder(client));
        command
            .env("POSTHOUSE_URL", format!("http://{}", self.house.address("http")))
            .env("POSTHOUSE_KEY", &self.key)
            .env("PYTHONPATH", python_path())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        finish(&mut command, "")
    }

    /// The two examples: `example` runs the one of this name.
    fn examples(&self, example: impl Fn(&str, &[&str]) -> Ran + Sync) {
        for _ in 0..2 {
            assert_eq!(example("provision", &["customer.test"]).ok(), "owner@customer.test\n");
        }
        let address = "postmaster@customer.test";
        self.house
            .smtp()
            .send("ada@client.test", &[address], "Subject: Hello\n\nx\n")
            .expect(250);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| example("wait", &["alice@house.test", "2020-01-01T00:00:00Z"]).ok());
            let letter = "From: shop@client.test\nSubject: Your code\n\nIt is 424242, for ten minutes.\n";
            self.house
                .smtp()
                .send("shop@client.test", &["alice@house.test"], letter)
                .expect(250);
            assert_eq!(waiting.join().expect("the example"), "Your code: 424242\n");
        });
    }
}

fn folder(client: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients").join(client)
}

fn python_path() -> String {
    let libraries = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients/sdk");
    assert!(
        libraries.is_dir(),
        "{} is not there; run tests/house/clients/install",
        libraries.display()
    );
    format!("{}:{}", folder("python").display(), libraries.display())
}

#[test]
fn the_rust_client_works() {
    let live = Live::start();
    let package = ["-p", "posthouse-client", "--no-default-features", "--quiet"];
    let cargo = |arguments: &[&str]| live.run("rust", env!("CARGO"), arguments);
    let ran = cargo(&[&["test"], &package[..], &["--", "--include-ignored"]].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.all);
    live.examples(|example, arguments| cargo(&[&["run"], &package[..], &["--example", example, "--"], arguments].concat()));
}

#[test]
fn the_python_client_works() {
    let live = Live::start();
    live.run("python", "python3", &["-m", "unittest", "discover", "-s", "tests"]).ok();
    live.examples(|example, arguments| live.run("python", "python3", &[&[&*format!("examples/{example}.py")], arguments].concat()));
}

#[test]
fn the_typescript_client_works() {
    let live = Live::start();
    live.run("typescript", "node", &["node_modules/typescript/bin/tsc"]).ok();
    let tests = ["client", "scenario"].map(|name| format!("dist/test/{name}.test.js"));
    live.run("typescript", "node", &["--test", &tests[0], &tests[1]]).ok();
    live.examples(|example, arguments| {
        live.run(
            "typescript",
            "node",
            &[&[&*format!("dist/examples/{example}.js")], arguments].concat(),
        )
    });
}

#[test]
fn the_php_client_works() {
    let live = Live::start();
    live.run("php", "phpunit", &[]).ok();
    live.examples(|example, arguments| live.run("php", "php", &[&[&*format!("examples/{example}.php")], arguments].concat()));
}
