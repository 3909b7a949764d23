//! What another server said it can do, in its answer to EHLO.
//!
//! RFC 5321 §4.1.1.1 (EHLO), RFC 1870 §4 (SIZE), RFC 2920 §3 (PIPELINING), RFC 3030 §2 (CHUNKING), RFC 3207 §4 (STARTTLS), RFC 3461 §4 (DSN),
//! RFC 4954 §3 (AUTH), RFC 6152 §2 (8BITMIME), RFC 6531 §3.1 (SMTPUTF8).

use crate::wire::smtp::reply::Reply;

/// The extensions that we make use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) chunking: bool,
    /// SIZE is offered.
    pub(super) size: bool,
    /// The most octets that are taken, where it was said.
    pub(super) most: Option<u64>,
    pub(super) eight_bit: bool,
    pub(super) smtputf8: bool,
    pub(super) dsn: bool,
    pub(super) starttls: bool,
    pub(super) auth_plain: bool,
    pub(super) auth_login: bool,
}

impl Offers {
    /// Reads a positive answer to EHLO; the first line is the server's name.
    pub(super) fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines().skip(1) {
            // Some old servers spell "AUTH=PLAIN LOGIN".
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => offers.pipelining = true,
                "CHUNKING" => offers.chunking = true,
                "SIZE" => {
                    offers.size = true;
                    // RFC 1870 §4: 0 is no fixed limit.
                    offers.most = words.next().and_then(|most| most.parse().ok()).filter(|most| *most > 0);
                }
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.smtputf8 = true,
                "DSN" => offers.dsn = true,
                "STARTTLS" => offers.starttls = true,
                "AUTH" => {
                    for word in words {
                        offers.auth_plain |= word.eq_ignore_ascii_case("PLAIN");
                        offers.auth_login |= word.eq_ignore_ascii_case("LOGIN");
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::smtp::reply::Parser;

    fn read(wire: &str) -> Offers {
        let reply = Parser::default().next(&mut wire.into()).unwrap().unwrap();
        Offers::read(&reply)
    }

    #[test]
    fn offers_are_read() {
        let offers = read(
            "250-mx.test PIPELINING\r\n250-size 1000\r\n250-8BITMIME\r\n250-Chunking\r\n250-STARTTLS\r\n250-AUTH=LOGIN\r\n250-AUTH plain XOAUTH2\r\n250 DSN\r\n",
        );
        assert_eq!(
            offers,
            Offers {
                size: true,
                most: Some(1000),
                chunking: true,
                eight_bit: true,
                starttls: true,
                auth_plain: true,
                auth_login: true,
                dsn: true,
                ..Offers::default()
            }
        );
        assert_eq!(read("250-mx.test\r\n250 SIZE 0\r\n").most, None);
        assert_eq!(read("250-mx.test\r\n250 SIZE 99999999999999999999999\r\n").most, None);
        assert_eq!(read("250 mx.test\r\n"), Offers::default());
    }
}
