//! The order in which the sections and their keys stand in the source, which a JSON schema does not keep.
//!
//! serde hands the names of a struct's fields to whatever deserialises it; this asks for them and takes nothing else.

use std::fmt;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// Each section with its keys, as they stand in the source; "" is the top level, whose keys include the sections.
pub(super) fn sections() -> Vec<(&'static str, &'static [&'static str])> {
    vec![
        ("", fields::<super::Config>()),
        ("process", fields::<super::Process>()),
        ("database", fields::<super::Database>()),
        ("listen", fields::<super::Listen>()),
        ("proxy", fields::<super::Proxy>()),
        ("tls", fields::<super::Tls>()),
        ("acme", fields::<super::Acme>()),
        ("dns", fields::<super::Dns>()),
        ("smtp", fields::<super::Smtp>()),
        ("checks", fields::<super::Checks>()),
        ("submission", fields::<super::Submission>()),
        ("imap", fields::<super::Imap>()),
        ("http", fields::<super::Http>()),
        ("limits", fields::<super::Limits>()),
        ("auth", fields::<super::Auth>()),
        ("defence", fields::<super::Defence>()),
        ("directory", fields::<super::Directory>()),
        ("mail", fields::<super::Mail>()),
        ("spam", fields::<super::Spam>()),
        ("virus", fields::<super::Virus>()),
        ("milter", fields::<super::Milter>()),
        ("dns_lists", fields::<super::DnsLists>()),
        ("greylist", fields::<super::Greylist>()),
        ("correspondents", fields::<super::Correspondents>()),
        ("reputation", fields::<super::Reputation>()),
        ("retention", fields::<super::Retention>()),
        ("sieve", fields::<super::Sieve>()),
        ("queue", fields::<super::Queue>()),
        ("outbound", fields::<super::Outbound>()),
        ("reports", fields::<super::Reports>()),
        ("client", fields::<super::Client>()),
        ("mta_sts", fields::<super::MtaSts>()),
        ("trace", fields::<super::Trace>()),
        ("audit", fields::<super::Audit>()),
        ("events", fields::<super::Events>()),
        ("webhooks", fields::<super::Webhooks>()),
        ("metrics", fields::<super::Metrics>()),
        ("log", fields::<super::Log>()),
    ]
}

fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(Probe).err().map_or(&[], |fields| fields.0)
}

/// A deserialiser that answers every request for a struct with the names it was asked for, as its error.
struct Probe;

#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Fields;

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], _: V) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
