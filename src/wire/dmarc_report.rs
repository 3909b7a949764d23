//! The message that carries a report about DMARC.
//!
//! Called by `mail::dmarc_reports`. Pure.
//!
//! RFC 7489 §7.2.1.1 (subject and name of the file).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;

use super::message::compose::{date, header, message_id};
use crate::model::address::{Domain, EmailAddress};

/// RFC 2045 §6.8: the longest line of base64.
const LINE: usize = 76;

/// The message that carries a report.
pub struct Letter<'l> {
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
    /// Whose mail it is about.
    pub domain: &'l str,
    /// What the report is called.
    pub report_id: &'l str,
    /// The first and the last second that it is about, since 1970.
    pub range: (u64, u64),
    /// The report's XML, compressed with gzip.
    pub compressed: &'l [u8],
}

impl Letter<'_> {
    /// Spells it.
    pub fn spell(&self) -> Vec<u8> {
        let boundary = format!("=_{}", self.unique);
        let submitter = self.from.domain().map_or(self.host, Domain::as_str);
        let (domain, (begin, end)) = (self.domain, self.range);
        let mut out = Vec::with_capacity(self.compressed.len() * 2 + 2_048);
        for (name, value) in [
            ("Date", date(self.date)),
            ("From", format!("DMARC reports <{}>", self.from)),
            ("To", self.to.to_string()),
            (
                "Subject",
                format!("Report Domain: {domain} Submitter: {submitter} Report-ID: <{}>", self.report_id),
            ),
            ("Message-ID", message_id(self.unique, self.host)),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", format!("multipart/mixed; boundary=\"{boundary}\"")),
        ] {
            header(&mut out, name, &value);
        }
        let text = format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is a report of {submitter} about mail that says it is of \
             {domain}.\r\n\r\n--{boundary}\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n filename=\"{submitter}!{domain}!{begin}!{end}!{}.xml.gz\"\r\n\r\n",
            self.unique
        );
        out.extend_from_slice(text.as_bytes());
        for line in BASE64.encode(self.compressed).as_bytes().chunks(LINE) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_spelled() {
        let from = EmailAddress::parse("postmaster@house.test").unwrap();
        let to = EmailAddress::parse("d@asks.test").unwrap();
        let letter = Letter {
            unique: "u1",
            host: "mail.house.test",
            from: &from,
            to: &to,
            date: Timestamp::UNIX_EPOCH,
            domain: "asks.test",
            report_id: "r1",
            range: (86_400, 172_799),
            compressed: &[0; 100],
        };
        let text = String::from_utf8(letter.spell()).unwrap();
        for part in [
            "Subject: Report Domain: asks.test Submitter: house.test Report-ID: <r1>\r\n",
            "\r\nContent-Type: application/gzip\r\n",
            " filename=\"house.test!asks.test!86400!172799!u1.xml.gz\"\r\n\r\nAAAA",
            "\r\n--=_u1--\r\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
