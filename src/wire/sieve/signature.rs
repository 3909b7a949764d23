//! What a command or test takes: its tagged and positional arguments, its tests and its block; and whether it got them.

use super::compiler::Compiler;
use super::extension::Extension;
use super::syntax::{Argument, Node, Value};

/// A kind of argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A list, for which one string may stand (RFC 5228 §2.4.2.1).
    Texts,
    Number,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Texts => "a string list",
            Self::Number => "a number",
        }
    }

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => matches!(value, Value::Text(_)),
            Self::Texts => matches!(value, Value::Text(_) | Value::List(_)),
            Self::Number => matches!(value, Value::Number(_)),
        }
    }
}

/// A tagged argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub name: &'static str,
    /// What must follow it.
    pub value: Option<Kind>,
    /// The extension that it belongs to.
    pub needs: Option<Extension>,
    /// Of those with the same group only one may be given.
    pub group: &'static str,
}

/// A tag of the command itself, alone in its group.
pub(super) const fn tag(name: &'static str) -> Tag {
    Tag {
        name,
        value: None,
        needs: None,
        group: name,
    }
}

impl Tag {
    pub const fn with(self, kind: Kind) -> Self {
        Self { value: Some(kind), ..self }
    }

    pub const fn of(self, extension: Extension) -> Self {
        Self {
            needs: Some(extension),
            ..self
        }
    }

    pub const fn among(self, group: &'static str) -> Self {
        Self { group, ..self }
    }
}

/// A positional argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Positional {
    /// What it is called in messages.
    pub name: &'static str,
    pub kind: Kind,
    pub optional: bool,
}

pub(super) const fn text(name: &'static str) -> Positional {
    Positional {
        name,
        kind: Kind::Text,
        optional: false,
    }
}

pub(super) const fn texts(name: &'static str) -> Positional {
    Positional {
        name,
        kind: Kind::Texts,
        optional: false,
    }
}

pub(super) const fn number(name: &'static str) -> Positional {
    Positional {
        name,
        kind: Kind::Number,
        optional: false,
    }
}

impl Positional {
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// What tests it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subtests {
    None,
    One,
    List,
}

/// What a command or test takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    pub tags: &'static [&'static [Tag]],
    pub positional: &'static [Positional],
    pub tests: Subtests,
    pub block: bool,
}

impl Signature {
    /// Of something that takes nothing.
    pub const NOTHING: Self = Self {
        tags: &[],
        positional: &[],
        tests: Subtests::None,
        block: false,
    };

    pub const fn of(positional: &'static [Positional]) -> Self {
        Self {
            positional,
            ..Self::NOTHING
        }
    }

    pub const fn tagged(self, tags: &'static [&'static [Tag]]) -> Self {
        Self { tags, ..self }
    }

    pub const fn testing(self, tests: Subtests) -> Self {
        Self { tests, ..self }
    }

    pub const fn with_block(self) -> Self {
        Self { block: true, ..self }
    }
}

/// The arguments of a node, each at its place.
#[derive(Debug, Default)]
pub(super) struct Bound<'n> {
    pub tags: Vec<(&'static str, Option<&'n Argument>)>,
    /// One for each of the signature's.
    pub positional: Vec<Option<&'n Argument>>,
}

/// A command or a test, by the name that it has in messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'n> {
    pub node: &'n Node,
    pub is_test: bool,
}

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.node.name, if self.is_test { "test" } else { "command" })
    }
}

