//! What mail clients are told to be set up with, in the form that each of them reads.
//!
//! Called by `api`. Pure; whatever a client sent stands in the answer as text, never as markup.

pub mod autoconfig;
pub mod autodiscover;
pub mod mobileconfig;
#[cfg(test)]
mod tests;

use quick_xml::escape::escape;

/// An element with a text.
fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escape(text))
}
