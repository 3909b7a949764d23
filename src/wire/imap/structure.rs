//! ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 §7.4.2).

use crate::wire::message::structure::{Address, Disposition, Envelope, Param, Part};

use super::encode::{nstring, number, string};

/// Writes an envelope.
pub fn envelope(out: &mut Vec<u8>, envelope: &Envelope) {
    out.push(b'(');
    nstring(out, envelope.date.as_deref());
    out.push(b' ');
    nstring(out, envelope.subject.as_deref());
    for list in [
        &envelope.from,
        &envelope.sender,
        &envelope.reply_to,
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ] {
        out.push(b' ');
        addresses(out, list);
    }
    out.push(b' ');
    nstring(out, envelope.in_reply_to.as_deref());
    out.push(b' ');
    nstring(out, envelope.message_id.as_deref());
    out.push(b')');
}

fn addresses(out: &mut Vec<u8>, list: &[Address]) {
    if list.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for address in list {
        let (name, route, local, domain) = match address {
            Address::Mailbox {
                name,
                route,
                local,
                domain,
            } => (name.as_deref(), route.as_deref(), Some(local.as_slice()), Some(domain.as_slice())),
            // RFC 3501 §7.4.2: a group begins with an address without host, and ends with one of nothing.
            Address::GroupStart(name) => (None, None, Some(name.as_slice()), None),
            Address::GroupEnd => (None, None, None, None),
        };
        out.push(b'(');
        for (index, text) in [name, route, local, domain].into_iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            nstring(out, text);
        }
        out.push(b')');
    }
    out.push(b')');
}

/// Writes a BODYSTRUCTURE, or without the extensions a BODY.
pub fn body(out: &mut Vec<u8>, part: &Part, extensions: bool) {
    out.push(b'(');
    if part.is_multipart() {
        for child in &part.children {
            body(out, child, extensions);
        }
        out.push(b' ');
        string(out, part.subtype.as_bytes());
        if extensions {
            out.push(b' ');
            params(out, &part.params);
        }
    } else {
        single(out, part, extensions);
    }
    if extensions {
        out.push(b' ');
        disposition(out, part.disposition.as_ref());
        out.push(b' ');
        languages(out, &part.languages);
        out.push(b' ');
        nstring(out, part.location.as_deref());
    }
    out.push(b')');
}

/// A part without parts, up to and with its MD5.
fn single(out: &mut Vec<u8>, part: &Part, extensions: bool) {
    string(out, part.media_type.as_bytes());
    out.push(b' ');
    string(out, part.subtype.as_bytes());
    out.push(b' ');
    if part.is_text() && part.param("charset").is_none() && part.param("charset*").is_none() {
        text_params(out, &part.params);
    } else {
        params(out, &part.params);
    }
    out.push(b' ');
    nstring(out, part.id.as_deref());
    out.push(b' ');
    nstring(out, part.description.as_deref());
    out.push(b' ');
    string(out, part.encoding.as_deref().unwrap_or(b"7bit"));
    out.push(b' ');
    number(out, part.size());
    if let Some(embedded) = &part.embedded {
        out.push(b' ');
        envelope(out, &embedded.envelope);
        out.push(b' ');
        body(out, &embedded.root, extensions);
    }
    if part.embedded.is_some() || part.is_text() {
        out.push(b' ');
        number(out, part.lines);
    }
    if extensions {
        out.push(b' ');
        nstring(out, part.md5.as_deref());
    }
}

/// RFC 2045 §5.2: text without a charset is in US-ASCII, and clients like to be told.
fn text_params(out: &mut Vec<u8>, list: &[Param]) {
    out.extend_from_slice(b"(\"charset\" \"us-ascii\"");
    for param in list {
        out.push(b' ');
        pair(out, param);
    }
    out.push(b')');
}

fn params(out: &mut Vec<u8>, list: &[Param]) {
    if list.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for (index, param) in list.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        pair(out, param);
    }
    out.push(b')');
}

fn pair(out: &mut Vec<u8>, param: &Param) {
    string(out, param.name.as_bytes());
    out.push(b' ');
    string(out, &param.value);
}

fn disposition(out: &mut Vec<u8>, disposition: Option<&Disposition>) {
    match disposition {
        Some(disposition) => {
            out.push(b'(');
            string(out, disposition.kind.as_bytes());
            out.push(b' ');
            params(out, &disposition.params);
            out.push(b')');
        }
        None => out.extend_from_slice(b"NIL"),
    }
}

fn languages(out: &mut Vec<u8>, languages: &[Vec<u8>]) {
    match languages {
        [] => out.extend_from_slice(b"NIL"),
        [one] => string(out, one),
        many => {
            out.push(b'(');
            for (index, language) in many.iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                string(out, language);
            }
            out.push(b')');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::structure::Structure;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn the_example_of_the_standard() {
        // RFC 3501 §8.
        let message = Structure::parse(
            b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n\
              Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n\
              cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
              Message-Id: <B27397-0100000@cac.washington.edu>\r\nMIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\nab\r\n",
        );
        let from = r#"(("Terry Gray" NIL "gray" "cac.washington.edu"))"#;
        assert_eq!(
            text(|out| envelope(out, &message.envelope)),
            format!(
                r#"("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" {from} {from} {from} ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")"#
            )
        );
        assert_eq!(
            text(|out| body(out, &message.root, false)),
            r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 4 1)"#
        );
    }

    #[test]
    fn parts_nest() {
        let message = Structure::parse(
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: message/rfc822\r\n\
              Content-Disposition: attachment; filename=x.eml\r\n\r\nSubject: in\r\n\r\nbody\r\n\r\n--b--\r\n",
        );
        let nil = "NIL NIL NIL NIL NIL NIL NIL NIL";
        assert_eq!(
            text(|out| body(out, &message.root, true)),
            format!(
                "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0 NIL NIL NIL NIL)\
                 (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 21 (NIL \"in\" {nil}) \
                 (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1 NIL NIL NIL NIL) 3 NIL \
                 (\"attachment\" (\"filename\" \"x.eml\")) NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)"
            )
        );
    }
}
