//! From the text of a transcript to its steps.

/// What is done before the first session begins.
#[derive(Debug)]
pub enum Setup {
    Set { key: String, value: toml::Value },
    User { address: String, fields: Vec<(String, u64)> },
    Alias { address: String, destinations: Vec<String> },
    Domain { name: String, alias_of: Option<String> },
    Append { user: String, mailbox: String, file: String },
}

/// One step of the dialogue, with the session it belongs to.
#[derive(Debug)]
pub enum Step {
    /// Connect to the listener with implicit TLS instead of the plain one.
    ImplicitTls,
    Handshake,
    Deflate,
    Closed,
    /// Octets for the server, words not yet put in.
    Client(Vec<u8>),
    /// The next line is this, or, if `between`, some later one, with and without these before it.
    Server {
        between: Option<Between>,
        then: String,
    },
    /// A sentence about the state of the house.
    Check(String),
}

/// What is asked of the lines before the one that is waited for.
#[derive(Debug, Default)]
pub struct Between {
    pub some: Vec<String>,
    pub none: Vec<String>,
}

/// A transcript, read.
pub struct Script {
    pub setup: Vec<Setup>,
    /// Line number, session, step.
    pub steps: Vec<(usize, usize, Step)>,
}

/// Reads a transcript; the error names the line.
pub fn parse(text: &str) -> Result<Script, String> {
    if !text.starts_with("# RFC ") {
        return Err("line 1: the first line is to be a comment that names the RFC".into());
    }
    let mut script = Script {
        setup: Vec::new(),
        steps: Vec::new(),
    };
    let mut between = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        read_line(&mut script, &mut between, number, line).map_err(|problem| format!("line {number}: {problem}: {line}"))?;
    }
    if between.is_some() {
        return Err("at the end: lines are described, but not the one that ends them".into());
    }
    Ok(script)
}

fn read_line(script: &mut Script, between: &mut Option<Between>, number: usize, line: &str) -> Result<(), String> {
    let mut add = |session: usize, step: Step| script.steps.push((number, session, step));
    match line.as_bytes().first() {
        None | Some(b'#') => {}
        Some(b'=') => add(1, Step::Check(line[1..].trim().to_owned())),
        Some(b'@') => match read_directive(line[1..].trim())? {
            Directive::Setup(setup) => script.setup.push(setup),
            Directive::Step(session, step) => add(session, step),
        },
        Some(b'C') => {
            let (session, mark, rest) = spoken(line)?;
            add(session, Step::Client(client_octets(mark, rest)?));
        }
        Some(b'S') => {
            let (session, mark, rest) = spoken(line)?;
            match mark {
                Mark::Line if rest == "…" || rest == "..." => *between = Some(Between::default()),
                Mark::Line => {
                    let then = rest.to_owned();
                    add(
                        session,
                        Step::Server {
                            between: between.take(),
                            then,
                        },
                    );
                }
                Mark::Some => between.get_or_insert_default().some.push(rest.to_owned()),
                Mark::None => between.get_or_insert_default().none.push(rest.to_owned()),
                Mark::Raw | Mark::Times(_) => return Err("only a client says this".into()),
            }
        }
        Some(_) => return Err("a line begins with #, @, =, C or S".into()),
    }
    Ok(())
}

enum Mark {
    Line,
    Raw,
    Some,
    None,
    Times(usize),
}

/// Splits `C2: text` into the session, the mark after it, and the text.
fn spoken(line: &str) -> Result<(usize, Mark, &str), String> {
    let rest = &line[1..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let session = if digits == 0 {
        1
    } else {
        rest[..digits].parse().map_err(|_| "a session number")?
    };
    let rest = &rest[digits..];
    let (mark, rest) = match rest.as_bytes().first() {
        Some(b':') => (Mark::Line, &rest[1..]),
        Some(b'>') => (Mark::Raw, &rest[1..]),
        Some(b'~') => (Mark::Some, &rest[1..]),
        Some(b'!') => (Mark::None, &rest[1..]),
        Some(b'*') => {
            let (times, rest) = rest[1..].split_once(':').ok_or("a number and ':' after '*'")?;
            (Mark::Times(times.parse().map_err(|_| "a number after '*'")?), rest)
        }
        _ => return Err("':', '>', '~', '!' or '*' after the speaker".into()),
    };
    Ok((session, mark, rest.strip_prefix(' ').unwrap_or(rest)))
}

fn client_octets(mark: Mark, text: &str) -> Result<Vec<u8>, String> {
    match mark {
        Mark::Line => Ok(format!("{text}\r\n").into_bytes()),
        Mark::Times(count) => Ok(format!("{text}\r\n").repeat(count).into_bytes()),
        Mark::Raw => unescape(text),
        Mark::Some | Mark::None => Err("only a server is expected to say this".into()),
    }
}

/// Reads `\r`, `\n`, `\0`, `\\`, `\"` and `\xNN`.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            out.push(octet);
            continue;
        }
        out.push(match octets.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b'0') => 0,
            Some(same @ (b'\\' | b'"')) => same,
            Some(b'x') => {
                let digits: String = octets.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| "two hexadecimal digits after \\x")?
            }
            _ => return Err("an escape that is not known".into()),
        });
    }
    Ok(out)
}

enum Directive {
    Setup(Setup),
    Step(usize, Step),
}

fn read_directive(text: &str) -> Result<Directive, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let session = || {
        if rest.is_empty() {
            Ok(1)
        } else {
            rest.parse().map_err(|_| "a session number")
        }
    };
    let step = |step| Ok(Directive::Step(session()?, step));
    match word {
        "tls" => step(Step::ImplicitTls),
        "starttls" => step(Step::Handshake),
        "deflate" => step(Step::Deflate),
        "closed" => step(Step::Closed),
        _ => read_setup(word, rest).map(Directive::Setup),
    }
}

fn read_setup(word: &str, rest: &str) -> Result<Setup, String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let arrow = rest.split_once(" -> ");
    match (word, words.as_slice()) {
        ("set", _) => {
            let (key, value) = rest.split_once('=').ok_or("KEY = VALUE")?;
            let table: toml::Table = format!("value = {}", value.trim()).parse().map_err(|error| format!("{error}"))?;
            Ok(Setup::Set {
                key: key.trim().to_owned(),
                value: table["value"].clone(),
            })
        }
        ("user", [address, fields @ ..]) => Ok(Setup::User {
            address: (*address).to_owned(),
            fields: fields.iter().map(|field| number_field(field)).collect::<Result<_, _>>()?,
        }),
        ("alias", _) => {
            let (address, destinations) = arrow.ok_or("ADDRESS -> ADDRESS, …")?;
            Ok(Setup::Alias {
                address: address.trim().to_owned(),
                destinations: destinations.split(',').map(|it| it.trim().to_owned()).collect(),
            })
        }
        ("domain", [name, ..]) => Ok(Setup::Domain {
            name: (*name).to_owned(),
            alias_of: arrow.map(|(_, of)| of.trim().to_owned()),
        }),
        ("append", [user, mailbox, file]) => Ok(Setup::Append {
            user: (*user).to_owned(),
            mailbox: (*mailbox).to_owned(),
            file: (*file).to_owned(),
        }),
        _ => Err("a directive that is not known".into()),
    }
}

fn number_field(field: &str) -> Result<(String, u64), String> {
    let (name, value) = field.split_once('=').ok_or("name=number")?;
    Ok((name.to_owned(), value.parse().map_err(|_| "a number")?))
}
