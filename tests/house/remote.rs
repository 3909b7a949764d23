//! The commands on a server elsewhere, over its API: what they do and print is what they do and print at home.

use std::process::Command;

use serde_json::json;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::program::{Ran, finish};
use crate::support::wait::until;

/// A server, and a key for it.
struct There {
    house: House,
    key: String,
}

impl There {
    /// With a message in the queue, for which nobody listens.
    fn furnished() -> Self {
        let routes: toml::Table = [("far.test".to_owned(), "127.0.0.1:9".into())].into_iter().collect();
        let house = Builder::default().set("outbound.routes", routes).start();
        house.provision();
        let made = house.admin().post("/api-keys", json!({"name": "panel", "role": "server_admin"}));
        let key = made.ok()["key"].as_str().expect("a key").to_owned();
        let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
        let to = ["one@far.test", "two@far.test"];
        house
            .submission("alice@house.test")
            .send("alice@house.test", &to, letter)
            .expect(250);
        let there = Self { house, key };
        // Every recipient was tried, so nothing changes between two looks.
        until("the first tries", || {
            let list = there.house.admin().get("/queue").ok();
            let mut tries = list["items"][0]["recipients"].as_array().expect("recipients").iter();
            tries.all(|it| it["attempts"] == 1).then_some(())
        });
        there
    }

    /// A command that knows nothing but the URL and the key; its arguments stand between blanks.
    fn command(&self, key: &str, line: &str, input: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
        let url = format!("http://{}", self.house.address("http"));
        command
            .env("POSTHOUSE_URL", url)
            .env("POSTHOUSE_KEY", key)
            .args(line.split_whitespace());
        finish(command.current_dir(self.house.path("")), input)
    }

    /// The same on the data itself.
    fn here(&self, line: &str) -> Ran {
        self.house.command_with_input(&line.split_whitespace().collect::<Vec<_>>(), "")
    }

    #[track_caller]
    fn ok(&self, line: &str) -> String {
        self.ok_with(line, "")
    }

    #[track_caller]
    fn ok_with(&self, line: &str, input: &str) -> String {
        self.command(&self.key, line, input).ok()
    }

    /// Prints the same here and there, as text and as JSON.
    #[track_caller]
    fn same(&self, line: &str) -> String {
        for form in [line, &format!("{line} --json")] {
            assert_eq!(self.ok(form), self.here(form).ok(), "{form}");
        }
        self.ok(line)
    }

    /// The status of a login over the API.
    fn login(&self, username: &str, password: &str) -> u16 {
        let body = json!({"username": username, "password": password});
        self.house.anonymous().post("/auth/login", body).status
    }
}

#[test]
fn the_directory_is_managed_from_elsewhere() {
    let there = There::furnished();
    assert_eq!(there.ok("domain add shop.test --description shop"), "Added domain shop.test.\n");
    there.ok("domain add shop.example --alias-of shop.test");
    there.ok_with(
        "user add carol@shop.test --password-stdin --display-name Carol --quota-bytes 9",
        PASSWORD,
    );
    there.ok("user add dave@shop.test --no-password --role domain_admin --disabled");
    there.ok("alias add @shop.test carol@shop.test dave@shop.test");
    there.ok("dkim add shop.test --algorithm ed25519 --selector s1");
    for look in [
        "domain list",
        "domain show shop.example",
        "user list",
        "user list --domain shop.test",
        "user show admin",
        "alias list",
        "alias list --domain house.test",
        "alias show @shop.test",
        "dkim list shop.test",
        "dkim show shop.test s1",
    ] {
        there.same(look);
    }
    assert!(there.ok("user show carol@shop.test").contains("9 octets"));

    there.ok("dkim activate shop.test s1");
    there.ok("dkim retire shop.test s1");
    assert!(there.same("dkim list shop.test").contains("retired"));
    there.ok("dkim remove shop.test s1");
    there.ok("alias remove @shop.test");
    assert_eq!(there.ok("user remove CAROL@shop.test"), "Removed user carol@shop.test.\n");
    assert_eq!(there.ok("user restore CAROL@shop.test"), "Restored user carol@shop.test.\n");
    there.ok("user remove carol@shop.test");
    there.ok("user remove carol@shop.test --purge");
    there.ok("user remove dave@shop.test --purge");
    there.ok("domain remove shop.example");
    there.ok("domain remove shop.test");
    assert!(!there.same("domain list").contains("shop"));
}

