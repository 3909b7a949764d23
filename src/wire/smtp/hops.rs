//! Counting the Received lines of a message while it comes, to find loops (RFC 5321 §6.3).

const NAME: &[u8] = b"received:";

/// Counts Received lines in the header.
#[derive(Debug, Default)]
pub struct HopCounter {
    at: At,
    count: usize,
}

#[derive(Debug, Clone, Copy, Default)]
enum At {
    /// At the start of a line.
    #[default]
    Start,
    /// So many octets of the name were there.
    Name(usize),
    /// After a CR at the start of a line.
    Cr,
    /// In a line that is none or is counted.
    Rest,
    /// Behind the header.
    Body,
}

impl HopCounter {
    /// The Received lines so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Looks at further octets of the message.
    pub fn look(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some((&octet, after)) = rest.split_first() {
            rest = after;
            self.at = match (self.at, octet) {
                (At::Body, _) => return,
                (At::Start, b'\n') | (At::Cr, b'\n') => At::Body,
                (At::Start, b'\r') => At::Cr,
                (At::Name(_) | At::Rest, b'\n') => At::Start,
                (At::Start, octet) => self.name(0, octet),
                (At::Name(seen), octet) => self.name(seen, octet),
                (At::Cr | At::Rest, _) => {
                    let Some(end) = memchr::memchr(b'\n', rest) else {
                        self.at = At::Rest;
                        return;
                    };
                    rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
                    At::Start
                }
            };
        }
    }

    fn name(&mut self, seen: usize, octet: u8) -> At {
        if NAME.get(seen) != Some(&octet.to_ascii_lowercase()) {
            return At::Rest;
        }
        let seen = seen.saturating_add(1);
        if seen < NAME.len() {
            return At::Name(seen);
        }
        self.count = self.count.saturating_add(1);
        At::Rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_lines_of_the_header_are_counted() {
        for (message, count) in [
            ("", 0),
            (
                "Received: a\r\nRECEIVED:b\r\n c\r\nX-Received: d\r\nReceived\r\nSubject: Received: e\r\nreceived:\r\n\r\nReceived: f\r\n",
                3,
            ),
            ("\r\nReceived: a\r\n", 0),
            ("Received:", 1),
            ("Receive", 0),
            ("a\r\n Received: folded\r\n", 0),
        ] {
            for cut in 0..=message.len() {
                let mut hops = HopCounter::default();
                hops.look(&message.as_bytes()[..cut]);
                hops.look(&message.as_bytes()[cut..]);
                assert_eq!(hops.count(), count, "{message:?} cut at {cut}");
            }
            let mut hops = HopCounter::default();
            message.as_bytes().chunks(1).for_each(|octet| hops.look(octet));
            assert_eq!(hops.count(), count, "{message:?}");
        }
    }
}
