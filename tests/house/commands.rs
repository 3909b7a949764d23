//! The commands work on the same house as the server, also while it runs.

use serde_json::Value;

use crate::support::house::{House, PASSWORD};
use crate::support::program::Ran;
use crate::support::smtp::Smtp;
use crate::support::wait::until;

const LETTER: &str = "From: ada@client.test\nSubject: by command\n\nHello.\n";

fn ok(house: &House, arguments: &[&str], input: &str) -> String {
    house.command_with_input(arguments, input).ok()
}

#[track_caller]
fn fails(ran: &Ran, status: i32, names: &str) {
    assert_eq!(ran.status, Some(status), "{}", ran.all);
    assert!(ran.all.contains(names), "{}", ran.all);
}

#[test]
fn a_running_server_hears_of_what_commands_change() {
    let house = House::furnished();
    ok(&house, &["domain", "add", "command.test"], "");
    ok(
        &house,
        &["user", "add", "carol@command.test", "--password-stdin"],
        &format!("{PASSWORD}\n"),
    );
    ok(&house, &["alias", "add", "info@command.test", "carol@command.test"], "");
    let deliver = |to: &str| house.smtp().send("ada@client.test", &[to], LETTER).code;
    until("the server to know the alias", || {
        (deliver("info@command.test") == 250).then_some(())
    });
    assert!(!house.inbox("carol@command.test").is_empty());

    let login = |password: &str| {
        Smtp::connect_tls(house.address("submissions"))
            .login("carol@command.test", password)
            .code
    };
    assert_eq!(login(PASSWORD), 235);
    ok(
        &house,
        &["user", "set-password", "carol@command.test", "--password-stdin"],
        "another-secret-8\n",
    );
    until("the new password", || (login("another-secret-8") == 235).then_some(()));
    assert_eq!(login(PASSWORD), 535, "the old password is forgotten, though it was remembered");

    ok(&house, &["alias", "remove", "info@command.test"], "");
    until("the server to forget the alias", || {
        (deliver("info@command.test") == 550).then_some(())
    });
    ok(&house, &["user", "remove", "carol@command.test", "--purge"], "");
    until("the server to forget the user", || {
        (deliver("carol@command.test") == 550).then_some(())
    });
    ok(&house, &["domain", "remove", "command.test"], "");
}

#[test]
fn lists_are_text_or_json() {
    let house = House::furnished();
    let text = ok(&house, &["user", "list"], "");
    assert!(text.contains("alice@house.test") && text.contains("bob@house.test"), "{text}");
    let json = ok(&house, &["user", "list", "--domain", "house.test", "--json"], "");
    let users: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).expect("one document a line"))
        .collect();
    let addresses: Vec<&str> = users.iter().filter_map(|user| user["address"].as_str()).collect();
    assert_eq!(addresses, ["alice@house.test", "bob@house.test"], "{json}");
}

#[test]
fn failures_have_their_exit_status() {
    let house = House::furnished();
    let run = |arguments: &[&str]| house.command_with_input(arguments, "");
    fails(&run(&["domain", "add", "house.test"]), 1, "house.test");
    fails(&run(&["user", "show", "nobody@house.test"]), 1, "nobody@house.test");
    fails(&run(&["domain", "remove", "house.test"]), 1, "house.test");
    fails(&run(&["user", "ad"]), 2, "ad");
    fails(&run(&["user", "add", "x@house.test", "--nonsense"]), 2, "--nonsense");
}
