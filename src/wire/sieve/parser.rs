//! From words to commands (RFC 5228 §8.2), going on after a mistake so that the author hears of all at once.

use super::lexer::{Lexer, Token, Word};
use super::limits;
use super::problem::{Position, Problem};
use super::syntax::{Argument, Node, Value};

/// The commands of a script, or what is wrong with its grammar.
pub(super) fn parse(name: &str, script: &[u8]) -> Result<Vec<Node>, Vec<Problem>> {
    let mut parser = Parser::new(name, script);
    let mut commands = Vec::new();
    while parser.next.word != Word::End && parser.problems.len() < limits::PROBLEMS {
        parser.commands(&mut commands, 0);
        if parser.next.word != Word::End {
            parser.complain("unexpected '}': there is no block to end");
            parser.advance();
        }
    }
    match parser.problems.is_empty() {
        true => Ok(commands),
        false => Err(parser.problems),
    }
}

/// The command cannot be read on; it has been complained about.
struct Broken;

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Token,
    script: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Parser<'a> {
    fn new(script: &'a str, text: &'a [u8]) -> Self {
        let at = Position { line: 1, column: 1 };
        let mut parser = Self {
            lexer: Lexer::new(text),
            next: Token { at, word: Word::End },
            script,
            problems: Vec::new(),
        };
        parser.advance();
        parser
    }

    fn advance(&mut self) -> Token {
        let next = self.lexer.next();
        for (at, message) in self.lexer.complaints() {
            self.complain_at(at, message);
        }
        std::mem::replace(&mut self.next, next)
    }

    fn complain(&mut self, message: impl Into<String>) {
        self.complain_at(self.next.at, message.into());
    }

    fn complain_at(&mut self, at: Position, message: String) {
        let script = self.script.to_owned();
        self.problems.push(Problem { script, at, message });
    }

    fn is(&self, mark: u8) -> bool {
        self.next.word == Word::Mark(mark)
    }

    /// Takes the mark if it is next.
    fn takes(&mut self, mark: u8) -> bool {
        let found = self.is(mark);
        if found {
            self.advance();
        }
        found
    }

    /// Commands up to the end of the block or the script.
    fn commands(&mut self, out: &mut Vec<Node>, depth: usize) {
        while self.next.word != Word::End && !self.is(b'}') && self.problems.len() < limits::PROBLEMS {
            match self.command(depth) {
                Ok(node) => out.push(node),
                Err(Broken) => self.recover(),
            }
        }
    }

    fn command(&mut self, depth: usize) -> Result<Node, Broken> {
        let mut node = self.node(0)?;
        if self.takes(b';') {
            return Ok(node);
        }
        if !self.is(b'{') {
            let found = self.next.word.name();
            self.complain(format!(
                "expected end of command ';' or the beginning of a block '{{' after '{}', but found {found}",
                node.name
            ));
            self.recover();
            return Ok(node);
        }
        if depth >= limits::NESTING {
            self.complain(format!("blocks are nested too deeply: at most {} are allowed", limits::NESTING));
            return Err(Broken);
        }
        let at = self.advance().at;
        let mut block = Vec::new();
        self.commands(&mut block, depth.saturating_add(1));
        if !self.takes(b'}') && self.problems.len() < limits::PROBLEMS {
            self.complain_at(at, "the block that begins here is never ended by '}'".into());
        }
        node.block = Some(block);
        Ok(node)
    }

    /// A name with its arguments and tests; `depth` counts tests in tests.
    fn node(&mut self, depth: usize) -> Result<Node, Broken> {
        let Word::Identifier(name) = &self.next.word else {
            let found = self.next.word.name();
            self.complain(format!("expected a command or a test, but found {found}"));
            return Err(Broken);
        };
        let name = name.clone();
        if depth > limits::NESTING {
            self.complain(format!("tests are nested too deeply: at most {} are allowed", limits::NESTING));
            return Err(Broken);
        }
        let at = self.advance().at;
        let mut node = Node {
            name,
            at,
            arguments: self.arguments()?,
            tests: Vec::new(),
            is_list: self.is(b'('),
            block: None,
        };
        match self.next.word {
            Word::Identifier(_) => node.tests.push(self.node(depth.saturating_add(1))?),
            Word::Mark(b'(') => node.tests = self.test_list(depth.saturating_add(1))?,
            _ => {}
        }
        Ok(node)
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, Broken> {
        let mut arguments = Vec::new();
        loop {
            let at = self.next.at;
            match self.next.word {
                Word::Tag(_) | Word::Number(_) | Word::Text(_) => {}
                Word::Mark(b'[') => {}
                _ => return Ok(arguments),
            }
            if arguments.len() >= limits::ARGUMENTS {
                self.complain(format!("too many arguments: at most {} are allowed", limits::ARGUMENTS));
                return Err(Broken);
            }
            let value = match self.advance().word {
                Word::Tag(name) => Value::Tag(name),
                Word::Number(number) => Value::Number(number),
                Word::Text(text) => Value::Text(text),
                _ => Value::List(self.string_list()?),
            };
            arguments.push(Argument { at, value });
        }
    }

    /// The strings after a `[`, and the `]`.
    fn string_list(&mut self) -> Result<Vec<(Position, Vec<u8>)>, Broken> {
        let mut list = Vec::new();
        loop {
            if !matches!(self.next.word, Word::Text(_)) {
                let found = self.next.word.name();
                self.complain(format!("expected a string in the string list, but found {found}"));
                return Err(Broken);
            }
            if list.len() >= limits::LIST {
                self.complain(format!("the string list is too long: at most {} strings are allowed", limits::LIST));
                return Err(Broken);
            }
            let token = self.advance();
            if let Word::Text(text) = token.word {
                list.push((token.at, text));
            }
            if self.takes(b']') {
                return Ok(list);
            }
            if !self.takes(b',') {
                let found = self.next.word.name();
                self.complain(format!("expected ',' or the end of the string list ']', but found {found}"));
                return Err(Broken);
            }
        }
    }

    fn test_list(&mut self, depth: usize) -> Result<Vec<Node>, Broken> {
        if depth > limits::NESTING {
            self.complain(format!("tests are nested too deeply: at most {} are allowed", limits::NESTING));
            self.skip_parentheses(0);
            return Ok(Vec::new());
        }
        self.advance();
        let mut tests = Vec::new();
        loop {
            match self.node(depth) {
                Ok(test) => tests.push(test),
                Err(Broken) => {
                    self.skip_parentheses(1);
                    return Ok(tests);
                }
            }
            if self.takes(b')') {
                return Ok(tests);
            }
            if !self.takes(b',') {
                let found = self.next.word.name();
                self.complain(format!("expected ',' or the end of the test list ')', but found {found}"));
                return Err(Broken);
            }
            if tests.len() >= limits::LIST {
                self.complain(format!("the test list is too long: at most {} tests are allowed", limits::LIST));
                return Err(Broken);
            }
        }
    }

    /// Goes behind the `)` that closes the list; stops before what cannot be in one.
    fn skip_parentheses(&mut self, open: usize) {
        let mut open = open;
        loop {
            match self.next.word {
                Word::Mark(b'(') => open = open.saturating_add(1),
                Word::Mark(b')') => open = open.saturating_sub(1),
                Word::Mark(b';' | b'{' | b'}') | Word::End => return,
                _ => {}
            }
            self.advance();
            if open == 0 {
                return;
            }
        }
    }

    /// Goes behind the end of a broken command: its `;` or its block; or before the end of the block around it.
    fn recover(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.next.word {
                Word::End => return,
                Word::Mark(b'}') if open == 0 => return,
                Word::Mark(b'{') => open = open.saturating_add(1),
                Word::Mark(b'}') => open = open.saturating_sub(1),
                Word::Mark(b';') => {}
                _ => {
                    self.advance();
                    continue;
                }
            }
            self.advance();
            if open == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(script: &str) -> Vec<(u32, u32)> {
        let problems = parse("test", script.as_bytes()).err().unwrap_or_default();
        problems.into_iter().map(|it| (it.at.line, it.at.column)).collect()
    }

    #[test]
    fn commands_are_read() {
        let script = "require [\"a\", \"b\"];\nif anyof(not true, header :is \"a\" \"b\") { keep; stop; } else { x :t 1 \"a\" [\"b\"]; }";
        let commands = parse("test", script.as_bytes()).unwrap();
        assert_eq!(commands.len(), 3);
        assert_eq!(commands[1].tests[0].tests.len(), 2);
        assert_eq!(commands[1].tests[0].tests[0].tests[0].name, "true");
        assert!(commands[1].tests[0].is_list);
        assert_eq!(commands[1].block.as_ref().unwrap().len(), 2);
        assert_eq!(commands[2].block.as_ref().unwrap()[0].arguments.len(), 4);
    }

    #[test]
    fn all_mistakes_are_told_with_their_places() {
        assert_eq!(mistakes("keep"), [(1, 5)]);
        assert_eq!(mistakes("if true {\n keep\n}\nkeep;"), [(3, 1)]);
        assert_eq!(mistakes("if anyof(true,) { keep; } stop"), [(1, 15), (1, 31)]);
        assert_eq!(mistakes("x [\"a\" \"b\"]; x []; } keep;"), [(1, 8), (1, 17), (1, 20)]);
        assert_eq!(mistakes("if true { keep;"), [(1, 9)]);
        let deep = format!("{}stop;{}", "if true { ".repeat(40), "} ".repeat(40));
        assert_eq!(mistakes(&deep).len(), 1);
        let deep = format!("if {}true{} {{ stop; }} x $;", "anyof(".repeat(40), ")".repeat(40));
        assert_eq!(mistakes(&deep).len(), 3);
        assert_eq!(mistakes(&format!("if {}true {{ stop; }}", "not ".repeat(40))).len(), 1);
        assert_eq!(mistakes(&format!("x {};", "1 ".repeat(40))).len(), 1);
    }
}
