//! From a script as it is written to one that can run: what is required, what the names mean, and whether the arguments are right.

use std::collections::HashSet;
use std::fmt;

use super::arguments::Arguments;
use super::control::branch::Branches;
use super::control::require;
use super::extension::Extension;
use super::limits;
use super::parser;
use super::problem::{Position, Problem};
use super::registry::{self, Compile, Entry};
use super::run::{Command, Test};
use super::settings::Settings;
use super::signature::Named;
use super::syntax::Node;
use super::text::Variable;
use super::world::{Library, Location};

/// Commands with their places.
pub(super) type Block = Vec<(Position, Box<dyn Command>)>;

/// A script that can run, with those that it includes.
pub struct Program {
    pub(super) scripts: Vec<Script>,
    extensions: HashSet<Extension>,
}

/// One script of a program.
pub(super) struct Script {
    pub name: String,
    pub location: Option<Location>,
    pub block: Block,
}

impl Program {
    /// Whether one of its scripts requires the extension.
    pub fn uses(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.scripts.iter().map(|script| script.name.as_str()).collect();
        f.debug_struct("Program").field("scripts", &names).finish_non_exhaustive()
    }
}

/// Compiles a script; all its mistakes if it has any.
pub fn compile(name: &str, script: &[u8], settings: &Settings, library: &dyn Library) -> Result<Program, Vec<Problem>> {
    let mut compiler = Compiler {
        settings,
        library,
        problems: Vec::new(),
        scripts: Vec::new(),
        extensions: HashSet::new(),
        open: Vec::new(),
        scope: Scope::default(),
    };
    compiler.script(name, None, script);
    if !compiler.problems.is_empty() {
        compiler.problems.truncate(limits::PROBLEMS);
        return Err(compiler.problems);
    }
    Ok(Program {
        scripts: compiler.scripts,
        extensions: compiler.extensions,
    })
}

/// What is known while one script is compiled.
#[derive(Default)]
struct Scope {
    script: String,
    extensions: HashSet<Extension>,
    variables: HashSet<String>,
    globals: HashSet<String>,
    /// What was told once.
    told: HashSet<String>,
    /// The names of the `foreverypart` around.
    loops: Vec<Option<Vec<u8>>>,
    /// A command other than `require` was there.
    begun: bool,
    /// The command before was none of `require`, `import` and `export`.
    ordinary: bool,
    /// Blocks around.
    depth: usize,
}

/// A script being compiled.
pub(super) struct Compiler<'a> {
    pub settings: &'a Settings,
    pub library: &'a dyn Library,
    problems: Vec<Problem>,
    scripts: Vec<Script>,
    extensions: HashSet<Extension>,
    /// The scripts around this one, as they include each other.
    open: Vec<usize>,
    scope: Scope,
}

impl<'a> Compiler<'a> {
    /// Compiles one script; its index, and whether it is right.
    fn script(&mut self, name: &str, location: Option<Location>, text: &[u8]) -> (usize, bool) {
        let index = self.scripts.len();
        self.scripts.push(Script {
            name: name.to_owned(),
            location,
            block: Vec::new(),
        });
        let before = self.problems.len();
        let around = std::mem::take(&mut self.scope);
        self.scope.script = name.to_owned();
        self.open.push(index);
        if text.len() > limits::SCRIPT {
            let message = format!("the script is too long: it has {} octets of at most {}", text.len(), limits::SCRIPT);
            self.problem(Position { line: 1, column: 1 }, message);
        } else {
            match parser::parse(name, text) {
                Ok(nodes) => {
                    let block = self.block(&nodes);
                    // RFC 5703 §7: what is extracted comes from a loop and goes into a variable.
                    let is_complete = self.has(Extension::Foreverypart) && self.has(Extension::Variables);
                    if self.has(Extension::Extracttext) && !is_complete {
                        let at = nodes.first().map_or(Position { line: 1, column: 1 }, |node| node.at);
                        self.problem(at, "extracttext needs require [\"foreverypart\", \"variables\"]");
                    }
                    if let Some(script) = self.scripts.get_mut(index) {
                        script.block = block;
                    }
                }
                Err(mut problems) => self.problems.append(&mut problems),
            }
        }
        self.open.pop();
        self.scope = around;
        (index, self.problems.len() == before)
    }

