//! The tags `:mime` and `:anychild`: fields of parts, and what stands in them (RFC 5703 §4).

use super::arguments::Arguments;
use super::extension::Extension;
use super::message::{raw_values, values};
use super::run::{Fault, Run};
use super::signature::{Kind, Tag, tag};
use super::text::{Text, expand_all};
use crate::wire::message::structure::{disposition, media_type};
use crate::wire::message::view::param_text;

const OPTION: &str = "MIME option";

/// The tags of `exists` and `address`.
pub(super) const TAGS: &[Tag] = &[tag("mime").of(Extension::Mime), tag("anychild").of(Extension::Mime)];

/// Those of `header` too.
pub(super) const OPTIONS: &[Tag] = &[
    tag("type").of(Extension::Mime).among(OPTION),
    tag("subtype").of(Extension::Mime).among(OPTION),
    tag("contenttype").of(Extension::Mime).among(OPTION),
    tag("param").with(Kind::Texts).of(Extension::Mime).among(OPTION),
];

/// Which headers are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    mime: bool,
    any_child: bool,
}

impl Scope {
    /// What the tags say; complains if one lacks `:mime`.
    pub fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Self> {
        let mime = arguments.flag("mime");
        for name in ["anychild", "type", "subtype", "contenttype", "param"] {
            if arguments.flag(name) && !mime {
                return arguments.problem(format!("the :{name} tag needs the :mime tag"));
            }
        }
        Some(Self {
            mime,
            any_child: arguments.flag("anychild"),
        })
    }

    /// Counts the work of looking for so many names in the headers.
    pub fn count_work(self, run: &mut Run<'_>, names: usize) -> Result<(), Fault> {
        let octets: usize = self.headers(run).iter().map(|header| header.len()).sum();
        run.look(octets.saturating_mul(names))
    }

    /// The headers: the message's, or of the part that the loop is at, or of all parts inside of it too.
    pub fn headers<'r>(self, run: &'r Run<'_>) -> Vec<&'r [u8]> {
        let message = &run.state.message;
        if !self.mime {
            return vec![message.header()];
        }
        let part = run.part();
        let end = match (self.any_child, message.parts().get(part)) {
            (true, Some(entity)) => entity.end,
            _ => part.saturating_add(1),
        };
        (part..end).map(|index| message.part_header(index)).collect()
    }
}

/// What of a field is looked at (RFC 5703 §4.2).
#[derive(Debug, Clone)]
pub(super) enum Aspect {
    Whole,
    Type,
    Subtype,
    ContentType,
    Params(Vec<Text>),
}

impl Aspect {
    pub fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Self {
        let named = [("type", Self::Type), ("subtype", Self::Subtype), ("contenttype", Self::ContentType)];
        match named.into_iter().find(|(tag, _)| arguments.flag(tag)) {
            Some((_, option)) => option,
            None if arguments.flag("param") => Self::Params(arguments.tag_texts("param")),
            None => Self::Whole,
        }
    }

    /// The values of the fields of this name in the header.
    pub fn values(&self, run: &Run<'_>, header: &[u8], name: &str) -> Vec<String> {
        if let Self::Whole = self {
            return values(header, name);
        }
        let is_type = name.eq_ignore_ascii_case("Content-Type");
        let mut out = Vec::new();
        for value in raw_values(header, name) {
            let (kind, params) = match is_type {
                true => media_type(&value),
                false => {
                    let (kind, params) = disposition(&value);
                    (kind.map(|kind| (kind, String::new())), params)
                }
            };
            match self {
                Self::Type => out.extend(kind.map(|(kind, _)| kind)),
                // RFC 5703 §4.2: of other fields it is empty.
                Self::Subtype => out.extend(kind.map(|(_, subtype)| subtype)),
                Self::ContentType => out.extend(kind.map(|(kind, subtype)| if is_type { format!("{kind}/{subtype}") } else { kind })),
                Self::Params(names) => {
                    let names = expand_all(names, run);
                    out.extend(names.iter().filter_map(|name| param_text(&params, &String::from_utf8_lossy(name))));
                }
                Self::Whole => {}
            }
        }
        out
    }
}
