//! Known answers: what is said of each mistake.

use super::*;

/// A file, and what is said of it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "hostname = ",
        "FILE line 1: is not valid TOML: string values must be quoted, expected literal string",
    ),
    ("[smtp\n", "FILE line 1: is not valid TOML: unclosed table, expected `]`"),
    ("data_dir = 'a'\ndata_dir = 'b'", "FILE line 2: is not valid TOML: duplicate key"),
    (
        "\n[smtp]\nmax_mesage_bytes = 1\n",
        "FILE line 3: smtp.max_mesage_bytes: there is no such key; right would be smtp.max_message_bytes",
    ),
    (
        "max_recipients = 1",
        "FILE line 1: max_recipients: there is no such key; right would be smtp.max_recipients",
    ),
    (
        "[imap]\nmax_recipients = 1",
        "FILE line 2: imap.max_recipients: there is no such key; right would be smtp.max_recipients",
    ),
    (
        "[smpt]\nmax_errors = 1",
        "FILE line 1: smpt: there is no such key; right would be [smtp]",
    ),
    (
        "[smtp.more]",
        "FILE line 1: smtp.more: there is no such key; `posthouse config reference` lists them",
    ),
    (
        "colour = 'red'",
        "FILE line 1: colour: there is no such key; `posthouse config reference` lists them",
    ),
    ("smtp = 1", "FILE line 1: smtp: is a value; right would be the section [smtp]"),
    (
        "[smtp]\nmax_recipients = 'lots'",
        "FILE line 2: smtp.max_recipients: is the text \"lots\"; right would be a whole number from 1 to 1000000, such as 1000",
    ),
    (
        "[smtp]\nmax_recipients = 0",
        "FILE line 2: smtp.max_recipients: is the number 0; right would be a whole number from 1 to 1000000, such as 1000",
    ),
    (
        "outbound.smtp_port = 70000",
        "FILE line 1: outbound.smtp_port: is the number 70000; right would be a whole number from 1 to 65535, such as 25",
    ),
    (
        "[queue]\nmax_messages = -1",
        "FILE line 2: queue.max_messages: is the number -1; right would be a whole number from 0, such as 0",
    ),
    (
        "[listen]\nsmtp = '127.0.0.1:25'",
        "FILE line 2: listen.smtp: is the text \"127.0.0.1:25\"; right would be a list of texts, such as [\"127.0.0.1:2525\"]",
    ),
    (
        "[listen]\nsmtp = ['127.0.0.1:25', 25]",
        "FILE line 2: listen.smtp: entry 2 is the number 25; right would be a list of texts, such as [\"127.0.0.1:2525\"]",
    ),
    (
        "[log]\nformat = 'xml'",
        "FILE line 2: log.format: is the text \"xml\"; right would be \"text\" or \"json\"",
    ),
    (
        "[outbound]\npassword = 1234",
        "FILE line 2: outbound.password: is a number; right would be a text",
    ),
    (
        "[outbound]\nrates = {'a.test' = -1}",
        "FILE line 2: outbound.rates: 'a.test' is the number -1; right would be a table of whole numbers from 0, such as { \"example.org\" = 60 }",
    ),
    (
        "[outbound]\nroutes = {'a.test' = 25}",
        "FILE line 2: outbound.routes: 'a.test' is the number 25; right would be a table of texts or tables, such as { \"example.org\" = \"192.0.2.1:25\", \"example.net\" = { server = \"192.0.2.1:25\" } }",
    ),
];

/// A file whose values are each possible, but not together or not in their form, and what is said of it.
const DISAGREEMENTS: &[(&str, &str)] = &[
    (
        "hostname = 'a b'",
        "FILE line 1: hostname: 'a b': the domain has a character other than letters, digits, '-' and '.'; right would be a domain such as 'mail.example.org'",
    ),
    (
        "data_dir = ''",
        "FILE line 1: data_dir: is empty; right would be a directory such as 'posthouse-data'",
    ),
    (
        "[tls]\ncertificate = 'a.pem'",
        "FILE line 2: tls.certificate: stands alone; right would be its key in tls.key as well",
    ),
    (
        "[tls]\nkey = 'a.pem'",
        "FILE line 2: tls.key: stands alone; right would be its certificate in tls.certificate as well",
    ),
    (
        "[tls]\nallow_plaintext_auth_from = ['localhost']",
        "FILE line 2: tls.allow_plaintext_auth_from: 'localhost' is no network; right would be '127.0.0.0/8' or '::1'",
    ),
    (
        "[listen]\nimap = ['143']",
        "FILE line 2: listen.imap: '143' is no IP address with a port; right would be '127.0.0.1:2525' or '[::1]:2525'",
    ),
    (
        "[dns]\nservers = ['192.0.2.53']",
        "FILE line 2: dns.servers: '192.0.2.53' is no IP address with a port; right would be '127.0.0.1:2525' or '[::1]:2525'",
    ),
    (
        "[database]\nurl = 'oracle://scott:tiger@host/db'",
        "FILE line 2: database.url: is no database; right would be 'sqlite:posthouse.db', 'postgres://user:password@host/name' or 'mysql://user:password@host/name'",
    ),
    (
        "[outbound]\nsmarthost = 'relay.test'",
        "FILE line 2: outbound.smarthost: 'relay.test' is no host with a port; right would be 'mail.example.org:25' or '[2001:db8::1]:25'",
    ),
    (
        "[outbound.routes]\n'a.test' = 'b'",
        "FILE line 1: outbound.routes: 'a.test': 'b' is no host with a port; right would be 'mail.example.org:25' or '[2001:db8::1]:25'",
    ),
    (
        "[outbound]\nusername = 'u'",
        "FILE line 2: outbound.username: is set without a server to log in to; right would be outbound.smarthost as well",
    ),
    (
        "[queue]\n\nretry_first_seconds = 20_000",
        "FILE line 3: queue.retry_first_seconds: is 20000; right would be no more than queue.retry_max_seconds (14400)",
    ),
    (
        "[auth]\naccess_token_seconds = 60\nrefresh_token_seconds = 30",
        "FILE line 3: auth.refresh_token_seconds: is 30; right would be no less than auth.access_token_seconds (60)",
    ),
    (
        "[directory]\ndetail_separators = '+x'",
        "FILE line 2: directory.detail_separators: has 'x'; right would be characters of !#$%&'*+-/=?^_`{|}~ such as \"+\"",
    ),
    (
        "[log]\nlevel = 'loud'",
        "FILE line 2: log.level: 'loud' is no level; right would be one of error, warn, info, debug, trace, or a filter such as 'info,posthouse::mail=debug'",
    ),
];