    /// The index of the script to include (RFC 6609 §3.2); none if it cannot be, which has been complained about.
    pub fn include(&mut self, location: Location, name: &str, at: Position, tags: Include) -> Option<usize> {
        let known = self
            .scripts
            .iter()
            .position(|script| script.location == Some(location) && script.name == name);
        if let Some(index) = known {
            if self.open.contains(&index) && !tags.once {
                self.problem(at, format!("circular include: the script '{name}' includes itself"));
                return None;
            }
            return Some(index);
        }
        let Some(text) = self.library.script(location, name) else {
            if !tags.optional {
                self.problem(at, format!("the included script '{name}' does not exist"));
            }
            return None;
        };
        let (most, deepest) = (self.settings.most_includes, self.settings.most_include_depth);
        if self.scripts.len() > most {
            self.problem(at, format!("too many included scripts: at most {most} are allowed"));
            return None;
        }
        if self.open.len() > deepest {
            self.problem(at, format!("includes are nested too deeply: at most {deepest} are allowed"));
            return None;
        }
        let (index, right) = self.script(name, Some(location), &text);
        if !right {
            self.problem(at, format!("the included script '{name}' is wrong"));
        }
        right.then_some(index)
    }

    pub fn problem(&mut self, at: Position, message: impl Into<String>) {
        let script = self.scope.script.clone();
        self.problems.push(Problem {
            script,
            at,
            message: message.into(),
        });
    }

    /// Whether this is heard for the first time in the script.
    pub fn is_news(&mut self, what: String) -> bool {
        self.scope.told.insert(what)
    }

    pub fn has(&self, extension: Extension) -> bool {
        self.scope.extensions.contains(&extension)
    }

    /// From here on the script may use the extension.
    pub fn enable(&mut self, extension: Extension) {
        self.scope.extensions.insert(extension);
        self.extensions.insert(extension);
        if let Some(more) = extension.brings() {
            self.enable(more);
        }
    }

    /// Whether `require` may stand here (RFC 5228 §3.2).
    pub fn may_require(&self) -> bool {
        !self.scope.begun && self.scope.depth == 1
    }

    /// Whether `import` and `export` may stand here: at the top, behind `require` and each other.
    pub fn may_share(&self) -> bool {
        !self.scope.ordinary && self.scope.depth == 1
    }

    /// The names of the loops around, outermost first.
    pub fn loops(&mut self) -> &mut Vec<Option<Vec<u8>>> {
        &mut self.scope.loops
    }

    /// A variable of this name as it is known here.
    pub fn variable(&self, name: &str) -> Variable {
        Variable {
            name: name.to_owned(),
            global: self.scope.globals.contains(name),
        }
    }

    /// Makes a variable known; complains when there are too many.
    pub fn declare(&mut self, name: &str, at: Position) {
        self.scope.variables.insert(name.to_owned());
        let most = self.settings.most_variables;
        if self.scope.variables.len() > most && self.is_news("variables".into()) {
            self.problem(at, format!("too many variables: at most {most} are allowed"));
        }
    }

    /// Makes a global variable known; whether it may be one (RFC 6609 §3.4).
    pub fn declare_global(&mut self, name: &str, at: Position) -> bool {
        if self.scope.globals.contains(name) {
            return true;
        }
        if self.scope.variables.contains(name) {
            return false;
        }
        self.declare(name, at);
        self.scope.globals.insert(name.to_owned());
        true
    }

