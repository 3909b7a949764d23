//! What a script may be at most. Limits of what it may do are settings: [`super::Settings`].

/// Octets of a script.
pub const SCRIPT: usize = 1_048_576;
/// Characters of a name of a command, test or tag.
pub const IDENTIFIER: usize = 32;
/// Octets of one string.
pub const STRING: usize = 1_048_576;
/// Strings of one list, and tests of one list.
pub const LIST: usize = 1_024;
/// Arguments of one command or test.
pub const ARGUMENTS: usize = 32;
/// Blocks in blocks, and tests in tests (RFC 5228 §2.10.5: at least 15).
pub const NESTING: usize = 32;
/// Mistakes that are told of one script.
pub const PROBLEMS: usize = 100;
/// Match variables, `${0}` not counted (RFC 5229 §3.2: at least 9).
pub const MATCH_VALUES: usize = 32;
/// Characters of the name of a variable, and names joined by dots (RFC 5229 §3).
pub const VARIABLE_NAME: usize = 64;
/// Names joined by dots.
pub const NAMESPACES: usize = 4;
/// `foreverypart` in `foreverypart`, those of included scripts too (RFC 5703 §3).
pub const LOOPS: usize = 4;
/// Flags that one string or variable may hold.
pub const FLAGS: usize = 128;
/// `replace` and `enclose` of one run, each of which makes another message.
pub const REPLACEMENTS: usize = 4;
/// KiB of the programs of regular expressions: the steps in which their sizes are told apart, up to the most.
pub const REGEX: [usize; 4] = [4, 16, 64, 256];