/// Loads the text as `FILE`, with the variables; the error with the path shortened to that.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::load(Some(file.path()), variables).map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
}

#[test]
fn each_mistake_is_one_clear_line() {
    for (text, error) in MISTAKES {
        assert_eq!(load(text, &[]).map(|_| ()), Err((*error).to_owned()), "{text}");
    }
}

#[test]
fn what_does_not_agree_is_refused_where_it_was_set() {
    for (text, error) in DISAGREEMENTS {
        assert_eq!(load(text, &[]).map(|_| ()), Err((*error).to_owned()), "{text}");
    }
}

#[test]
fn the_environment_wins_over_the_file_and_is_blamed_for_its_own() {
    let text = "[smtp]\nmax_recipients = 5\nmax_errors = 6\n[outbound.routes]\n'a.test' = 'h.test:25'\n";
    let loaded = load(
        text,
        &[("POSTHOUSE_SMTP__MAX_RECIPIENTS", "7"), ("POSTHOUSE_DATA_DIR", "/var/mail")],
    )
    .unwrap();
    assert_eq!((loaded.config.smtp.max_recipients, loaded.config.smtp.max_errors), (7, 6));
    assert_eq!(loaded.config.outbound.routes["a.test"].server, "h.test:25");
    let settings: Vec<_> = loaded.settings.iter().map(|setting| setting.key.as_str()).collect();
    assert_eq!(settings, ["data_dir", "smtp.max_recipients", "smtp.max_errors", "outbound.routes"]);
    assert_eq!(loaded.settings[1].origin, Origin::Variable("POSTHOUSE_SMTP__MAX_RECIPIENTS".into()));

    for (name, value, error) in [
        (
            "POSTHOUSE_SMTP__MAX_RECIPIENTS",
            "lots",
            "POSTHOUSE_SMTP__MAX_RECIPIENTS: smtp.max_recipients: is the text \"lots\"; right would be a whole number from 1 to 1000000, such as 1000",
        ),
        (
            "POSTHOUSE_QUEUE__RETRY_FIRST_SECONDS",
            "20000",
            "POSTHOUSE_QUEUE__RETRY_FIRST_SECONDS: queue.retry_first_seconds: is 20000; right would be no more than queue.retry_max_seconds (14400)",
        ),
        (
            "POSTHOUSE_OUTBOUND__ROUTES",
            "a.test",
            "POSTHOUSE_OUTBOUND__ROUTES: outbound.routes: is the text \"a.test\"; right would be a table of texts or tables, such as { \"example.org\" = \"192.0.2.1:25\", \"example.net\" = { server = \"192.0.2.1:25\" } }",
        ),
    ] {
        assert_eq!(load("", &[(name, value)]).map(|_| ()), Err(error.to_owned()));
    }
}

#[test]
fn nothing_said_is_the_default() {
    let loaded = Config::load(None, []).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.settings, []);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/posthouse.toml")), [])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "/nowhere/posthouse.toml: cannot be read: No such file or directory (os error 2); --config must name a readable TOML file"
    );
}

#[test]
fn what_holds_is_told_without_secrets() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[database]\nurl = \"mysql://ph:secret@db.test/ph\"\n[outbound]\nsmarthost = \"a.test:587\"\nusername = \"ada\"\npassword = \"secret\"\n";
    std::fs::write(file.path(), text).unwrap();
    let loaded = Config::load(Some(file.path()), []).unwrap();
    let of = |key: &str| loaded.effective.iter().find(|effective| effective.key == key).unwrap();
    assert_eq!(of("database.url").value, Some("mysql://ph:…@db.test/ph".into()));
    assert_eq!((&of("outbound.password").value, of("outbound.password").secret), (&None, true));
    assert_eq!(of("outbound.smarthost").value, Some("a.test:587".into()));
    assert!(matches!(of("outbound.smarthost").origin, Origin::File(_, Some(4))));
    assert_eq!(
        (&of("http.max_json_bytes").value, &of("http.max_json_bytes").origin),
        (&Some(1_048_576.into()), &Origin::Default)
    );
    assert!(!format!("{:?}", loaded.effective).contains("secret@"));
}
