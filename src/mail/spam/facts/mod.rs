//! What the rules ask of a message, found out once.
//!
//! Everything here is bounded: so many fields, octets of text, links, files. What goes past is not seen, and no rule fails for it.

mod file;
mod link;
mod name;
mod text;

use std::cell::OnceCell;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::model::address::EmailAddress;
use crate::model::verdict::{Authentication, Outcome};
use crate::wire::message::header::{self, Field, Fields, decode_text};
use crate::wire::message::html::Page;
use crate::wire::message::structure::{Address, Part, Structure, addresses};
use crate::wire::message::view;

pub(super) use file::{Content, File, ending};
pub(super) use link::Link;
pub(super) use name::{organisation, registered_label};
pub(super) use text::{Plain, look_alike, mixes_scripts};

/// The most fields of a header that are looked at.
const FIELDS: usize = 1_000;
/// The most octets of a text that are read, as they stand in the message.
const TEXT: usize = 262_144;
/// The most octets of a text in which phrases are looked for.
const PHRASES: usize = 65_536;
/// The most links.
const LINKS: usize = 300;
/// The most files.
const FILES: usize = 100;
/// The most addresses of a field.
const ADDRESSES: usize = 1_000;

/// A message that is to be judged, and how it came.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Its octets, with CRLF line ends.
    pub message: &'a [u8],
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// What the client calls itself.
    pub helo: Option<&'a str>,
    /// The reverse path; none for the null sender.
    pub sender: Option<&'a EmailAddress>,
    /// The recipients.
    pub recipients: &'a [EmailAddress],
    /// Who it is from, as far as that can be proved; none where it was not looked at.
    pub authentication: Option<&'a Authentication>,
    /// This server's name.
    pub hostname: &'a str,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    /// A message of which nothing is known but itself.
    pub fn bare(message: &'a [u8], now: Timestamp) -> Self {
        Self {
            message,
            peer: None,
            helo: None,
            sender: None,
            recipients: &[],
            authentication: None,
            hostname: "",
            now,
        }
    }
}

/// An address in a header field, for rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Person {
    /// The display name, decoded; may be empty.
    pub name: String,
    /// Before the `@`, in lower case.
    pub local: String,
    /// Behind the `@`, in lower case; may be empty.
    pub domain: String,
}

impl Person {
    /// What somebody has registered of its domain.
    pub(super) fn organisation(&self) -> &str {
        organisation(&self.domain)
    }

    fn read(field: &[u8]) -> Vec<Self> {
        let list = addresses(field).into_iter().filter_map(|address| match address {
            Address::Mailbox { name, local, domain, .. } => Some(Self {
                name: name.as_deref().map(decode_text).unwrap_or_default(),
                local: String::from_utf8_lossy(&local).to_lowercase(),
                domain: String::from_utf8_lossy(&domain).trim_end_matches('.').to_lowercase(),
            }),
            Address::GroupStart(_) | Address::GroupEnd => None,
        });
        list.take(ADDRESSES).collect()
    }
}

/// The facts of a message.
pub(super) struct Facts<'a> {
    pub case: Case<'a>,
    pub structure: Structure,
    pub fields: Vec<Field<'a>>,
    /// Subject, decoded; none where there is none.
    pub subject: Option<String>,
    pub from: Vec<Person>,
    pub reply_to: Vec<Person>,
    /// To and Cc.
    pub to: Vec<Person>,
    /// The plain text, as it was sent.
    pub plain: Option<String>,
    /// The HTML, as it was sent.
    pub html: Option<String>,
    /// The HTML as it is seen.
    pub page: Option<Page>,
    /// What people read: the HTML where there is any, or else the plain text.
    pub text: Plain,
    pub links: Vec<Link>,
    files: OnceCell<Vec<File<'a>>>,
    phrases: OnceCell<super::rules::Phrases>,
}

