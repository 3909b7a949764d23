//! A plain POP3 client.

use super::line::Line;

/// A session that is logged in.
pub struct Pop3 {
    line: Line,
}

impl Pop3 {
    /// Logs in over implicit TLS.
    pub fn login(address: std::net::SocketAddr, login: &str, password: &str) -> Self {
        let mut pop3 = Self {
            line: Line::connect_tls(address),
        };
        assert!(pop3.line.line().starts_with("+OK"));
        pop3.ok(&format!("USER {login}"));
        pop3.ok(&format!("PASS {password}"));
        pop3
    }

    /// Says a command that must succeed; gives the rest of its first line.
    pub fn ok(&mut self, command: &str) -> String {
        self.line.say(command);
        let line = self.line.line();
        let Some(rest) = line.strip_prefix("+OK") else {
            panic!("{command:?} was answered {line:?}");
        };
        rest.trim_start().to_owned()
    }

    /// Says a command with an answer of many lines (RFC 1939 §3); gives them without the doubled dots.
    pub fn lines(&mut self, command: &str) -> Vec<String> {
        self.ok(command);
        let mut lines = Vec::new();
        loop {
            let line = self.line.line();
            if line == "." {
                return lines;
            }
            lines.push(line.strip_prefix('.').map_or(line.clone(), str::to_owned));
        }
    }
}
