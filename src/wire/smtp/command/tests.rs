use rand::RngExt;

use super::*;
use crate::model::envelope::{BodyType, Ret};

fn sender(address: &str) -> Sender {
    Sender::plain(match address {
        "" => ReversePath::Null,
        address => ReversePath::Address(address.parse().unwrap()),
    })
}

fn to(address: &str) -> Rcpt {
    Rcpt {
        path: ForwardPath::Address(address.parse().unwrap()),
        notify: None,
        orcpt: None,
    }
}

#[test]
fn plain_commands_are_read() {
    let hello = |greeting, name: &str| Command::Hello(greeting, name.into());
    let chunk = |size, last| Command::Bdat(Chunk { size, last });
    let login = |initial: Option<&str>| {
        Command::Auth(Auth {
            mechanism: "plain".into(),
            initial: initial.map(|text| text.as_bytes().to_vec()),
        })
    };
    for (line, command) in [
        ("EHLO client.test", hello(Greeting::Ehlo, "client.test")),
        ("helo  [192.0.2.1] ", hello(Greeting::Helo, "[192.0.2.1]")),
        ("LHLO john's_mac", hello(Greeting::Lhlo, "john's_mac")),
        ("EHLO bücher.test", hello(Greeting::Ehlo, "bücher.test")),
        ("data", Command::Data),
        ("RSET  ", Command::Rset),
        ("NOOP whatever", Command::Noop),
        ("VRFY ada", Command::Vrfy),
        ("HELP mail", Command::Help),
        ("Quit", Command::Quit),
        ("STARTTLS", Command::StartTls),
        ("BDAT 0 LAST", chunk(0, true)),
        ("bdat 86 last", chunk(86, true)),
        ("BDAT 99999999999999999999", chunk(u64::MAX, false)),
        ("AUTH plain", login(None)),
        ("AUTH plain =", login(Some("="))),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(command), "{line}");
    }
}

#[test]
fn senders_are_read() {
    let full = Sender {
        declared_size: Some(1000),
        body: BodyType::EightBitMime,
        smtputf8: true,
        ret: Some(Ret::Headers),
        envid: Some("QQ 314".into()),
        ..sender("ada@client.test")
    };
    let long = "MAIL FROM:<ada@client.test> SIZE=1000 body=8bitmime SMTPUTF8 RET=HDRS ENVID=QQ+20314 AUTH=<>";
    for (line, expected) in [
        ("MAIL FROM:<>", sender("")),
        ("mail from: <Ada@client.test> ", sender("ada@client.test")),
        (r#"MAIL FROM:<"a>b \" c"@x.test>"#, sender(r#""a>b \" c"@x.test"#)),
        ("MAIL FROM:<@one.test,@two.test:ada@x.test>", sender("ada@x.test")),
        (long, full),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(Command::Mail(Box::new(expected))), "{line}");
    }
}

#[test]
fn recipients_are_read() {
    let notify = |success, failure, delay| Some(Notify { success, failure, delay });
    let never = Rcpt {
        notify: notify(false, false, false),
        ..to("bob@house.test")
    };
    let all = Rcpt {
        notify: notify(true, false, true),
        orcpt: Some("rfc822;b+c@x.test".into()),
        ..to("bob@house.test")
    };
    let postmaster = Rcpt {
        path: ForwardPath::Postmaster,
        ..to("x@x.test")
    };
    for (line, expected) in [
        ("RCPT TO:<bob@house.test>", to("bob@house.test")),
        ("RCPT TO:<bob@[192.0.2.1]>", to("bob@[192.0.2.1]")),
        ("RCPT TO:<jürgen@bücher.test>", to("jürgen@bücher.test")),
        ("RCPT TO:<Postmaster>", postmaster),
        ("RCPT TO:<bob@house.test> NOTIFY=NEVER", never),
        ("RCPT TO:<bob@house.test> notify=success,DELAY ORCPT=rfc822;b+2Bc@x.test", all),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(Command::Rcpt(Box::new(expected))), "{line}");
    }
}