impl<'a> Facts<'a> {
    /// Finds them out.
    pub(super) fn of(case: Case<'a>) -> Self {
        let structure = Structure::parse(case.message);
        let head = octets(case.message, &structure.root.header);
        let fields: Vec<Field<'a>> = Fields::new(head).take(FIELDS).collect();
        let (plain, html) = view::texts(case.message, &structure, TEXT);
        let page = html.as_deref().map(Page::read);
        let read = page.as_ref().map(|page| page.text.as_str()).filter(|text| !text.trim().is_empty());
        let text = Plain::of(read.or(plain.as_deref()).unwrap_or_default());
        let links = link::all(page.as_ref(), plain.as_deref(), LINKS);
        let people = |name: &str| {
            let of_name = fields.iter().filter(|field| field.is(name));
            of_name
                .flat_map(|field| Person::read(field.value))
                .take(ADDRESSES)
                .collect::<Vec<_>>()
        };
        let mut to = people("To");
        to.extend(people("Cc"));
        let subject = fields.iter().find(|field| field.is("Subject"));
        Self {
            subject: subject.map(|field| decode_text(field.value)),
            from: people("From"),
            reply_to: people("Reply-To"),
            to,
            case,
            structure,
            fields,
            plain,
            html,
            page,
            text,
            links,
            files: OnceCell::new(),
            phrases: OnceCell::new(),
        }
    }

    /// How many fields of this name there are.
    pub(super) fn count(&self, name: &str) -> usize {
        self.fields.iter().filter(|field| field.is(name)).count()
    }

    /// The first field of this name, raw.
    pub(super) fn raw(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.is(name)).map(|field| field.value)
    }

    /// The first field of this name, decoded.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        self.raw(name).map(decode_text)
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The author; the first of them.
    pub(super) fn author(&self) -> Option<&Person> {
        self.from.first()
    }

    /// What somebody has registered of the author's domain; empty where there is none.
    pub(super) fn author_organisation(&self) -> &str {
        self.author().map(Person::organisation).unwrap_or_default()
    }

    /// The subject, or nothing.
    pub(super) fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }

    /// When it was sent, as it says.
    pub(super) fn sent(&self) -> Option<Timestamp> {
        header::sent_at(self.raw("Date")?)
    }

    /// Whether it came over a mailing list.
    pub(super) fn is_list(&self) -> bool {
        self.has("List-Id") || self.has("List-Post") || self.has("Mailing-List")
    }

    /// Whether a good signature, or SPF, stands for the author's domain.
    pub(super) fn is_author_proved(&self) -> bool {
        self.case
            .authentication
            .is_some_and(|it| it.dmarc.outcome == Outcome::Pass || it.dmarc.spf_is_aligned || it.dmarc.dkim_is_aligned)
    }

    /// Whether it was asked who the author is, and everybody answered.
    pub(super) fn is_author_asked(&self) -> bool {
        self.case.authentication.is_some_and(|it| {
            let mut outcomes = [it.spf.outcome, it.dmarc.outcome]
                .into_iter()
                .chain(it.dkim.iter().map(|it| it.outcome));
            outcomes.all(|outcome| outcome != Outcome::TempError)
        })
    }

    /// All leaf parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.structure.parts().take(FILES * 10)
    }

    /// The octets of a part's body, as they stand in the message.
    pub(super) fn body(&self, part: &Part) -> &'a [u8] {
        octets(self.case.message, &part.body)
    }

    /// The files.
    pub(super) fn files(&self) -> &[File<'a>] {
        self.files.get_or_init(|| file::all(self.case.message, &self.structure, FILES))
    }

    /// Which phrases are in its subject and text.
    pub(super) fn phrases(&self) -> &super::rules::Phrases {
        self.phrases.get_or_init(|| {
            let text = &self.text.folded;
            let text = text.get(..text.floor_char_boundary(PHRASES)).unwrap_or(text);
            super::rules::Phrases::of(&Plain::of(self.subject()).folded, text)
        })
    }
}

/// The octets of a range.
fn octets<'a>(message: &'a [u8], range: &std::ops::Range<u64>) -> &'a [u8] {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    message.get(at(range.start)..at(range.end)).unwrap_or_default()
}
