//! The tags `:index` and `:last`: which of several fields is looked at (RFC 5260 §6).

use super::arguments::Arguments;
use super::extension::Extension;
use super::signature::{Kind, Tag, tag};

/// The tags.
pub(super) const TAGS: &[Tag] = &[
    tag("index").with(Kind::Number).of(Extension::Index),
    tag("last").of(Extension::Index),
];

/// Which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    All,
    FromFirst(usize),
    FromLast(usize),
}

impl Index {
    /// What the tags say; complains if they say nothing.
    pub fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Self> {
        let last = arguments.flag("last");
        let Some(number) = arguments.tag_number("index") else {
            return match last {
                true => arguments.problem("the :last tag for the command or test cannot be specified without the :index tag"),
                false => Some(Self::All),
            };
        };
        let Some(index) = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)) else {
            return arguments.problem("the number of the :index tag counts from 1");
        };
        Some(if last { Self::FromLast(index) } else { Self::FromFirst(index) })
    }

    /// Those of the things that it means.
    pub fn pick<T>(self, mut things: Vec<T>) -> Vec<T> {
        let at = match self {
            Self::All => return things,
            Self::FromFirst(index) => Some(index),
            Self::FromLast(index) => things.len().checked_sub(index.saturating_add(1)),
        };
        match at.filter(|at| *at < things.len()) {
            Some(at) => vec![things.swap_remove(at)],
            None => Vec::new(),
        }
    }
}