    /// Compiles the commands of a block.
    pub fn block(&mut self, nodes: &[Node]) -> Block {
        self.scope.depth = self.scope.depth.saturating_add(1);
        let mut block = Block::new();
        let mut branches = Branches::default();
        for node in nodes {
            if self.problems.len() >= limits::PROBLEMS {
                break;
            }
            if !Branches::goes_on(node) {
                block.extend(branches.finish());
            }
            if branches.takes(self, node) {
                (self.scope.begun, self.scope.ordinary) = (true, true);
                continue;
            }
            if node.name == "require" {
                require::compile(self, node);
                continue;
            }
            self.scope.begun = true;
            if let Some(command) = self.command(node) {
                block.push((node.at, command));
            }
            self.scope.ordinary = !matches!(node.name.as_str(), "import" | "export");
        }
        block.extend(branches.finish());
        self.scope.depth = self.scope.depth.saturating_sub(1);
        block
    }

    fn command(&mut self, node: &Node) -> Option<Box<dyn Command>> {
        let named = Named { node, is_test: false };
        let entry = self.entry(named)?;
        match entry.compile {
            Compile::Command(compile) | Compile::Both(compile, _) => compile(&mut self.arguments(named, entry)?),
            Compile::Test(_) => None,
        }
    }

    pub fn test(&mut self, node: &Node) -> Option<Box<dyn Test>> {
        let named = Named { node, is_test: true };
        let entry = self.entry(named)?;
        match entry.compile {
            Compile::Test(compile) | Compile::Both(_, compile) => compile(&mut self.arguments(named, entry)?),
            Compile::Command(_) => None,
        }
    }

    /// The entry of a name that may be used here.
    fn entry(&mut self, named: Named<'_>) -> Option<&'static Entry> {
        let (name, at) = (&named.node.name, named.node.at);
        let kind = if named.is_test { "test" } else { "command" };
        let control = ["if", "elsif", "else", "require"].contains(&name.as_str());
        let Some(entry) = registry::find(name) else {
            if control {
                self.problem(at, format!("attempted to use command '{name}' as test"));
            } else if self.is_news(format!("{kind} {name}")) {
                self.problem(at, format!("unknown {kind} '{name}' (reported only once)"));
            }
            return None;
        };
        if entry.needs.is_some_and(|extension| !self.has(extension)) {
            if self.is_news(format!("{kind} {name}")) {
                let extension = entry.needs.map_or("", Extension::name);
                self.problem(
                    at,
                    format!("unknown {kind} '{name}' (it needs require \"{extension}\"; reported only once)"),
                );
            }
            return None;
        }
        match (&entry.compile, named.is_test) {
            (Compile::Test(_), false) => self.problem(at, format!("attempted to use test '{name}' as command")),
            (Compile::Command(_), true) => self.problem(at, format!("attempted to use command '{name}' as test")),
            _ => return Some(entry),
        }
        None
    }

    /// The arguments that the entry asks for, with the tests.
    fn arguments<'c, 'n>(&'c mut self, named: Named<'n>, entry: &'static Entry) -> Option<Arguments<'c, 'a, 'n>> {
        let bound = self.bind(named, &entry.signature);
        let right_tests = self.has_right_tests(named, &entry.signature);
        let (bound, true) = (bound?, right_tests) else { return None };
        let right_block = named.is_test || self.has_right_block(named, &entry.signature);
        let tests: Option<Vec<_>> = named.node.tests.iter().map(|test| self.test(test)).collect();
        let tests = tests.filter(|_| right_block)?;
        Some(Arguments::new(self, named, bound, tests))
    }

    /// Whether a test has this name, so that it is no command whose `;` before it was forgotten.
    pub fn is_test_name(&self, name: &str) -> bool {
        registry::find(name).is_some_and(|entry| {
            entry.needs.is_none_or(|extension| self.has(extension)) && matches!(entry.compile, Compile::Test(_) | Compile::Both(..))
        })
    }
}

/// The tags of `include`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Include {
    pub once: bool,
    pub optional: bool,
}
