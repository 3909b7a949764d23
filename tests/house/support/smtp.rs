//! A plain SMTP and submission client.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::line::Line;

/// A session.
pub struct Smtp {
    line: Line,
}

/// A reply: its code and its lines without the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

impl Smtp {
    /// Connects, reads the greeting, says EHLO.
    pub fn connect(address: SocketAddr) -> Self {
        Self::greet(Line::connect(address))
    }

    /// The same over implicit TLS.
    pub fn connect_tls(address: SocketAddr) -> Self {
        Self::greet(Line::connect_tls(address))
    }

    /// The same by a proxy, from whatever address (`proxy.from` must have 127.0.0.2).
    pub fn connect_for(address: SocketAddr, client: &str) -> Self {
        Self::greet(Line::connect_for(address, client))
    }

    fn greet(line: Line) -> Self {
        let mut smtp = Self { line };
        smtp.reply().expect(220);
        smtp.command("EHLO client.test").expect(250);
        smtp
    }

    /// STARTTLS, the handshake, and EHLO again.
    pub fn start_tls(mut self) -> Self {
        self.command("STARTTLS").expect(220);
        self.line.start_tls().expect("a TLS handshake");
        self.command("EHLO client.test").expect(250);
        self
    }

    /// AUTH PLAIN.
    pub fn login(&mut self, login: &str, password: &str) -> Reply {
        let proof = BASE64_STANDARD.encode(format!("\0{login}\0{password}"));
        self.command(&format!("AUTH PLAIN {proof}"))
    }

    /// Says a command and reads its reply.
    pub fn command(&mut self, command: &str) -> Reply {
        self.line.say(command);
        self.reply()
    }

    /// Sends octets as they are, without reading.
    pub fn send_raw(&mut self, octets: &[u8]) {
        self.line.send(octets).expect("a connection");
    }

    /// Reads a reply.
    pub fn reply(&mut self) -> Reply {
        let mut lines = Vec::new();
        loop {
            let line = self.line.line();
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let code = code.unwrap_or_else(|| panic!("{line:?} is no reply\n{}", self.line.said()));
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Reply { code, lines };
            }
        }
    }

    /// Sends one message to all recipients and gives the last reply: of the first step that failed, or of the end of the data.
    pub fn send(&mut self, from: &str, to: &[&str], message: &str) -> Reply {
        let reply = self.envelope(from, to);
        if reply.code != 354 {
            return reply;
        }
        self.send_raw(&stuffed(message));
        self.reply()
    }

    /// The same for a server that may be killed in between: none when it is gone.
    pub fn try_send(&mut self, from: &str, to: &[&str], message: &str) -> Option<()> {
        self.try_step(format!("MAIL FROM:<{from}>\r\n").as_bytes(), "250")?;
        for to in to {
            self.try_step(format!("RCPT TO:<{to}>\r\n").as_bytes(), "250")?;
        }
        self.try_step(b"DATA\r\n", "354")?;
        self.try_step(&stuffed(message), "250")
    }

    fn try_step(&mut self, octets: &[u8], code: &str) -> Option<()> {
        self.line.send(octets).ok()?;
        loop {
            let reply = self.line.try_line().ok()?;
            let reply = String::from_utf8_lossy(&reply).into_owned();
            assert!(reply.starts_with(code), "{reply}\n{}", self.line.said());
            if reply.as_bytes().get(3) != Some(&b'-') {
                return Some(());
            }
        }
    }

    /// MAIL, each RCPT, DATA; stops at the first step that fails.
    pub fn envelope(&mut self, from: &str, to: &[&str]) -> Reply {
        let mut steps = vec![format!("MAIL FROM:<{from}>")];
        steps.extend(to.iter().map(|to| format!("RCPT TO:<{to}>")));
        for step in steps {
            let reply = self.command(&step);
            if reply.code != 250 {
                return reply;
            }
        }
        self.command("DATA")
    }

    /// The connection, for what this client has no word for.
    pub fn line(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl Reply {
    /// Ends the test unless the code is this.
    #[track_caller]
    pub fn expect(&self, code: u16) -> &Self {
        assert_eq!(self.code, code, "the server replied {self:?}");
        self
    }
}

/// A message with CRLF line ends, dots doubled, and the line of one dot at its end (RFC 5321 §4.5.2).
pub fn stuffed(message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    for line in message.lines() {
        if line.starts_with('.') {
            out.push(b'.');
        }
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