impl Compiler<'_> {
    /// The arguments that the signature asks for; none if they are wrong, which has been complained about.
    pub(super) fn bind<'n>(&mut self, named: Named<'n>, signature: &Signature) -> Option<Bound<'n>> {
        let arguments = named.node.arguments.as_slice();
        let mut bound = Bound::default();
        let mut groups = Vec::new();
        let mut at = 0;
        while let Some(Argument {
            value: Value::Tag(name),
            at: place,
        }) = arguments.get(at)
        {
            let Some(tag) = self.find_tag(signature, name) else {
                self.unknown_tag(named, name, *place, signature);
                return None;
            };
            if groups.contains(&tag.group) {
                let message = match tag.group == tag.name || bound.tags.iter().any(|(earlier, _)| *earlier == tag.name) {
                    true => format!("encountered a duplicate tagged argument ':{name}' for the {named}"),
                    false => format!(
                        "tagged argument ':{name}' conflicts with an earlier one of the {named}: only one {} may be given",
                        tag.group
                    ),
                };
                self.problem(*place, message);
                return None;
            }
            groups.push(tag.group);
            at = at.saturating_add(1);
            let value = match tag.value {
                None => None,
                Some(kind) => {
                    let Some(value) = arguments.get(at) else {
                        self.problem(
                            *place,
                            format!("the :{name} tag of the {named} requires {}, but nothing follows it", kind.name()),
                        );
                        return None;
                    };
                    if !kind.takes(&value.value) {
                        let found = value.value.name();
                        self.problem(
                            value.at,
                            format!("the :{name} tag of the {named} requires {}, but {found} was found", kind.name()),
                        );
                        return None;
                    }
                    at = at.saturating_add(1);
                    Some(value)
                }
            };
            bound.tags.push((tag.name, value));
        }
        self.bind_positional(named, signature, arguments.get(at..).unwrap_or_default(), &mut bound)?;
        Some(bound)
    }

    fn bind_positional<'n>(&mut self, named: Named<'n>, signature: &Signature, given: &'n [Argument], bound: &mut Bound<'n>) -> Option<()> {
        let positional = signature.positional;
        let required = positional.iter().filter(|it| !it.optional).count();
        let tag = given.iter().find_map(|argument| match &argument.value {
            Value::Tag(name) => Some((argument, name)),
            _ => None,
        });
        if let Some((argument, name)) = tag {
            match self.find_tag(signature, name) {
                Some(_) => self.problem(
                    argument.at,
                    format!("unexpected tagged argument ':{name}' of the {named}: tags stand before the positional arguments"),
                ),
                None => self.unknown_tag(named, name, argument.at, signature),
            }
            return None;
        }
        let count = given.len();
        let mut spare = count.saturating_sub(required);
        let mut rest = given.iter();
        for (number, wanted) in (1..).zip(positional) {
            if wanted.optional {
                if spare == 0 {
                    bound.positional.push(None);
                    continue;
                }
                spare = spare.saturating_sub(1);
            }
            let Some(argument) = rest.next() else {
                self.problem(
                    named.node.at,
                    format!("the {named} requires {required} positional argument(s), but {count} is specified"),
                );
                return None;
            };
            if !wanted.kind.takes(&argument.value) {
                let (kind, found) = (wanted.kind.name(), argument.value.name());
                let label = wanted.name;
                self.problem(
                    argument.at,
                    format!("the {named} expects {kind} as argument {number} ({label}), but {found} was found"),
                );
                return None;
            }
            bound.positional.push(Some(argument));
        }
        if let Some(argument) = rest.next() {
            let most = positional.len();
            self.problem(
                argument.at,
                format!("the {named} accepts at most {most} positional argument(s), but {count} are specified"),
            );
            return None;
        }
        Some(())
    }

    fn find_tag(&self, signature: &Signature, name: &str) -> Option<Tag> {
        let mut tags = signature.tags.iter().flat_map(|group| group.iter());
        let is_there = |tag: &&Tag| tag.name == name && tag.needs.is_none_or(|extension| self.has(extension));
        tags.find(is_there).copied()
    }

    /// Told once for each name and tag, since who errs once errs often.
    fn unknown_tag(&mut self, named: Named<'_>, tag: &str, at: super::problem::Position, signature: &Signature) {
        if !self.is_news(format!("{}:{tag}", named.node.name)) {
            return;
        }
        let known: Vec<String> = signature
            .tags
            .iter()
            .flat_map(|group| group.iter())
            .map(|tag| format!(":{}", tag.name))
            .collect();
        let of = signature
            .tags
            .iter()
            .flat_map(|group| group.iter())
            .find(|it| it.name == tag)
            .and_then(|it| it.needs);
        let advice = match (of, known.is_empty()) {
            (Some(extension), _) => format!("it needs require \"{}\"", extension.name()),
            (None, true) => "it has none".into(),
            (None, false) => format!("right would be one of {}", known.join(", ")),
        };
        self.problem(
            at,
            format!("unknown tagged argument ':{tag}' for the {named} ({advice}; reported only once)"),
        );
    }

    /// Whether the node has the tests that the signature asks for.
    pub(super) fn has_right_tests(&mut self, named: Named<'_>, signature: &Signature) -> bool {
        let node = named.node;
        let message = match (signature.tests, node.tests.as_slice()) {
            (Subtests::None, []) => return true,
            (Subtests::None, [first, ..]) => self.spurious_test(named, first, signature),
            (Subtests::One, []) => format!("the {named} requires one sub-test, but none is specified"),
            (Subtests::One, _) if node.is_list => format!("the {named} requires one sub-test, but a list of tests is specified"),
            (Subtests::List, []) => format!("the {named} requires a list of sub-tests, but none is specified"),
            (Subtests::List, _) if !node.is_list => {
                format!("the {named} requires a list of sub-tests in parentheses, but a single test is specified")
            }
            (Subtests::One | Subtests::List, _) => return true,
        };
        self.problem(node.at, message);
        false
    }

    /// What stands where no test may stand is a test, a tag without its colon, or the next command.
    fn spurious_test(&self, named: Named<'_>, test: &Node, signature: &Signature) -> String {
        if self.is_test_name(&test.name) {
            return format!("the {named} accepts no sub-tests, but tests are specified");
        }
        let name = &test.name;
        match self.find_tag(signature, name) {
            Some(_) => format!("missing colon ':' before '{name}' tag in {named}"),
            None => format!("missing semicolon ';' after {named}"),
        }
    }

    /// Whether the node has a block if and only if it takes one.
    pub(super) fn has_right_block(&mut self, named: Named<'_>, signature: &Signature) -> bool {
        match (&named.node.block, signature.block) {
            (Some(_), false) => self.problem(
                named.node.at,
                format!("the {named} accepts no block of commands, but one is specified"),
            ),
            (None, true) => self.problem(
                named.node.at,
                format!("the {named} requires a block of commands, but none is specified"),
            ),
            _ => return true,
        }
        false
    }
}
