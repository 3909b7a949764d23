//! Spans that only traces are made of.

/// The target of spans that are not shown with log lines. As long as nobody collects traces, they cost nothing.
pub const TRACED: &str = "posthouse_traces";