#[test]
fn passwords_and_logins_are_managed_from_elsewhere() {
    let there = There::furnished();
    let alice = "alice@house.test";
    there.ok_with("user set-password alice@house.test --password-stdin", "another-secret-8\n");
    assert_eq!(there.login(alice, PASSWORD), 401);
    assert_eq!(there.login(alice, "another-secret-8"), 200);
    assert_eq!(there.ok("user disable alice@house.test"), "Disabled user alice@house.test.\n");
    assert_eq!(there.login(alice, "another-secret-8"), 401);
    there.ok("user enable alice@house.test");
    assert_eq!(there.login(alice, "another-secret-8"), 200);
}

#[test]
fn keys_are_managed_from_elsewhere() {
    let there = There::furnished();
    let key = there.ok("api-key add second --role domain_admin --domain house.test");
    let with_it = |line| there.command(key.trim(), line, "");
    assert!(with_it("user list").ok().contains("alice@house.test"));
    let listed = there.ok("api-key list --json");
    let second = listed.lines().find(|line| line.contains("\"second\"")).expect("the key");
    let id = second.split('"').nth(3).expect("an id");
    there.ok(&format!("api-key remove {id}"));
    assert_eq!(with_it("user list").status, Some(2));
}

#[test]
fn the_queue_is_steered_from_elsewhere() {
    let there = There::furnished();
    assert!(there.same("queue list").contains("far.test"));
    there.same("queue list --sender alice@house.test --state waiting --error refused");
    let listed = there.ok("queue list --json");
    let id = listed.split('"').nth(3).expect("an id");
    there.same(&format!("queue show {id}"));
    for (line, said) in [
        (format!("queue hold {id} --recipient one@far.test"), "1 recipient is held.\n"),
        ("queue hold --older-than 0s".into(), "1 recipient is held.\n"),
        ("queue retry --all".into(), "0 recipients are tried now.\n"),
    ] {
        assert_eq!(there.ok(&line), said, "{line}");
    }
    assert!(there.same(&format!("queue show {id}")).contains("held"));
    for (line, said) in [
        (format!("queue remove {id} --recipient two@far.test --json"), "{\"removed\":1}\n"),
        ("queue expire --all".into(), "1 recipient is given up.\n"),
        ("queue flush".into(), "0 recipients are tried now.\n"),
    ] {
        assert_eq!(there.ok(&line), said, "{line}");
    }
    until("the end of the queue", || there.ok("queue list").is_empty().then_some(()));
}

#[test]
fn what_is_refused_there_is_refused_in_the_same_words() {
    let there = There::furnished();
    for line in [
        "user show nobody@house.test",
        "domain add house.test",
        "domain remove house.test",
        "user add alice@house.test --no-password",
        "dkim show house.test s1",
        "alias remove nobody@house.test",
        "queue show 0000000000001",
        "queue hold",
        "user show nobody@house.test --json",
    ] {
        let (here, ran) = (there.here(line), there.command(&there.key, line, ""));
        assert_eq!((ran.status, ran.all), (here.status, here.all), "{line}");
    }
    let bad_key = there.command("phk_nonsense", "domain list", "");
    assert!(
        bad_key.status == Some(2) && bad_key.all.contains("POSTHOUSE_KEY"),
        "{}",
        bad_key.all
    );
    let nobody = there.command("", "domain list --url http://127.0.0.1:9 --json", "");
    assert!(nobody.status == Some(1) && nobody.all.contains("\"unreachable\""), "{}", nobody.all);
    for only_here in ["serve", "reindex"] {
        let ran = there.command(&there.key, only_here, "");
        assert!(ran.status == Some(2) && ran.all.contains("POSTHOUSE_URL"), "{}", ran.all);
    }
    assert!(
        !there.house.path("posthouse-data").exists(),
        "a command elsewhere leaves nothing here"
    );
}

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
        let script = finish(command.args(["completions", shell]), "").ok();
        assert!(script.contains("api-key") && script.contains("posthouse"), "{shell}: {script}");
    }
    let mut bash = Command::new("bash");
    let script = "source <(\"$0\" completions bash); COMP_WORDS=(posthouse ali); COMP_CWORD=1; _posthouse posthouse ali posthouse; echo \"${COMPREPLY[*]}\"";
    bash.args(["-c", script, env!("CARGO_BIN_EXE_posthouse")]);
    assert_eq!(finish(&mut bash, "").ok(), "alias\n");
}