#[test]
fn what_is_no_command_is_refused() {
    const SYNTAX: &str = "syntax";
    for (line, kind) in [
        ("", "unknown"),
        ("HELLO x", "unknown"),
        ("GET / HTTP/1.1", "unknown"),
        ("EXPN list", "not implemented"),
        ("EHLO", SYNTAX),
        ("EHLO a b", SYNTAX),
        ("EHLO <script>", SYNTAX),
        ("EHLO a\u{1}b", SYNTAX),
        ("DATA now", SYNTAX),
        ("VRFY", SYNTAX),
        ("AUTH", SYNTAX),
        ("AUTH PLAIN a b", SYNTAX),
        ("BDAT 1 FIRST", SYNTAX),
        ("BDAT", "parameter"),
        ("BDAT -1", "parameter"),
        ("MAIL <a@b.test>", SYNTAX),
        ("MAIL FROM:a@b.test", SYNTAX),
        ("MAIL FROM:<a@b.test", SYNTAX),
        ("MAIL FROM:<a@b.test>SIZE=1", SYNTAX),
        ("MAIL FROM:<a>", "sender"),
        ("RCPT TO:<>", "recipient"),
        ("RCPT TO:<a b@c.test>", "recipient"),
        ("MAIL FROM:<a@b.test> SIZE", "parameter"),
        ("MAIL FROM:<a@b.test> SIZE=x", "parameter"),
        ("MAIL FROM:<a@b.test> SIZE=1 SIZE=2", "parameter"),
        ("MAIL FROM:<a@b.test> BODY=BINARYMIME", "parameter"),
        ("MAIL FROM:<a@b.test> SMTPUTF8=1", "parameter"),
        ("MAIL FROM:<a@b.test> RET=ALL", "parameter"),
        ("MAIL FROM:<a@b.test> ENVID=+0D", "parameter"),
        ("MAIL FROM:<a@b.test> COLOUR=red", "unknown parameter"),
        ("RCPT TO:<a@b.test> NOTIFY=NEVER,DELAY", "parameter"),
        ("RCPT TO:<a@b.test> NOTIFY=DELAY,DELAY", "parameter"),
        ("RCPT TO:<a@b.test> NOTIFY=", "parameter"),
        ("RCPT TO:<a@b.test> ORCPT=a@b.test", "parameter"),
        ("RCPT TO:<a@b.test> SIZE=1", "unknown parameter"),
    ] {
        let got = match parse(line.as_bytes()).unwrap_err() {
            BadCommand::Unknown => "unknown",
            BadCommand::NotImplemented => "not implemented",
            BadCommand::Syntax(_) => SYNTAX,
            BadCommand::Parameter(_) => "parameter",
            BadCommand::UnknownParameter => "unknown parameter",
            BadCommand::Sender(_) => "sender",
            BadCommand::Recipient(_) => "recipient",
        };
        assert_eq!(got, kind, "{line}");
    }
}

#[test]
fn a_login_does_not_show() {
    let command = parse(b"AUTH PLAIN AHRpbQBxd2VydHk=").unwrap();
    assert!(!format!("{command:?}").contains("AHRp"));
}

#[test]
fn nothing_makes_it_panic() {
    const SEEDS: [&str; 5] = [
        "MAIL FROM:<@a,@b:\"x\\\"y\"@[IPv6:::1]> SIZE=1 BODY=8BITMIME RET=FULL ENVID=a+2Bb AUTH=<>",
        "RCPT TO:<jürgen@bücher.test> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;a\\x{20AC}",
        "EHLO [IPv6:2001:db8::1]",
        "BDAT 18446744073709551616 LAST",
        "AUTH PLAIN =",
    ];
    let mut rng = rand::rng();
    for round in 0..20_000 {
        let mut line = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..rng.random_range(0..6) {
            let at = rng.random_range(0..line.len());
            match rng.random_range(0..3) {
                0 => line[at] = rng.random(),
                1 => line.truncate(at.max(1)),
                _ => line.insert(at, rng.random()),
            }
        }
        let _ = parse(&line);
    }
}
