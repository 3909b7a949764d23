//! What the operator sees when the server is up: where it listens, and what to try next.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::model::secret::Secret;

/// The names of the listeners in the configuration, and what they are called here, in the order of the screen.
const LISTENERS: &[(&str, &str, &str)] = &[
    ("smtp", "SMTP", "mail from other servers"),
    ("submission", "Submission", "STARTTLS"),
    ("submissions", "Submission", "TLS"),
    ("lmtp", "LMTP", ""),
    ("imap", "IMAP", "STARTTLS"),
    ("imaps", "IMAP", "TLS"),
    ("pop3", "POP3", "STLS"),
    ("pop3s", "POP3", "TLS"),
    ("http", "HTTP", ""),
    ("https", "HTTPS", ""),
];

/// The start-up screen. Printed once to standard output, when every listener is up.
pub struct Screen<'a> {
    /// The name by which the server calls itself.
    pub hostname: &'a str,
    /// Each listener's name in the configuration, with the addresses it really has.
    pub listeners: &'a [(&'a str, Vec<String>)],
    /// Where everything is kept.
    pub data_dir: &'a Path,
    /// The administrator's password, if it was made up at this start.
    pub admin_password: Option<&'a Secret>,
    /// Whether the certificate is one that we made ourselves.
    pub self_signed: bool,
}

impl Screen<'_> {
    /// The first address of a listener in the form a client on this machine connects to; none if it is off or a Unix socket.
    fn address(&self, name: &str) -> Option<SocketAddr> {
        let (_, addresses) = self.listeners.iter().find(|(listener, _)| *listener == name)?;
        let mut address: SocketAddr = addresses.iter().find_map(|address| address.parse().ok())?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Some(address)
    }

    /// `http://…` or `https://…`, whichever is there.
    fn base_url(&self) -> Option<String> {
        let plain = self.address("http").map(|address| format!("http://{address}"));
        plain.or_else(|| self.address("https").map(|address| format!("https://{address}")))
    }

    fn write_places(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, label, note) in LISTENERS {
            for (_, addresses) in self.listeners.iter().filter(|(listener, _)| listener == name) {
                for address in addresses {
                    let line = format!("  {label:<15}{address:<24}{note}");
                    writeln!(f, "{}", line.trim_end())?;
                }
            }
        }
        if let Some(base) = self.base_url() {
            writeln!(f, "\n  {:<15}{base}/api/v1", "API")?;
            writeln!(f, "  {:<15}{base}/docs", "Documentation")?;
        }
        writeln!(f, "  {:<15}{}", "Data", self.data_dir.display())?;
        if self.self_signed {
            writeln!(
                f,
                "  {:<15}self-signed, for trying out: clients warn of it (tls.certificate sets another)",
                "Certificate"
            )?;
        }
        if let Some(password) = self.admin_password {
            writeln!(f, "\n  {:<15}admin", "Administrator")?;
            writeln!(f, "  {:<15}{}    (shown this once: keep it)", "Password", password.expose())?;
        }
        Ok(())
    }

    /// Three steps over the API, ready to be pasted into a shell; needs curl and sed only.
    fn write_steps(&self, f: &mut fmt::Formatter<'_>, base: &str) -> fmt::Result {
        // The certificate of an API that is only there over TLS may be one that curl does not trust.
        let curl = if base.starts_with("https") && self.self_signed {
            "curl -sSk"
        } else {
            "curl -sS"
        };
        let password = self.admin_password.map_or("ADMIN-PASSWORD", Secret::expose);
        let login = serde_json::json!({ "username": "admin", "password": password }).to_string();
        let json = "-H 'Content-Type: application/json'";
        let token = "-H \"Authorization: Bearer $TOKEN\"";
        writeln!(f, "\nThree things to try, in another terminal:\n")?;
        writeln!(f, "  1. Log in:\n")?;
        writeln!(
            f,
            "API={base}/api/v1\nTOKEN=$({curl} $API/auth/login {json} -d {} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n",
            shell_quoted(&login)
        )?;
        writeln!(f, "  2. Create a domain and a user:\n")?;
        writeln!(f, "{curl} $API/domains {token} {json} -d '{{\"domain\":\"example.test\"}}'")?;
        writeln!(
            f,
            "{curl} $API/users {token} {json} -d '{{\"address\":\"alice@example.test\",\"password\":\"correct-horse-battery\"}}'"
        )?;
        self.write_message(f)
    }

    fn write_message(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(smtp) = self.address("smtp") else { return Ok(()) };
        let imaps = self.address("imaps");
        let reading = if imaps.is_some() { ", and read it" } else { "" };
        writeln!(f, "\n  3. Send her a message{reading}:\n")?;
        writeln!(
            f,
            "printf 'From: bob@example.org\\r\\nTo: alice@example.test\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' | \
             curl -sS smtp://{smtp} --mail-from bob@example.org --mail-rcpt alice@example.test -T -"
        )?;
        if let Some(imaps) = imaps {
            let trust = if self.self_signed { "k" } else { "" };
            writeln!(
                f,
                "curl -sS{trust} 'imaps://{imaps}/INBOX;MAILINDEX=1' -u alice@example.test:correct-horse-battery"
            )?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nPosthouse {} is up as {}.\n", env!("CARGO_PKG_VERSION"), self.hostname)?;
        self.write_places(f)?;
        match self.base_url() {
            Some(base) => self.write_steps(f, &base),
            None => writeln!(
                f,
                "\nThe API is off. To begin: posthouse domain add example.test; posthouse user add alice@example.test"
            ),
        }
    }
}

