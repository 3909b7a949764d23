//! The message that carries a report about DMARC or TLS.
//!
//! Called by `mail::reports`. Pure.
//!
//! RFC 7489 §7.2.1.1 and RFC 8460 §5.1 (name of the file), §5.3 (the message).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;

use super::message::compose::{date, header, message_id};
use crate::model::address::{Domain, EmailAddress};

/// RFC 2045 §6.8: the longest line of base64.
const LINE: usize = 76;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// How mail fared that says it is of the domain.
    Dmarc,
    /// What became of TLS towards the servers of the domain.
    Tls,
}

/// The message that carries a report.
pub struct Letter<'l> {
    /// What it is about.
    pub subject: Subject,
    /// Used once.
    pub unique: &'l str,
    /// The server.
    pub host: &'l str,
    /// Who reports.
    pub from: &'l EmailAddress,
    /// To whom.
    pub to: &'l EmailAddress,
    /// When.
    pub date: Timestamp,
    /// Whom it is about.
    pub domain: &'l Domain,
    /// What the report is called.
    pub report_id: &'l str,
    /// The first and the last second that it is about, since 1970.
    pub range: (i64, i64),
    /// The report's XML or JSON, compressed with gzip.
    pub compressed: &'l [u8],
}

impl Letter<'_> {
    /// Spells it.
    pub fn spell(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.compressed.len() * 2 + 2_048);
        let boundary = format!("=_{}", self.unique);
        self.spell_headers(&mut out, &boundary);
        self.spell_text(&mut out, &boundary);
        for line in BASE64.encode(self.compressed).as_bytes().chunks(LINE) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        out
    }

    fn submitter(&self) -> &str {
        self.from.domain().map_or(self.host, Domain::as_str)
    }

    fn spell_headers(&self, out: &mut Vec<u8>, boundary: &str) {
        let (domain, submitter, id) = (self.domain, self.submitter(), self.report_id);
        let (name, media_type) = match self.subject {
            Subject::Dmarc => ("DMARC reports", "multipart/mixed"),
            Subject::Tls => ("TLS reports", "multipart/report; report-type=\"tlsrpt\""),
        };
        header(out, "Date", &date(self.date));
        header(out, "From", &format!("{name} <{}>", self.from));
        header(out, "To", &self.to.to_string());
        let subject = format!("Report Domain: {domain} Submitter: {submitter} Report-ID: <{id}>");
        header(out, "Subject", &subject);
        header(out, "Message-ID", &message_id(self.unique, self.host));
        if self.subject == Subject::Tls {
            header(out, "TLS-Report-Domain", domain.as_str());
            header(out, "TLS-Report-Submitter", submitter);
            // RFC 8689 §4: what tells of broken TLS must not wait for it.
            header(out, "TLS-Required", "No");
        }
        header(out, "Auto-Submitted", "auto-generated");
        header(out, "MIME-Version", "1.0");
        header(out, "Content-Type", &format!("{media_type}; boundary=\"{boundary}\""));
    }

    fn spell_text(&self, out: &mut Vec<u8>, boundary: &str) {
        let (domain, submitter, (begin, end)) = (self.domain, self.submitter(), self.range);
        let (what, media_type, extension) = match self.subject {
            Subject::Dmarc => ("mail that says it is of", "application/gzip", "xml.gz"),
            Subject::Tls => ("TLS towards the mail servers of", "application/tlsrpt+gzip", "json.gz"),
        };
        let text = format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is a report of {submitter} about {what}\r\n{domain}.\r\n\
             \r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n filename=\"{submitter}!{domain}!{begin}!{end}!{}.{extension}\"\r\n\r\n",
            self.unique
        );
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(subject: Subject) -> String {
        let from = EmailAddress::parse("postmaster@house.test").unwrap();
        let to = EmailAddress::parse("d@asks.test").unwrap();
        let letter = Letter {
            subject,
            unique: "u1",
            host: "mail.house.test",
            from: &from,
            to: &to,
            date: Timestamp::UNIX_EPOCH,
            domain: &Domain::parse("asks.test").unwrap(),
            report_id: "r1",
            range: (86_400, 172_799),
            compressed: &[0; 100],
        };
        String::from_utf8(letter.spell()).unwrap()
    }

    #[test]
    fn letters_are_spelled() {
        let of_dmarc = [
            "\r\nContent-Type: application/gzip\r\n",
            " filename=\"house.test!asks.test!86400!172799!u1.xml.gz\"\r\n\r\nAAAA",
        ];
        let of_tls = [
            "\r\nTLS-Required: No\r\n",
            "\r\nContent-Type: application/tlsrpt+gzip\r\n",
            " filename=\"house.test!asks.test!86400!172799!u1.json.gz\"\r\n\r\nAAAA",
        ];
        let of_both = [
            "Subject: Report Domain: asks.test Submitter: house.test Report-ID: <r1>\r\n",
            "\r\n--=_u1--\r\n",
        ];
        for (subject, parts) in [(Subject::Dmarc, &of_dmarc[..]), (Subject::Tls, &of_tls[..])] {
            let text = spelled(subject);
            for part in parts.iter().chain(&of_both) {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        }
    }
}
