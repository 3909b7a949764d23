//! Methods of notification by their URIs: `mailto:` (RFC 5436, RFC 6068 §2).

use percent_encoding::percent_decode_str;

use super::address::outgoing;
use super::field_name::is_field_name;
use crate::wire::message::structure::{Address, addresses};

/// A method that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    Mailto(Mailto),
}

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mailto {
    pub to: Vec<Recipient>,
    pub cc: Vec<Recipient>,
    pub subject: Option<String>,
    pub body: Option<String>,
    /// Further fields (RFC 5436 §2.3), without those that a script may not give.
    pub fields: Vec<(String, String)>,
}

/// A recipient as the header names it, and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipient {
    pub shown: String,
    pub address: String,
}

/// Fields that the notification has of its own (RFC 5436 §2.3).
const OWN: [&str; 12] = [
    "auto-submitted",
    "received",
    "from",
    "sender",
    "message-id",
    "date",
    "bcc",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

impl Method {
    /// Reads a URI; says what is wrong with it.
    pub fn parse(uri: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = uri.split_once(':') else {
            return Err("it has no scheme such as 'mailto:'".into());
        };
        match scheme.to_ascii_lowercase().as_str() {
            "mailto" => Mailto::parse(rest).map(Self::Mailto),
            scheme => Err(format!("there is no method '{scheme}:', only 'mailto:'")),
        }
    }
}

impl Mailto {
    fn parse(text: &str) -> Result<Self, String> {
        // RFC 3986 §2: what a URI is made of.
        if let Some(char) = text.chars().find(|char| !char.is_ascii_graphic() || "\"<>\\^`{|}".contains(*char)) {
            return Err(format!("the character '{}' must be encoded as %xx", char.escape_default()));
        }
        let (to, query) = text.split_once('?').unwrap_or((text, ""));
        let mut mailto = Self::default();
        let to = decode(to)?;
        if !to.is_empty() {
            mailto.to = recipients(&to)?;
        }
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field
                .split_once('=')
                .ok_or_else(|| format!("'{field}' is no field: right would be name=value"))?;
            let (name, value) = (decode(name)?, decode(value)?);
            mailto.add(name, value)?;
        }
        if mailto.to.is_empty() && mailto.cc.is_empty() {
            return Err("it names no recipient".into());
        }
        Ok(mailto)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), String> {
        if !is_field_name(name.as_bytes()) {
            return Err(format!("'{}' is no name of a header field", name.escape_default()));
        }
        match name.to_ascii_lowercase().as_str() {
            "to" => self.to.extend(recipients(&value)?),
            "cc" => self.cc.extend(recipients(&value)?),
            "subject" => self.subject = Some(value),
            "body" => self.body = Some(value),
            own if OWN.contains(&own) || own.starts_with("resent-") => {}
            _ => self.fields.push((name, value)),
        }
        Ok(())
    }
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(decoded.into_owned())
}

/// The members of an address list, each checked.
fn recipients(list: &str) -> Result<Vec<Recipient>, String> {
    if list.contains(';') {
        return Err(format!("'{list}' has a ';', which stands in no address"));
    }
    let mut out = Vec::new();
    for address in addresses(list.as_bytes()) {
        let Address::Mailbox { name, local, domain, .. } = address else {
            return Err("a group is no recipient".into());
        };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let bare = format!("{}@{}", text(&local), text(&domain));
        let spelled = if local
            .iter()
            .all(|octet| octet.is_ascii_graphic() && !b"\"(),:;<>@[\\]".contains(octet))
        {
            bare
        } else {
            format!("\"{}\"@{}", text(&local).replace('\\', "\\\\").replace('"', "\\\""), text(&domain))
        };
        let address = outgoing(&spelled).map_err(|reason| format!("the recipient '{spelled}' is invalid: {reason}"))?;
        let shown = match name {
            Some(name) => format!("{} <{address}>", text(&name)),
            None => address.clone(),
        };
        out.push(Recipient { shown, address });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read() {
        let Method::Mailto(mailto) =
            Method::parse("mailto:a@b.test%2Cc@d.test?cc=e@f.test&Subject=x%20y&body=hi&X-A=1&from=me@x.test").unwrap();
        assert_eq!(
            mailto.to.iter().map(|it| it.address.as_str()).collect::<Vec<_>>(),
            ["a@b.test", "c@d.test"]
        );
        assert_eq!(
            (mailto.cc.len(), mailto.subject.as_deref(), mailto.body.as_deref()),
            (1, Some("x y"), Some("hi"))
        );
        assert_eq!(mailto.fields, [("X-A".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn wrong_uris_are_refused() {
        for uri in [
            "stephan@example.org",
            "snailto:stephan@example.org",
            "mailto:",
            "mailto:a@b.test;?header=frop",
            "mailto:a@b.test?header<=frop",
            "mailto:a@b.test?header=fr>op",
            "mailto:a@b.test?header:=frop",
            "mailto:a%23b.test",
            "mailto:a@b.test?to=nico%23frop.example.org",
            "mailto:a@b.test?x",
        ] {
            assert!(Method::parse(uri).is_err(), "{uri}");
        }
    }
}
