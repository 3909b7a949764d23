//! A message as people see it: decoded fields, the best text, the attachments. What the REST API shows.
//!
//! Built on [`Structure`], so that API, IMAP and rules read a message alike. Which parts are text and which are attachments follows
//! RFC 8621 §4.1.4, but for pictures without a disposition: they are attachments that are `inline`.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use jiff::Timestamp;

use super::charset;
use super::header::{self, Fields, decode_text};
use super::structure::{Address, Envelope, Param, Part, Structure};
use super::transfer::{Encoding, decode_all};

/// A message for people. Built from its octets, so it takes about the memory of these once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Every field of the header, in order, decoded.
    pub headers: Vec<(String, String)>,
    /// Subject.
    pub subject: Option<String>,
    /// From.
    pub from: Vec<Mailbox>,
    /// Sender, or From.
    pub sender: Vec<Mailbox>,
    /// Reply-To, or From.
    pub reply_to: Vec<Mailbox>,
    /// To.
    pub to: Vec<Mailbox>,
    /// Cc.
    pub cc: Vec<Mailbox>,
    /// Bcc.
    pub bcc: Vec<Mailbox>,
    /// Date; none if the field names no moment.
    pub date: Option<Timestamp>,
    /// Message-ID without its angle brackets.
    pub message_id: Option<String>,
    /// In-Reply-To, each without its angle brackets.
    pub in_reply_to: Vec<String>,
    /// References, each without its angle brackets.
    pub references: Vec<String>,
    /// The plain text; made from the HTML where there is none.
    pub text: Option<String>,
    /// The HTML, as it was sent: do not show it without cleaning it.
    pub html: Option<String>,
    /// All that is not in `text` or `html`.
    pub attachments: Vec<Attachment>,
}

/// An address for people; groups are given member by member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, decoded.
    pub name: Option<String>,
    /// `local@domain`, quoted where it must be; without `@` if the message has none.
    pub address: String,
}

impl std::fmt::Display for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// What a list shows of a message's header, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Subject.
    pub subject: Option<String>,
    /// From.
    pub from: Vec<Mailbox>,
    /// To.
    pub to: Vec<Mailbox>,
    /// Cc.
    pub cc: Vec<Mailbox>,
    /// Date; none if the field names no moment.
    pub date: Option<Timestamp>,
    /// Message-ID without its angle brackets.
    pub message_id: Option<String>,
}

impl Heading {
    /// Of a message with this envelope, with at most so many addresses a field.
    pub fn new(envelope: &Envelope, addresses: usize) -> Self {
        let people = |list: &[Address]| {
            let mut people = mailboxes(list);
            people.truncate(addresses);
            people
        };
        Self {
            subject: envelope.subject.as_deref().map(decode_text),
            from: people(&envelope.from),
            to: people(&envelope.to),
            cc: people(&envelope.cc),
            date: envelope.date.as_deref().and_then(header::sent_at),
            message_id: envelope.message_id.as_deref().and_then(|raw| message_ids(raw).pop()),
        }
    }

    /// About how many octets its texts take.
    pub fn octets(&self) -> usize {
        let people = [&self.from, &self.to, &self.cc].into_iter().flatten();
        let texts = [&self.subject, &self.message_id].into_iter().flatten();
        let of_person = |it: &Mailbox| size_of::<Mailbox>() + it.address.len() + it.name.as_ref().map_or(0, String::len);
        people.map(of_person).chain(texts.map(String::len)).sum()
    }
}

/// A part that is no text of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its number among the attachments, from 1.
    pub n: u32,
    /// The name that the sender gave it, decoded. It may hold anything, `/` too.
    pub filename: Option<String>,
    /// Such as `image/png`, in lower case.
    pub media_type: String,
    /// Content-ID without its angle brackets, for `cid:` links in HTML.
    pub content_id: Option<String>,
    /// Whether it is meant to be shown with the text.
    pub inline: bool,
    /// Octets when decoded.
    pub size: u64,
    /// How its octets are encoded in the message.
    pub encoding: Encoding,
    /// Where its octets stand in the message.
    pub range: Range<u64>,
}

impl Attachment {
    /// Its octets, decoded; `message` is the message it was found in.
    pub fn octets<'a>(&self, message: &'a [u8]) -> Cow<'a, [u8]> {
        decode_part(slice(message, &self.range), self.encoding)
    }
}