/// The text as one word of a POSIX shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners() -> Vec<(&'static str, Vec<String>)> {
        vec![
            ("smtp", vec!["0.0.0.0:2525".into(), "[::]:2525".into()]),
            ("lmtp", vec!["/run/posthouse/lmtp".into()]),
            ("imaps", vec!["127.0.0.1:2993".into()]),
            ("pop3", Vec::new()),
            ("http", vec!["127.0.0.1:8080".into()]),
        ]
    }

    fn screen<'a>(listeners: &'a [(&'a str, Vec<String>)], admin_password: Option<&'a Secret>) -> String {
        Screen {
            hostname: "mail.example.test",
            listeners,
            data_dir: Path::new("posthouse-data"),
            admin_password,
            self_signed: true,
        }
        .to_string()
    }

    #[test]
    fn it_shows_places_password_and_steps() {
        let password = Secret::new("a'b\"c");
        let listeners = listeners();
        let text = screen(&listeners, Some(&password));
        for line in [
            "  SMTP           0.0.0.0:2525            mail from other servers\n",
            "  SMTP           [::]:2525               mail from other servers\n",
            "  LMTP           /run/posthouse/lmtp\n",
            "  IMAP           127.0.0.1:2993          TLS\n",
            "  API            http://127.0.0.1:8080/api/v1\n",
            "  Documentation  http://127.0.0.1:8080/docs\n",
            "  Data           posthouse-data\n",
            "  Certificate    self-signed",
            "  Password       a'b\"c    (shown this once: keep it)\n",
            r#"-d '{"password":"a'\''b\"c","username":"admin"}' | sed"#,
            "curl -sS smtp://127.0.0.1:2525 --mail-from",
            "curl -sSk 'imaps://127.0.0.1:2993/INBOX;MAILINDEX=1'",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(!text.contains("POP3"), "a listener that is off is not shown: {text}");
    }

    #[test]
    fn a_later_start_does_not_show_a_password() {
        let text = screen(&listeners(), None);
        assert!(!text.contains("Administrator"));
        assert!(text.contains("ADMIN-PASSWORD"));
    }

    #[test]
    fn without_http_the_commands_are_shown() {
        let text = screen(&[("smtp", vec!["127.0.0.1:25".into()])], None);
        assert!(text.contains("posthouse domain add example.test"), "{text}");
        assert!(!text.contains("curl"), "{text}");
    }

    #[test]
    fn https_alone_is_trusted_as_it_must_be() {
        let text = screen(&[("https", vec!["[::]:443".into()])], None);
        assert!(
            text.contains("API=https://[::1]:443/api/v1\nTOKEN=$(curl -sSk $API/auth/login"),
            "{text}"
        );
    }
}
