//! The compact form of a structure for the index: postcard, part by part, so that damaged input cannot nest without bound.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Embedded, Envelope, Part, Structure, limits};

/// Rises with each change of the types or of what the parser finds in a message.
const VERSION: u8 = 1;

/// What comes after a part.
#[derive(Serialize, Deserialize)]
enum Follows {
    Nothing,
    Children(u32),
    Message(Box<Envelope>),
}

pub(super) fn encode(structure: &Structure) -> Vec<u8> {
    let mut out = vec![VERSION];
    put(&mut out, &structure.size);
    put(&mut out, &structure.envelope);
    put_part(&mut out, &structure.root);
    out
}

fn put_part(out: &mut Vec<u8>, part: &Part) {
    put(out, part);
    match &part.embedded {
        Some(embedded) => {
            put(out, &Follows::Message(Box::new(embedded.envelope.clone())));
            put_part(out, &embedded.root);
        }
        None if part.children.is_empty() => put(out, &Follows::Nothing),
        None => {
            put(out, &Follows::Children(u32::try_from(part.children.len()).unwrap_or(u32::MAX)));
            part.children.iter().for_each(|child| put_part(out, child));
        }
    }
}

/// Writing to memory fails for types without a known length only, which we have none of. Were it to fail, `decode` would say so.
fn put(out: &mut Vec<u8>, value: &impl Serialize) {
    if let Ok(octets) = postcard::to_stdvec(value) {
        out.extend_from_slice(&octets);
    }
}

pub(super) fn decode(octets: &[u8]) -> Option<Structure> {
    let (&version, mut rest) = octets.split_first()?;
    if version != VERSION {
        return None;
    }
    let input = &mut rest;
    let size = take(input)?;
    let envelope = take(input)?;
    let root = take_part(input, 0)?;
    rest.is_empty().then_some(Structure { size, root, envelope })
}

fn take_part(input: &mut &[u8], depth: usize) -> Option<Part> {
    // The parser's deepest part is a leaf one below the limit.
    if depth > limits::DEPTH.saturating_add(1) {
        return None;
    }
    let mut part: Part = take(input)?;
    match take(input)? {
        Follows::Nothing => {}
        Follows::Children(count) => {
            for _ in 0..count {
                part.children.push(take_part(input, depth.saturating_add(1))?);
            }
        }
        Follows::Message(envelope) => {
            let root = take_part(input, depth.saturating_add(1))?;
            part.embedded = Some(Box::new(Embedded { envelope: *envelope, root }));
        }
    }
    Some(part)
}

fn take<T: DeserializeOwned>(input: &mut &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(input).ok()?;
    *input = rest;
    Some(value)
}