impl View {
    /// Reads a message whose structure is known.
    pub fn new(message: &[u8], structure: &Structure) -> Self {
        let envelope = &structure.envelope;
        let header = slice(message, &structure.root.header);
        let bodies = Bodies::of(&structure.root);
        let html = joined(message, &bodies.html, usize::MAX);
        let text = joined(message, &bodies.text, usize::MAX).or_else(|| html.as_deref().map(mail_parser::decoders::html::html_to_text));
        Self {
            headers: decoded_fields(header),
            subject: envelope.subject.as_deref().map(decode_text),
            from: mailboxes(&envelope.from),
            sender: mailboxes(&envelope.sender),
            reply_to: mailboxes(&envelope.reply_to),
            to: mailboxes(&envelope.to),
            cc: mailboxes(&envelope.cc),
            bcc: mailboxes(&envelope.bcc),
            date: envelope.date.as_deref().and_then(header::sent_at),
            message_id: envelope.message_id.as_deref().and_then(|raw| message_ids(raw).pop()),
            in_reply_to: envelope.in_reply_to.as_deref().map(message_ids).unwrap_or_default(),
            references: header::find(header, "References").map(message_ids).unwrap_or_default(),
            text,
            html,
            attachments: bodies
                .attachments
                .iter()
                .zip(1..)
                .map(|(part, n)| attachment(message, part, n))
                .collect(),
        }
    }
}

/// The attachments of a message, without reading its texts.
pub fn attachments(message: &[u8], structure: &Structure) -> Vec<Attachment> {
    Bodies::of(&structure.root)
        .attachments
        .iter()
        .zip(1..)
        .map(|(part, n)| attachment(message, part, n))
        .collect()
}

/// The plain text and the HTML, made of at most so many octets of the message each; none where there is no such part. Unlike
/// [`View::text`], nothing is made from the HTML.
pub fn texts(message: &[u8], structure: &Structure, most: usize) -> (Option<String>, Option<String>) {
    let bodies = Bodies::of(&structure.root);
    (joined(message, &bodies.text, most), joined(message, &bodies.html, most))
}

/// The parts that are attachments, in the order of [`attachments`].
pub fn attached(structure: &Structure) -> Vec<&Part> {
    Bodies::of(&structure.root).attachments
}

/// Whether it has a file that people would save: one that is not meant to be shown with the text.
pub fn has_attachments(structure: &Structure) -> bool {
    Bodies::of(&structure.root).attachments.iter().any(|part| !is_inline(part))
}

/// Undoes the transfer encoding of a part's octets.
pub fn decode_part(octets: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    match encoding {
        Encoding::Identity => Cow::Borrowed(octets),
        _ => Cow::Owned(decode_all(octets, encoding)),
    }
}

/// The addresses of a field for people.
pub fn mailboxes(list: &[Address]) -> Vec<Mailbox> {
    list.iter()
        .filter_map(|address| match address {
            Address::Mailbox { name, local, domain, .. } => Some(Mailbox {
                name: name.as_deref().map(decode_text).filter(|name| !name.is_empty()),
                address: address_text(local, domain),
            }),
            Address::GroupStart(_) | Address::GroupEnd => None,
        })
        .collect()
}

/// The address in the form of RFC 5321 §4.1.2, where a local part that is no dot-atom is quoted.
fn address_text(local: &[u8], domain: &[u8]) -> String {
    let (local, domain) = (charset::guess(local), charset::guess(domain));
    let plain = |char: char| char.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(char);
    match domain.is_empty() {
        true => local.into_owned(),
        false if !local.is_empty() && local.chars().all(plain) => format!("{local}@{domain}"),
        false => format!("\"{}\"@{domain}", local.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// The Message-ID that the message's thread began with: the first that it refers to, else the one that it answers, else its own.
pub fn thread_root(header: &[u8]) -> Option<String> {
    let first = |name| message_ids(header::find(header, name)?).into_iter().next();
    first("References").or_else(|| first("In-Reply-To")).or_else(|| first("Message-ID"))
}

/// The begin of the text, at most so many characters on one line, without what is quoted from another message (RFC 8970 §3). The message
/// may be cut off at the end.
pub fn preview(message: &[u8], structure: &Structure, most: usize) -> String {
    let bodies = Bodies::of(&structure.root);
    let html = || joined(message, &bodies.html, usize::MAX).map(|html| mail_parser::decoders::html::html_to_text(&html));
    let text = joined(message, &bodies.text, usize::MAX).or_else(html).unwrap_or_default();
    let words = text.lines().filter(|line| !line.starts_with('>')).flat_map(str::split_whitespace);
    let mut out = String::new();
    let mut left = most;
    for word in words {
        if !out.is_empty() {
            out.push(' ');
            left = left.saturating_sub(1);
        }
        out.extend(word.chars().filter(|c| !c.is_control()).take(left));
        left = most.saturating_sub(out.chars().count());
        if left <= 1 {
            break;
        }
    }
    out
}

/// RFC 5322 §3.6.4: what stands between angle brackets; the whole text if there are none.
fn message_ids(raw: &[u8]) -> Vec<String> {
    let text = decode_text(raw);
    let ids: Vec<String> = text
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(id, _)| id.trim().to_owned())
        .collect();
    match ids.is_empty() {
        true => Some(text).filter(|text| !text.is_empty()).into_iter().collect(),
        false => ids,
    }
}

fn decoded_fields(header: &[u8]) -> Vec<(String, String)> {
    let fields = Fields::new(header).filter(|field| !field.name.is_empty());
    fields
        .map(|field| (String::from_utf8_lossy(field.name).into_owned(), decode_text(field.value)))
        .collect()
}

/// The leaf parts of a message by what they are to people. An embedded message is one leaf.
#[derive(Default)]
struct Bodies<'a> {
    text: Vec<&'a Part>,
    html: Vec<&'a Part>,
    attachments: Vec<&'a Part>,
}

impl<'a> Bodies<'a> {
    fn of(root: &'a Part) -> Self {
        let mut bodies = Self::default();
        bodies.sort(root, None, true);
        bodies
    }

    /// `first`: whether it is the first part of the multipart `within`.
    fn sort(&mut self, part: &'a Part, within: Option<&Part>, first: bool) {
        if part.is_multipart() {
            for (number, child) in part.children.iter().enumerate() {
                self.sort(child, Some(part), number == 0);
            }
            return;
        }
        let related = within.is_some_and(|within| within.is("multipart", "related"));
        // RFC 8621 §4.1.4: a text with a name is a file, unless it comes first.
        let shown = !is_attachment(part) && (first || (!related && filename(part).is_none()));
        if shown && part.is("text", "plain") {
            self.text.push(part);
        } else if shown && part.is("text", "html") {
            self.html.push(part);
        } else {
            self.attachments.push(part);
        }
    }
}

fn is_attachment(part: &Part) -> bool {
    part.disposition.as_ref().is_some_and(|it| !it.kind.eq_ignore_ascii_case("inline"))
}

/// Whether an attachment is meant to be shown with the text.
fn is_inline(part: &Part) -> bool {
    match &part.disposition {
        Some(disposition) => disposition.kind.eq_ignore_ascii_case("inline"),
        None => part.id.is_some(),
    }
}

/// The texts of the parts one behind the other, from at most so many octets; none if there is no part.
fn joined(message: &[u8], parts: &[&Part], most: usize) -> Option<String> {
    let mut left = most;
    let mut out: Option<String> = None;
    for part in parts {
        let octets = slice(message, &part.body);
        let octets = octets.get(..left).unwrap_or(octets);
        left = left.saturating_sub(octets.len());
        let decoded = decode_part(octets, Encoding::named(part.encoding.as_deref()));
        let text = charset::decode(&decoded, part.param("charset"));
        let out = out.get_or_insert_default();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str("\r\n");
        }
        out.push_str(&text);
    }
    out
}

fn attachment(message: &[u8], part: &Part, n: u32) -> Attachment {
    let encoding = Encoding::named(part.encoding.as_deref());
    let size = decode_part(slice(message, &part.body), encoding).len();
    let content_id = part.id.as_deref().and_then(|raw| message_ids(raw).pop());
    Attachment {
        n,
        filename: filename(part),
        media_type: format!("{}/{}", part.media_type, part.subtype).to_ascii_lowercase(),
        inline: is_inline(part),
        content_id,
        size: u64::try_from(size).unwrap_or(u64::MAX),
        encoding,
        range: part.body.clone(),
    }
}

/// The name of the file, decoded (RFC 2183 §2.3), or the older `name` of Content-Type.
pub fn filename(part: &Part) -> Option<String> {
    let disposition = part.disposition.as_ref().map_or(&[][..], |it| &it.params);
    let name = param_text(disposition, "filename").or_else(|| param_text(&part.params, "name"));
    name.filter(|name| !name.is_empty())
}

/// A parameter decoded: by RFC 2231 §4, or by RFC 2047, which §5 of that forbids and everybody sends.
pub(in crate::wire) fn param_text(params: &[Param], name: &str) -> Option<String> {
    let is_extended = |param: &&Param| param.name.strip_suffix('*').is_some_and(|base| base.eq_ignore_ascii_case(name));
    if let Some(param) = params.iter().find(is_extended) {
        return Some(extended_text(&param.value));
    }
    params
        .iter()
        .find(|param| param.name.eq_ignore_ascii_case(name))
        .map(|param| decode_text(&param.value))
}

/// `charset'language'text` with `%xx` (RFC 2231 §4).
fn extended_text(value: &[u8]) -> String {
    let mut pieces = value.splitn(3, |&octet| octet == b'\'');
    let (charset, text) = match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(charset), Some(_), Some(text)) => (Some(charset).filter(|it| !it.is_empty()), text),
        _ => (None, value),
    };
    let octets: Vec<u8> = percent_encoding::percent_decode(text).collect();
    charset::decode(&octets, charset).into_owned()
}

fn slice<'a>(message: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    message.get(at(range.start)..at(range.end)).unwrap_or_default()
}
